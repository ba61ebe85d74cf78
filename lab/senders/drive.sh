#!/bin/bash
# Runs one kind of sender on its host: drive.sh PROGRAM SETTINGS. SETTINGS gives HELO (empty: the program's own default), FROM,
# COUNT (mails to send), SEED, BUILT, PROGRAMS. It writes what it is to /run/version and how it went to /run/report, and ends.
#
# A program's file gives: version; setup (optional); send SERVER FROM RCPT...; and, where it keeps a queue, QUEUES=1 and queued (how many wait).
# A program without a queue is tried again after a failure as a job queue of an application would: twice, some seconds later.
set -u
PROGRAM=$1; . "$2"
export HELO FROM BUILT PROGRAMS NODE_EXTRA_CA_CERTS=/etc/ssl/receiver.pem
DEBS=$BUILT/debs; MSG=/tmp/message; QUEUES=0; RANDOM=$SEED
setup() { :; }
# Software whose package is only unpacked stands over the machine's own for this host.
unpacked() {
    [ -e "$DEBS/$1/done" ] || { echo "package $1 could not be fetched" >&2; exit 3; }
    mkdir -p /run/over/up /run/over/work
    mount -t overlay overlay -o "lowerdir=$DEBS/$1/root/usr:/usr,upperdir=/run/over/up,workdir=/run/over/work" /usr
    for d in etc var; do [ -d "$DEBS/$1/root/$d" ] && cp -a "$DEBS/$1/root/$d/." "/$d/"; done
}
# Whether the exchanger offers STARTTLS: what an administrator would set for a client that cannot find out.
tls() { case $1 in *secure*) echo on ;; *) echo off ;; esac; }
. "$PROGRAMS/$PROGRAM.sh"
setup || { echo "skipped: setup failed" > /run/report; exit 3; }
version > /run/version 2>/dev/null
[ "$QUEUES" = 1 ] && tail_wait=30 || tail_wait=0

tops=(Invoice Meeting Offer Report Newsletter "Your order" Minutes Delivery Question Photos)
names=(anna bela carl dora emil fred gina hugo ines jan)
# Where mail goes: mostly a plain exchanger, some that defers at first, some with STARTTLS, one recipient in ten that does not exist,
# one mail in twelve to a mistyped domain, which is a trap.
letter() {
    local n=$1 name=${names[RANDOM % 10]}$((RANDOM % 1000))
    case $((n % 12)) in
        1|7) server=mx.grey.example; to=("$name@grey.example") ;;
        2) server=mx.secure.example; to=("$name@secure.example") ;;
        3) server=mx.inbxo.example; to=("$name@inbxo.example") ;;
        4) server=mx.inbox.example; to=("$name@inbox.example" "gone$n@inbox.example" "b$name@inbox.example") ;;
        5) server=mx.inbox.example; to=("$name@inbox.example" "b$name@inbox.example" "c$name@inbox.example") ;;
        8) server=mx.inbox.example; to=("former$n@inbox.example") ;;
        9|10) server=mx.slowly.example; to=("$name@slowly.example") ;;
        *) server=mx.inbox.example; to=("$name@inbox.example") ;;
    esac
    SUBJECT="${tops[RANDOM % 10]} $n"
    BODY="Dear $name, this is letter $n about ${tops[RANDOM % 10]}. Please answer by $((RANDOM % 28 + 1)) May. Kind regards"
    local list; list=$(printf ', %s' "${to[@]}")
    printf 'From: %s\nTo: %s\nSubject: %s\nDate: %s\nMessage-ID: <%s.%s@%s>\n\n%s\n' "$FROM" "${list:2}" "$SUBJECT" "$(date -R)" "$n" "$RANDOM" "${FROM#*@}" "$BODY" > "$MSG"
}
failed=0
for ((n = 0; n < COUNT; n++)); do
    letter "$((n + ${FIRST:-0}))"; export SUBJECT BODY MSG
    for try in 1 2 3; do
        send "$server" "$FROM" "${to[@]}" >/run/last.out 2>/run/last.err && break
        # What was refused for good is not tried again.
        [ "$server" = mx.grey.example ] && [ $try -lt 3 ] && { sleep 3; continue; }
        failed=$((failed + 1)); cp /run/last.err /run/failed.err; break
    done
done
for ((i = 0; i < tail_wait; i++)); do [ "$(queued)" = 0 ] && break; sleep 1; done
echo "sent $COUNT, given up $failed" > /run/report

#!/bin/sh
# heloscope collect: gathers what tells why an address is on a blocklist, on a host where nothing
# may be installed, into one archive for `heloscope investigate`.
#
#   ssh root@host sh -s < collect.sh > bundle.tar.gz      (options: sh -s -- --around TIME)
#   sh collect.sh [--out FILE] [--since TIME] [--until TIME] [--around TIME [--window MINUTES]]
#                 [--capture SECONDS] [--web-root DIR]... [--limit MB]
#
# TIME is UTC: 2026-11-24 14:30, 2026-11-24T14:30:00Z or @SECONDS. Without a time: the last 14 days.
# It reads; what it writes is one private temporary folder, removed at the end, and the archive.
# Every command and copy has bounds of time and size; MANIFEST in the archive has the sha256 of each
# file, could-not-read.txt what is missing and why. Needs a POSIX shell, tar and the usual tools.
#
# Exit: 0 done; 1 done, but something could not be read for want of permission; 64 bad usage;
# 73 the archive cannot be made; 74 writing it failed; 77 a capture was asked for without privilege.

set -u
umask 077
LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
export PATH

FILE_MOST=67108864   # bytes of one file: of a larger log the window's lines are kept, the last of them
TOTAL_MOST=1024      # MB of everything before it is packed (--limit)
SECONDS_MOST=60      # of one command
SCRIPT_MOST=65536    # bytes of a script in a temporary folder that is copied
SCRIPTS_MOST=200     # scripts copied, files hashed there
LISTED_MOST=300000   # files listed of one web root

out='' since='' until='' around='' window=720 capture=0 web_roots=''

usage() {
    printf 'heloscope collect: %s (see the first lines of the script)\n' "$1" >&2
    exit 64
}
say() { printf 'heloscope collect: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# A time as typed -> seconds since 1970.
epoch() {
    case $1 in
    @*[!0-9]* | @) return 1 ;;
    @*) printf '%s\n' "${1#@}" ;;
    *[!0-9TZ:\ -]*) return 1 ;;
    *)
        typed=$(printf '%s' "$1" | tr 'TZ' '  ' | sed 's/ *$//')
        date -u -d "$typed" +%s 2>/dev/null || date -u -j -f '%Y-%m-%d %H:%M' "$typed" +%s 2>/dev/null
        ;;
    esac
}
whole() { case $1 in '' | *[!0-9]*) usage "not a whole number: $1" ;; esac; }

while [ $# -gt 0 ]; do
    case $1 in
    --out | --since | --until | --around | --window | --capture | --web-root | --limit)
        [ $# -ge 2 ] || usage "$1 needs a value"
        case $1 in
        --out) out=$2 ;;
        --since) since=$(epoch "$2") || usage "not a time: $2" ;;
        --until) until=$(epoch "$2") || usage "not a time: $2" ;;
        --around) around=$(epoch "$2") || usage "not a time: $2" ;;
        --window) whole "$2" && window=$2 ;;
        --capture) whole "$2" && capture=$2 ;;
        --limit) whole "$2" && TOTAL_MOST=$2 ;;
        --web-root)
            [ -d "$2" ] || usage "not a folder: $2"
            web_roots="$web_roots$2
"
            ;;
        esac
        shift 2
        ;;
    *) usage "unknown: $1" ;;
    esac
done

now=$(date +%s)
if [ -n "$around" ]; then
    since=$((around - window * 60)) until=$((around + window * 60))
fi
until=${until:-$now}
since=${since:-$((until - 14 * 86400))}
[ "$since" -le "$until" ] || usage "--since lies after --until"
[ "$capture" -le 3600 ] || usage "--capture takes at most 3600 seconds"
user=$(id -u)
have tar || { say "no tar here: the archive cannot be made"; exit 73; }
if [ "$capture" -gt 0 ]; then
    have tcpdump || { say "no tcpdump here: run without --capture"; exit 73; }
    [ "$user" -eq 0 ] || { say "--capture needs root"; exit 77; }
fi

# Where the archive goes: a pipe or file given by the caller, else a file that is not there yet.
pack=cat ending=tar
have gzip && pack='gzip -c' ending=tar.gz
if [ -z "$out" ] && [ ! -t 1 ]; then
    out=-
elif [ -z "$out" ]; then
    out=heloscope-$(uname -n)-$(date -u +%Y%m%dT%H%M%SZ).$ending
fi
if [ "$out" != - ]; then
    (set -C && : >"$out") 2>/dev/null || { say "cannot make $out (it is there already, or its folder cannot be written)"; exit 73; }
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/heloscope.XXXXXXXX" 2>/dev/null) || {
    work=${TMPDIR:-/tmp}/heloscope.$$
    mkdir "$work" 2>/dev/null || { say "cannot make a temporary folder in ${TMPDIR:-/tmp} (TMPDIR names another)"; exit 73; }
}
recorder=''
trap '[ -z "$recorder" ] || kill "$recorder" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 74' HUP INT TERM
stage=$work/bundle
mkdir "$stage" "$stage/host"
manifest=$stage/MANIFEST unread=$stage/could-not-read.txt
: >"$work/error"
refused=0 used=0
TOTAL_MOST=$((TOTAL_MOST * 1048576))
free=$(df -Pk "$work" 2>/dev/null | awk 'NR == 2 { print $4 }')
case $free in
'' | *[!0-9]*) ;;
# Half of what is free: the packed archive may lie on the same disk.
*) [ $((free * 512)) -lt "$TOTAL_MOST" ] && TOTAL_MOST=$((free * 512)) ;;
esac

{
    printf 'heloscope.bundle/1\n'
    printf 'made %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    printf 'host %s\n' "$(uname -n)"
    printf 'uid %s\n' "$user"
    printf 'window %s %s\n' "$since" "$until"
    printf '# sha256 bytes status seconds path command\n'
} >"$manifest"
: >"$unread"

# WHAT, KIND (permission, absent, failed, limit, cut, link), WHY.
could_not() {
    [ "$2" = permission ] && refused=$((refused + 1))
    printf '%s\t%s\t%s\n' "$1" "$2" "$3" | tr -d '\r' >>"$unread"
}

hash_of() {
    if have sha256sum; then sha256sum <"$1" | cut -d ' ' -f 1
    elif have sha256; then sha256 -q <"$1"
    elif have shasum; then shasum -a 256 <"$1" | cut -d ' ' -f 1
    elif have openssl; then openssl dgst -sha256 <"$1" | sed 's/.*= *//'
    else printf '%s\n' -; fi
}
size_of() { wc -c <"$1" | tr -d ' '; }
changed_at() { stat -c %Y "$1" 2>/dev/null || stat -f %m "$1" 2>/dev/null || printf '%s\n' "$now"; }

# A file of the bundle is done: its line in the manifest.
record() {
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$(hash_of "$stage/$1")" "$(size_of "$stage/$1")" "$2" "$3" "$1" "$4" >>"$manifest"
    used=$((used + $(size_of "$stage/$1")))
}

if timeout -k 2 2 true >/dev/null 2>&1; then
    limited() { timeout -k 5 "$@"; }
else
    limited() { shift; "$@"; }
fi

# One command's output below its command line. FILE COMMAND...; true where it worked.
section() {
    into=$stage/host/$1
    shift
    printf '# %s\n' "$*" >>"$into"
    { limited "$SECONDS_MOST" "$@" </dev/null 2>"$work/error"; printf '%s\n' $? >"$work/status"; } |
        head -c "$FILE_MOST" >>"$into"
    status=$(cat "$work/status")
    [ "$status" -eq 0 ] && return 0
    why="exit $status: $(head -n 1 "$work/error" | head -c 200)"
    [ "$status" -eq 124 ] && why="stopped after $SECONDS_MOST seconds"
    kind=failed
    if [ "$user" -ne 0 ] && grep -qiE 'permi|denied|root|superuser|privileg' "$work/error"; then kind=permission; fi
    could_not "$*" "$kind" "$why"
    return 1
}

# A command that is a file of its own; true where it gave something.
run() {
    file=$1
    shift
    have "$1" || return 1
    [ "$used" -lt "$TOTAL_MOST" ] || { could_not "$*" limit 'the archive is full'; return 1; }
    began=$(date +%s)
    section "$file" "$@"
    if [ "$(wc -l <"$stage/host/$file")" -le 1 ] && [ "$status" -ne 0 ]; then
        rm -f "$stage/host/$file"
        return 1
    fi
    record "host/$file" "$status" $(($(date +%s) - began)) "$*"
}

# Lines of the window's days, for logs that are too large to be taken whole.
days() {
    day=$((since - 86400))
    while [ "$day" -le $((until + 86400)) ] && [ $((day - since)) -lt 3456000 ]; do
        date -u -d "@$day" '+%b %e %n%Y-%m-%d%n%d/%b/%Y' 2>/dev/null || return
        day=$((day + 86400))
    done
}
days | sort -u >"$work/days"

unpacked() {
    case $1 in
    *.gz) gzip -dc <"$1" ;;
    *.xz) xz -dc <"$1" ;;
    *.bz2) bzip2 -dc <"$1" ;;
    *.zst) zstd -dc <"$1" ;;
    *) cat <"$1" ;;
    esac
}

# A copy of one file, under its own path or the one given.
take() {
    path=${2:-${1#/}}
    if [ -L "$1" ]; then could_not "$1" link 'a link, not followed: collect what it names by hand'; return; fi
    [ -f "$1" ] || return
    [ -r "$1" ] || { could_not "$1" permission 'permission denied'; return; }
    [ -e "$stage/$path" ] && return
    size=$(size_of "$1")
    kept=$size
    [ "$kept" -gt "$FILE_MOST" ] && kept=$FILE_MOST
    [ $((used + kept)) -le "$TOTAL_MOST" ] || { could_not "$1" limit "$size bytes, and the archive is full"; return; }
    mkdir -p "$stage/$(dirname "$path")"
    began=$(date +%s)
    if [ "$size" -le "$FILE_MOST" ]; then
        # A file may be swapped for a link or a pipe while it is read.
        limited "$SECONDS_MOST" cp -Pp "$1" "$stage/$path" </dev/null 2>"$work/error" || {
            could_not "$1" failed "$(head -n 1 "$work/error" | head -c 200)"
            rm -f "$stage/$path"
            return
        }
        if [ -L "$stage/$path" ] || [ ! -f "$stage/$path" ]; then rm -f "$stage/$path"; return; fi
        chmod u+rw "$stage/$path"
        record "$path" 0 $(($(date +%s) - began)) copy
        return
    fi
    path=${path%.gz} path=${path%.xz} path=${path%.bz2} path=${path%.zst}
    unpacked "$1" 2>/dev/null | grep -aF -f "$work/days" 2>/dev/null | tail -c "$FILE_MOST" >"$stage/$path"
    [ -s "$stage/$path" ] || unpacked "$1" 2>/dev/null | tail -c "$FILE_MOST" >"$stage/$path"
    touch -r "$1" "$stage/$path"
    could_not "$1" cut "$size bytes: the lines of the window's days, the last $FILE_MOST bytes of them"
    record "$path" 0 $(($(date +%s) - began)) 'copy, cut'
}

# The folder of a pattern that may not be read hides what is in it.
closed() {
    folder=${1%/*}
    if [ -d "$folder" ] && { [ ! -r "$folder" ] || [ ! -x "$folder" ]; }; then
        grep -qF "$folder	" "$unread" || could_not "$folder" permission 'permission denied'
        return 0
    fi
    return 1
}

# Files of the patterns, whatever their time.
files() {
    for pattern in "$@"; do
        closed "$pattern" && continue
        for name in $pattern; do take "$name"; done
    done
}

# The rotated pieces of a log, oldest first: those that reach into the window. Under a folder of
# the bundle where the second word says so.
logs() {
    closed "$1" && return
    # shellcheck disable=SC2012,SC2086 # the pattern is to be split and expanded; odd names are left out
    ls -1tr -- $1 2>/dev/null >"$work/pieces"
    before=0
    while IFS= read -r piece; do
        [ -f "$piece" ] || continue
        changed=$(changed_at "$piece")
        if [ "$changed" -ge "$since" ] && [ "$before" -le "$until" ]; then
            take "$piece" "${2:+$2/$(printf '%s' "${piece#/}" | tr '/' '_')}"
        fi
        before=$changed
    done <"$work/pieces"
}

say "gathering on $(uname -n), please wait"

# The host in words, and what a site.toml would say of it.
have date && section system.txt date '+%Y-%m-%d %H:%M:%S %Z %z'
section system.txt uname -a
[ -r /etc/os-release ] && section system.txt cat /etc/os-release
have uptime && section system.txt uptime
have hostname && section system.txt hostname
section system.txt id
[ -d /run/systemd/system ] && have systemctl && section system.txt systemctl list-timers --all --no-pager
record host/system.txt 0 0 several

zone=$(cat /etc/timezone 2>/dev/null || readlink /etc/localtime 2>/dev/null | sed 's|.*/zoneinfo/||')
addresses=''
if have ip; then
    section network.txt ip addr
    section network.txt ip route show table all
    section network.txt ip -6 route
    addresses=$(ip -o addr show scope global 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }' |
        grep -vE '^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.|f[cd]|fe80|::1)' |
        awk '{ printf "%s\"%s\"", (NR > 1 ? ", " : ""), $1 }')
else
    have ifconfig && section network.txt ifconfig -a
    have route && section network.txt route -n
fi
[ -f "$stage/host/network.txt" ] && record host/network.txt 0 0 several
{
    printf '# Written by heloscope collect on the host: change what is wrong.\n'
    case $zone in '' | *[!A-Za-z0-9_+/-]*) ;; *) printf 'timezone = "%s"\n' "$zone" ;; esac
    [ -n "$addresses" ] && printf 'addresses = [%s]\n' "$addresses"
} >"$stage/site.toml"
record site.toml 0 0 'zone and public addresses'

# What changes from second to second comes first.
run ss.txt ss -tanpe || run netstat.txt netstat -tanpe || run netstat.txt netstat -tan
if [ "$user" -ne 0 ]; then could_not 'ss -tanpe' permission 'only the own processes are named'; fi
run ps.txt ps -ww -eo pid,ppid,uid,user,lstart,args || run ps.txt ps auxww ||
    run ps.txt ps -o pid,ppid,user,args || run ps.txt ps
# Which file each process really runs, whatever it calls itself; and whose number is whose.
run exe.txt sh -c 'ls -l /proc/[0-9]*/exe 2>/dev/null'
# shellcheck disable=SC2016 # awk's own variables
run users.txt awk -F: '{ print $1 ":x:" $3 ":" $4 "::" $6 ":" $7 }' /etc/passwd
run conntrack.txt conntrack -L || { [ -e /proc/net/nf_conntrack ] && run conntrack.txt cat /proc/net/nf_conntrack; }

# Firewall.
run iptables-save.txt iptables-save -c
run ip6tables-save.txt ip6tables-save -c
run nft-ruleset.json nft -j list ruleset
run nft-ruleset.txt nft list ruleset

# Mail server: settings, and how much waits (numbers only).
run postconf.txt postconf -n
files '/etc/postfix/main.cf' '/etc/postfix/master.cf'
if have postqueue && limited "$SECONDS_MOST" postqueue -j </dev/null >"$work/queue" 2>"$work/error"; then
    {
        printf '# messages waiting, by queue\n'
        sed -n 's/.*"queue_name": *"\([a-z]*\)".*/\1/p' "$work/queue" | sort | uniq -c
    } >"$stage/host/queue.txt"
    rm -f "$work/queue"
    record host/queue.txt 0 0 'postqueue -j, counted'
elif have postqueue; then
    could_not 'postqueue -j' failed "$(head -n 1 "$work/error" | head -c 200)"
fi

# Who is behind an address.
files '/var/lib/misc/dnsmasq.leases' '/var/lib/dnsmasq/dnsmasq.leases' '/tmp/dhcp.leases' \
    '/var/lib/dhcp/dhcpd.leases' '/var/lib/dhcpd/dhcpd.leases' '/var/lib/kea/kea-leases*.csv*'
run wg.txt wg show
files '/var/log/openvpn/*status*' '/var/log/openvpn-status.log' '/run/openvpn/*.status' \
    '/run/openvpn-server/status-*.log' '/etc/openvpn/*status*'

# What starts by the clock.
files '/etc/crontab' '/etc/anacrontab' '/etc/cron.d/*' '/etc/cron.hourly/*' '/etc/cron.daily/*' \
    '/etc/cron.weekly/*' '/etc/cron.monthly/*' '/var/spool/cron/*' '/var/spool/cron/crontabs/*' '/etc/crontabs/*'

# Logs of the window.
for pattern in '/var/log/mail.log*' '/var/log/maillog*' '/var/log/auth.log*' '/var/log/secure*' \
    '/var/log/syslog*' '/var/log/messages*' '/var/log/kern.log*' '/var/log/ufw.log*' '/var/log/daemon.log*' \
    '/var/log/cron.log*' '/var/log/cron' '/var/log/cron-*' '/var/log/squid/access.log*' '/var/log/squid3/access.log*' \
    '/var/log/haproxy.log*' '/var/log/vsftpd.log*' '/var/log/xferlog*' '/var/log/proftpd/*.log*' \
    '/var/log/pure-ftpd/*.log*' '/var/log/exim4/mainlog*' '/var/log/openvpn/*.log*' '/var/log/msmtp.log*'; do
    logs "$pattern"
done
# One journal; without entries in the window there is no file of it.
journal() {
    run "$@" || return
    if grep -q '^-- No entries' "$stage/host/$1"; then
        rm -f "$stage/host/$1"
        sed '$d' "$manifest" >"$work/manifest" && cat "$work/manifest" >"$manifest"
    fi
}
if have journalctl; then
    set -- -o short-iso --no-pager --since "@$since" --until "@$until"
    found() { for one in "$@"; do [ -f "$one" ] && return 0; done; return 1; }
    found "$stage"/var/log/mail* "$stage"/var/log/syslog* "$stage"/var/log/messages* ||
        journal journal-mail.txt journalctl "$@" -t postfix -u 'postfix*' -u exim4 -u dovecot
    found "$stage"/var/log/auth* "$stage"/var/log/secure* "$stage"/var/log/messages* ||
        journal journal-auth.txt journalctl "$@" -u ssh -u sshd -u cron -u crond -t sudo -t su
    found "$stage"/var/log/kern* "$stage"/var/log/syslog* "$stage"/var/log/messages* ||
        journal journal-kernel.txt journalctl -k "$@"
fi

# Web logs; those that lie in a web root would be taken for files of the site.
logs '/var/log/apache2/*access*'
logs '/var/log/httpd/*access*'
logs '/var/log/nginx/*access*'
logs '/var/log/lighttpd/*access*'
logs '/var/log/virtualmin/*_access_log*'
logs '/var/www/vhosts/system/*/logs/*access*' host/web-logs
logs '/home/*/logs/*access*' host/web-logs

# Web sites: names and times of files, nothing of their content.
listing() {
    if find "$1" -prune -printf '' 2>/dev/null; then
        find "$1" -xdev -type f -printf '%T@ %p\n'
    else
        find "$1" -xdev -type f -exec stat -c '%Y.0 %n' {} +
    fi
}
list() {
    name=files$(printf '%s' "$1" | tr -c 'A-Za-z0-9\n' '-').txt
    [ -e "$stage/host/$name" ] && return
    began=$(date +%s)
    printf '# find %s -xdev\n' "$1" >"$stage/host/$name"
    listing "$1" </dev/null 2>"$work/error" | grep -vF "$work" | head -n "$LISTED_MOST" | head -c "$FILE_MOST" >>"$stage/host/$name"
    if [ -s "$work/error" ] && [ "$user" -ne 0 ]; then
        could_not "$1" permission "$(wc -l <"$work/error" | tr -d ' ') folders of it could not be listed"
    fi
    record "host/$name" 0 $(($(date +%s) - began)) "find $1"
}
if [ -n "$web_roots" ]; then
    printf '%s' "$web_roots" >"$work/roots"
else
    for root in /var/www /srv/www /srv/http /usr/share/nginx/html /usr/local/www /home/*/public_html /home/*/domains; do
        [ -d "$root" ] && [ ! -L "$root" ] && printf '%s\n' "$root"
    done >"$work/roots"
fi
while IFS= read -r root; do list "$root"; done <"$work/roots"

# Programs where none belong: names, times and hashes; scripts themselves where they are small.
hashed=0
: >"$work/hashes"
for root in /tmp /var/tmp /dev/shm; do
    [ -d "$root" ] || continue
    list "$root"
    find "$root" -xdev -type f ! -path "$work/*" 2>/dev/null </dev/null | head -n 2000 >"$work/programs"
    while IFS= read -r name; do
        [ "$hashed" -lt "$SCRIPTS_MOST" ] || { could_not "$root" limit "more than $SCRIPTS_MOST programs: the rest was left out"; break; }
        if [ ! -r "$name" ] || [ -L "$name" ] || [ ! -f "$name" ]; then continue; fi
        case $(head -c 5 "$name" 2>/dev/null </dev/null | tr '\0' ' ') in
        '#!'* | '<?php') script=1 ;;
        *ELF*) script=0 ;;
        *) case $name in *.pl | *.py | *.sh | *.php | *.js | *.rb) script=1 ;; *) continue ;; esac ;;
        esac
        hashed=$((hashed + 1))
        printf '%s  %s\n' "$(hash_of "$name")" "$name" >>"$work/hashes"
        if [ "$script" = 1 ] && [ "$(size_of "$name")" -le "$SCRIPT_MOST" ]; then take "$name"; fi
    done <"$work/programs"
done
if [ -s "$work/hashes" ]; then
    mv "$work/hashes" "$stage/host/program-hashes.txt"
    record host/program-hashes.txt 0 0 'sha256 of programs in temporary folders'
fi

# Packets, only where they were asked for.
if [ "$capture" -gt 0 ]; then
    say "recording mail connections for $capture seconds"
    mkdir "$stage/captures"
    began=$(date +%s)
    tcpdump -U -n -i any -s 0 -c 500000 -w - 'tcp port 25 or tcp port 465 or tcp port 587' \
        </dev/null 2>"$work/error" >"$stage/captures/mail.pcap" &
    recorder=$!
    while [ $(($(date +%s) - began)) -lt "$capture" ] && kill -0 "$recorder" 2>/dev/null; do
        [ "$(size_of "$stage/captures/mail.pcap")" -lt $((FILE_MOST * 4)) ] || break
        sleep 1
    done
    kill -INT "$recorder" 2>/dev/null || kill "$recorder" 2>/dev/null
    wait "$recorder" 2>/dev/null
    recorder=''
    if [ -s "$stage/captures/mail.pcap" ]; then
        record captures/mail.pcap 0 $(($(date +%s) - began)) 'tcpdump -ni any, ports 25, 465, 587'
    else
        could_not tcpdump failed "$(head -n 1 "$work/error" | head -c 200)"
    fi
fi

record could-not-read.txt 0 0 'what is missing'
number=$(find "$stage" -type f | wc -l | tr -d ' ')
packed() { { tar -C "$stage" -cf - . 2>"$work/error" || : >"$work/failed"; } | $pack; }
if [ "$out" = - ]; then
    packed || : >"$work/failed"
else
    packed >"$out" || : >"$work/failed"
fi
if [ -e "$work/failed" ]; then
    [ "$out" = - ] || rm -f "$out"
    say "writing the archive failed $(head -n 1 "$work/error")"
    exit 74
fi
if [ "$out" != - ]; then
    printf 'bundle\t%s\nsha256\t%s\nfiles\t%s\nbytes\t%s\nrefused\t%s\n' \
        "$out" "$(hash_of "$out")" "$number" "$(size_of "$out")" "$refused"
fi
say "$number files$([ "$out" = - ] || printf ' in %s' "$out"); read it with: heloscope investigate FILE"
if [ "$refused" -gt 0 ]; then
    say "$refused things could not be read for want of permission; as root there is more"
    exit 1
fi
exit 0

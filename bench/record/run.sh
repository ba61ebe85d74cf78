#!/bin/sh
# What the flight recorder costs: its own CPU time, the kernel programs' time and memory at a rate of connections, and
# what is left of Postfix's throughput beside it.
#
#   bench/record/run.sh [RATE] [SECONDS] [MAILS] [PAIRS]
#
# First RATE connections a second for SECONDS (connect.py); every one must be in the record, and none lost. Then Postfix takes
# MAILS mails from smtp-source and delivers each in a connection of its own to smtp-sink, PAIRS times with the recorder and PAIRS
# without, in turn; the medians of both and of the pairs' ratios are printed. Needs root, Postfix, bpftool where the kernel
# programs are to be measured; uses ports 2525 to 2527 of loopback, and a Postfix of its own in a temporary folder.
set -eu

rate=${1:-2000}
seconds=${2:-30}
mails=${3:-2000}
pairs=${4:-10}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
folder=$(mktemp -d "${STATE:-/var/tmp}/heloscope-bench.XXXXXX")
chmod 755 "$folder"
recorder=''
sink=''
postfix=''

cd "$root"
[ -n "${HELOSCOPE:-}" ] || cargo build --quiet --release -p heloscope
heloscope=${HELOSCOPE:-$target/release/heloscope}

finish() {
    [ -z "$recorder" ] || kill "$recorder" 2>/dev/null || :
    [ -z "$sink" ] || kill "$sink" 2>/dev/null || :
    [ -z "$postfix" ] || postfix -c "$folder/postfix/etc" stop >/dev/null 2>&1 || :
    wait
    rm -rf "$folder"
}
trap finish EXIT

begin() { # RECORD PORT: the recorder, until it is ready
    "$heloscope" record --store "$1" --port "$2" --megabytes 2048 >"$folder/ready" 2>"$folder/says" &
    recorder=$!
    until grep -q ready "$folder/ready"; do
        kill -0 "$recorder" || { cat "$folder/says" >&2; exit 1; }
        sleep 0.1
    done
}

end() {
    kill "$recorder"
    wait "$recorder"
    recorder=''
}

ticks() { # CPU time of a process in hundredths of a second
    awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"
}

programs() { # nanoseconds that the recorder's programs ran
    bpftool prog show 2>/dev/null |
        awk '/name (state|forked|executed|exited) / { for (i = 1; i < NF; i++) if ($i == "run_time_ns") n += $(i + 1) } END { print n + 0 }'
}

sysctl -q -w kernel.bpf_stats_enabled=1 2>/dev/null || :
begin "$folder/rate" 2525
before=$(ticks "$recorder")
ran=$(programs)
python3 bench/record/connect.py 2525 "$rate" "$seconds" >"$folder/made"
sleep 1
used=$(($(ticks "$recorder") - before))
ran=$(($(programs) - ran))
peak=$(awk '/VmHWM/ { print $2 }' "/proc/$recorder/status")
anon=$(awk '/RssAnon/ { print $2 }' "/proc/$recorder/status")
end
sysctl -q -w kernel.bpf_stats_enabled=0 2>/dev/null || :
read -r made took <"$folder/made"
"$heloscope" record --show --store "$folder/rate" >"$folder/lines"
noted=$(grep -c '"event":"connection".*"outcome":"open"' "$folder/lines" || :)
ended=$(grep -c '"event":"ended"' "$folder/lines" || :)
lost=$(grep -c '"event":"lost"' "$folder/lines" || :)
bytes=$(du -sk "$folder/rate" | cut -f 1)
echo "| connections a second | noted | ended | lost | recorder, % of a core | programs, % of a core | peak MB (of its own) | record kB/s |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
awk -v made="$made" -v noted="$noted" -v ended="$ended" -v lost="$lost" -v used="$used" -v ran="$ran" \
    -v peak="$peak" -v anon="$anon" -v bytes="$bytes" -v s="$took" 'BEGIN {
    printf "| %d | %d of %d | %d | %d | %.1f | %.1f | %.1f (%.1f) | %d |\n", made / s, noted, made, ended, lost, used / s,
        ran / s / 1e7, peak / 1024, anon / 1024, bytes / s }'
rm -rf "$folder/rate" "$folder/lines"

# A Postfix of its own: takes on 2526, delivers to the sink on 2527 with a connection a mail.
etc=$folder/postfix/etc
mkdir -p "$etc" "$folder/postfix/spool" "$folder/postfix/data"
chown postfix "$folder/postfix/data"
cat >"$etc/main.cf" <<EOF
compatibility_level = 3.6
queue_directory = $folder/postfix/spool
data_directory = $folder/postfix/data
myhostname = mail.example.org
mydestination =
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:2527
smtp_connection_cache_on_demand = no
alias_maps =
maillog_file = $folder/postfix/log
maillog_file_prefixes = $folder
EOF
sed 's/^smtp  *inet .*/2526 inet n - n - - smtpd/; s/^\([a-z]*  *unix  *[-ny]  *[-ny]  *\)y/\1n/' /etc/postfix/master.cf >"$etc/master.cf"
postfix -c "$etc" start >/dev/null 2>&1 || { postfix -c "$etc" start; exit 1; }
postfix=yes

round() { # NAME: mails a second, from the first that comes in to the last that is out
    smtp-sink -u nobody -M "$mails" 127.0.0.1:2527 1024 &
    sink=$!
    sleep 0.3
    begun=$(date +%s%N)
    smtp-source -s 10 -m "$mails" -l 4096 -f a@example.org -t b@example.net inet:127.0.0.1:2526
    wait "$sink" || :
    sink=''
    took=$((($(date +%s%N) - begun) / 1000))
    awk -v n="$mails" -v t="$took" 'BEGIN { printf "%.1f\n", n * 1e6 / t }' >>"$folder/$1"
}

round warm
pair=1
while [ "$pair" -le "$pairs" ]; do
    # Whoever comes second finds warmer caches: they take turns.
    if [ $((pair % 2)) = 0 ]; then round without; fi
    begin "$folder/beside" 2527
    round with
    end
    if [ $((pair % 2)) = 1 ]; then round without; fi
    pair=$((pair + 1))
done
median() { sort -n | awk '{ v[NR] = $1 } END { printf "%s", v[int((NR + 1) / 2)] }'; }
echo
echo "| mails a second, with | without | median of the pairs' ratios |"
echo "| --- | --- | --- |"
ratio=$(paste "$folder/with" "$folder/without" | awk '{ printf "%.4f\n", $1 / $2 }' | tee "$folder/ratios" | median)
echo "| $(median <"$folder/with") | $(median <"$folder/without") | $ratio |"
echo "ratios: $(sort -n "$folder/ratios" | tr '\n' ' ')"

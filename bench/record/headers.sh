#!/bin/sh
# What the router's recorder (`record --headers-only`) costs, on a router of network namespaces: its CPU time and memory at a rate of
# connections, and under a flood of SYNs from forged addresses.
#
#   bench/record/headers.sh [RATE] [SECONDS]
#
# Every connection must be in the record, once, with its end. Needs root, iproute2, python3.
set -eu

if [ -z "${IN_ROUTER:-}" ]; then
    exec env IN_ROUTER=yes unshare -n "$0" "$@"
fi
rate=${1:-2000}
seconds=${2:-20}
root=$(cd "$(dirname "$0")/../.." && pwd)
heloscope=${HELOSCOPE:-${CARGO_TARGET_DIR:-$root/target}/release/heloscope}
folder=$(mktemp -d "${STATE:-/var/tmp}/heloscope-bench.XXXXXX")
unshare -n sleep 600 & inside=$!
unshare -n sleep 600 & outside=$!
recorder=''
server=''
finish() {
    kill $inside $outside $recorder $server 2>/dev/null || :
    wait
    rm -rf "$folder"
}
trap finish EXIT
sleep 0.3

ip link add lan0 type veth peer name eth0 netns $inside
ip link add wan0 type veth peer name eth0 netns $outside
ip addr add 192.168.9.1/24 dev lan0 && ip link set lan0 up
ip addr add 203.0.113.1/24 dev wan0 && ip link set wan0 up
ip route add default via 203.0.113.25
sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.lan0.rp_filter=0
nsenter -n -t $inside sh -c 'ip addr add 192.168.9.23/24 dev eth0; ip link set eth0 up; ip route add default via 192.168.9.1; sysctl -q -w net.ipv4.tcp_tw_reuse=1 net.ipv4.ip_local_port_range="1024 65535"'
nsenter -n -t $outside sh -c 'for n in 25 26 27 28; do ip addr add 203.0.113.$n/24 dev eth0; done; ip link set eth0 up; ip route add default via 203.0.113.1'
nsenter -n -t $outside python3 "$root/bench/record/headers.py" serve 25 & server=$!

ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

measure() { # NAME MODE ARGUMENTS...
    name=$1
    shift
    "$heloscope" record --headers-only --store "$folder/$name" >"$folder/ready" 2>"$folder/says" &
    recorder=$!
    until grep -q ready "$folder/ready"; do
        kill -0 $recorder || { cat "$folder/says" >&2; exit 1; }
        sleep 0.1
    done
    before=$(ticks $recorder)
    nsenter -n -t $inside python3 "$root/bench/record/headers.py" "$@" >"$folder/made"
    sleep 2
    used=$(($(ticks $recorder) - before))
    peak=$(awk '/VmHWM/ { print $2 }' "/proc/$recorder/status")
    anon=$(awk '/RssAnon/ { print $2 }' "/proc/$recorder/status")
    kill $recorder
    wait $recorder
    recorder=''
    read -r made took <"$folder/made"
    "$heloscope" record --show --json --store "$folder/$name" >"$folder/lines"
    open=$(grep -c '"outcome":"open"' "$folder/lines" || :)
    failed=$(grep '"event":"passing"' "$folder/lines" | grep -vc '"outcome":"open"' || :)
    ended=$(grep -c '"event":"ended"' "$folder/lines" || :)
    lost=$(sed -n 's/.*"event":"lost","events":\([0-9]*\).*/\1/p' "$folder/lines" | awk '{ n += $1 } END { print n + 0 }')
    bytes=$(du -sk "$folder/$name" | cut -f 1)
    awk -v name="$name" -v made="$made" -v open="$open" -v failed="$failed" -v ended="$ended" -v lost="$lost" -v used="$used" -v peak="$peak" \
        -v anon="$anon" -v bytes="$bytes" -v s="$took" 'BEGIN {
        printf "| %s | %d | %d | %d | %d | %d | %d | %.1f | %.1f (%.1f) | %d |\n", name, made / s, made, open, ended, failed, lost, used / s,
            peak / 1024, anon / 1024, bytes / s }'
    rm -rf "${folder:?}/$name"
}

echo "| | a second | made | open | ended | failed, told | lost, counted | % of a core | peak MB (of its own) | record kB/s |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
measure connections connect 203.0.113.25 25 "$rate" "$seconds"
# Nobody answers there.
measure flood flood 203.0.113.99 25 "$seconds"

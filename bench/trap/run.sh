#!/bin/sh
# The sensor beside Postfix's smtp-sink: sessions a second, and what ten thousand idle clients cost.
#
#   bench/trap/run.sh [SESSIONS] [RUNS]
#
# Postfix's smtp-source sends SESSIONS mails of 4 kB, one a connection, 20 at a time, to each server in
# turn, RUNS times; medians are printed. The sensor records every dialogue, sketches every body, and the
# detectors judge every session; smtp-sink only answers. Then 10,000 clients connect to the sensor, say
# EHLO and fall silent: its memory before and with them, and how long one more mail takes meanwhile.
set -eu

sessions=${1:-5000}
runs=${2:-5}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
folder=$(mktemp -d /tmp/heloscope-bench.XXXXXX)
port_trap=${PORT_TRAP:-2625}
port_sink=${PORT_SINK:-2626}

cd "$root"
cargo build --quiet --release -p heloscope-trap --example sightings
ulimit -n "$(ulimit -H -n)"

mkfifo "$folder/stdin"
"$target/release/examples/sightings" "127.0.0.1:$port_trap" --quiet --state "$folder" \
    --per-address 20000 <"$folder/stdin" 2>"$folder/trap.err" &
trap_pid=$!
exec 9>"$folder/stdin"
as=
[ "$(id -u)" -ne 0 ] || as='-u nobody' # smtp-sink does not run as root
smtp-sink $as -c "127.0.0.1:$port_sink" 1024 >"$folder/sink.out" 2>&1 &
sink_pid=$!
trap 'exec 9>&-; kill "$sink_pid" 2>/dev/null; wait; rm -rf "$folder"' EXIT
tries=0
up() { smtp-source -m 1 -f a@example.org -t b@example.net "inet:127.0.0.1:$1" 2>/dev/null; }
until up "$port_trap" && up "$port_sink"; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { echo "a server does not come up" >&2; exit 1; }
    sleep 0.1
done

send() { # NAME PORT
    begin=$(date +%s%N)
    smtp-source -s 20 -m "$sessions" -l 4096 -f a@example.org -t b@example.net "inet:127.0.0.1:$2"
    echo $((($(date +%s%N) - begin) / 1000)) >>"$folder/$1.times"
}

run=1
while [ "$run" -le "$runs" ]; do
    send sink "$port_sink"
    send trap "$port_trap"
    run=$((run + 1))
done

rate() { # NAME: sessions a second of the median run
    sort -n "$folder/$1.times" | awk -v n="$sessions" '{ v[NR] = $1 }
        END { printf "%.0f", n * 1000000 / v[int((NR + 1) / 2)] }'
}

cpu() { # PID: milliseconds of CPU time a session, of all runs
    awk -v n=$((sessions * runs)) -v hz="$(getconf CLK_TCK)" \
        '{ printf "%.3f", ($14 + $15) * 1000 / hz / n }' "/proc/$1/stat"
}

ours=$(rate trap) theirs=$(rate sink)
echo "$sessions sessions, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg); median of $runs"
echo "| | sessions a second | of smtp-sink's | CPU ms a session |"
echo "| --- | --- | --- | --- |"
echo "| smtp-sink | $theirs | 1.00 | $(cpu "$sink_pid") |"
awk -v o="$ours" -v t="$theirs" -v c="$(cpu "$trap_pid")" \
    'BEGIN { printf "| the sensor, every session judged | %d | %.2f | %s |\n", o, o / t, c }'

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$trap_pid/status"; }
before=$(rss)
python3 "$root/bench/trap/idle.py" "$port_trap" 10000 "$trap_pid" "$before"

#!/bin/sh
# Answers a second, ours beside rbldnsd with the same data, asked by dnsperf over loopback.
#
#   bench/dnsbl/run.sh [FOLDER] [LISTINGS] [SECONDS] [RUNS]
#
# FOLDER (default: a new one under /tmp) gets the zones and queries. Each server is asked alone, in turn;
# the servers' own CPU time is read from /proc, so that answers a CPU second can be compared though
# dnsperf and other work share the cores. Medians are printed. Ends with `get` beside `apply`.
set -eu

folder=${1:-$(mktemp -d /tmp/heloscope-bench.XXXXXX)}
listings=${2:-1000000}
seconds=${3:-10}
runs=${4:-3}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
bench=$target/release/examples/bench_list

cd "$root"
cargo build --quiet --release -p heloscope-dnsbl --example bench_list
mkdir -p "$folder"
chmod 755 "$folder"
rm -f "$folder"/*.runs
"$bench" write "$folder" "$listings"
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null' EXIT

ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# NAME ADDRESS PORT, with the server's process in $server: dnsperf, then CPU and memory of the server.
ask() {
    until dig +short +tries=1 +time=1 "@$2" -p "$3" 2.0.0.127.bl.example.org | grep -q 127; do sleep 0.2; done
    before=$(ticks "$server")
    dnsperf -s "$2" -p "$3" -d "$folder/queries" -l "$seconds" -c 8 -T 1 -q 200 >"$folder/$1.out" 2>&1
    after=$(ticks "$server")
    peak=$(awk '/VmHWM/ { print $2 }' "/proc/$server/status")
    awk -v cpu=$(((after - before) * 1000 / $(getconf CLK_TCK))) -v peak="$peak" '
        /Queries completed/ { done = $3; gsub(/[^0-9].*/, "", done) }
        /Queries lost/ { lost = $3 }
        /Queries per second/ { rate = $4 }
        /Average Latency/ { latency = $4 }
        END { printf "%.0f %.0f %d %d %d\n", rate, done / (cpu / 1000), lost, latency * 1000000, peak }
    ' "$folder/$1.out" >>"$folder/$1.runs"
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}

run=1
while [ "$run" -le "$runs" ]; do
    # shellcheck disable=SC2046 # a list of words
    rbldnsd -n -b 127.10.0.1/5300 -w "$folder" $(cat "$folder/arguments") >/dev/null &
    server=$!
    ask rbldnsd 127.10.0.1 5300
    for sockets in 1 2; do
        "$bench" serve 127.10.0.2:5300 "$listings" "$sockets" >"$folder/ready-$sockets" &
        server=$!
        ask "ours-$sockets" 127.10.0.2 5300
    done
    run=$((run + 1))
done

median() { # NAME FIELD
    awk -v f="$2" '{ print $f }' "$folder/$1.runs" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

echo "$listings listings, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg); median of $runs"
echo "| | answers a second | answers a CPU second of the server | lost | latency us | peak KiB |"
echo "| --- | --- | --- | --- | --- | --- |"
for name in rbldnsd ours-1 ours-2; do
    echo "| $name | $(median $name 1) | $(median $name 2) | $(median $name 3) | $(median $name 4) | $(median $name 5) |"
done
"$bench" table "$listings"

#!/bin/sh
# Sessions from a capture of mixed traffic: ours against tcpdump and tshark, on the same file.
#
#   bench/capture/run.sh [FOLDER] [MEGABYTES] [RUNS]
#
# FOLDER (default: a new one under /tmp) receives the capture, made once. Every run is measured
# with /usr/bin/time: wall, user + system CPU, peak memory. Runs alternate, so that a busy
# machine is busy for all; the median of each column is printed, and the ratios of CPU time.
# tshark is slow: it gets three runs at most.
set -eu

folder=${1:-$(mktemp -d /tmp/heloscope-bench.XXXXXX)}
megabytes=${2:-550}
runs=${3:-5}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

cd "$root"
cargo build --quiet --release -p heloscope-capture --examples
mkdir -p "$folder"
capture=$folder/mixed-$megabytes.pcap
[ -s "$capture" ] || "$target/release/examples/make_capture" "$capture" "$megabytes"

measure() { # NAME COMMAND...
    name=$1
    shift
    /usr/bin/time -q -a -o "$folder/$name.times" -f '%e %U %S %M' "$@" \
        >"$folder/$name.out" 2>"$folder/$name.err"
}

rm -f "$folder"/*.times
cat "$capture" >/dev/null # into the page cache, for all alike
run=1
while [ "$run" -le "$runs" ]; do
    measure heloscope "$target/release/examples/sessions" "$capture"
    measure tcpdump tcpdump -r "$capture" -w /dev/null 'port 25'
    if [ "$run" -le 3 ]; then
        measure tshark tshark -r "$capture" -Y smtp -T fields -e frame.number -e tcp.stream \
            -e smtp.req.command -e smtp.req.parameter -e smtp.response.code
    fi
    run=$((run + 1))
done

size=$(stat -c %s "$capture")
mail=$(tcpdump -r "$capture" -w - 'port 25 or port 587 or port 2525' 2>/dev/null | wc -c)
echo "$(date -u +%Y-%m-%d), $(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
echo "$(basename "$capture"): $size bytes, $((mail * 1000 / size)) per mille SMTP," \
    "$(($(wc -l <"$folder/heloscope.out") - 1)) sessions"
median() { # FILE COLUMN-EXPRESSION
    awk "{ print $2 }" "$folder/$1.times" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
printf '%-10s %5s %8s %8s %10s\n' what runs 'wall s' 'CPU s' 'peak KiB'
for name in heloscope tcpdump tshark; do
    printf '%-10s %5s %8s %8s %10s\n' "$name" "$(wc -l <"$folder/$name.times")" \
        "$(median $name '$1')" "$(median $name '$2 + $3')" "$(median $name '$4')"
done
ours=$(median heloscope '$2 + $3')
echo "CPU: $(awk "BEGIN { printf \"%.2f\", $ours / $(median tcpdump '$2 + $3') }") of tcpdump's;" \
    "tshark takes $(awk "BEGIN { printf \"%.0f\", $(median tshark '$2 + $3') / $ours }") times ours"

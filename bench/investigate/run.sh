#!/bin/sh
# A whole investigation of 1 GB: a 550 MB capture of mixed traffic, a 450 MB Postfix log of 30
# distinct days, and a notice. There is no peer that does this; the time to read the same bytes
# once (cat) is printed beside it.
#
#   bench/investigate/run.sh [FOLDER] [RUNS]
set -eu

folder=${1:-$(mktemp -d /tmp/heloscope-bench.XXXXXX)}
runs=${2:-5}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

cd "$root"
cargo build --quiet --release -p heloscope
cargo build --quiet --release -p heloscope-capture -p heloscope-maillog --examples
evidence=$folder/evidence
mkdir -p "$evidence"
[ -s "$evidence/gateway.pcap" ] || "$target/release/examples/make_capture" "$evidence/gateway.pcap" 550
[ -s "$evidence/mail.log" ] ||
    "$target/release/examples/postfix_log" --days 30 --bytes 460000000 >"$evidence/mail.log"
cat >"$evidence/notice.txt" <<'EOF'
IP Address 203.0.113.10 is listed in the CBL.

It was last detected at 2026-09-20 14:05 GMT (+/- 15 minutes).

This IP is infected (or NATting for a computer that is infected), because it HELOs as [127.0.0.1]
EOF

measure() { # NAME COMMAND...
    name=$1
    shift
    # Exit status 1 means that a cause was found.
    /usr/bin/time -q -a -o "$folder/$name.times" -f '%e %U %S %M' "$@" >/dev/null 2>&1 || [ $? = 1 ]
}

rm -f "$folder"/*.times
cat "$evidence"/* >/dev/null
run=1
while [ "$run" -le "$runs" ]; do
    measure investigate "$target/release/heloscope" investigate "$evidence"
    measure cat cat "$evidence/gateway.pcap" "$evidence/mail.log"
    run=$((run + 1))
done
median() { # FILE COLUMN-EXPRESSION
    awk "{ print $2 }" "$folder/$1.times" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
size=$(cat "$evidence/gateway.pcap" "$evidence/mail.log" | wc -c)
echo "$(date -u +%Y-%m-%d), $(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $size bytes, median of $runs"
printf '%-12s %8s %8s %10s\n' what 'wall s' 'CPU s' 'peak KiB'
for name in investigate cat; do
    printf '%-12s %8s %8s %10s\n' "$name" "$(median $name '$1')" "$(median $name '$2 + $3')" "$(median $name '$4')"
done

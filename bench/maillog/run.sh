#!/bin/sh
# The Postfix chain and the numbers of a log: ours against pflogsumm, on the same file.
#
#   bench/maillog/run.sh [FOLDER] [MEGABYTES] [RUNS]
#
# FOLDER (default: a new one under /tmp) receives the log, made once: 30 distinct days. Every run
# is measured with /usr/bin/time: wall, user + system CPU, peak memory. Runs alternate, so that a
# busy machine is busy for all; medians are printed, and pflogsumm's over ours: CPU time for one
# core, wall time for two. pflogsumm is slow: it gets three runs at most.
set -eu

folder=${1:-$(mktemp -d /tmp/heloscope-bench.XXXXXX)}
megabytes=${2:-300}
runs=${3:-5}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

cd "$root"
cargo build --quiet --release -p heloscope-maillog --examples
mkdir -p "$folder"
log=$folder/postfix-$megabytes.log
[ -s "$log" ] || "$target/release/examples/postfix_log" --days 30 --bytes "${megabytes}000000" >"$log"

measure() { # NAME COMMAND...
    name=$1
    shift
    /usr/bin/time -q -a -o "$folder/$name.times" -f '%e %U %S %M' "$@" \
        >"$folder/$name.out" 2>"$folder/$name.err"
}

rm -f "$folder"/*.times
cat "$log" >/dev/null # into the page cache, for all alike
run=1
while [ "$run" -le "$runs" ]; do
    measure numbers-1 "$target/release/examples/summarize_log" 1 "$log"
    measure numbers-2 "$target/release/examples/summarize_log" 2 "$log"
    measure mails-1 "$target/release/examples/follow_log" "$log" 1
    measure mails-2 "$target/release/examples/follow_log" "$log" 2
    if [ "$run" -le 3 ]; then
        measure pflogsumm pflogsumm "$log"
    fi
    run=$((run + 1))
done

cmp "$folder/numbers-1.out" "$folder/numbers-2.out"
cmp "$folder/mails-1.out" "$folder/mails-2.out"

median() { # NAME FIELD (cpu: user + system)
    awk -v f="$2" '{ print f == "cpu" ? $2 + $3 : f == "wall" ? $1 : $4 }' "$folder/$1.times" |
        sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

echo "$(wc -c <"$log") bytes, $(wc -l <"$log") lines, $(nproc) cores; median of $runs"
echo "| | wall s | CPU s | peak KiB | pflogsumm's CPU / ours | pflogsumm's wall / ours |"
echo "| --- | --- | --- | --- | --- | --- |"
for name in pflogsumm numbers-1 numbers-2 mails-1 mails-2; do
    awk -v n="$name" -v w="$(median $name wall)" -v c="$(median $name cpu)" \
        -v m="$(median $name peak)" -v pw="$(median pflogsumm wall)" \
        -v pc="$(median pflogsumm cpu)" 'BEGIN {
            printf "| %s | %.2f | %.2f | %d | %.1f | %.1f |\n", n, w, c, m, pc / c, pw / w }'
done

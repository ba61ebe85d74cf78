#!/bin/sh
# Fuzzes targets for a time and says what came of it.
#
#   fuzz/run.sh SECONDS [TARGET...]      without targets: all of fuzz_targets/
#
# Builds all, then runs JOBS (number of cores) targets at a time, each for SECONDS of wall time. A target
# begins with the seeds corpus/NAME alone and writes new inputs to target/corpus/NAME, which is emptied
# first; it uses NAME.dict where there is one. Prints a line a target. Exit status: 0 nothing found,
# 1 something was (its file under artifacts/NAME is named) or a target ended badly, 2 cannot run.
set -u
cd "$(dirname "$0")" || exit 2

case ${1-} in
    '' | *[!0-9]*) echo "usage: fuzz/run.sh SECONDS [TARGET...]" >&2; exit 2 ;;
esac
seconds=$1
shift
[ $# -gt 0 ] || set -- $(basename -s .rs fuzz_targets/*.rs)
for name; do
    [ -f "fuzz_targets/$name.rs" ] || { echo "no target $name" >&2; exit 2; }
done
jobs=${JOBS:-$(nproc)}

RUSTC_BOOTSTRAP=1 cargo fuzz build --fuzz-dir . -s none >&2 || exit 2
built=${CARGO_TARGET_DIR:-target}/$(rustc -vV | sed -n 's/^host: //p')/release
mkdir -p target/log || exit 2

# Runs one target and prints its line; fails where it left an artifact.
fuzz() {
    name=$1 log=target/log/$1
    rm -rf "target/corpus/$name"
    mkdir -p "target/corpus/$name" "artifacts/$name" "corpus/$name"
    : > "$log.begin"
    set -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="artifacts/$name/"
    [ ! -f "$name.dict" ] || set -- "$@" -dict="$name.dict"
    "$built/$name" "$@" "target/corpus/$name" "corpus/$name" > "$log" 2>&1 &
    fuzzer=$!
    wait "$fuzzer"
    status=$?
    fuzzer=
    found=$(find "artifacts/$name" -type f -newer "$log.begin")
    awk -v name="$name" -v status="$status" -v found="$(echo "$found" | grep -c .)" '
        / cov: / { sub(/.* cov: /, ""); cov = $1 }
        /^stat::number_of_executed_units:/ { runs = $2 }
        /^stat::average_exec_per_sec:/ { rate = $2 }
        END { printf "%-16s %10d runs %7d a second  cov %6d  %s\n", name, runs, rate, cov,
                     found ? found " found" : status ? "ended with status " status : "nothing found" }
    ' "$log"
    [ -z "$found" ] || echo "$found" | sed 's/^/    fuzz\//'
    [ -z "$found" ] && [ "$status" -eq 0 ]
}

# Every JOBS-th target, beginning with the one given, one after the other.
work() {
    nth=$1 fuzzer= failed=0
    shift
    trap '[ -z "$fuzzer" ] || kill "$fuzzer" 2> /dev/null; exit 1' INT TERM HUP
    at=0
    for target; do
        [ $((at % jobs)) -ne "$nth" ] || fuzz "$target" || failed=1
        at=$((at + 1))
    done
    exit "$failed"
}

workers=
trap 'kill $workers 2> /dev/null; wait; exit 1' INT TERM HUP
nth=0
while [ "$nth" -lt "$jobs" ] && [ "$nth" -lt $# ]; do
    work "$nth" "$@" &
    workers="$workers $!"
    nth=$((nth + 1))
done
failed=0
for worker in $workers; do
    wait "$worker" || failed=1
done
exit "$failed"

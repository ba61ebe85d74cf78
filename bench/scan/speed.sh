#!/bin/sh
# The same web root, scanned by clamscan and by heloscope scan, in pairs one after the other.
#
#   bench/scan/speed.sh WEB_ROOT [PAIRS]
#
# clamscan needs signatures: where /var/lib/clamav has none, a data base of ten is made, which favours
# clamscan (its own takes minutes to load and gigabytes to hold). The web root is bound below an empty
# root, so that heloscope has nothing else to look at. Wall and CPU seconds, medians and the ratio.
set -eu
web=$(realpath "$1")
pairs=${2:-5}
here=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$here/target}
heloscope=${HELOSCOPE:-$target/release/heloscope}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/heloscope-scan.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/db" "$work/root/var/www" "$work/root/etc"
cp -a "$web" "$work/root/var/www/site"
if ls /var/lib/clamav/*.c[vl]d >/dev/null 2>&1; then
    db=/var/lib/clamav
else
    db=$work/db
    # A name, any file, any place, some bytes in hexadecimal.
    for n in 0 1 2 3 4 5 6 7 8 9; do
        printf 'Test.Planted.%s:0:*:%s\n' "$n" "$(printf 'planted%s' "$n$n$n$n" | od -An -tx1 | tr -d ' \n')"
    done >"$db/own.ndb"
fi
measure() { # NAME COMMAND...
    name=$1
    shift
    /usr/bin/time -q -a -o "$work/$name.times" -f '%e %U %S %M' "$@" >"$work/$name.out" 2>"$work/$name.err" || [ $? -le 1 ]
}
find "$work/root/var/www/site" -type f -exec cat {} + >/dev/null
pair=1
while [ "$pair" -le "$pairs" ]; do
    measure clamscan clamscan --database="$db" -r --no-summary -i "$work/root/var/www/site"
    measure heloscope "$heloscope" scan --root "$work/root" --proc "$work/root/etc" --json
    pair=$((pair + 1))
done
median() { # NAME FIELD
    awk -v f="$2" '{ print f == "cpu" ? $2 + $3 : f == "wall" ? $1 : $4 }' "$work/$1.times" |
        sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
echo "$(find "$work/root/var/www/site" -type f | wc -l) files, $(du -sm "$work/root/var/www/site" | cut -f1) MB, $(nproc) cores, signatures: $db; median of $pairs"
echo "| | wall s | CPU s | peak KiB |"
echo "| --- | --- | --- | --- |"
for name in heloscope clamscan; do
    echo "| $name | $(median $name wall) | $(median $name cpu) | $(median $name peak) |"
done
awk -v a="$(median clamscan wall)" -v b="$(median heloscope wall)" -v c="$(median clamscan cpu)" -v d="$(median heloscope cpu)" \
    'BEGIN { printf "clamscan / heloscope: wall %.1f, CPU %.1f\n", a / b, c / d }'

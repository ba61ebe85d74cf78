#!/bin/sh
# How long it takes to ask N lists whose answers are slow: heloscope check beside check_rbl (Debian's
# monitoring-plugins-contrib, which needs libdata-validate-domain-perl and its like). Loopback only; root, because
# check_rbl asks port 53 alone.
#
#   bench/check/run.sh PATH-TO-heloscope
set -eu
heloscope=$1
here=$(dirname "$0")
peer=/usr/lib/nagios/plugins/check_rbl
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server"; rm -r "$work"' EXIT
echo "lists delay_ms tool seconds(median of 3)"
for delay in 20 200; do
    python3 "$here/slow.py" 127.53.53.53 53 "$delay" >"$work/ready" &
    server=$!
    until grep -q ready "$work/ready"; do sleep 0.05; done
    for lists in 20 100; do
        servers=
        echo 'format = "heloscope.lists/1"' >"$work/lists.toml"
        i=0
        while [ "$i" -lt "$lists" ]; do
            servers="$servers -s l$i.test"
            printf '[[list]]\nname = "l%s"\ntitle = "l%s"\nzone = "l%s.test"\nfor = ["ip4"]\ntest = { listed = ["127.0.0.2"], unlisted = "127.0.0.1" }\n' "$i" "$i" "$i" >>"$work/lists.toml"
            i=$((i + 1))
        done
        for tool in heloscope check_rbl; do
            for _ in 1 2 3; do
                begun=$(date +%s.%N)
                # shellcheck disable=SC2086 # a list of options
                if [ "$tool" = heloscope ]; then
                    "$heloscope" check --lab --own-lists-only --lists "$work/lists.toml" --resolver 127.53.53.53 --nagios 192.0.2.98 >"$work/said" || :
                else
                    "$peer" -H 192.0.2.98 -n 127.53.53.53 --timeout 120 $servers >"$work/said" || :
                fi
                grep -q " OK " "$work/said" || { cat "$work/said"; exit 1; }
                echo "$(date +%s.%N) $begun" | awk '{ printf "%.3f\n", $1 - $2 }'
            done | sort -n | awk -v what="$lists $delay $tool" 'NR == 2 { print what, $1 }'
        done
    done
    kill "$server"
    wait "$server" 2>/dev/null || :
    server=
done

#!/bin/sh
# How long a bot is unlisted: from the last byte of a class A session to the first DNS answer that lists it.
#
#   bench/latency/run.sh [SESSIONS] [LOAD]
#
# `heloscope serve --lab` (nothing is delayed) with its journal on a real disk takes SESSIONS sessions of
# `EHLO ylmf-pc`, each from an address of its own (PROXY protocol), two at a time, while smtp-source
# sends it about LOAD ordinary mails a second. After each session the zone is asked every half
# millisecond. STATE names a folder on the disk to be measured (/var/tmp unless said).
set -eu

sessions=${1:-1200}
load=${2:-100}
root=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
folder=$(mktemp -d "${STATE:-/var/tmp}/heloscope-bench.XXXXXX")
trap=${PORT_TRAP:-2627} dns=${PORT_DNS:-2653} web=${PORT_WEB:-2680}

cd "$root"
[ -n "${BUILT:-}" ] || cargo build --quiet --release -p heloscope
cat >"$folder/serve.toml" <<END
state = "$folder/state"
zone = "bl.example"
lab = true
[trap]
listen = ["127.0.0.1:$trap"]
# Who speaks before the greeting waits for it all the same: that is before the last byte.
greeting_delay_s = 0.0
# The bots come from here, the ordinary mail does not.
proxy_protocol_from = ["127.0.0.2/32"]
[trap.domains]
"never-was.example" = "never-used"
[dns]
listen = ["127.0.0.1:$dns"]
[web]
listen = ["127.0.0.1:$web"]
[look-ups]
resolvers = ["127.0.0.1:9"]
END
mkfifo "$folder/ready"
"$target/release/heloscope" serve --config "$folder/serve.toml" >"$folder/ready" 2>"$folder/serve.err" &
serve_pid=$!
ordinary_pid=
trap 'kill "$serve_pid" $ordinary_pid 2>/dev/null; wait; rm -rf "$folder"' EXIT
grep -q "^ready web" "$folder/ready" || { cat "$folder/serve.err" >&2; exit 1; }

ordinary() { # five waves a second, each a fifth of the load
    while :; do
        smtp-source -s 5 -m $((load / 5)) -l 4096 -M mail.example.org -f anna@example.org \
            -t bert@example.net "inet:127.0.0.1:$trap" 2>/dev/null &
        sleep 0.2
        wait "$!" 2>/dev/null || true
        echo $((load / 5)) >>"$folder/ordinary"
    done
}
begin=$(date +%s)
if [ "$load" -gt 0 ]; then
    ordinary &
    ordinary_pid=$!
fi
echo "$sessions sessions of class A, $(nproc) cores, load $(cut -d' ' -f1 /proc/loadavg)"
python3 "$root/bench/latency/ask.py" "$trap" "$dns" "$sessions" || status=$?
seconds=$(($(date +%s) - begin))
[ ! -f "$folder/ordinary" ] || awk -v s="$seconds" '{ n += $1 } END { printf "beside %.0f ordinary mails a second\n", n / s }' "$folder/ordinary"
exit "${status:-0}"

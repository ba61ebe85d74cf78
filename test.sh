#!/bin/sh
# Installs what the tests need and runs them all. Tests that need root, namespaces or a peer that
# is not there say "skipped: ..." and why.
set -eu
cd "$(dirname "$0")"

# Peers that tests compare with, and the software that the lab runs. Without root or apt-get the
# tests that need them skip.
packages="tshark tcpdump pflogsumm iproute2 nftables iptables conntrack dnsmasq postfix
dovecot-core apache2 libapache2-mod-php php-fpm php-cli udhcpc busybox swaks curl procps xz-utils"
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    missing=""
    for package in $packages; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
            missing="$missing $package"
    done
    if [ -n "$missing" ]; then
        apt-get update -qq
        # shellcheck disable=SC2086 # a list of words
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    fi
fi
cargo nextest --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-nextest

cargo build --quiet --release -p heloscope
cargo nextest run --workspace --no-fail-fast
cargo test --quiet --workspace --doc
target="${CARGO_TARGET_DIR:-target}"
"$target/release/heloscope" cases cases

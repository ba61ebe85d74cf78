#!/bin/sh
# Installs what the tests need and runs them all. Tests that need root, namespaces or a peer that
# is not there say "skipped: ..." and why.
set -eu
cd "$(dirname "$0")"

# Peers that tests compare with, and the software of the lab's small world (recording cases wants
# more: lab/README.md). Without root or apt-get the tests that need them skip.
packages="tshark tcpdump pflogsumm postfix dnsmasq rsyslog openssl iproute2 iptables nftables ipset procps
curl xz-utils swaks bind9-dnsutils rbldnsd unbound spamassassin rspamd chromium php-fpm libfcgi-bin
monitoring-plugins-contrib libdata-validate-domain-perl libdata-validate-ip-perl
libcapture-tiny-perl libnet-dns-perl libnet-ip-perl libreadonly-perl libmonitoring-plugin-perl clang
llvm libbpf-dev apache2 cron openssh-client openssh-server sshpass wireguard-go wireguard-tools
busybox udhcpc perl dovecot-core python3"
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

cargo run --quiet -p heloscope -- cases cases
cargo nextest run --workspace --no-fail-fast

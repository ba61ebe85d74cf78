#!/bin/bash
# Fetches what the senders of kinds.toml are made of into $1 (made anew where something is missing): Debian packages installed where
# they can stand side by side, unpacked where they cannot (every MTA wants to be the only one), npm packages, and the programs
# that are built. What cannot be had is named on standard error and its kinds are skipped; nothing else fails.
set -u
BUILT=$1; HERE=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$BUILT/debs"; export DEBIAN_FRONTEND=noninteractive
lacks() { echo "lacks: $*" >&2; }

packages="postfix postgrey dnsmasq tcpdump swaks msmtp esmtp sendemail s-nail mutt emacs-nox curl libphp-phpmailer php-cli php-symfony-mailer
 php-symfony-event-dispatcher php-swiftmailer php-mail php-net-smtp php-horde-mail php-horde-smtp libemail-sender-perl libmime-lite-perl
 libio-socket-ssl-perl libauthen-sasl-perl ruby ruby-mail golang-go lua5.3 lua-socket python3 python3-aiosmtplib python3-django libmail-java default-jdk-headless
 git-email tcl tcllib nodejs m4 xz-utils busybox-static"
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' && continue
    apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 || lacks "$package"
done

# A package that conflicts with the installed MTA: it and those of its libraries that are not here are unpacked below debs/NAME/root.
unpack() {
    local name=$1; shift
    [ -e "$BUILT/debs/$name/done" ] && return
    mkdir -p "$BUILT/debs/$name/archives" "$BUILT/debs/$name/root"
    local libraries
    libraries=$(apt-cache depends "$@" 2>/dev/null | awk '/ Depends:/{print $2}' | grep '^lib' | sort -u | while read -r lib; do
        dpkg-query -W -f '${Status}' "$lib" 2>/dev/null | grep -q 'ok installed$' || echo "$lib"; done)
    # shellcheck disable=SC2086 # a list of words
    (cd "$BUILT/debs/$name/archives" && apt-get download -qq "$@" $libraries >/dev/null 2>&1) || { lacks "$name"; return; }
    for archive in "$BUILT/debs/$name/archives"/*.deb; do dpkg-deb -x "$archive" "$BUILT/debs/$name/root"; done
    touch "$BUILT/debs/$name/done"
}
unpack exim4 exim4-daemon-light exim4-base exim4-config
unpack opensmtpd opensmtpd
unpack sendmail sendmail-bin sendmail-base sendmail-cf sensible-mda
unpack dma dma
unpack nullmailer nullmailer
unpack ssmtp ssmtp

for package in nodemailer@10.6.0 emailjs@5.0.3 @upyo/smtp@0.4.0; do
    [ -d "$BUILT/node_modules/${package%@*}" ] || npm install --prefix "$BUILT" --no-audit --no-fund --silent "$package" >/dev/null 2>&1 || lacks "$package"
done
[ -x "$BUILT/go-sender" ] || (cd "$HERE/programs" && GOCACHE="$BUILT/go-cache" GO111MODULE=off CGO_ENABLED=0 go build -o "$BUILT/go-sender" go-sender.go) || lacks go
[ -e "$BUILT/Send.class" ] || javac -d "$BUILT" -cp /usr/share/java/javax.mail.jar "$HERE/programs/Send.java" || lacks javac
[ -x "$BUILT/lettre-sender" ] || {
    mkdir -p "$BUILT/lettre" && cp "$HERE"/programs/lettre/* "$BUILT/lettre/" &&
        CARGO_TARGET_DIR="$BUILT/lettre/target" cargo build --quiet --manifest-path "$BUILT/lettre/Cargo.toml" &&
        cp "$BUILT/lettre/target/debug/lettre-sender" "$BUILT/" && rm -rf "$BUILT/lettre/target"
} || lacks lettre
exit 0

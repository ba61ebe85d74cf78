#!/bin/sh
# A clean Debian with Apache, PHP, MariaDB, Postfix and WordPress from its packages must give no finding above a note.
#
#   bench/scan/clean.sh FOLDER [PACKAGE...]
#
# The packages are fetched and unpacked into FOLDER/root as dpkg would (with their checksums, lists and conffiles),
# and WordPress once more into /var/www, where no package owns it. Exits 1 when something is above a note.
set -eu
mkdir -p "$1"
folder=$(realpath "$1")
shift
here=$(cd "$(dirname "$0")/../.." && pwd)
heloscope=${HELOSCOPE:-${CARGO_TARGET_DIR:-$here/target}/debug/heloscope}
packages=${*:-"wordpress apache2 apache2-bin libapache2-mod-php8.2 php8.2-common php8.2-cli php-common mariadb-server mariadb-common cron postfix
    openssh-server openssh-client sudo base-files base-passwd bash dash coreutils perl-base login passwd libc6 libpam-modules libpam-runtime
    systemd logrotate anacron certbot apt e2fsprogs man-db phpmyadmin roundcube-core"}
mkdir -p "$folder/debs" "$folder/root/var/lib/dpkg/info" "$folder/root/proc"
root=$folder/root
(
    cd "$folder/debs"
    for package in $packages; do
        ls "${package}"_*.deb >/dev/null 2>&1 || apt-get download -qq "$package" 2>/dev/null
    done
)
: >"$root/var/lib/dpkg/status"
for deb in "$folder"/debs/*.deb; do
    name=$(dpkg-deb -f "$deb" Package)
    dpkg-deb -x "$deb" "$root"
    dpkg-deb -e "$deb" "$folder/control"
    [ -f "$folder/control/md5sums" ] && cp "$folder/control/md5sums" "$root/var/lib/dpkg/info/$name.md5sums"
    dpkg-deb -c "$deb" | awk '{ print substr($6, 2) }' | sed 's,/$,,' >"$root/var/lib/dpkg/info/$name.list"
    if [ -f "$folder/control/conffiles" ]; then
        printf 'Package: %s\nConffiles:\n' "$name" >>"$root/var/lib/dpkg/status"
        while read -r conffile; do
            [ -f "$root$conffile" ] && echo " $conffile $(md5sum <"$root$conffile" | cut -d' ' -f1)"
        done <"$folder/control/conffiles" >>"$root/var/lib/dpkg/status"
    fi
    rm -rf "$folder/control"
done
# What the packages' scripts would have set up.
cp "$root/usr/share/base-passwd/passwd.master" "$root/etc/passwd"
printf 'postfix:x:107:115::/var/spool/postfix:/usr/sbin/nologin\n' >>"$root/etc/passwd"
mkdir -p "$root/etc/apache2/mods-enabled" "$root/etc/apache2/sites-enabled" "$root/etc/apache2/conf-enabled" "$root/tmp/.X11-unix" "$root/tmp/.ICE-unix"
cp "$root"/etc/apache2/mods-available/php8.2.* "$root/etc/apache2/mods-enabled/" 2>/dev/null || :
cp "$root"/etc/apache2/sites-available/000-default.conf "$root/etc/apache2/sites-enabled/"
printf 'Alias /blog /usr/share/wordpress\nAlias /blog/wp-content /var/lib/wordpress/wp-content\n<Directory /usr/share/wordpress>\nRequire all granted\n</Directory>\n' \
    >"$root/etc/apache2/conf-enabled/wordpress.conf"
printf 'myhostname = mail.example.org\nmynetworks = 127.0.0.0/8 [::1]/128\nsmtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination\n' \
    >"$root/etc/postfix/main.cf"
# The same applications where no package owns them, as people install them.
for application in wordpress phpmyadmin roundcube; do
    [ -d "$root/usr/share/$application" ] && [ ! -d "$root/var/www/$application" ] && mkdir -p "$root/var/www" &&
        cp -rL "$root/usr/share/$application" "$root/var/www/$application" 2>/dev/null || :
done
status=0
"$heloscope" scan --root "$root" --packages --json >"$folder/scan.json" || status=$?
python3 - "$folder/scan.json" <<'P'
import collections, json, sys
report = json.load(open(sys.argv[1]))
print(report["counts"], [(s["root"], s["files"]) for s in report["sites"]])
print(collections.Counter((f["grade"], f["id"]) for f in report["findings"]))
for f in report["findings"]:
    if f["grade"] != "note":
        print(f["grade"], f["id"], f["what"])
for u in report["unseen"]:
    print("not seen:", u["what"], u["why"])
P
exit "$status"

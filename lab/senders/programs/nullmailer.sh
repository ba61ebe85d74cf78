# nullmailer: hands everything to one smarthost; here the exchanger it is told, as on a host that may only mail one place.
QUEUES=1
version() { dpkg-deb -f "$DEBS"/nullmailer/archives/nullmailer_*.deb Version; }
setup() {
    unpacked nullmailer
    id mail >/dev/null && chown -R mail: /var/spool/nullmailer
    mkdir -p /etc/nullmailer
    echo "$HELO" > /etc/nullmailer/helohost; [ -n "$HELO" ] || rm /etc/nullmailer/helohost
    echo "${HELO:-$(hostname)}" > /etc/nullmailer/me; echo 2 > /etc/nullmailer/pausetime; echo 4 > /etc/nullmailer/maxpause
    echo "mx.inbox.example smtp" > /etc/nullmailer/remotes
    [ -p /var/spool/nullmailer/trigger ] || mkfifo /var/spool/nullmailer/trigger; chown mail:mail /var/spool/nullmailer/trigger; chmod 622 /var/spool/nullmailer/trigger
    setsid setpriv --reuid=mail --regid=mail --clear-groups /usr/sbin/nullmailer-send > /var/log/nullmailer 2>&1 &
}
send() {
    # Its one smarthost is the exchanger of the day.
    if [ "$(cat /etc/nullmailer/remotes)" != "$1 smtp" ]; then
        for _ in $(seq 40); do [ "$(queued)" = 0 ] && break; sleep 0.25; done
        echo "$1 smtp" > /etc/nullmailer/remotes
    fi
    shift; local from=$1; shift
    { echo "$from"; printf '%s\n' "$@"; echo; cat "$MSG"; } | setpriv --reuid=mail --regid=mail --clear-groups nullmailer-queue
}
queued() { find /var/spool/nullmailer/queue -type f | wc -l; }

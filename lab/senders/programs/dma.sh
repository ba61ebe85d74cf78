# DragonFly Mail Agent: a queue without a daemon; the clock flushes it (dma -q), as Debian's cron job does.
QUEUES=1
version() { dpkg-deb -f "$DEBS"/dma/archives/dma_*.deb Version; }
setup() {
    unpacked dma
    mkdir -p /etc/dma /var/spool/dma; chown root:mail /var/spool/dma; chmod 2775 /var/spool/dma
    printf 'MAILNAME %s\nSTARTTLS\nOPPORTUNISTIC_TLS\nSPOOLDIR /var/spool/dma\n' "${HELO:-$(hostname)}" > /etc/dma/dma.conf
    : > /etc/dma/auth.conf; : > /etc/aliases
}
send() { shift; local from=$1; shift; /usr/sbin/dma -i -f "$from" "$@" < "$MSG"; }
queued() { /usr/sbin/dma -q >/dev/null 2>&1; find /var/spool/dma -name 'Q*' | wc -l; }

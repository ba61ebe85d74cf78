# OpenSMTPD: its own queue and scheduler; its shortest retry is minutes, so deferred mail is scheduled by smtpctl.
QUEUES=1
version() { smtpd -h 2>&1 | awk '/version/{print $NF}'; }
setup() {
    unpacked opensmtpd
    for u in opensmtpd opensmtpq; do groupadd -f $u; id $u >/dev/null 2>&1 || useradd -r -g $u -d /var/lib/opensmtpd $u; done
    chgrp opensmtpq /usr/sbin/smtpctl; chmod 2755 /usr/sbin/smtpctl
    mkdir -p /var/spool/smtpd /run /var/lib/opensmtpd/empty; chmod 711 /var/spool/smtpd
    echo "${HELO:-$(hostname)}" > /etc/mailname
    printf 'action out relay helo "%s"\nlisten on localhost\nmatch from local for any action out\n' "${HELO:-$(hostname)}" > /etc/smtpd.conf
    setsid smtpd -d -f /etc/smtpd.conf > /var/log/smtpd.log 2>&1 &
    sleep 1
}
send() { shift; local from=$1; shift; /usr/sbin/sendmail -f "$from" "$@" < "$MSG"; }
queued() { smtpctl schedule all >/dev/null 2>&1; sleep 1; smtpctl show queue | wc -l; }

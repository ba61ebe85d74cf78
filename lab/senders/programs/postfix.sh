# Postfix as a mail server: queue, MX look-ups, retries, STARTTLS where it is offered.
QUEUES=1
version() { postconf -h mail_version; }
setup() {
    cat > /etc/postfix/main.cf <<E
compatibility_level = 3.6
myhostname = ${HELO:-$(hostname)}
mydestination = localhost, ${FROM#*@}
local_transport = discard:
local_recipient_maps =
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
maillog_file = /var/log/mail.log
smtp_tls_security_level = may
minimal_backoff_time = 3s
maximal_backoff_time = 6s
queue_run_delay = 3s
E
    sed -i 's/^\(smtp *unix .*\) y \(.*smtp\)$/\1 n \2/' /etc/postfix/master.cf
    grep -q ^postlog /etc/postfix/master.cf || echo 'postlog unix-dgram n - n - 1 postlogd' >> /etc/postfix/master.cf
    printf 'postmaster: root\n' > /etc/aliases; newaliases
    rm -f /var/lib/postfix/master.lock /var/spool/postfix/pid/*
    mkdir -p /var/spool/postfix/etc; cp /etc/resolv.conf /etc/hosts /etc/services /var/spool/postfix/etc/
    postfix start >/dev/null 2>&1
}
send() { shift; local from=$1; shift; /usr/sbin/sendmail -i -f "$from" "$@" < "$MSG"; }
queued() { mailq | grep -c '^[0-9A-F]\{6,\}'; }

# Sendmail 8.17, its configuration made by its own m4 files (nullclient left off: it delivers itself).
QUEUES=1
MTA=/usr/libexec/sendmail/sendmail
version() { "$MTA" -d0.1 -bv root 2>/dev/null | awk '/^Version/{print $2}'; }
setup() {
    unpacked sendmail
    groupadd -f smmta; groupadd -f smmsp
    for u in smmta smmsp; do id $u >/dev/null 2>&1 || useradd -r -g $u -d /var/lib/sendmail $u; done
    mkdir -p /etc/mail /var/spool/mqueue /var/lib/sendmail /run/sendmail/mta; : > /etc/mail/local-host-names; : > /etc/mail/aliases; : > /etc/mail/trusted-users
    cat > /etc/mail/sendmail.mc <<E
divert(0)dnl
include(\`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(\`debian')dnl
define(\`confDOMAIN_NAME', \`${HELO:-$(hostname)}')dnl
define(\`confDONT_BLAME_SENDMAIL', \`GroupWritableDirPathSafe')dnl
define(\`confMIN_QUEUE_AGE', \`0')dnl
define(\`ALIAS_FILE', \`')dnl
define(\`confHOST_STATUS_DIRECTORY', \`')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`nocanonify')dnl
MAILER(\`smtp')dnl
E
    m4 /etc/mail/sendmail.mc > /etc/mail/sendmail.cf 2>/dev/null
    chmod 755 /var/spool/mqueue; chmod go-w / /etc /etc/mail /var /var/spool
    "$MTA" -bd -q2s -C/etc/mail/sendmail.cf -ODaemonPortOptions=Addr=127.0.0.1,Port=2525 > /var/log/sendmail.out 2>&1
}
send() { shift; local from=$1; shift; "$MTA" -C/etc/mail/sendmail.cf -Am -odb -i -f "$from" "$@" < "$MSG"; }
queued() { find /var/spool/mqueue -name 'qf*' | wc -l; }

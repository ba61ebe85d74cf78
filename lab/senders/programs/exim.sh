# Exim 4 (daemon-light) as Debian builds it, with a configuration of its own: internet site, immediate delivery, quick retries.
QUEUES=1
version() { exim4 -bV | awk '/^Exim version/{print $3}'; }
setup() {
    unpacked exim4
    groupadd -f Debian-exim; id Debian-exim >/dev/null 2>&1 || useradd -r -g Debian-exim -d /var/spool/exim4 Debian-exim
    mkdir -p /var/spool/exim4 /var/log/exim4 /etc/exim4; chown Debian-exim: /var/spool/exim4 /var/log/exim4
    cat > /etc/exim4/exim4.conf <<E
primary_hostname = ${HELO:-$(hostname)}
domainlist local = localhost
trusted_users = root
disable_ipv6 = true
dns_dnssec_ok = 0
never_users =
queue_run_in_order = true
begin acl
begin routers
out:
  driver = dnslookup
  domains = ! +local
  transport = remote
  no_more
begin transports
remote:
  driver = smtp
  hosts_try_fastopen =
  tls_verify_certificates =
begin retry
* * F,1h,2s
begin rewrite
begin authenticators
E
    chown root: /etc/exim4/exim4.conf; chmod 644 /etc/exim4/exim4.conf
    exim4 -bd -q3s -oX 127.0.0.1:25 -oP /run/exim.pid
}
send() { shift; local from=$1; shift; exim4 -odb -i -f "$from" "$@" < "$MSG"; }
queued() { exim4 -bpc; }

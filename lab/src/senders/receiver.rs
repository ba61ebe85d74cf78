//! The receiver: one host with four exchangers, real Postfix on three addresses and smtp-sink on the fourth.
//!
//! `inbox.example` takes mail, refuses `gone…`, `former…` and `x-…`; `grey.example` (same server) defers at first (postgrey);
//! `secure.example` offers STARTTLS; `slowly.example` greets after a second and does not offer PIPELINING; `inbxo.example`, a typo of
//! `inbox.example`, is a trap: smtp-sink takes everything.

use crate::capture::{self, Capture};
use crate::dns::Zone;
use crate::host::Host;
use crate::mta;
use crate::world::World;
use anyhow::Result;
use std::rc::Rc;

/// Name and address of each exchanger, and the domain it takes mail for.
const EXCHANGERS: &[(&str, &str, &str)] = &[
    ("mx.inbox.example", "192.0.2.10", "inbox.example"),
    ("mx.secure.example", "192.0.2.11", "secure.example"),
    ("mx.inbxo.example", "192.0.2.12", "inbxo.example"),
    ("mx.slowly.example", "192.0.2.13", "slowly.example"),
];

/// Adds the receiver's names.
pub(super) fn names(zone: &mut Zone) {
    for (name, address, domain) in EXCHANGERS {
        zone.host(name, address).mx(domain, name, 10);
    }
    zone.name("mx.grey.example", "192.0.2.10").mx("grey.example", "mx.grey.example", 10);
}

/// Starts it.
pub(super) fn start(world: &World) -> Result<Rc<Host>> {
    let host = world.public("receiver", "192.0.2.10", "UTC")?;
    for (_, address, _) in EXCHANGERS.iter().skip(1) {
        host.sh(&format!("ip addr add {address}/24 dev eth0"))?;
    }
    mta::certificate(&host, "mx.secure.example")?;
    host.write("/etc/postfix/main.cf", MAIN, 0o644)?;
    host.write("/etc/postfix/master.cf", MASTER, 0o644)?;
    host.write("/etc/postfix/boxes", "if !/^(gone|former|x-)/\n/./ box/\nendif\n", 0o644)?;
    host.write("/etc/postfix/defer", "/@grey\\.example$/ greylist\n", 0o644)?;
    host.sh(
        "mkdir -p /var/lib/postgrey && chown postgrey /var/lib/postgrey
         postgrey --inet=127.0.0.1:10023 --delay=2 --auto-whitelist-clients=0 --lookup-by-host --daemonize --user=postgrey --group=postgrey --dbdir=/var/lib/postgrey
         printf 'postmaster: root\\n' > /etc/aliases; newaliases",
    )?;
    mta::up(&host)?;
    host.daemon(&["smtp-sink", "-u", "nobody", "-h", "mx.inbxo.example", "192.0.2.12:25", "100"])?;
    host.sh("for i in $(seq 100); do (exec 3<>/dev/tcp/192.0.2.13/25 && exec 4<>/dev/tcp/192.0.2.12/25) 2>/dev/null && exit 0; sleep 0.1; done; cat /var/log/mail.log >&2; exit 1")?;
    Ok(host)
}

/// Records everything that reaches its exchangers.
pub(super) fn record(host: &Host) -> Result<Capture> {
    capture::pcap(host, "eth0", "tcp port 25", "senders.pcap")
}

const MAIN: &str = "compatibility_level = 3.6
myhostname = mx.inbox.example
mydestination =
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
maillog_file = /var/log/mail.log
virtual_mailbox_domains = inbox.example, grey.example, secure.example, slowly.example
virtual_mailbox_maps = regexp:/etc/postfix/boxes
virtual_transport = discard:
smtpd_recipient_restrictions = reject_unauth_destination, check_recipient_access regexp:/etc/postfix/defer
smtpd_restriction_classes = greylist
greylist = check_policy_service inet:127.0.0.1:10023
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 100
smtpd_hard_error_limit = 200
smtpd_tls_cert_file = /etc/ssl/mail.pem
smtpd_tls_key_file = /etc/ssl/mail.key
";

const MASTER: &str = "192.0.2.10:25 inet n - n - 50 smtpd
192.0.2.11:25 inet n - n - 50 smtpd -o smtpd_tls_security_level=may -o myhostname=mx.secure.example
192.0.2.13:25 inet n - n - 50 smtpd -o myhostname=mx.slowly.example -o smtpd_delay_reject=no -o { smtpd_client_restrictions = sleep 1, permit } -o smtpd_discard_ehlo_keywords=pipelining
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
verify unix - - n - 1 verify
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

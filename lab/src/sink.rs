//! The receiving side: other people's mail exchangers. Mail ends here.

use crate::host::Host;
use crate::mta;
use crate::syslog::{self, Stamps};
use anyhow::Result;
use jiff::Timestamp;

/// How an exchanger behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Real Postfix with STARTTLS.
    Tls,
    /// Real Postfix without STARTTLS.
    Plain,
    /// Real Postfix without STARTTLS that takes this many seconds over each recipient.
    Slow(u8),
    /// Real Postfix with STARTTLS and postgrey before it: the first try is deferred.
    Grey,
    /// Real Postfix that offers STARTTLS with ciphers its certificate does not fit: the handshake fails.
    BrokenTls,
    /// Postfix's smtp-sink with these options: bare SMTP, for volume.
    Sink(&'static str),
    /// Nothing listens: connections are refused.
    Refused,
    /// Packets to port 25 are dropped: connections time out.
    Silent,
}

/// Puts an exchanger on a host. Real ones refuse recipients whose name begins with `gone`, `former` or `x-`, and are full for `full…`.
pub fn exchanger(host: &Host, name: &str, domains: &[&str], manner: Manner) -> Result<()> {
    let (tls, before) = match manner {
        Manner::Refused => return Ok(()),
        Manner::Silent => {
            host.sh("iptables -A INPUT -p tcp --dport 25 -j DROP")?;
            return Ok(());
        }
        Manner::Sink(options) => {
            let mut line = vec!["smtp-sink", "-u", "nobody", "-h", name];
            line.extend(options.split_whitespace());
            line.extend(["0.0.0.0:25", "200"]);
            return host.daemon(&line);
        }
        Manner::Tls | Manner::BrokenTls => (true, String::new()),
        Manner::Plain => (false, String::new()),
        Manner::Slow(seconds) => (false, format!("sleep {seconds},")),
        Manner::Grey => {
            host.sh("mkdir -p /var/lib/postgrey && chown postgrey /var/lib/postgrey && postgrey --inet=127.0.0.1:10023 --delay=70 --daemonize --user=postgrey --group=postgrey --dbdir=/var/lib/postgrey")?;
            (true, "check_policy_service inet:127.0.0.1:10023,".to_owned())
        }
    };
    syslog::start(host, Stamps::Rfc3339, None)?;
    let broken = if manner == Manner::BrokenTls {
        "smtpd_tls_protocols = TLSv1.2\nsmtpd_tls_ciphers = high\ntls_high_cipherlist = kRSA+AES\nsmtpd_tls_exclude_ciphers = aNULL\n"
    } else {
        ""
    };
    let offer = if tls {
        mta::certificate(host, name)?;
        "smtpd_tls_cert_file = /etc/ssl/mail.pem\nsmtpd_tls_key_file = /etc/ssl/mail.key\nsmtpd_tls_security_level = may\nsmtp_tls_security_level = may\n"
    } else {
        ""
    };
    host.write("/etc/postfix/boxes", "if !/^(gone|former|x-)/\n/./ box/\nendif\n", 0o644)?;
    host.write("/etc/postfix/full", "/^full/ 452 4.2.2 Mailbox full\n", 0o644)?;
    host.write(
        "/etc/postfix/main.cf",
        format!(
            "compatibility_level = 3.6\nmyhostname = {name}\nmydestination = $myhostname, localhost\nmynetworks = 127.0.0.0/8\n\
             inet_protocols = ipv4\nvirtual_mailbox_domains = {}\nvirtual_mailbox_maps = regexp:/etc/postfix/boxes\n\
             virtual_mailbox_base = /var/vmail\nvirtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\n\
             smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n\
             smtpd_recipient_restrictions = permit_mynetworks, {before} check_recipient_access regexp:/etc/postfix/full\n\
             smtpd_client_connection_count_limit = 100\nsmtpd_peername_lookup = yes\n{offer}{broken}",
            domains.join(", ")
        ),
        0o644,
    )?;
    host.sh("mkdir -p /var/vmail && chown nobody:nogroup /var/vmail; printf 'postmaster: root\\n' > /etc/aliases; newaliases")?;
    mta::up(host)
}

/// A mail as an exchanger stored it.
#[derive(Clone, Debug)]
pub struct Received {
    /// The whole message.
    pub text: String,
    /// Its envelope sender.
    pub sender: String,
    /// When it was stored.
    pub arrived: Timestamp,
}

/// Of the mails that hold `needle`, the one in the middle; what a list's sensor would tell of.
pub fn received(host: &Host, needle: &str) -> Result<Option<Received>> {
    let found = host.sh(&format!(
        "cd /var/vmail/box/new 2>/dev/null || exit 0; all=($(grep -l -- '{needle}' * | sort)); n=${{#all[@]}}
         [ $n -gt 0 ] || exit 0; f=${{all[$((n / 2))]}}; stat -c %Y $f; cat $f"
    ))?;
    let text = String::from_utf8_lossy(&found).into_owned();
    let Some((stamp, message)) = text.split_once('\n') else { return Ok(None) };
    let sender = message.lines().find_map(|line| line.strip_prefix("Return-Path: <"));
    Ok(Some(Received {
        sender: sender.unwrap_or_default().trim_end_matches('>').to_owned(),
        arrived: Timestamp::from_second(stamp.parse()?)?,
        text: message.to_owned(),
    }))
}

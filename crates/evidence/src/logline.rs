//! One line of a log -> whose line it is: an MTA's, the packet filter's, a DHCP server's, a
//! login's, a proxy's, a web server's. Cheap: no regular expression, a few needles.

use crate::stamp::{self, Stamp};
use memchr::memmem;

/// Whose line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    /// Postfix.
    Postfix,
    /// Another MTA, Dovecot, a mail filter.
    OtherMail,
    /// Netfilter's LOG target, or a router's packet filter.
    Netfilter,
    /// A DHCP server.
    Dhcp,
    /// sshd, sudo, FTP.
    Auth,
    /// cron.
    Cron,
    /// A proxy.
    Proxy,
    /// A VPN server, about a client.
    Vpn,
    /// A web server's access log.
    Web,
    /// Another program of a system log.
    Other,
}

/// A system log's line: stamp, host, program, and what follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syslog<'a> {
    /// The stamp (Docker's outer one, where there are two).
    pub(crate) stamp: Stamp,
    /// Host, empty where the line has none.
    pub(crate) host: &'a [u8],
    /// Program with service, without pid.
    pub(crate) program: &'a [u8],
    /// Its process id.
    pub(crate) pid: Option<u32>,
    /// What it says.
    pub(crate) message: &'a [u8],
}

/// Takes a system log's line apart.
pub(crate) fn syslog(line: &[u8]) -> Option<Syslog<'_>> {
    let stamp = stamp::of_line(line)?;
    let inner = stamp::second(line, &stamp);
    let rest = line.get(inner.map_or(stamp.end, |s| s.end)..)?.trim_ascii_start();
    let (first, after) = word(rest);
    // "host program[1]: ..." or, in a container, "program[1]: ..." alone.
    let (host, tag, message): (&[u8], &[u8], &[u8]) = if first.ends_with(b":") {
        (b"", first, after)
    } else {
        let (second, after) = word(after);
        (first, second, after)
    };
    let end = tag.iter().position(|b| matches!(b, b'[' | b':')).unwrap_or(tag.len());
    let pid = tag.get(end..)?.strip_prefix(b"[").and_then(|rest| {
        let close = memchr::memchr(b']', rest)?;
        stamp::number(rest.get(..close)?)
    });
    Some(Syslog { stamp, host, program: tag.get(..end)?, pid, message })
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end).unwrap_or((text, b""));
    (word, rest.trim_ascii_start())
}

/// Whose line it is; none for what is no log line.
pub(crate) fn classify(line: &[u8]) -> Option<Line> {
    if crate::authlog::is_transfer(line) {
        return Some(Line::Auth);
    }
    if crate::proxylog::is_line(line) {
        return Some(Line::Proxy);
    }
    if let Some(parts) = syslog(line) {
        return Some(classify_syslog(line, &parts));
    }
    if crate::weblog::parse(line).is_some() {
        return Some(Line::Web);
    }
    let filter = is_netfilter(line) || crate::connections::routers::is_line(line);
    filter.then_some(Line::Netfilter)
}

fn classify_syslog(line: &[u8], parts: &Syslog<'_>) -> Line {
    if is_netfilter(line) {
        return Line::Netfilter;
    }
    let program = parts.program.to_ascii_lowercase();
    let starts = |names: &[&str]| names.iter().any(|n| program.starts_with(n.as_bytes()));
    if starts(&["postfix"]) {
        return Line::Postfix;
    }
    // A custom syslog_name keeps Postfix's service names behind its slash.
    let service = program.rsplit(|&b| b == b'/').next().unwrap_or_default();
    if service.len() < program.len()
        && matches!(
            service,
            b"smtpd"
                | b"smtp"
                | b"qmgr"
                | b"cleanup"
                | b"pickup"
                | b"local"
                | b"bounce"
                | b"lmtp"
                | b"anvil"
                | b"pipe"
                | b"virtual"
                | b"postscreen"
                | b"scache"
                | b"master"
                | b"error"
                | b"trivial-rewrite"
        )
    {
        return Line::Postfix;
    }
    if starts(&[
        "exim",
        "sendmail",
        "sm-mta",
        "dovecot",
        "opendkim",
        "opendmarc",
        "amavis",
        "smtpd",
        "spamd",
        "saslauthd",
        "policyd",
        "postgrey",
        "clamsmtp",
        "msmtp",
        "nullmailer",
        "qmail",
        "smtp_auth",
        "courier",
        "imapd",
        "pop3d",
        "rspamd",
        "milter",
    ]) || is_exim(line)
    {
        return Line::OtherMail;
    }
    if starts(&["dnsmasq-dhcp", "dhcpd", "kea-dhcp"])
        || memmem::find(line, b"[kea-dhcp4.").is_some()
    {
        return Line::Dhcp;
    }
    if is_cron(&program) {
        return Line::Cron;
    }
    if is_auth(parts.program, parts.message) {
        return Line::Auth;
    }
    if crate::connections::routers::is_line(line) {
        return Line::Netfilter;
    }
    if crate::vpn::is_line(line) {
        return Line::Vpn;
    }
    Line::Other
}

/// Whether a program's lines tell of logins, commands or uploads.
pub(crate) fn is_auth(program: &[u8], message: &[u8]) -> bool {
    let program = program.to_ascii_lowercase();
    let starts = |names: &[&str]| names.iter().any(|n| program.starts_with(n.as_bytes()));
    matches!(program.as_slice(), b"su" | b"su-l" | b"sudo" | b"login" | b"passwd")
        || starts(&[
            "sshd",
            "sftp-server",
            "internal-sftp",
            "dropbear",
            "systemd-logind",
            "vsftpd",
            "proftpd",
            "pure-ftpd",
            "useradd",
            "usermod",
            "groupadd",
            "polkit",
        ])
        || is_cron(&program)
        || memmem::find(message, b"pam_unix(").is_some()
}

/// cron, crond, CRON, anacron, crontab.
fn is_cron(program: &[u8]) -> bool {
    program.starts_with(b"cron") || program == b"anacron" || program == b"/usr/sbin/cron"
}

/// `IN= OUT= ... SRC= DST= ... PROTO=`.
pub(crate) fn is_netfilter(line: &[u8]) -> bool {
    match memmem::find(line, b" SRC=") {
        Some(at) => line.get(at..).is_some_and(|rest| {
            memmem::find(rest, b" DST=").is_some() && memmem::find(rest, b" PROTO=").is_some()
        }),
        None => false,
    }
}

/// Exim's main log has no program name: "2015-12-04 14:30:00 1a4qXX-0001Ab-Cd <= ...".
fn is_exim(line: &[u8]) -> bool {
    let id = line.get(20..).unwrap_or_default();
    id.get(6) == Some(&b'-')
        && (id.get(13) == Some(&b'-') || id.get(18) == Some(&b'-'))
        && id.iter().take(6).all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_line() {
        for (line, want) in [
            (
                "Dec  4 14:30:00 mail postfix/smtpd[12]: connect from x[192.0.2.1]",
                Some(Line::Postfix),
            ),
            (
                "2015-12-04T14:30:00+01:00 mail postfix-out/smtp[12]: A1B2C3D4: to=<x>",
                Some(Line::Postfix),
            ),
            ("2015-12-04T14:30:00Z Dec  4 15:30:00 mail postfix/qmgr[1]: x", Some(Line::Postfix)),
            ("Dec  4 14:30:00 mail outbound/smtp[12]: A1B2C3D4: to=<x>", Some(Line::Postfix)),
            (
                "Dec  4 14:30:00 gw kernel: [1.5] FW IN=eth1 OUT=eth0 SRC=192.168.1.2 DST=198.51.100.1 LEN=60 PROTO=TCP SPT=1 DPT=25",
                Some(Line::Netfilter),
            ),
            ("Dec  4 14:30:00 mail dovecot: imap-login: Login", Some(Line::OtherMail)),
            ("2015-12-04 14:30:00 1a4qXX-0001Ab-Cd <= a@example.org", Some(Line::OtherMail)),
            (
                "Dec  4 14:30:00 gw dnsmasq-dhcp[5]: DHCPACK(eth1) 192.168.1.2 02:00:00:00:00:01 laptop",
                Some(Line::Dhcp),
            ),
            ("Dec  4 14:30:00 gw sshd[5]: Accepted", Some(Line::Auth)),
            ("Dec  4 14:30:00 gw ntpd[5]: x", Some(Line::Other)),
            (
                "192.0.2.1 - - [04/Dec/2015:14:30:00 +0000] \"GET / HTTP/1.1\" 200 5",
                Some(Line::Web),
            ),
            ("hello", None),
        ] {
            assert_eq!(classify(line.as_bytes()), want, "{line}");
        }
    }
}

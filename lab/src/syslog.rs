//! rsyslog on a host: mail.log, auth.log, cron.log, syslog, and the kernel's packet log where wanted.
//!
//! All worlds share one kernel, so of kernel lines only those with the host's own packet-log prefix are kept,
//! and only those since its start.

use crate::clock;
use crate::host::Host;
use anyhow::Result;

/// How lines are stamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// `Nov 24 03:34:16`: no year, no zone.
    Bsd,
    /// RFC 3339 with offset.
    Rfc3339,
}

/// Starts rsyslog; `packets` is the prefix of this host's netfilter LOG lines.
pub fn start(host: &Host, stamps: Stamps, packets: Option<&str>) -> Result<()> {
    let template = match stamps {
        Stamps::Bsd => "RSYSLOG_TraditionalFileFormat",
        Stamps::Rfc3339 => "RSYSLOG_FileFormat",
    };
    // The kernel's ring still holds what earlier recordings left in it.
    let since = clock::now().as_second() - 1;
    let kernel = packets.map_or_else(String::new, |prefix| {
        format!(
            "module(load=\"imkmsg\")\ntemplate(name=\"second\" type=\"string\" string=\"%timereported:::date-unixtimestamp%\")\n\
             set $.second = exec_template(\"second\");\n\
             if $syslogfacility-text == 'kern' and (not ($msg contains '{prefix}') or cnum($.second) < {since}) then stop\nkern.* /var/log/kern.log\n"
        )
    });
    let kernel_module = packets.is_some();
    host.write(
        "/etc/rsyslog.conf",
        format!(
            "module(load=\"imuxsock\")\n$AddUnixListenSocket /var/spool/postfix/dev/log\n\
             $ActionFileDefaultTemplate {template}\n$FileOwner root\n$FileGroup adm\n$FileCreateMode 0640\n{kernel}\
             auth,authpriv.* /var/log/auth.log\ncron.* /var/log/cron.log\nmail.* -/var/log/mail.log\n\
             *.*;auth,authpriv.none;mail.none;cron.none;kern.none -/var/log/syslog\n"
        ),
        0o644,
    )?;
    if kernel_module {
        // Without this the kernel drops packet-log lines of every namespace but the first.
        std::fs::write("/proc/sys/net/netfilter/nf_log_all_netns", "1")?;
    }
    host.sh("mkdir -p /var/spool/postfix/dev && rsyslogd")?;
    Ok(())
}

/// Rotates a log as logrotate does each night, compressing the old one.
pub const ROTATE: &str = "printf '/var/log/mail.log /var/log/apache2/*.log {\\n rotate 4\\n missingok\\n notifempty\\n compress\\n sharedscripts\\n postrotate\\n kill -HUP $(cat /run/rsyslogd.pid); test -e /run/apache2/apache2.pid && kill -USR1 $(cat /run/apache2/apache2.pid); sleep 1\\n endscript\\n}\\n' > /etc/logrotate-lab.conf && logrotate -f /etc/logrotate-lab.conf";

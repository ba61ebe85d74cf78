//! The usual evidence of a scene, gathered in one call: what an administrator who was told which commands to run would send.
//!
//! A story leaves out what it wants to be missing, and adds what is particular to it.

use super::scene::Scene;
use crate::evidence::Folder;
use crate::host::Host;
use anyhow::Result;

/// Parts of the usual evidence that a story can leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Mail log, also the rotated one.
    MailLog,
    /// Access and error logs of the web server.
    WebLogs,
    /// Logins and cron's sessions.
    AuthLog,
    /// What cron started.
    CronLog,
    /// The crontabs themselves.
    Crontabs,
    /// `postconf -n`.
    Postconf,
    /// The mail queue.
    Queue,
    /// The process table.
    Processes,
    /// The socket table.
    Sockets,
    /// `iptables-save -c`, of the gateway too.
    Firewall,
    /// The leases of the gateway.
    Leases,
    /// Below /var/www, with its listing.
    WebRoot,
    /// `site.toml`.
    Site,
}

impl Scene {
    /// Takes the usual evidence but `without`; the story writes its notice and takes its captures itself.
    pub(super) fn usual(&self, folder: &mut Folder, without: &[Part]) -> Result<()> {
        let wanted = |part| !without.contains(&part);
        if wanted(Part::Site) {
            self.site(folder, "")?;
        }
        let host = &self.server;
        for (part, log) in [
            (Part::MailLog, "mail.log"),
            (Part::MailLog, "mail.log.1.gz"),
            (Part::AuthLog, "auth.log"),
            (Part::CronLog, "cron.log"),
        ] {
            if wanted(part) {
                folder.take(host, &format!("/var/log/{log}"), &format!("logs/{log}"))?;
            }
        }
        if wanted(Part::WebLogs) {
            for path in listed(host, "find /var/log/apache2 -type f -size +0 2>/dev/null | sort")? {
                let name = path.trim_start_matches("/var/log/").replace('/', "-");
                folder.take(host, &path, &format!("logs/{name}"))?;
            }
        }
        if wanted(Part::Crontabs) {
            let tables = "find /etc/cron.d /var/spool/cron/crontabs -type f -size +0 ! -name .placeholder 2>/dev/null | sort";
            for path in listed(host, tables)? {
                folder.take(host, &path, path.trim_start_matches('/'))?;
            }
            // And what they start, where it is no program of the distribution.
            let started = format!(
                "grep -hoE '(^|[ >])/(usr/local|opt|srv|home|tmp|var/tmp|dev/shm)[^ ;>]*' $({tables}) /dev/null | tr -d ' >' | sort -u"
            );
            for path in listed(host, &started)? {
                folder.take(host, &path, path.trim_start_matches('/'))?;
            }
        }
        for (part, command, name) in [
            (Part::Postconf, "postconf -n", "postconf-n.txt"),
            (Part::Queue, "postqueue -p", "postqueue-p.txt"),
            (Part::Firewall, "iptables-save -c", "iptables-save.txt"),
            (Part::Processes, "ps -eo pid,ppid,uid,user,lstart,args ww", "ps.txt"),
            (Part::Sockets, "ss -tanpe", "ss.txt"),
        ] {
            if wanted(part) {
                said(folder, host, command, &format!("host/{name}"))?;
            }
        }
        if wanted(Part::WebRoot) && host.inside("/var/www").exists() && !self.sites.is_empty() {
            folder.tree(host, "/var/www")?;
        }
        if let Some(gateway) = &self.gateway {
            if wanted(Part::Firewall) {
                said(folder, gateway, "iptables-save -c", "gateway/iptables-save.txt")?;
            }
            if wanted(Part::Leases) {
                folder.take(gateway, "/var/lib/misc/dnsmasq.leases", "gateway/dnsmasq.leases")?;
                folder.take(gateway, "/var/lib/dhcp/dhcpd.leases", "gateway/dhcpd.leases")?;
            }
            folder.take(gateway, "/var/log/kern.log", "gateway/kern.log")?;
        } else {
            folder.take(host, "/var/log/kern.log", "logs/kern.log")?;
        }
        Ok(())
    }

    /// What an administrator knows, with `more` lines.
    pub(super) fn site(&self, folder: &mut Folder, more: &str) -> Result<()> {
        let place = match &self.gateway {
            None => "vantage = \"host\"\n".to_owned(),
            Some(_) => {
                let network = self.submission.rsplit_once('.').map_or("", |(network, _)| network);
                format!("networks = [\"{network}.0/24\"]\n")
            }
        };
        let zone = match self.server.zone.as_str() {
            "UTC" => String::new(),
            zone => format!("timezone = \"{zone}\"\n"),
        };
        folder.site(&format!(
            "addresses = [\"{}\"]\nmta = [\"postfix\"]\nhelo = [\"{}\"]\n{place}{zone}{more}",
            self.address, self.hostname
        ))
    }

    /// `account:` decoys of everybody who writes letters.
    pub(super) fn accounts(&self) -> Vec<String> {
        self.people.iter().map(|person| format!("account:{}", person.user)).collect()
    }
}

/// What a command prints; nothing is kept of a command that prints nothing.
fn said(folder: &mut Folder, host: &Host, command: &str, name: &str) -> Result<()> {
    let output = host.sh(command)?;
    if output.trim_ascii().is_empty() {
        return Ok(());
    }
    folder.file(name, &output, &format!("`{command}` on {}", host.name))
}

fn listed(host: &Host, command: &str) -> Result<Vec<String>> {
    let output = host.sh(command)?;
    Ok(String::from_utf8_lossy(&output).lines().map(str::to_owned).collect())
}

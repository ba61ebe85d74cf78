//! What the evidence knows of people and machines: the words that are no address by their form.

use crate::case::Case;
use crate::incident::is_private;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Accounts of the system, which are nobody's name.
const SERVICES: [&str; 68] = [
    "root",
    "daemon",
    "bin",
    "sys",
    "sync",
    "games",
    "man",
    "lp",
    "mail",
    "news",
    "uucp",
    "proxy",
    "www-data",
    "www",
    "apache",
    "apache2",
    "httpd",
    "http",
    "nginx",
    "backup",
    "list",
    "irc",
    "gnats",
    "nobody",
    "nogroup",
    "postfix",
    "postdrop",
    "dovecot",
    "dovenull",
    "vmail",
    "exim",
    "debian-exim",
    "bind",
    "named",
    "mysql",
    "mariadb",
    "postgres",
    "redis",
    "ntp",
    "chrony",
    "_chrony",
    "squid",
    "tcpdump",
    "syslog",
    "messagebus",
    "dbus",
    "sshd",
    "systemd",
    "systemd-network",
    "systemd-resolve",
    "systemd-timesync",
    "clamav",
    "amavis",
    "opendkim",
    "opendmarc",
    "debian-spamd",
    "spamd",
    "dnsmasq",
    "dhcpd",
    "ftp",
    "vsftpd",
    "proftpd",
    "cron",
    "crond",
    "postgrey",
    "polkitd",
    "mailer-daemon",
    "double-bounce",
];

/// Subjects looked for.
const SUBJECTS: usize = 1000;

/// Names of hosts that say what it is and not whose.
const GENERIC: [&str; 24] = [
    "mail",
    "web",
    "www",
    "host",
    "server",
    "gateway",
    "gw",
    "router",
    "relay",
    "mx",
    "ns",
    "db",
    "smtp",
    "imap",
    "localhost",
    "firewall",
    "proxy",
    "vpn",
    "dns",
    "ftp",
    "app",
    "node",
    "vm",
    "unknown",
];

/// The names in the evidence.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Accounts, lower case.
    pub(super) accounts: BTreeSet<String>,
    /// Machines inside and their keys in a VPN, lower case.
    pub(super) hosts: BTreeSet<String>,
    /// Subjects of kept mails.
    pub(super) subjects: BTreeSet<String>,
    /// Addresses of servers that mail went to, and of the site.
    pub(super) servers: BTreeSet<IpAddr>,
    /// Addresses people logged in from.
    pub(super) persons: BTreeSet<IpAddr>,
    /// Words that stay, lower case: HELOs of notices and of the mail server, names of lists.
    pub(super) stays: BTreeSet<String>,
}

impl Known {
    /// What a case knows.
    pub(crate) fn of(case: &Case<'_>) -> Self {
        let mut known = Self::default();
        known.keep(case);
        known.people(case);
        known.machines(case);
        known.helos(case);
        known
    }

    fn keep(&mut self, case: &Case<'_>) {
        let incident = case.incident;
        self.servers.extend(&case.facts.site.addresses);
        self.servers.extend(&case.facts.site.relays);
        for notice in &incident.notices {
            self.servers.extend(notice.dst);
            if let heloscope_model::notice::Subject::Ip(ip) = notice.subject {
                self.servers.insert(ip);
            }
            self.stays.extend(notice.list.as_deref().map(str::to_lowercase));
        }
        self.servers.extend(case.gathered.outbound.iter().map(|s| s.server.ip()));
        self.servers.extend(case.mta_hosts());
        let helos = incident.helos().map(|h| h.to_string());
        for helo in helos.chain(case.mta_helos()) {
            self.stays.insert(helo.trim_matches(['[', ']']).to_lowercase());
        }
    }

    fn people(&mut self, case: &Case<'_>) {
        let usages = &case.gathered.usages;
        let logins = &case.gathered.logins;
        for (account, usage) in &usages.accounts {
            self.account(account);
            self.persons.extend(usage.clients.keys());
        }
        for usage in usages.uids.values() {
            usage.local_name.iter().for_each(|name| self.account(name));
        }
        for (user, logged) in &logins.users {
            self.account(user);
            self.persons.extend(logged.accepted.iter().filter_map(|a| a.ip));
        }
        self.persons.extend(logins.refused.keys());
        self.persons.extend(usages.guessers.keys());
        self.persons.extend(case.gathered.proxies.clients.keys());
        case.facts.processes.iter().for_each(|p| self.account(&p.user));
        let crontabs = case.facts.cron.iter().filter_map(|c| c.user.as_deref());
        crontabs.for_each(|user| self.account(user));
        for copy in case.gathered.copies.iter().take(SUBJECTS) {
            let subject = copy.subject.as_ref().map(ToString::to_string);
            self.subjects.extend(subject.filter(|s| s.len() > 3));
        }
    }

    fn machines(&mut self, case: &Case<'_>) {
        let leases = case.facts.leases.iter().filter_map(|l| l.name.as_deref());
        let vpn = case.facts.vpn_clients.iter().map(|c| c.name.as_str());
        leases.chain(vpn).for_each(|name| self.host(name));
        case.gathered.log_hosts.iter().for_each(|host| self.host(&host.to_string()));
    }

    /// What was said to others' servers is known there; but for the names of people's machines.
    fn helos(&mut self, case: &Case<'_>) {
        for helo in case.gathered.outbound.iter().filter_map(|s| s.helo.as_ref()) {
            let helo = helo.to_string().trim_matches(['[', ']']).to_lowercase();
            let leased = case.facts.leases.iter().filter_map(|l| l.name.as_deref());
            let mut inside = leased.chain(case.facts.vpn_clients.iter().map(|c| c.name.as_str()));
            if !self.accounts.contains(&helo) && !inside.any(|n| n.eq_ignore_ascii_case(&helo)) {
                self.stays.insert(helo);
            }
        }
    }

    fn account(&mut self, name: &str) {
        // A number is a user id, a letter any word.
        let plain = name.chars().count() > 1 && !name.chars().all(|c| c.is_ascii_digit());
        if plain && !is_service(name) {
            self.accounts.insert(name.to_lowercase());
        }
    }

    fn host(&mut self, name: &str) {
        let name = name.to_lowercase();
        if name.len() > 1 && !GENERIC.contains(&name.as_str()) && name != "*" {
            self.hosts.insert(name);
        }
    }

    /// Whether an address is a person's: public, and neither the site's nor a server's.
    pub(super) fn is_client(&self, ip: IpAddr) -> bool {
        let open = match ip {
            IpAddr::V4(v4) => {
                !(v4.is_loopback() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast())
            }
            IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unspecified() || v6.is_multicast()),
        };
        open && !is_private(ip) && (self.persons.contains(&ip) || !self.servers.contains(&ip))
    }
}

/// Whether an account is one of the system's.
pub(super) fn is_service(name: &str) -> bool {
    let name = name.to_lowercase();
    SERVICES.contains(&name.as_str())
}

//! What the administrator says: one TOML file, strict; none is needed to start.
//!
//! In: the file's text. Out: a [`Config`] whose values have been read into their types; names of users and secrets are looked
//! up later, by the rim. A key that is not known or a value that is not one is refused with its line. `docs/watch.toml`
//! shows every key; a test reads it.

mod fixed;
mod limits;
mod senders;
mod sources;
mod ways;

pub use fixed::{Fixed, Resolved};
pub use limits::LimitsSaid;
pub use senders::{Allowed, Mta, Net, User};
pub use sources::{Lists, Record};
pub use ways::{Mail, Summary, Syslog, Tls, Webhook};

use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// Everything that may be said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The folder of what is kept: record, positions in the logs, open alerts.
    pub state: PathBuf,
    /// Where the status page is served.
    pub listen: SocketAddr,
    /// Ports of mail.
    pub ports: Vec<u16>,
    /// The site's public addresses.
    pub addresses: Vec<IpAddr>,
    /// Mail logs; found where none is named.
    pub logs: Vec<PathBuf>,
    /// The zone of stamps that name none; the system's where it is not said.
    pub timezone: Option<String>,
    /// Whether connections to this host's own addresses count as if they went out: for trying it out.
    pub count_local: bool,
    /// What is recorded.
    pub record: Record,
    /// The mail server of this host.
    pub mta: Mta,
    /// Programs that may connect to mail servers.
    pub allowed: Vec<Allowed>,
    /// Machines behind this host that may.
    pub allowed_clients: Vec<Net>,
    /// From where on it is too much.
    pub limits: LimitsSaid,
    /// What was mended.
    pub fixed: Vec<Fixed>,
    /// Asking lists.
    pub lists: Lists,
    /// Letters.
    pub mail: Option<Mail>,
    /// A web service that is told.
    pub webhook: Option<Webhook>,
    /// The system's log.
    pub syslog: Syslog,
    /// The day in numbers.
    pub summary: Summary,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state: "/var/lib/heloscope".into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8925)),
            ports: heloscope_host::recorder::PORTS.to_vec(),
            addresses: Vec::new(),
            logs: Vec::new(),
            timezone: None,
            count_local: false,
            record: Record::default(),
            mta: Mta::default(),
            allowed: Vec::new(),
            allowed_clients: Vec::new(),
            limits: LimitsSaid::default(),
            fixed: Vec::new(),
            lists: Lists::default(),
            mail: None,
            webhook: None,
            syslog: Syslog::default(),
            summary: Summary::default(),
        }
    }
}

impl Config {
    /// Reads the file's text; what is wrong is told with its line.
    pub fn read(text: &str) -> Result<Self, Refused> {
        let config: Self = toml::from_str(text)?;
        for fixed in &config.fixed {
            fixed.resolved()?;
        }
        for allowed in &config.allowed {
            if allowed.exe.is_none() && allowed.script.is_none() && allowed.user.is_none() {
                return Err(Refused::Allowed(allowed.name.clone()));
            }
        }
        config.summary.time()?;
        if let Some(mail) = &config.mail {
            mail.relay()?;
        }
        Ok(config)
    }
}

/// Why a configuration is not taken.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Refused {
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    #[error(
        "[[fixed]] {0:?}: exactly one of script, process, account, address and answer says what must not be seen again"
    )]
    Fixed(String),
    #[error("[[fixed]] {0:?}: time is a date and time with its zone, 2026-11-24T14:30:00Z")]
    FixedTime(String),
    #[error("[[allowed]] {0:?} would allow everything: say exe, script or user")]
    Allowed(String),
    #[error("summary.at = {0:?} is no time of day (07:00)")]
    SummaryTime(String),
    #[error("mail.relay = {0:?} is no server with its port (mail.example.com:587)")]
    Relay(String),
    #[error(
        "mail.relay = {0:?} is this host, whose mail is what is watched and may be refused: name another server, or say local_queue = true"
    )]
    LocalRelay(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Limits;

    #[test]
    fn the_documented_configuration_is_one() {
        let config = Config::read(include_str!("../../../docs/watch.toml")).unwrap();
        assert_eq!(config.fixed.len(), 2);
        assert!(config.mail.is_some() && config.webhook.is_some());
        // What the file shows is what holds without it, where it says so.
        let plain = Config::default();
        assert_eq!((config.listen, &config.ports), (plain.listen, &plain.ports));
        assert_eq!(Limits::from(config.limits), Limits::default());
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, word) in [
            ("stat = \"x\"", "unknown field"),
            ("allowed = [{ name = \"all\" }]", "would allow everything"),
            ("fixed = [{ time = 2026-01-01T00:00:00Z, what = \"x\" }]", "exactly one"),
            ("fixed = [{ time = 2026-01-01, what = \"x\", account = \"a\" }]", "with its zone"),
            ("fixed = [{ what = \"x\", account = \"a\" }]", "with its zone"),
            ("fixed = [{ answer = \"a\", account = \"a\" }]", "exactly one"),
            ("summary = { at = \"7\" }", "no time of day"),
            ("allowed_clients = [\"x\"]", "no address"),
            ("[mail]\nrelay = \"127.0.0.1:25\"\nfrom = \"a@b.example\"\nto = []", "is this host"),
            ("[mail]\nrelay = \"mail\"\nfrom = \"a@b.example\"\nto = []", "with its port"),
        ] {
            let error = Config::read(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}

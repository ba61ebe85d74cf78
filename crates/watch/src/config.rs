//! What the administrator says: one TOML file, strict; none is needed to start.
//!
//! In: the file's text. Out: a [`Config`] whose values have been read into their types; names of users and secrets are looked
//! up later, by the rim. A key that is not known or a value that is not one is refused with its line. `docs/watch.toml`
//! shows every key; a test reads it.

use crate::settings::Limits;
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::BTreeMap;
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

/// `[record]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Record {
    /// Whether connections are recorded.
    pub enabled: bool,
    /// Days that are kept.
    pub days: u32,
    /// Megabytes that are kept.
    pub megabytes: u64,
    /// Whether the names that are given in clear (HELO) are heard.
    pub words: bool,
}

/// `[mta]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mta {
    /// Folders whose programs are its own; found where none is named.
    pub folders: Vec<String>,
    /// Single programs of it.
    pub programs: Vec<String>,
    /// Users that it runs as, by name or number.
    pub users: Vec<User>,
    /// The names it gives in HELO.
    pub helo: Vec<String>,
    /// The folder of its queue.
    pub queue: Option<PathBuf>,
}

/// A user, by name or number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum User {
    /// By number.
    Number(u32),
    /// By name.
    Name(String),
}

/// `[[allowed]]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Allowed {
    /// For people.
    pub name: String,
    /// The executed file.
    pub exe: Option<String>,
    /// The script that it runs.
    pub script: Option<String>,
    /// Its user.
    pub user: Option<User>,
    /// Where it may go.
    pub to: Vec<Net>,
    /// To which ports.
    pub ports: Vec<u16>,
}

/// A network, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Net(pub IpNet);

impl TryFrom<String> for Net {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let net = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        net.map(Self).map_err(|_| format!("{text:?} is no address and no network (192.0.2.0/24)"))
    }
}

/// `[limits]`
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs, reason = "as in Limits")]
pub struct LimitsSaid {
    pub host: u64,
    pub account: u64,
    pub user: u64,
    pub client: u64,
    pub script: u64,
    pub factor: f64,
    pub queue: u64,
    pub quiet_hours: f64,
}

impl Default for LimitsSaid {
    fn default() -> Self {
        let Limits { host, account, uid, client, script, factor, queue, quiet_s } =
            Limits::default();
        Self {
            host,
            account,
            user: uid,
            client,
            script,
            factor,
            queue,
            quiet_hours: quiet_s / 3600.0,
        }
    }
}

impl From<LimitsSaid> for Limits {
    fn from(said: LimitsSaid) -> Self {
        let LimitsSaid { host, account, user, client, script, factor, queue, quiet_hours } = said;
        Self {
            host,
            account,
            uid: user,
            client,
            script,
            factor,
            queue,
            quiet_s: quiet_hours * 3600.0,
        }
    }
}

/// `[[fixed]]`: one of the four says what must not be seen again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixed {
    /// When.
    pub time: toml::value::Datetime,
    /// What was done.
    pub what: String,
    /// A script that must not send again.
    pub script: Option<String>,
    /// A program that must not.
    pub process: Option<String>,
    /// An account that must not.
    pub account: Option<String>,
    /// An address or network behind this host that must not.
    pub address: Option<Net>,
}

/// `[lists]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lists {
    /// Whether lists are asked for the site's addresses.
    pub enabled: bool,
    /// Minutes between; a random part of a tenth is added.
    pub every_minutes: u64,
    /// Only these, by their names (`heloscope check --show-lists`); none for all.
    pub only: Vec<String>,
    /// More lists, in the form of docs/check.md.
    pub files: Vec<PathBuf>,
    /// A list's name, and the file with its subscriber's key.
    pub keys: BTreeMap<String, PathBuf>,
    /// Resolvers; none for those of the system.
    pub resolvers: Vec<SocketAddr>,
    /// Documentation addresses may be asked about: for lists of one's own.
    pub lab: bool,
}

/// `[mail]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// The server that takes letters for us, with its port: not this host, whose mail may be refused.
    pub relay: String,
    /// Whether this host's own server may be that relay all the same.
    #[serde(default)]
    pub local_queue: bool,
    /// How it is encrypted.
    #[serde(default)]
    pub tls: Tls,
    /// The authorities that vouch for the relay, as PEM; else the system's.
    pub ca: Option<PathBuf>,
    /// The account there.
    pub account: Option<String>,
    /// A file with its password.
    pub password: Option<PathBuf>,
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: Vec<String>,
    /// The name in HELO; this host's where it is not said.
    pub helo: Option<String>,
}

/// How the way to the relay is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Asked for by STARTTLS, and required.
    #[default]
    Starttls,
    /// From the first byte (port 465).
    Wrapped,
    /// Not at all.
    None,
}

/// `[webhook]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where alerts are posted.
    pub url: String,
    /// A file with a token that is sent as `Authorization: Bearer`.
    pub token: Option<PathBuf>,
}

/// `[syslog]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Syslog {
    /// Whether alerts go to the system's log.
    pub enabled: bool,
    /// Its socket.
    pub socket: PathBuf,
}

/// `[summary]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Summary {
    /// At which time of day, `07:00`; never where it is not said.
    pub at: Option<String>,
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

impl Default for Record {
    fn default() -> Self {
        Self { enabled: true, days: 30, megabytes: 512, words: true }
    }
}

impl Default for Lists {
    fn default() -> Self {
        Self {
            enabled: true,
            every_minutes: 60,
            only: Vec::new(),
            files: Vec::new(),
            keys: BTreeMap::new(),
            resolvers: Vec::new(),
            lab: false,
        }
    }
}

impl Default for Syslog {
    fn default() -> Self {
        Self { enabled: false, socket: "/dev/log".into() }
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
        "[[fixed]] {0:?}: exactly one of script, process, account and address says what must not be seen again"
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

impl Fixed {
    /// As the core takes it.
    pub fn resolved(&self) -> Result<crate::settings::Fixed, Refused> {
        use crate::settings::Gone;
        let said = [
            self.script.clone().map(Gone::Script),
            self.process.clone().map(Gone::Process),
            self.account.clone().map(Gone::Account),
            self.address.map(|net| Gone::Address(net.0)),
        ];
        let mut said = said.into_iter().flatten();
        let (Some(gone), None) = (said.next(), said.next()) else {
            return Err(Refused::Fixed(self.what.clone()));
        };
        let time: jiff::Timestamp =
            self.time.to_string().parse().map_err(|_| Refused::FixedTime(self.what.clone()))?;
        Ok(crate::settings::Fixed { time: time.into(), what: self.what.clone(), gone })
    }
}

impl Summary {
    /// The time of day.
    pub fn time(&self) -> Result<Option<jiff::civil::Time>, Refused> {
        let Some(at) = &self.at else { return Ok(None) };
        let time = format!("{at}:00").parse().map_err(|_| Refused::SummaryTime(at.clone()))?;
        Ok(Some(time))
    }
}

impl Mail {
    /// The server and its port.
    pub fn relay(&self) -> Result<(String, u16), Refused> {
        let bad = || Refused::Relay(self.relay.clone());
        let (host, port) = self.relay.rsplit_once(':').ok_or_else(bad)?;
        let port = port.parse().map_err(|_| bad())?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(bad());
        }
        let ip = host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        let here = host.eq_ignore_ascii_case("localhost")
            || ip.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified());
        if here && !self.local_queue {
            return Err(Refused::LocalRelay(self.relay.clone()));
        }
        Ok((host.to_owned(), port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_configuration_is_one() {
        let config = Config::read(include_str!("../../../docs/watch.toml")).unwrap();
        assert_eq!(config.fixed.len(), 1);
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

//! The configuration of `heloscope serve` as it is said: one TOML file, strict, and the commonest
//! keys as flags that win over it. None is needed to start.
//!
//! In: the file's text and the flags. Out: a [`Config`] in which every value has been read into
//! its type. A key that is not known, a value that is not one, or two that contradict each other
//! are refused with file, line and remedy. `docs/serve.toml` documents every key; a test holds it
//! against these structs.

use crate::cli::Serve;
use anyhow::{Context, Result, bail};
use heloscope_ledger::Policy;
use heloscope_ledger::policy::Delay;
use heloscope_model::sighting::TrapKind;
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

const DAY: i64 = 24 * 3600;

/// Everything that `serve` may be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The folder of journal, snapshots, certificate and keys.
    pub(crate) state: PathBuf,
    /// The user it runs as once it has its sockets, where it is started as root.
    pub(crate) user: Option<String>,
    /// Whether the kernel is asked to refuse other files, ports and system calls than are needed.
    pub(crate) sandbox: bool,
    /// The composite zone.
    pub(crate) zone: String,
    /// Which roles this process takes.
    pub(crate) roles: Vec<Role>,
    /// Documentation addresses may be listed, publication is not delayed. Never in production.
    pub(crate) lab: bool,
    pub(crate) trap: Trap,
    pub(crate) dns: Dns,
    pub(crate) web: Web,
    pub(crate) detect: Detect,
    pub(crate) ledger: Ledger,
    pub(crate) mail: Mail,
    #[serde(rename = "look-ups")]
    pub(crate) look_ups: LookUps,
}

/// What a process can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// The SMTP sensor.
    Trap,
    /// Detections to listings.
    Ledger,
    /// The zones.
    Dns,
    /// Pages and API.
    Web,
}

impl Role {
    pub(crate) const ALL: [Role; 4] = [Role::Trap, Role::Ledger, Role::Dns, Role::Web];
}

/// `[trap]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Trap {
    /// Where it listens for SMTP.
    pub(crate) listen: Vec<SocketAddr>,
    /// Where it plays an open HTTP and SOCKS proxy; nowhere unless said.
    pub(crate) proxy: Vec<SocketAddr>,
    /// The sensor's name in the ledger.
    pub(crate) sensor: String,
    /// The name in the greeting; else `mx.` and the zone.
    pub(crate) name: Option<String>,
    /// What the greeting says after the name.
    pub(crate) banner: String,
    /// Seconds between the greeting's first line and its last: who speaks before is noted.
    pub(crate) greeting_delay_s: f64,
    /// Whether PIPELINING is offered.
    pub(crate) pipelining: bool,
    /// Whether STARTTLS is offered.
    pub(crate) starttls: bool,
    /// Seconds that each reply waits.
    pub(crate) tarpit_s: f64,
    /// Domains whose every address is a trap, and of which kind.
    pub(crate) domains: BTreeMap<String, TrapKind>,
    /// Single addresses that are traps.
    pub(crate) addresses: BTreeMap<String, TrapKind>,
    /// Names that nobody logs in with and no mail goes to: who tries one guesses.
    pub(crate) logins: Vec<String>,
    /// Mail to this address is answered with the HELO that was said.
    pub(crate) helocheck: Option<String>,
    /// From which networks the PROXY protocol is believed.
    pub(crate) proxy_protocol_from: Vec<IpNet>,
    /// Sessions at once.
    pub(crate) sessions: usize,
    /// Sessions at once from one IPv4 address or IPv6 /64.
    pub(crate) sessions_per_address: usize,
    /// Bytes of one message.
    pub(crate) message_bytes: u64,
    /// Seconds a client may be silent.
    pub(crate) idle_s: u64,
    /// Seconds a session may last.
    pub(crate) session_s: u64,
    /// Hours that messages are kept; none are kept unless said.
    pub(crate) bodies_hours: u64,
    /// Bytes of all of them; beyond, the oldest go first.
    pub(crate) bodies_bytes: u64,
}

/// `[dns]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dns {
    /// Where it answers, UDP and TCP.
    pub(crate) listen: Vec<SocketAddr>,
    /// The zone's name servers; else `ns.` and the zone.
    pub(crate) name_servers: Vec<String>,
    /// The mailbox of the SOA; else hostmaster of the zone.
    pub(crate) mailbox: Option<String>,
    /// Seconds that an answer may be kept by resolvers.
    pub(crate) ttl_s: u32,
    /// Seconds that "not listed" may be kept.
    pub(crate) negative_ttl_s: u32,
}

/// `[web]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Web {
    /// Where it listens for HTTP.
    pub(crate) listen: Vec<SocketAddr>,
    /// How people reach it, for links in TXT records and pages; else the first address.
    pub(crate) url: Option<String>,
    /// Who runs the list, as the pages say.
    pub(crate) operator: String,
    /// How to write to him besides the form.
    pub(crate) contact: String,
    /// From which networks `X-Forwarded-For` is believed.
    pub(crate) forwarded_from: Vec<IpNet>,
    /// Who may read /metrics and the generation: they show at once what pages and DNS delay.
    pub(crate) watchers: Vec<IpNet>,
    /// A file with the desk's token; without it there is no desk.
    pub(crate) desk_token: Option<PathBuf>,
}

/// `[detect]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Detect {
    /// Detectors that do not run.
    pub(crate) off: Vec<String>,
    /// Detectors that run and count for nothing.
    pub(crate) shadow: Vec<String>,
    /// A folder of dialects (`*.dialect`) known besides the shipped ones.
    pub(crate) dialects: Option<PathBuf>,
    /// Addresses of senders of ours that do everything right: who accuses them pauses itself.
    pub(crate) canaries: Vec<IpNet>,
}

/// `[ledger]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ledger {
    /// Addresses that are never listed.
    pub(crate) exempt: Vec<IpNet>,
    /// Seconds that a first listing stays after its last detection; terms double with each listing.
    pub(crate) term_s: i64,
    /// The same for an address that changes hands or has many users.
    pub(crate) dynamic_term_s: i64,
    /// Seconds without a detection before a second removal is granted; doubled at each further one.
    pub(crate) lockout_s: i64,
    /// Seconds that a detection stays hidden after its slot, at least.
    pub(crate) delay_least_s: i64,
    /// And up to so many more, by the list's key.
    pub(crate) delay_spread_s: i64,
    /// Times are told as the middle of a slot so many seconds long.
    pub(crate) slot_s: i64,
}

impl Ledger {
    /// The policy with these numbers; in the lab nothing is delayed.
    pub(crate) fn policy(&self, lab: bool) -> Policy {
        let standard = if lab { Policy::lab() } else { Policy::standard() };
        let delay = Delay { least_s: self.delay_least_s, spread_s: self.delay_spread_s };
        Policy {
            term_s: self.term_s,
            dynamic_term_s: self.dynamic_term_s,
            lockout_s: self.lockout_s,
            delay: standard.delay.map(|_| delay),
            slot_s: self.slot_s,
            ..standard
        }
    }

    /// What nobody can mean: a list without a term, a slot that hides nothing.
    fn check(&self) -> Result<()> {
        for (name, seconds, range) in [
            ("term_s", self.term_s, 60..=90 * DAY),
            ("dynamic_term_s", self.dynamic_term_s, 60..=90 * DAY),
            ("lockout_s", self.lockout_s, 1..=90 * DAY),
            ("delay_least_s", self.delay_least_s, 0..=DAY),
            ("delay_spread_s", self.delay_spread_s, 60..=DAY),
            ("slot_s", self.slot_s, 120..=DAY),
        ] {
            if !range.contains(&seconds) {
                bail!("ledger.{name} = {seconds}: between {} and {}", range.start(), range.end());
            }
        }
        if self.slot_s % 120 != 0 {
            bail!("ledger.slot_s = {}: an even number of minutes", self.slot_s);
        }
        Ok(())
    }
}

/// `[mail]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mail {
    /// Who takes letters to owners; without one they prove themselves by DNS alone.
    pub(crate) relay: Option<Relay>,
    /// Whom letters are from, and where bounces go; else postmaster of the zone.
    pub(crate) from: Option<String>,
    /// The name that is said to the relay; else the zone.
    pub(crate) helo: Option<String>,
    /// The authorities that vouch for the relay, as PEM; with it STARTTLS is a must.
    pub(crate) ca: Option<PathBuf>,
    /// The account at the relay.
    pub(crate) account: Option<String>,
    /// A file with its password.
    pub(crate) password: Option<PathBuf>,
    /// Letters in an hour, to all together.
    pub(crate) per_hour: u32,
}

/// A mail server: a name or an address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Relay {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl TryFrom<String> for Relay {
    type Error = String;

    fn try_from(said: String) -> Result<Self, String> {
        let split = said.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match split {
            Some((host, port)) if !host.is_empty() && port != 0 => {
                let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
                Ok(Self { host, port })
            }
            _ => Err(format!("{said:?} is no relay: say its name and port, \"127.0.0.1:25\"")),
        }
    }
}

/// `[look-ups]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LookUps {
    /// The resolvers; else the system's.
    pub(crate) resolvers: Vec<SocketAddr>,
    /// Milliseconds to wait for an answer.
    pub(crate) timeout_ms: u64,
}

impl Config {
    /// The file, where one is named, and the flags over it.
    pub(crate) fn read(flags: &Serve) -> Result<Config> {
        let mut config = match &flags.config {
            Some(path) => from_file(path)?,
            None => Config::default(),
        };
        config.overlay(flags);
        config.check()?;
        Ok(config)
    }

    fn overlay(&mut self, flags: &Serve) {
        if let Some(state) = &flags.state {
            self.state.clone_from(state);
        }
        if let Some(zone) = &flags.zone {
            self.zone.clone_from(zone);
        }
        if let Some(address) = flags.trap {
            self.trap.listen = vec![address];
        }
        if let Some(address) = flags.dns {
            self.dns.listen = vec![address];
        }
        if let Some(address) = flags.web {
            self.web.listen = vec![address];
        }
        if !flags.trap_proxy_protocol_from.is_empty() {
            self.trap.proxy_protocol_from.clone_from(&flags.trap_proxy_protocol_from);
        }
        if !flags.role.is_empty() {
            self.roles.clone_from(&flags.role);
        }
        self.lab |= flags.lab;
    }

    /// What is only wrong together.
    fn check(&self) -> Result<()> {
        if self.roles.is_empty() {
            bail!("no role is left to play (roles = [\"trap\", \"ledger\", \"dns\", \"web\"])");
        }
        if !self.has(Role::Ledger) {
            bail!(
                "the roles {} need a ledger to talk to, and the bus that joins machines is not \
                 there yet: add the role ledger",
                self.roles
                    .iter()
                    .map(|r| format!("{r:?}").to_lowercase())
                    .collect::<Vec<_>>()
                    .join(", ")
            );
        }
        for id in self.detect.off.iter().chain(&self.detect.shadow) {
            if heloscope_detect::catalogue::find(id).is_none() {
                let known: Vec<_> = heloscope_detect::CATALOGUE.iter().map(|d| d.id).collect();
                bail!("no detector is called {id:?}; there are {}", known.join(", "));
            }
        }
        for (name, seconds) in
            [("greeting_delay_s", self.trap.greeting_delay_s), ("tarpit_s", self.trap.tarpit_s)]
        {
            if !(0.0..=60.0).contains(&seconds) {
                bail!("trap.{name} = {seconds}: between 0 and 60 seconds");
            }
        }
        // A year; more is no limit any more.
        if self.trap.bodies_hours > 24 * 366 {
            bail!("trap.bodies_hours = {}: at most a year (8784)", self.trap.bodies_hours);
        }
        let mail = &self.mail;
        if mail.account.is_some() != mail.password.is_some() {
            bail!(
                "mail.account and mail.password go together: the name, and the file with its password"
            );
        }
        if mail.account.is_some() && mail.ca.is_none() {
            bail!(
                "mail.account without mail.ca would send the password in clear: name the authorities that vouch for the relay"
            );
        }
        self.ledger.check()
    }

    pub(crate) fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

fn from_file(path: &Path) -> Result<Config> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration {}", path.display()))?;
    // The parser names line and column, and shows the place.
    toml::from_str(&text).map_err(|error| {
        anyhow::anyhow!("{}: {}(docs/serve.toml shows every key)", path.display(), error)
    })
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state: PathBuf::from("heloscope-state"),
            user: None,
            sandbox: true,
            zone: "bl.example".to_owned(),
            roles: Role::ALL.to_vec(),
            lab: false,
            trap: Trap::default(),
            dns: Dns::default(),
            web: Web::default(),
            detect: Detect::default(),
            ledger: Ledger::default(),
            mail: Mail::default(),
            look_ups: LookUps::default(),
        }
    }
}

impl Default for Trap {
    fn default() -> Self {
        Self {
            listen: vec![loopback(2525)],
            proxy: Vec::new(),
            sensor: "trap".to_owned(),
            name: None,
            banner: "ESMTP".to_owned(),
            greeting_delay_s: 2.0,
            pipelining: true,
            starttls: true,
            tarpit_s: 0.0,
            domains: BTreeMap::new(),
            addresses: BTreeMap::new(),
            logins: Vec::new(),
            helocheck: None,
            proxy_protocol_from: Vec::new(),
            sessions: 20_000,
            sessions_per_address: 50,
            message_bytes: 10 * 1024 * 1024,
            idle_s: 120,
            session_s: 900,
            bodies_hours: 0,
            bodies_bytes: 1024 * 1024 * 1024,
        }
    }
}

impl Default for Dns {
    fn default() -> Self {
        Self {
            listen: vec![loopback(5353)],
            name_servers: Vec::new(),
            mailbox: None,
            ttl_s: 300,
            negative_ttl_s: 60,
        }
    }
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: vec![loopback(8080)],
            url: None,
            operator: "the operator of this list".to_owned(),
            contact: "postmaster".to_owned(),
            forwarded_from: Vec::new(),
            watchers: [IpAddr::from([127, 0, 0, 1]), IpAddr::from(Ipv6Addr::LOCALHOST)]
                .map(IpNet::from)
                .to_vec(),
            desk_token: None,
        }
    }
}

impl Default for Ledger {
    fn default() -> Self {
        let policy = Policy::standard();
        let delay = policy.delay.unwrap_or(Delay { least_s: 0, spread_s: 60 });
        Self {
            exempt: Vec::new(),
            term_s: policy.term_s,
            dynamic_term_s: policy.dynamic_term_s,
            lockout_s: policy.lockout_s,
            delay_least_s: delay.least_s,
            delay_spread_s: delay.spread_s,
            slot_s: policy.slot_s,
        }
    }
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            relay: None,
            from: None,
            helo: None,
            ca: None,
            account: None,
            password: None,
            per_hour: 60,
        }
    }
}

impl Default for LookUps {
    fn default() -> Self {
        Self { resolvers: Vec::new(), timeout_ms: 3000 }
    }
}

/// Nothing is offered to the world unless somebody says so.
fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[cfg(test)]
mod tests;

//! The configuration of `heloscope serve` as it is said: one TOML file, strict, and the commonest
//! keys as flags that win over it. None is needed to start.
//!
//! In: the file's text and the flags. Out: a [`Config`] in which every value has been read into
//! its type. A key that is not known, a value that is not one, or two that contradict each other
//! are refused with file, line and remedy. `docs/serve.toml` documents every key; a test holds it
//! against these structs.

use crate::cli::Serve;
use anyhow::{Context, Result, bail};
use heloscope_model::sighting::TrapKind;
use ipnet::IpNet;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Everything that `serve` may be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The folder of journal, snapshots, certificate and keys.
    pub(crate) state: PathBuf,
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
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ledger {
    /// Addresses that are never listed.
    pub(crate) exempt: Vec<IpNet>,
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
        Ok(())
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
            zone: "bl.example".to_owned(),
            roles: Role::ALL.to_vec(),
            lab: false,
            trap: Trap::default(),
            dns: Dns::default(),
            web: Web::default(),
            detect: Detect::default(),
            ledger: Ledger::default(),
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
            helocheck: None,
            proxy_protocol_from: Vec::new(),
            sessions: 20_000,
            sessions_per_address: 50,
            message_bytes: 10 * 1024 * 1024,
            idle_s: 120,
            session_s: 900,
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

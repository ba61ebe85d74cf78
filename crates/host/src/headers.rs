//! A router's recorder: who inside opened which connection to a mail port, heard from headers alone; and whose the addresses were.
//!
//! ```text
//!  packet socket --[filter in the kernel: SYN, FIN, RST of mail ports, DHCP]--> segment --> flows --+
//!                                                                               DHCP ---> leases --+--> Noted
//!                                                         the DHCP server's own file -------^
//! ```
//!
//! In: packets of the inside interfaces of this network namespace, cut behind the fixed TCP header, so nothing that is said can reach it.
//! Out: `passing` with the machine inside, the outcome and its name; `ended` with the bytes by the sequence numbers; `lease`. One
//! connection is one line, also where both sides of address translation are heard. Needs CAP_NET_RAW to start and nothing afterwards.
//! Every table is bounded; what gives way is told as lost.

mod dhcp;
mod files;
mod flows;
mod interfaces;
mod leases;

pub use leases::Lease;

use crate::connection::{Ended, utc};
use crate::packets::{Ear, Origin, filter, segment};
use crate::witness::Means;
use crate::{Noted, clock};
use files::Files;
use flows::{Fate, Flows, Told, Tried};
use heloscope_model::Time;
use interfaces::Interfaces;
use leases::Leases;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Bytes of a packet that are read: DHCP's; of TCP the filter lets less through.
const PACKET: usize = 1600;
/// How long packets are gathered once there is one.
const TOGETHER: Duration = Duration::from_millis(20);
/// How often interfaces and lease files are looked at, and how often it is said that the watching goes on, in seconds.
const LOOKED_EVERY: f64 = 5.0;
const SAID_EVERY: f64 = 60.0;
/// How long losses are gathered.
const LOST_EVERY: f64 = 1.0;

/// What is heard.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The mail ports.
    pub ports: Vec<u16>,
    /// The interfaces; else all inside.
    pub interfaces: Vec<String>,
    /// The DHCP server's files; else where they are known to stand.
    pub leases: Vec<PathBuf>,
}

/// Why nothing is heard.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The packet socket.
    #[error("hearing packets (a packet socket): {0}")]
    Packets(#[source] io::Error),
    /// The interfaces.
    #[error("reading this host's interfaces: {0}")]
    Interfaces(#[source] nix::Error),
    /// None is inside.
    #[error(
        "no interface here is inside (up, with an address, without the route to everywhere): name those that are with --interface"
    )]
    Nowhere,
    /// None of the named is there.
    #[error("none of these interfaces is here: {0}; `ip link` lists those that are")]
    NotHere(String),
    /// Waiting.
    #[error("waiting for packets: {0}")]
    Wait(#[source] nix::Error),
}

impl Error {
    /// Whether more rights would help.
    pub fn is_permission(&self) -> bool {
        matches!(self, Error::Packets(error) if error.kind() == io::ErrorKind::PermissionDenied)
    }
}

/// A connection from inside, by its headers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Heard {
    /// When it began.
    #[serde(serialize_with = "utc")]
    pub time: Time,
    /// Names the connection in [`Ended`].
    pub socket: u64,
    /// Where it comes from, inside.
    pub client: SocketAddr,
    /// Where it goes.
    pub server: SocketAddr,
    /// `open`; `ECONNREFUSED`; `ETIMEDOUT` (nobody answered); `ECONNABORTED` (the answer was refused: a scan, or another's address);
    /// none where the watching ended before.
    pub outcome: Option<&'static str>,
    /// As which address it leaves, where that was heard and is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translated: Option<SocketAddr>,
    /// The machine, by the link header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// The router that handed it on, where it does not stand on this link.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// By which interface it came.
    pub interface: String,
    /// What the machine calls itself, by the lease of its address at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Hears headers until it is dropped.
#[derive(Debug)]
pub struct Headers {
    ear: Ear,
    files: Files,
    settings: Settings,
    core: Core,
    unseen: Vec<String>,
    said: Option<Time>,
    looked: Option<Time>,
    /// When it was last read, and nothing was lost yet.
    whole: Time,
    /// How much is lost and not told yet, and since when.
    lost: Option<(u64, Time)>,
    told_lost: Time,
}

/// What is known; decides alone.
#[derive(Debug)]
struct Core {
    interfaces: Interfaces,
    heard: BTreeMap<u32, String>,
    own: BTreeSet<IpAddr>,
    flows: Flows,
    leases: Leases,
}

impl Headers {
    /// Begins to hear; with it, what is to be said aloud of it.
    pub fn start(settings: Settings) -> Result<(Self, Vec<String>), Error> {
        let interfaces = interfaces::look().map_err(Error::Interfaces)?;
        let heard = interfaces.choose(&settings.interfaces);
        if heard.is_empty() {
            return Err(match settings.interfaces.is_empty() {
                true => Error::Nowhere,
                false => Error::NotHere(settings.interfaces.join(", ")),
            });
        }
        let program = filter::headers(&settings.ports, &numbers(&heard));
        let ear = Ear::open(&program).map_err(Error::Packets)?;
        let names: Vec<&str> = heard.values().map(String::as_str).collect();
        let mut says = vec![format!(
            "headers of connections to mail ports are heard on {}: who inside opens them, not what is said",
            names.join(", ")
        )];
        let mut unseen = unseen();
        for name in settings.interfaces.iter().filter(|name| !names.contains(&name.as_str())) {
            unseen
                .push(format!("there is no interface {name}; it is heard as soon as it is there"));
        }
        says.extend(unseen.iter().cloned());
        let now = clock::now();
        let core = Core {
            own: interfaces.own(),
            interfaces,
            heard,
            flows: Flows::new(&settings.ports),
            leases: Leases::default(),
        };
        let files = Files::new(&settings.leases);
        let headers = Self {
            ear,
            files,
            settings,
            core,
            unseen,
            said: None,
            looked: None,
            whole: now,
            lost: None,
            told_lost: now,
        };
        Ok((headers, says))
    }

    /// How connections are seen.
    pub fn means(&self) -> Means {
        Means::Headers
    }

    /// Waits until something is to be noted, or the time is over; with it, what is to be said aloud.
    pub fn next(&mut self, wait: Duration) -> Result<(Vec<Noted>, Vec<String>), Error> {
        let now = clock::now();
        let mut says = Vec::new();
        let mut noted = self.watching(now);
        let fresh = |looked| (0.0..LOOKED_EVERY).contains(&now.since(looked));
        if !self.looked.is_some_and(fresh) {
            noted.extend(self.look(now, &mut says)?);
        }
        // What was just said is kept at once.
        let wait = if noted.is_empty() { wait } else { Duration::ZERO };
        if self.ear.wait(wait).map_err(Error::Wait)? && !wait.is_zero() {
            crate::recorder::pause(TOGETHER.min(wait));
        }
        let now = clock::now();
        let core = &mut self.core;
        let mut take = |packet: &[u8], origin| noted.extend(core.packet(packet, origin, now));
        self.ear.read(&mut [0; PACKET], &mut take).map_err(Error::Packets)?;
        noted.extend(self.core.tick(now));
        noted.extend(self.losses(now, false));
        self.whole = now;
        Ok((noted, says))
    }

    /// What is to be noted when the watching ends.
    pub fn stop(mut self) -> Vec<Noted> {
        // What is on its way is still taken; an error now ends what ends anyhow.
        let mut noted = self.next(Duration::ZERO).unwrap_or_default().0;
        let now = clock::now();
        let told = self.core.flows.stop(now);
        noted.extend(self.core.noted(told, now));
        noted.extend(self.losses(now, true));
        noted.push(Noted::Stopped { time: now });
        noted
    }

    /// What was lost, told once a second, or now.
    fn losses(&mut self, now: Time, at_once: bool) -> Option<Noted> {
        let (given_way, begun) = self.core.flows.lost();
        let dropped = self.ear.dropped();
        if given_way + dropped > 0 {
            let whole = begun.map_or(self.whole, |begun| begun.min(self.whole));
            let (events, since) = self.lost.get_or_insert((0, whole));
            *events = events.saturating_add(given_way).saturating_add(dropped);
            *since = whole.min(*since);
        }
        if !at_once && (0.0..LOST_EVERY).contains(&now.since(self.told_lost)) {
            return None;
        }
        let (events, since) = self.lost.take()?;
        self.told_lost = now;
        Some(Noted::Lost { events, since, time: now })
    }

    /// That it began, and each minute that it goes on.
    fn watching(&mut self, now: Time) -> Vec<Noted> {
        let means = Means::Headers;
        let noted = match self.said {
            None => Noted::Began {
                time: now,
                means,
                ports: self.settings.ports.clone(),
                unseen: self.unseen.clone(),
            },
            Some(said) if !(0.0..SAID_EVERY).contains(&now.since(said)) => {
                Noted::Watching { time: now, means }
            }
            Some(_) => return Vec::new(),
        };
        self.said = Some(now);
        vec![noted]
    }

    /// Looks which interfaces there are now, and what the lease files say.
    fn look(&mut self, now: Time, says: &mut Vec<String>) -> Result<Vec<Noted>, Error> {
        let before = self.looked.replace(now);
        let interfaces = interfaces::look().map_err(Error::Interfaces)?;
        let heard = interfaces.choose(&self.settings.interfaces);
        if heard != self.core.heard {
            let program = filter::headers(&self.settings.ports, &numbers(&heard));
            self.ear.change(&program).map_err(Error::Packets)?;
            let names: Vec<&str> = heard.values().map(String::as_str).collect();
            says.push(format!("heard from now on: {}", names.join(", ")));
        }
        self.core.own = interfaces.own();
        self.core.heard = heard;
        self.core.interfaces = interfaces;
        let (changed, wrong) = self.files.changed();
        says.extend(wrong);
        let mut noted = Vec::new();
        for file in changed {
            let before = before.filter(|_| !file.first);
            let told = self.core.leases.file(&file.leases, &file.name, before, now);
            noted.extend(told.into_iter().map(|lease| Noted::Lease(Box::new(lease))));
        }
        Ok(noted)
    }
}

impl Core {
    fn packet(&mut self, packet: &[u8], origin: Origin, now: Time) -> Vec<Noted> {
        if let Some(segment) = segment::tcp(packet) {
            let told = self.flows.take(&segment, origin, &self.own, now);
            return self.noted(told, now);
        }
        let said = segment::udp(packet).and_then(|(from, to, said)| dhcp::said(from, to, said));
        let lease = said.and_then(|said| self.leases.said(said, origin.leaving, now));
        lease.into_iter().map(|lease| Noted::Lease(Box::new(lease))).collect()
    }

    fn tick(&mut self, now: Time) -> Vec<Noted> {
        let told = self.flows.tick(now);
        self.noted(told, now)
    }

    fn noted(&mut self, told: Vec<Told>, now: Time) -> Vec<Noted> {
        let mut noted = Vec::new();
        for told in told {
            match told {
                Told::Tried(tried) => self.tried(tried, now, &mut noted),
                Told::Ended { number, end, received, sent } => {
                    noted.push(Noted::Ended(Ended { socket: number, end, received, sent }));
                }
            }
        }
        noted
    }

    /// The lease comes before the connection that it names.
    fn tried(&mut self, tried: Tried, now: Time, noted: &mut Vec<Noted>) {
        let interface = self.heard.get(&tried.origin.interface).cloned().unwrap_or_default();
        let address = tried.client.ip();
        let on_link = self.interfaces.on_link(&interface, address);
        let (mac, via) = match tried.origin.mac {
            mac if on_link => (mac, None),
            via => (None, via),
        };
        // Who was not answered may have claimed any address.
        let (name, lease) = match tried.outcome {
            Fate::Open => self.leases.used(address, mac, tried.start, now),
            _ => (None, None),
        };
        noted.extend(lease.map(|lease| Noted::Lease(Box::new(lease))));
        noted.push(Noted::Heard(Box::new(Heard {
            time: tried.start,
            socket: tried.number,
            client: tried.client,
            server: tried.server,
            outcome: match tried.outcome {
                Fate::Open => Some("open"),
                Fate::Refused => Some("ECONNREFUSED"),
                Fate::Unanswered => Some("ETIMEDOUT"),
                Fate::Aborted => Some("ECONNABORTED"),
                Fate::Unknown => None,
            },
            translated: tried.translated,
            mac: mac.map(leases::written),
            via: via.map(leases::written),
            interface,
            name,
        })));
    }
}

fn numbers(heard: &BTreeMap<u32, String>) -> Vec<u32> {
    heard.keys().copied().collect()
}

/// What headers do not show.
fn unseen() -> Vec<String> {
    [
        "what is said on a connection, and which program opened it, no header shows",
        "connections that this host itself opens, or that are for it, are not noted",
        "of machines behind another router the address is known and not the MAC",
        "IPv6 with extension headers is not heard",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[cfg(test)]
mod tests;

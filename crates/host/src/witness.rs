//! The witness: connections of this host to mail ports and those that pass through it, by the best means that works
//! here, which it chooses by itself and names.
//!
//! ```text
//!  tp-btf   eBPF on typed trace points: every attempt, the process right also when it lives a millisecond
//!    | refused by the kernel, or no right to load programs
//!  nft-log  the firewall announces each connection, and the table of open sockets is asked at once: all with their user, processes
//!    |      that live some 20 ms; needs nft and CAP_NET_ADMIN
//!  polling  the table of open sockets, five times a second: misses what is shorter, names processes it may look into
//! ```
//!
//! In between would stand eBPF without the kernel's description of its types: it is not tried, because without that description a
//! process's exe, arguments and parents cannot be read where they stand, and a name read afterwards may be
//! another process's. Out: [`Noted`] lines, also when the watching begins, goes on and ends, so that a reader knows
//! what the silence of a record means.

use crate::clock;
use crate::forwarded::{self, Tracking, mac};
use crate::logged;
use crate::names::Names;
use crate::polling::{self, Polling};
use crate::recorder::{self, Recorder};
use crate::words::Words;
use crate::{Connection, Noted, addresses, php_fpm};
use caps::Capability;
use heloscope_model::Time;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde::Serialize;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

/// How often it is said that the watching goes on, in seconds.
const SAID_EVERY: f64 = 60.0;

/// How connections are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// eBPF programs on the kernel's typed trace points.
    TpBtf,
    /// The table of open sockets, asked as soon as the firewall announces a connection ([`logged`]).
    NftLog,
    /// The table of open sockets, asked again and again.
    Polling,
    /// Headers of what passes through a router ([`crate::headers`]); another recorder's, never chosen here.
    Headers,
}

impl Means {
    /// Every one that this host's own connections are seen by, the best first.
    pub const ALL: [Means; 3] = [Means::TpBtf, Means::NftLog, Means::Polling];

    /// As it is written on the command line and in the record.
    pub fn word(self) -> &'static str {
        match self {
            Means::TpBtf => "tp-btf",
            Means::NftLog => "nft-log",
            Means::Polling => "polling",
            Means::Headers => "headers",
        }
    }
}

/// Why nothing is seen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// eBPF's.
    #[error(transparent)]
    Recorder(#[from] recorder::Error),
    /// The table of sockets'.
    #[error(transparent)]
    Polling(#[from] polling::Error),
    /// The firewall's log.
    #[error(transparent)]
    Logged(#[from] logged::Error),
    /// What passes through.
    #[error("reading connection tracking: {0}")]
    Tracking(nix::Error),
    /// This host's own addresses.
    #[error("reading this host's addresses: {0}")]
    Addresses(nix::Error),
    /// What is said.
    #[error("hearing what is said on connections (a packet socket): {0}")]
    Words(std::io::Error),
    /// Waiting for events.
    #[error("waiting for events: {0}")]
    Wait(nix::Error),
}

impl Error {
    /// Whether more rights would help.
    pub fn is_permission(&self) -> bool {
        match self {
            Error::Recorder(error) => error.is_permission(),
            Error::Logged(error) => error.is_permission(),
            Error::Words(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
            _ => false,
        }
    }
}

/// Sees connections until it is dropped.
pub struct Witness {
    eyes: Eyes,
    tracking: Option<Tracking>,
    words: Option<Words>,
    names: Names,
    ports: Vec<u16>,
    unseen: Vec<String>,
    said: Option<(Time, Means)>,
}

enum Eyes {
    Programs(Box<Recorder>),
    Table(Box<Polling>),
}

impl Witness {
    /// Begins to watch these ports by the best means that works; with it, what is to be said aloud of it.
    pub fn start(ports: &[u16]) -> Result<(Self, Vec<String>), Error> {
        Self::start_by(ports, None)
    }

    /// As [`Self::start`], by this means and no other.
    pub fn start_by(ports: &[u16], means: Option<Means>) -> Result<(Self, Vec<String>), Error> {
        let mut unseen = Vec::new();
        let eyes = match means {
            Some(Means::TpBtf) => Eyes::Programs(Box::new(Recorder::start(ports)?)),
            Some(Means::NftLog) => {
                let mut table = Polling::start(ports)?;
                table.announce(ports)?;
                Eyes::Table(Box::new(table))
            }
            Some(Means::Polling | Means::Headers) => Eyes::Table(Box::new(Polling::start(ports)?)),
            None => match Recorder::start(ports) {
                Ok(recorder) => Eyes::Programs(Box::new(recorder)),
                Err(error) => {
                    unseen.push(format!("eBPF is not used: {}", chain(&error)));
                    let mut table = Polling::start(ports)?;
                    if let Err(error) = table.announce(ports) {
                        unseen.push(format!("the firewall is not asked: {}", chain(&error)));
                    }
                    Eyes::Table(Box::new(table))
                }
            },
        };
        let means = eyes.means();
        if means != Means::TpBtf {
            unseen.extend(polling::unseen(means == Means::NftLog));
        }
        let tracking = match Tracking::start(ports) {
            Ok(tracking) => {
                if !forwarded::in_use() {
                    unseen.push(
                        "connection tracking is not in use here: connections that pass through this host are \
                         not seen"
                            .to_owned(),
                    );
                }
                Some(tracking)
            }
            Err(error) => {
                unseen.push(format!("what passes through this host is not seen: {error}"));
                None
            }
        };
        let how = match means {
            Means::TpBtf => "connections are seen as they begin (eBPF, tp-btf)",
            Means::NftLog => {
                "the firewall announces connections as they begin, and open sockets are asked for then (nft-log)"
            }
            Means::Polling | Means::Headers => {
                "open sockets are asked for five times a second (polling)"
            }
        };
        let mut says = vec![how.to_owned()];
        says.extend(unseen.iter().cloned());
        let names = Names::default();
        Ok((
            Self { eyes, tracking, words: None, names, ports: ports.to_vec(), unseen, said: None },
            says,
        ))
    }

    /// Hears from now on also what is said in clear; `addresses` keeps envelopes as they are, else hashed.
    pub fn hear(&mut self, addresses: bool) -> Result<(), Error> {
        self.words = Some(Words::start(&self.ports, addresses).map_err(Error::Words)?);
        Ok(())
    }

    /// Which way was chosen.
    pub fn means(&self) -> Means {
        self.eyes.means()
    }

    /// What is not seen, a sentence each.
    pub fn unseen(&self) -> &[String] {
        &self.unseen
    }

    /// The rights that are still needed after the start; all others may be dropped.
    pub fn needs(&self) -> &'static [Capability] {
        match self.eyes {
            // What php-fpm's workers run stands in their memory alone.
            Eyes::Programs(_) => &[Capability::CAP_SYS_PTRACE],
            // Whose a socket is stands in the folders of other users' processes.
            Eyes::Table(_) => &[Capability::CAP_SYS_PTRACE, Capability::CAP_DAC_READ_SEARCH],
        }
    }

    /// Waits until something is to be noted, or the time is over.
    pub fn next(&mut self, wait: Duration) -> Result<Vec<Noted>, Error> {
        let now = clock::now();
        let mut noted = self.watching(now);
        // What was just said is kept at once.
        let wait = if noted.is_empty() { wait } else { Duration::ZERO };
        match &mut self.eyes {
            Eyes::Programs(recorder) => noted.extend(recorder.next(wait)?),
            Eyes::Table(table) => noted.extend(table.next(wait)?),
        }
        noted.extend(self.passing()?);
        if let Some(words) = &mut self.words {
            let spoken = words.read(clock::now()).map_err(Error::Words)?;
            noted.extend(spoken.into_iter().map(|spoken| Noted::Words(Box::new(spoken))));
        }
        for noted in &mut noted {
            if let Noted::Connection(connection) = noted {
                self.names.fill(connection);
                name_script(connection);
            }
        }
        Ok(noted)
    }

    /// What is to be noted when the watching ends.
    pub fn stop(mut self) -> Vec<Noted> {
        // What is on its way is still taken; an error now ends what ends anyhow.
        let mut noted = self.next(Duration::ZERO).unwrap_or_default();
        noted.push(Noted::Stopped { time: clock::now() });
        noted
    }

    /// That it began, and each minute that it goes on.
    fn watching(&mut self, now: Time) -> Vec<Noted> {
        let means = self.means();
        let noted = match self.said {
            Some((said, before)) if before == means => {
                if (0.0..SAID_EVERY).contains(&now.since(said)) {
                    return Vec::new();
                }
                Noted::Watching { time: now, means }
            }
            before => {
                if before.is_some() {
                    self.unseen.extend(polling::unseen(false));
                    self.unseen.push(
                        "the firewall announces connections no longer: its nft was ended"
                            .to_owned(),
                    );
                }
                Noted::Began {
                    time: now,
                    means,
                    ports: self.ports.clone(),
                    unseen: self.unseen.clone(),
                }
            }
        };
        self.said = Some((now, means));
        vec![noted]
    }

    /// What passed through, with the machine inside.
    fn passing(&mut self) -> Result<Vec<Noted>, Error> {
        let Some(tracking) = &mut self.tracking else { return Ok(Vec::new()) };
        if !readable(tracking)? {
            return Ok(Vec::new());
        }
        let own = addresses::own().map_err(Error::Addresses)?;
        let found = tracking.read(|address| own.contains(&address)).map_err(Error::Tracking)?;
        let now = clock::now();
        let mut noted = Vec::new();
        if tracking.lost() {
            noted.push(Noted::Lost {
                events: 1,
                since: self.said.map_or(now, |said| said.0),
                time: now,
            });
        }
        if found.is_empty() {
            return Ok(noted);
        }
        let arp = std::fs::read_to_string("/proc/net/arp").unwrap_or_default();
        noted.extend(found.into_iter().map(|mut passing| {
            passing.mac = mac(&arp, passing.client.ip());
            Noted::Passing { time: now, passing }
        }));
        Ok(noted)
    }
}

/// php-fpm keeps a script open only until opcache has it compiled; what it runs then stands in its scoreboard.
fn name_script(connection: &mut Connection) {
    let exe = connection.process.exe.as_deref().and_then(|exe| exe.rsplit('/').next());
    if connection.script.is_none() && exe.is_some_and(|file| file.starts_with("php-fpm")) {
        let since = clock::now().since(connection.start);
        let began = clock::monotonic().saturating_sub((since * 1e6) as i64);
        connection.script = php_fpm::script(Path::new("/proc"), connection.process.pid, began);
    }
}

impl Eyes {
    fn means(&self) -> Means {
        match self {
            Eyes::Programs(_) => Means::TpBtf,
            Eyes::Table(table) if table.is_announced() => Means::NftLog,
            Eyes::Table(_) => Means::Polling,
        }
    }
}

/// Whether anything came: this host's addresses are not asked for in vain.
fn readable(tracking: &Tracking) -> Result<bool, Error> {
    let mut fds = [PollFd::new(tracking.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, PollTimeout::ZERO) {
        Ok(ready) => Ok(ready > 0),
        Err(nix::Error::EINTR) => Ok(false),
        Err(error) => Err(Error::Wait(error)),
    }
}

/// An error with what it comes from.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

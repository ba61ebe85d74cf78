//! `heloscope record`: the flight recorder. Loads it, gives up what it does not need, and keeps what it notes until
//! SIGTERM or SIGINT.
//!
//! What cannot be seen is said at the start and recorded when it happens: no right to load the programs (nothing is
//! recorded, 77), no connection tracking (what passes through is not), events that were lost. A disk that fills
//! costs the record what comes meanwhile, is said once, and ends nothing.

use crate::cli::Record;
use crate::outcome::Outcome;
use crate::serve::clock::now;
use anyhow::{Context, Result};
use heloscope_host::forwarded::{Tracking, mac};
use heloscope_host::recorder::PORTS;
use heloscope_host::store::Retention;
use heloscope_host::{Noted, Recorder, Store};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::collections::BTreeSet;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::time::Duration;

/// How long is waited for events before what passes through is asked again.
const WAIT: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &Record) -> Result<Outcome> {
    let retention = Retention { days: args.days, bytes: args.megabytes.saturating_mul(1 << 20) };
    if args.show {
        return show(&Store::open(&args.store, retention)?);
    }
    let ports = if args.port.is_empty() { PORTS.to_vec() } else { args.port.clone() };
    let stop = Stop::new()?;
    // What people did on this host is nobody else's business.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&args.store)
        .with_context(|| format!("making the folder {}", args.store.display()))?;
    let mut store = Store::open(&args.store, retention)?;
    let mut recorder = Recorder::start(&ports)?;
    let mut tracking = match Tracking::start(&ports) {
        Ok(tracking) => Some(tracking),
        Err(error) => {
            eprintln!("heloscope: what passes through this host is not recorded: {error}");
            None
        }
    };
    give_up()?;
    println!("ready record {}", args.store.display());
    std::io::stdout().flush()?;
    let mut full = false;
    while !stop.is_asked()? {
        let mut noted = recorder.next(WAIT)?;
        if let Some(tracking) = &mut tracking {
            noted.extend(passing(tracking)?);
        }
        match store.append(&noted, now()) {
            Ok(()) => full = false,
            Err(error) if !full => {
                eprintln!("heloscope: {error}: connections are not kept until there is room");
                full = true;
            }
            Err(_) => {}
        }
    }
    Ok(Outcome::Done)
}

/// What passed through, with the machine inside.
fn passing(tracking: &mut Tracking) -> Result<Vec<Noted>> {
    let own: BTreeSet<IpAddr> = nix::ifaddrs::getifaddrs()
        .context("reading this host's addresses")?
        .filter_map(|interface| {
            let address = interface.address?;
            let four = address.as_sockaddr_in().map(|a| IpAddr::from(a.ip()));
            four.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::from(a.ip())))
        })
        .collect();
    let found = tracking.read(|address| own.contains(&address)).context("connection tracking")?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let arp = std::fs::read_to_string("/proc/net/arp").unwrap_or_default();
    let noted = found.into_iter().map(|mut passing| {
        passing.mac = mac(&arp, passing.client.ip());
        Noted::Passing { time: now(), passing }
    });
    Ok(noted.collect())
}

fn show(store: &Store) -> Result<Outcome> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in store.lines() {
        out.write_all(&line?)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

/// The programs run and the sockets are open: nothing of root's rights is needed any more.
fn give_up() -> Result<()> {
    use caps::CapSet;
    for set in [CapSet::Ambient, CapSet::Inheritable] {
        caps::clear(None, set).context("giving up capabilities")?;
    }
    for capability in caps::all() {
        // One that this kernel does not know is not there.
        drop(caps::drop(None, CapSet::Bounding, capability));
    }
    for set in [CapSet::Effective, CapSet::Permitted] {
        caps::clear(None, set).context("giving up capabilities")?;
    }
    nix::sys::prctl::set_no_new_privs().context("forbidding new privileges")
}

/// SIGTERM and SIGINT, held until they are asked for: what was noted before is kept.
struct Stop(SignalFd);

impl Stop {
    fn new() -> Result<Self> {
        let mut mask = SigSet::empty();
        mask.add(Signal::SIGTERM);
        mask.add(Signal::SIGINT);
        mask.thread_block().context("holding signals")?;
        let taken = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
        taken.map(Self).context("taking signals")
    }

    fn is_asked(&self) -> Result<bool> {
        Ok(self.0.read_signal().context("taking signals")?.is_some())
    }
}

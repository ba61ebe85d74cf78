//! `heloscope record`: the flight recorder. Begins to watch, gives up what it does not need, and keeps what it notes until
//! SIGTERM or SIGINT; with --headers-only, on a router, what its packets' headers tell. With --show it prints what was kept ([`show`]).
//!
//! How connections are seen and what is not seen is said at the start and kept in the record. A disk that fills
//! costs the record what comes meanwhile, is said once, and ends nothing. Exits 77 when the means that was asked
//! for wants more rights.

mod show;

use crate::cli::record::{self, Record};
use crate::outcome::Outcome;
use crate::rights;
use crate::serve::clock::now;
use anyhow::{Context, Result};
use caps::Capability;
use heloscope_host::recorder::PORTS;
use heloscope_host::store::Retention;
use heloscope_host::store::keeper::{Keeper, Kept};
use heloscope_host::{Headers, Means, Noted, Witness, headers};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::time::Duration;

/// How long is waited for events before the signals are looked at.
const WAIT: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &Record) -> Result<Outcome> {
    if args.show {
        return show::run(args);
    }
    let retention = Retention { days: args.days, bytes: args.megabytes.saturating_mul(1 << 20) };
    let ports = if args.port.is_empty() { PORTS.to_vec() } else { args.port.clone() };
    let stop = Stop::new()?;
    // What people did on this host is nobody else's business.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&args.store)
        .with_context(|| format!("making the folder {}", args.store.display()))?;
    let mut keeper = Keeper::open(&args.store, retention, now())?;
    let mut source = match Source::start(args, &ports)? {
        Ok(source) => source,
        Err(refused) => return Ok(refused),
    };
    // The watching has begun: of root's rights only these are still needed.
    rights::keep(source.needs())?;
    println!("ready record {}", args.store.display());
    std::io::stdout().flush()?;
    while !stop.is_asked()? {
        let (noted, says) = source.next()?;
        tell(&says);
        say(keeper.take(&noted, now()));
    }
    say(keeper.take(&source.stop(), now()));
    match keeper.flush(now()) {
        Kept::Away(error) => Err(error).context("the last lines are not kept"),
        _ => Ok(Outcome::Done),
    }
}

/// Where what is kept comes from: this host's own connections, or on a router the headers of others'.
enum Source {
    Host(Box<Witness>),
    Router(Box<Headers>),
}

impl Source {
    /// Begins, and says how; without the rights that it needs, how it ends.
    fn start(args: &Record, ports: &[u16]) -> Result<Result<Self, Outcome>> {
        let started = if args.headers_only {
            let settings = headers::Settings {
                ports: ports.to_vec(),
                interfaces: args.interface.clone(),
                leases: args.leases.clone(),
            };
            match Headers::start(settings) {
                Ok((headers, says)) => Ok((Self::Router(Box::new(headers)), says)),
                Err(error) if error.is_permission() => Err((
                    error.into(),
                    "run it as root, or with CAP_NET_RAW, which is all it needs",
                )),
                Err(error) => return Err(error.into()),
            }
        } else {
            match witness(args, ports) {
                Ok((witness, says)) => Ok((Self::Host(Box::new(witness)), says)),
                Err(error) if error.is_permission() => Err((
                    anyhow::Error::from(error),
                    "run it as root, or with --means polling and without --words",
                )),
                Err(error) => return Err(error.into()),
            }
        };
        match started {
            Ok((source, says)) => {
                tell(&says);
                Ok(Ok(source))
            }
            Err((error, hint)) => {
                tell(&[format!("{error:#}"), hint.to_owned()]);
                Ok(Err(Outcome::NoPermission))
            }
        }
    }

    /// The rights that are still needed.
    fn needs(&self) -> &'static [Capability] {
        match self {
            Self::Host(witness) => witness.needs(),
            Self::Router(_) => &[],
        }
    }

    /// Waits for what is to be noted, and what is to be said aloud.
    fn next(&mut self) -> Result<(Vec<Noted>, Vec<String>)> {
        Ok(match self {
            Self::Host(witness) => (witness.next(WAIT)?, Vec::new()),
            Self::Router(headers) => headers.next(WAIT)?,
        })
    }

    fn stop(self) -> Vec<Noted> {
        match self {
            Self::Host(witness) => witness.stop(),
            Self::Router(headers) => headers.stop(),
        }
    }
}

fn witness(
    args: &Record,
    ports: &[u16],
) -> Result<(Witness, Vec<String>), heloscope_host::witness::Error> {
    let means = args.means.map(|means| match means {
        record::Means::TpBtf => Means::TpBtf,
        record::Means::NftLog => Means::NftLog,
        record::Means::Polling => Means::Polling,
    });
    let (mut witness, says) = Witness::start_by(ports, means)?;
    if args.words {
        witness.hear(args.allow_addresses)?;
    }
    Ok((witness, says))
}

fn tell(says: &[String]) {
    for line in says {
        eprintln!("heloscope: {line}");
    }
}

fn say(kept: Kept) {
    match kept {
        Kept::Well => {}
        Kept::Away(error) => {
            let error = anyhow::Error::from(error);
            eprintln!("heloscope: {error:#}: connections wait in memory until there is room");
        }
        Kept::Again(lost) => {
            eprintln!("heloscope: the record can be written again; {lost} lines were lost");
        }
    }
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

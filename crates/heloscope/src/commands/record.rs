//! `heloscope record`: the flight recorder. Begins to watch, gives up what it does not need, and keeps what it notes until
//! SIGTERM or SIGINT. With --show it prints what was kept ([`show`]).
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
use heloscope_host::recorder::PORTS;
use heloscope_host::store::Retention;
use heloscope_host::store::keeper::{Keeper, Kept};
use heloscope_host::{Means, Witness};
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
    let means = args.means.map(|means| match means {
        record::Means::TpBtf => Means::TpBtf,
        record::Means::Polling => Means::Polling,
    });
    let started = Witness::start_by(&ports, means).and_then(|(mut witness, says)| {
        if args.words {
            witness.hear(args.allow_addresses)?;
        }
        Ok((witness, says))
    });
    let (mut witness, says) = match started {
        Ok(started) => started,
        Err(error) if error.is_permission() => {
            eprintln!("heloscope: {:#}", anyhow::Error::from(error));
            eprintln!("heloscope: run it as root, or with --means polling and without --words");
            return Ok(Outcome::NoPermission);
        }
        Err(error) => return Err(error.into()),
    };
    for line in says {
        eprintln!("heloscope: {line}");
    }
    // The watching has begun: of root's rights only these are still needed.
    rights::keep(witness.needs())?;
    println!("ready record {}", args.store.display());
    std::io::stdout().flush()?;
    while !stop.is_asked()? {
        let noted = witness.next(WAIT)?;
        say(keeper.take(&noted, now()));
    }
    say(keeper.take(&witness.stop(), now()));
    match keeper.flush(now()) {
        Kept::Away(error) => Err(error).context("the last lines are not kept"),
        _ => Ok(Outcome::Done),
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

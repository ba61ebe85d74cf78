//! `heloscope watch`: binds and loads what needs rights, gives them up, then runs until SIGTERM or SIGINT.
//!
//! Of root's rights two stay: CAP_DAC_READ_SEARCH, because mail logs and the queue's folders are other users', and rotated logs
//! are new files; and CAP_SYS_PTRACE, by which the script of a php-fpm worker is read (`heloscope_host::php_fpm`). It can load nothing any more.

use crate::cli::Watch;
use crate::outcome::{Outcome, Refused};
use crate::rights;
use anyhow::{Context, Result};
use caps::Capability;
use heloscope_watch::Config;
use heloscope_watch::rim::{Error, prepare};
use nix::sys::signal::{SigSet, Signal};
use std::io::Write;

pub(crate) fn run(args: &Watch) -> Result<Outcome> {
    // Held by every thread that comes: the end is asked for in one place.
    let mut mask = SigSet::empty();
    mask.add(Signal::SIGTERM);
    mask.add(Signal::SIGINT);
    mask.thread_block().context("holding signals")?;
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();

    let prepared = match prepare(config(args)?) {
        Ok(prepared) => prepared,
        Err(error @ (Error::Unresolved(_) | Error::Post(_) | Error::Lists(_))) => {
            return Err(Refused(error.to_string()).into());
        }
        Err(error) => return Err(error.into()),
    };
    let mut needed = prepared.needs().to_vec();
    needed.push(Capability::CAP_DAC_READ_SEARCH);
    rights::keep(&needed)?;
    let started = prepared.start()?;
    for line in &started.sees {
        eprintln!("heloscope: watches {line}");
    }
    for line in &started.blind {
        eprintln!("heloscope: {line}");
    }
    println!("ready watch {}", started.address);
    std::io::stdout().flush()?;
    mask.wait().context("waiting for the end")?;
    started.running.end();
    Ok(Outcome::Done)
}

fn config(args: &Watch) -> Result<Config> {
    let mut config = match &args.config {
        None => Config::default(),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("reading the configuration {}", path.display()))?;
            Config::read(&text).map_err(|error| Refused(format!("{}: {error}", path.display())))?
        }
    };
    if let Some(state) = &args.state {
        config.state.clone_from(state);
    }
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    Ok(config)
}

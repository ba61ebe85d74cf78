//! `heloscope scan`: the rim of `heloscope_host::scan`. Clock, name servers and other scanners' programs stand here;
//! what is looked at and how it is judged, there.

mod names;
mod tools;

use crate::cli::Scan;
use crate::cli::scan::With;
use crate::outcome::{CannotWrite, Outcome, Unreadable};
use crate::serve::clock::now;
use anyhow::{Context, Result};
use heloscope_host::scan::{self, Grade, Names, Options, baseline};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

pub(crate) fn run(args: &Scan) -> Result<Outcome> {
    let start = now();
    let limit = args.limit as f64;
    let stop = move || now().since(start) > limit;
    let names = names::Asked::new(args.dns)?;
    let options = Options {
        root: args.root.clone(),
        proc: args.proc.clone(),
        web_roots: args.web_root.clone(),
        packages: args.packages,
        inventory: args.baseline.is_some(),
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8),
        stop: &stop,
        now: start,
        names: names.as_ref().map(|n| n as &(dyn Names + Sync)),
        clamd: args.with.contains(&With::Clamd).then(|| args.clamd.clone()),
    };
    let mut report = scan::run(&options).map_err(|error| {
        Unreadable(format!("cannot read the root {}: {error}", args.root.display()))
    })?;
    if args.root.as_path() == std::path::Path::new("/") {
        tools::run(&args.with, &stop, &mut report);
    } else if args.with.iter().any(|w| *w != With::Clamd) {
        report.cannot("--with", "installed scanners look at this host only, not at another root");
    }
    if let Some(file) = &args.baseline {
        match std::fs::read(file) {
            Ok(text) => {
                let changes = baseline::compare(&text, &report);
                let none =
                    || Unreadable(format!("{} is no baseline of heloscope scan", file.display()));
                report.changes = Some(changes.ok_or_else(none)?);
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // Whose keys and jobs these are is nobody else's business.
                let opened =
                    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
                let mut opened = opened.map_err(|_| CannotWrite(file.clone()))?;
                opened
                    .write_all(baseline::write(&report, &start.rfc3339()).as_bytes())
                    .with_context(|| format!("writing {}", file.display()))?;
                eprintln!("heloscope: {} is the baseline from now on", file.display());
            }
            Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
        }
    }
    let text = if args.json { report.json() } else { report.text() };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    let grave = report.findings.iter().any(|f| f.grade > Grade::Note);
    Ok(if grave { Outcome::Attention } else { Outcome::Done })
}

//! `heloscope verify`: whether the causes of an earlier answer came back.

use crate::cli::Verify;
use crate::live;
use crate::outcome::{Outcome, Refused, Unreadable};
use crate::progress::Progress;
use anyhow::{Context, Result};
use heloscope_investigate::report;
use heloscope_investigate::verify::Earlier;
use heloscope_model::Time;
use std::io::{Read, Write};

/// Bytes of an answer: the largest in the cases has 200 kB.
const MOST: u64 = 64 << 20;

pub(crate) fn run(args: &Verify) -> Result<Outcome> {
    let name = args.answer.display();
    let file = std::fs::File::open(&args.answer).with_context(|| format!("opening {name}"))?;
    let mut text = Vec::new();
    file.take(MOST).read_to_end(&mut text).with_context(|| format!("reading {name}"))?;
    let earlier = Earlier::read(&text).map_err(|why| Unreadable(format!("{name}: {why}")))?;
    let since = args.since.map(Time::from_secs).or_else(|| earlier.until()).ok_or_else(|| {
        Refused(format!(
            "{name} does not say how far its evidence reached: give --since, the time of the fix"
        ))
    })?;
    let mut given = live::open(&args.given)?;
    let mut progress = Progress::new("reading");
    let verified =
        heloscope_investigate::verify(&earlier, since, &mut given.evidence, &mut |done, all| {
            progress.tell(done, all);
        });
    progress.end();
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &verified)?;
        writeln!(out)?;
    } else {
        out.write_all(report::terminal::standing(&verified).as_bytes())?;
    }
    out.flush()?;
    Ok(if verified.needs_attention() { Outcome::Attention } else { Outcome::Done })
}

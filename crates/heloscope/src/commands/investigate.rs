//! `heloscope investigate`: opens the evidence, investigates, prints the answer.

use crate::cli::Investigate;
use crate::live;
use crate::outcome::{CannotWrite, Outcome};
use crate::progress::Progress;
use anyhow::Context;
use heloscope_evidence::{Evidence, Kind};
use heloscope_investigate::redact::redact;
use heloscope_investigate::{Investigation, investigate, report};
use std::io::Write;

pub(crate) fn run(args: &Investigate) -> anyhow::Result<Outcome> {
    let mut given = live::open(&args.given)?;
    let evidence = &mut given.evidence;
    if !is_readable(evidence) {
        say_why(evidence);
        return Ok(Outcome::NothingReadable);
    }
    let mut progress = Progress::new("reading");
    let mut answer = investigate(evidence, &mut |done, all| progress.tell(done, all));
    progress.end();
    if answer.zone.is_none() {
        answer.zone = zone_of_the_reader();
    }
    let attention = answer.needs_attention();
    let redacted = args.redact.then(|| redact(&answer));
    // From here on there is one answer to show, and no other.
    let answer: &Investigation = redacted.as_ref().map_or(&answer, AsRef::as_ref);
    if let Some(path) = &args.html {
        let page = report::page::render(answer).context("cannot lay out the page")?;
        std::fs::write(path, page).context(CannotWrite(path.clone()))?;
    }
    print(args, answer)?;
    Ok(if attention { Outcome::Attention } else { Outcome::Done })
}

/// The zone of the clock that the reader looks at, where nothing says the site's.
#[expect(clippy::disallowed_methods, reason = "the rim gives the zone to the pure report")]
fn zone_of_the_reader() -> Option<String> {
    jiff::tz::TimeZone::system().iana_name().map(str::to_owned)
}

fn print(args: &Investigate, answer: &Investigation) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, answer)?;
        writeln!(out)?;
    } else {
        out.write_all(report::terminal::render(answer).as_bytes())?;
        // Where the page lies is nobody's business in a ticket.
        if let Some(path) = args.html.as_ref().filter(|_| !args.redact) {
            writeln!(out, "\nThe page: {}", path.display())?;
        }
    }
    out.flush()?;
    Ok(())
}

/// Whether anything was recognised at all.
fn is_readable(evidence: &Evidence) -> bool {
    evidence.inputs.iter().any(|i| i.kind != Kind::Unrecognised)
}

fn say_why(evidence: &Evidence) {
    eprintln!("heloscope: nothing here is evidence that can be read");
    for input in &evidence.inputs {
        let note = input.note.as_deref().unwrap_or("not recognised");
        eprintln!("heloscope: {}: {note}", input.path.display());
    }
    eprintln!(
        "heloscope: give the list's notice, mail logs, captures, web logs or folders of them; \
         see `heloscope investigate --help`"
    );
}

//! The report for a terminal: plain text, readable at 80 columns, the answer first.

use super::words;
use crate::answer::{Cause, Investigation, Proof};
use crate::verify::{State, Verified};
use std::fmt::Write as _;

/// Width of the text.
const WIDTH: usize = 80;
/// Inputs listed without trouble; those with trouble are always listed.
const INPUTS: usize = 12;

/// The whole report.
pub fn render(investigation: &Investigation) -> String {
    let mut out = String::new();
    paragraph(&mut out, "", "", &words::answer(investigation));
    for cause in &investigation.causes {
        write_cause(&mut out, investigation, cause);
    }
    section(&mut out, "The notice", words::notices(investigation));
    if let Some(sessions) = words::sessions(investigation) {
        section(&mut out, "Sessions", [sessions]);
    }
    if investigation.causes.is_empty() {
        unexplained(&mut out, investigation);
    }
    proofs(&mut out, "Your firewall", &investigation.firewall);
    section(
        &mut out,
        "Ruled out",
        investigation.ruled_out.iter().map(|r| format!("{}: {}", r.class, r.because)),
    );
    if !investigation.needed.is_empty() {
        heading(&mut out, "What would settle it");
        for needed in &investigation.needed {
            paragraph(&mut out, "  - ", "    ", &needed.what);
            command(&mut out, &needed.how);
        }
    }
    section(&mut out, "Ask for removal?", investigation.removal.as_ref().map(ToString::to_string));
    inputs(&mut out, investigation);
    out
}

/// How the causes of an earlier answer stand.
pub fn standing(verified: &Verified) -> String {
    let mut out = String::new();
    for cause in &verified.causes {
        let state = match cause.state {
            State::Holds => "holds",
            State::QuietSoFar => "quiet so far",
            State::CameBack => "CAME BACK",
            State::CannotTell => "cannot tell",
        };
        let who = cause.culprit.as_deref().map(|c| format!(" {c}")).unwrap_or_default();
        paragraph(&mut out, "", "  ", &format!("{state}: {}{who}: {}", cause.class, cause.because));
    }
    out
}

fn write_cause(out: &mut String, investigation: &Investigation, cause: &Cause) {
    paragraph(out, "  ", "  ", &words::facts(cause));
    if let Some(culprit) = &cause.culprit
        && !culprit.attrs.is_empty()
    {
        paragraph(out, "  ", "  ", &words::attributes(culprit));
    }
    if let Some(span) = words::span(cause) {
        paragraph(out, "  ", "  ", &span);
    }
    if let Some(explains) = words::explains(investigation, cause) {
        paragraph(out, "  ", "  ", &explains);
    }
    proofs(out, "Proof", &cause.evidence);
    proofs(out, "Against it", &cause.against);
    heading(out, "What to do");
    for (i, step) in cause.fix.iter().enumerate() {
        paragraph(out, &format!("  {}. ", i + 1), "     ", step);
    }
    section(out, "How to see that it holds", [cause.verify.clone()]);
}

/// Sentences, each with its records below it.
fn proofs(out: &mut String, title: &str, proofs: &[Proof]) {
    if proofs.is_empty() {
        return;
    }
    heading(out, title);
    for reason in words::shown(proofs) {
        paragraph(out, "  - ", "    ", reason.says);
        for proof in reason.quoted {
            let place = format!("{} {}", proof.source, proof.locator);
            let _ = writeln!(out, "      {}", words::printable(place.trim()));
            paragraph(out, "        ", "        ", &proof.quote);
        }
        for again in reason.again {
            paragraph(out, "      ", "        ", &again);
        }
    }
}

fn unexplained(out: &mut String, investigation: &Investigation) {
    let rows = investigation.unexplained.iter().take(8).map(|s| {
        let helo = s.helo.as_deref().map(|h| format!(", HELO {h}")).unwrap_or_default();
        format!(
            "{} {} -> {}:{}{helo} ({})",
            words::stamp(s.time),
            s.src,
            s.dst,
            s.dst_port,
            s.locator
        )
    });
    section(out, "Sessions that no log line explains (not yet a proof of anything)", rows);
}

fn inputs(out: &mut String, investigation: &Investigation) {
    heading(out, &format!("Read: {} inputs", investigation.inputs.len()));
    let (trouble, fine): (Vec<_>, Vec<_>) =
        investigation.inputs.iter().partition(|i| i.note.is_some());
    for input in fine.iter().take(INPUTS).chain(trouble.iter()) {
        let span = match (input.first, input.last) {
            (Some(first), Some(last)) => {
                format!(", {} to {}", words::stamp(first), words::stamp(last))
            }
            _ => String::new(),
        };
        let note = input.note.as_deref().map(|n| format!(" - {n}")).unwrap_or_default();
        let text = format!("{}: {}, {} records{span}{note}", input.path, input.kind, input.records);
        paragraph(out, "  ", "      ", &text);
    }
    if fine.len() > INPUTS {
        let _ = writeln!(out, "  and {} more without trouble", fine.len() - INPUTS);
    }
}

fn section(out: &mut String, title: &str, items: impl IntoIterator<Item = String>) {
    let mut items = items.into_iter().peekable();
    if items.peek().is_none() {
        return;
    }
    heading(out, title);
    for item in items {
        paragraph(out, "  ", "    ", &item);
    }
}

fn heading(out: &mut String, title: &str) {
    let _ = writeln!(out, "\n{title}");
}

fn paragraph(out: &mut String, first: &str, rest: &str, text: &str) {
    let text = words::printable(text);
    if text.trim().is_empty() {
        return;
    }
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(first)
        .subsequent_indent(rest)
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    for line in textwrap::wrap(&text, options) {
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// A command stands on lines of its own, so that it can be copied.
fn command(out: &mut String, text: &str) {
    let _ = writeln!(out, "      {}", words::printable(text));
}

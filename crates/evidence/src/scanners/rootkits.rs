//! rkhunter's report and log, chkrootkit's report. Their suspicions are warnings; only a program
//! that chkrootkit calls INFECTED is more, and even that not where it names open ports.

use super::{Findings, texts};
use crate::facts::ScanKind;

/// rkhunter: the log says each warning in a sentence (`[14:30:00] Warning: ...`) and goes on below
/// it; the report has only the rows of its table (`/usr/bin/x   [ Warning ]`).
pub(super) fn rkhunter(text: &[u8], found: &mut Findings) {
    let mut rows: Vec<(u64, String)> = Vec::new();
    let mut open: Option<(u64, String)> = None;
    for (offset, line) in texts(text) {
        let (logged, rest) = log_text(&line);
        if let Some(said) = rest.trim_start().strip_prefix("Warning: ") {
            finish(open.take(), found);
            open = Some((offset, said.trim().to_owned()));
        } else if let Some(name) = rest.trim_end().strip_suffix("[ Warning ]") {
            finish(open.take(), found);
            rows.push((offset, name.trim().to_owned()));
        } else if let Some((_, said)) = &mut open {
            // What belongs to a warning stands below it, further in.
            let on = rest.starts_with("   ") && !rest.contains(" [ ") && said.len() < 600;
            if on && (logged || !rest.trim().is_empty()) {
                said.push(' ');
                said.push_str(rest.trim());
            } else {
                finish(open.take(), found);
            }
        }
    }
    finish(open, found);
    if found.kept.is_empty() {
        for (offset, name) in rows.into_iter().filter(|(_, name)| !name.is_empty()) {
            found.add(offset, path(&name), &name, ScanKind::Warning);
        }
    }
}

/// The text behind the log's stamp.
fn log_text(line: &str) -> (bool, &str) {
    let stamped = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .filter(|(at, _)| at.len() == 8 && at.bytes().all(|b| b.is_ascii_digit() || b == b':'));
    match stamped {
        Some((_, rest)) => (true, rest.strip_prefix(' ').unwrap_or(rest)),
        None => (false, line),
    }
}

fn finish(open: Option<(u64, String)>, found: &mut Findings) {
    let Some((offset, said)) = open else { return };
    let changed = said.starts_with("The file properties have changed")
        || said.starts_with("The file '") && said.contains("has changed");
    let kind = if changed { ScanKind::Changed } else { ScanKind::Warning };
    let path = path(&said).map(str::to_owned);
    found.add(offset, path.as_deref(), &said, kind);
}

/// The first path that a sentence names.
fn path(said: &str) -> Option<&str> {
    said.split([' ', '\'', '"', '('])
        .find(|w| w.len() > 1 && w.starts_with('/'))
        .map(|w| w.trim_end_matches([':', ',', '.', ')', ';']))
}

/// chkrootkit: rows (``Checking `ls'...   INFECTED``), and lists of paths below a warning.
pub(super) fn chkrootkit(text: &[u8], found: &mut Findings) {
    let mut list: Option<String> = None;
    for (offset, line) in texts(text) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            list = None;
            continue;
        }
        if let Some(heading) = heading(trimmed) {
            list = Some(heading.to_owned());
            continue;
        }
        if let Some(heading) = &list {
            if trimmed.starts_with('/') {
                // Older ones print many on a line.
                for path in trimmed.split(" /").map(|p| p.trim_start_matches('/')) {
                    found.add(offset, Some(&format!("/{path}")), heading, ScanKind::Warning);
                }
                continue;
            }
            list = None;
        }
        row(offset, trimmed, found);
    }
}

/// What says that a list follows.
fn heading(line: &str) -> Option<&str> {
    let line = line.rsplit_once("... ").map_or(line, |(_, rest)| rest.trim_start());
    let rest = line.strip_prefix("WARNING: ").unwrap_or(line);
    let lists = rest.starts_with("The following suspicious ")
        || rest.starts_with("Possible ") && rest.ends_with("installed:");
    (lists && rest.ends_with(':')).then(|| rest.trim_end_matches(':'))
}

fn row(offset: u64, line: &str, found: &mut Findings) {
    let (front, result) = line.split_once("...").unwrap_or(("", line));
    let result = result.trim();
    let tested = front.split_once('`').and_then(|(_, rest)| rest.split('\'').next());
    if let Some(ports) = result.strip_prefix("INFECTED") {
        let tested = tested.unwrap_or("a program");
        let what = format!("{tested} INFECTED{ports}");
        // Of an open port the program behind it may be a right one (465, smtps, is the usual).
        let kind = if ports.trim().is_empty() { ScanKind::Malware } else { ScanKind::Warning };
        found.add(offset, None, &what, kind);
    } else if let Some((_, sniffer)) = line.split_once("PACKET SNIFFER(") {
        let path = sniffer.split(['[', ',', ')']).next();
        found.add(offset, path.filter(|p| p.starts_with('/')), line, ScanKind::Warning);
    } else if result.starts_with("Possible ") || line.contains("Warning: ") {
        found.add(offset, path(line), line, ScanKind::Warning);
    }
}

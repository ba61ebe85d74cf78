//! Reports of scanners -> [`ScanFinding`]s: clamscan and maldet (`malware`), rkhunter and
//! chkrootkit (`rootkits`), AIDE, Tripwire and debsums (`changes`).
//!
//! What is well is no finding. Malware is only what a signature names; heuristics, "possibly
//! unwanted" files and the root-kit hunters' suspicions are warnings, for they are mostly false.

mod changes;
mod malware;
mod rootkits;

use crate::facts::{ScanFinding, ScanKind};
use crate::lines;
use heloscope_model::{Place, SourceId};

/// Findings taken from one report, and bytes of one text.
const MOST: usize = 100_000;
const LONGEST: usize = 1_000;

/// The scanners, by the words their reports hold.
const SCANNERS: [&str; 7] =
    ["clamscan", "rkhunter", "chkrootkit", "aide", "tripwire", "debsums", "maldet"];

/// The scanner whose report a text is; `command` stood above it.
pub(crate) fn recognise(text: &[u8], command: Option<&str>) -> Option<&'static str> {
    let named = command.and_then(|command| {
        let words = || command.split_whitespace().map(|w| w.rsplit('/').next().unwrap_or(w));
        let first = words().find(|w| !matches!(*w, "sudo" | "doas" | "nice"))?;
        let first = match first {
            "clamdscan" => "clamscan",
            "twprint" => "tripwire",
            other => other,
        };
        SCANNERS.iter().find(|scanner| **scanner == first).copied()
    });
    let front = text.get(..text.len().min(64 << 10)).unwrap_or_default();
    let has = |needle: &str| memchr::memmem::find(front, needle.as_bytes()).is_some();
    // With --rwo the warnings stand alone.
    let rkhunter = ["Rootkit Hunter version", " 'rkhunter.dat' file.", "Warning: The command '/"]
        .into_iter()
        .chain(["Warning: The file properties have changed:\n         File: /"])
        .any(has);
    let by_words = if rkhunter {
        Some("rkhunter")
    } else if has("ROOTDIR is `") || has("WARNING: The following suspicious ") {
        Some("chkrootkit")
    } else if has("AIDE") && (has("found differences") || has("found NO differences")) {
        Some("aide")
    } else if has("Tripwire(R)") {
        Some("tripwire")
    } else if has("FILE HIT LIST:") || has("Linux Malware Detect") || has("{hit} malware hit ") {
        Some("maldet")
    } else if has("- SCAN SUMMARY -") {
        Some("clamscan")
    } else {
        None
    };
    by_words.or(named).or_else(|| by_lines(front))
}

/// Reports without a word of their own.
fn by_lines(front: &[u8]) -> Option<&'static str> {
    let (mut seen, mut clam, mut sums) = (0, 0, 0);
    for (_, line) in lines::of(front).take(2000).filter(|(_, l)| !l.trim_ascii().is_empty()) {
        seen += 1;
        clam += usize::from(malware::clamscan_line(line).is_some() || is_ok(line));
        sums += usize::from(changes::is_debsums(line));
    }
    let found = front.ends_with(b" FOUND\n") || memchr::memmem::find(front, b" FOUND\n").is_some();
    if found && clam * 2 > seen {
        return Some("clamscan");
    }
    (sums > 0 && sums * 2 > seen).then_some("debsums")
}

/// `/var/www/index.php: OK` of clamscan.
fn is_ok(line: &[u8]) -> bool {
    line.ends_with(b": OK") && memchr::memchr(b'/', line).is_some()
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64, command: Option<&str>) -> Vec<ScanFinding> {
    let Some(scanner) = recognise(text, command) else { return Vec::new() };
    let mut found = Findings { scanner, source, base, kept: Vec::new() };
    match scanner {
        "clamscan" => malware::clamscan(text, &mut found),
        "maldet" => malware::maldet(text, &mut found),
        "rkhunter" => rootkits::rkhunter(text, &mut found),
        "chkrootkit" => rootkits::chkrootkit(text, &mut found),
        "aide" => changes::aide(text, &mut found),
        "tripwire" => changes::tripwire(text, &mut found),
        _ => changes::debsums(text, &mut found),
    }
    found.kept
}

/// Takes findings.
struct Findings {
    scanner: &'static str,
    source: SourceId,
    base: u64,
    kept: Vec<ScanFinding>,
}

impl Findings {
    fn add(&mut self, offset: u64, path: Option<&str>, what: &str, kind: ScanKind) {
        if self.kept.len() >= MOST {
            return;
        }
        let cut = |text: &str| text.trim().chars().take(LONGEST).collect::<String>();
        self.kept.push(ScanFinding {
            scanner: self.scanner,
            path: path.map(cut).filter(|path| !path.is_empty()),
            what: cut(what),
            kind,
            place: Place::byte(self.source, self.base + offset),
        });
    }
}

/// Lines as text, with their offsets.
pub(crate) fn texts(text: &[u8]) -> impl Iterator<Item = (u64, String)> {
    lines::of(text).map(|(offset, line)| {
        let line = line.get(..line.len().min(8 << 10)).unwrap_or_default();
        (offset, heloscope_model::octets::lossy_text(line).0.into_owned())
    })
}

#[cfg(test)]
mod tests;

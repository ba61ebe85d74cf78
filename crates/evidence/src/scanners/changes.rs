//! Files that differ from a data base or a package: AIDE, Tripwire, debsums.

use super::{Findings, texts};
use crate::facts::ScanKind;
use std::collections::BTreeSet;

/// AIDE: entries below "Added", "Removed" and "Changed entries:" (0.16 to 0.18; "files:" of older
/// ones): `f+++++++++++++++++: /var/www/x.php`, `f > ... mc  H     : /etc/passwd`, `added: /x`.
pub(super) fn aide(text: &[u8], found: &mut Findings) {
    let mut part: Option<&str> = None;
    for (offset, line) in texts(text) {
        let heading = line.trim_end();
        match heading {
            "Added entries:" | "Added files:" => part = Some("added"),
            "Removed entries:" | "Removed files:" => part = Some("removed"),
            "Changed entries:" | "Changed files:" => part = Some("changed"),
            _ if heading.starts_with("Detailed information") => part = None,
            _ if heading.starts_with("The attributes of the") => part = None,
            _ => {
                let (Some(what), Some((front, path))) = (part, line.split_once(": /")) else {
                    continue;
                };
                let letters = |b: u8| {
                    b.is_ascii_alphabetic()
                        || matches!(b, b' ' | b'.' | b'+' | b'-' | b'=' | b'<' | b'>')
                };
                if front.len() < 40 && front.bytes().all(letters) {
                    found.add(offset, Some(&format!("/{path}")), what, ScanKind::Changed);
                }
            }
        }
    }
}

/// Tripwire: quoted paths below "Added:", "Removed:", "Modified:"; more detailed reports name them
/// again as "Added object name:  /x".
pub(super) fn tripwire(text: &[u8], found: &mut Findings) {
    let mut part: Option<&str> = None;
    let mut known: BTreeSet<String> = BTreeSet::new();
    for (offset, line) in texts(text) {
        let trimmed = line.trim();
        let named = match trimmed {
            "Added:" => {
                part = Some("added");
                continue;
            }
            "Removed:" => {
                part = Some("removed");
                continue;
            }
            "Modified:" => {
                part = Some("changed");
                continue;
            }
            _ => trimmed.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')),
        };
        let again = || {
            let (front, path) = trimmed.split_once(" object name:")?;
            let what = match front {
                "Added" => "added",
                "Removed" => "removed",
                "Modified" => "changed",
                _ => return None,
            };
            Some((what, path.trim()))
        };
        let Some((what, path)) = part.zip(named).or_else(again) else {
            if trimmed.starts_with("---") || trimmed.starts_with("===") {
                part = None;
            }
            continue;
        };
        if path.starts_with('/') && known.len() < super::MOST && known.insert(path.to_owned()) {
            found.add(offset, Some(path), what, ScanKind::Changed);
        }
    }
}

/// Whether a line can only be debsums'.
pub(super) fn is_debsums(line: &[u8]) -> bool {
    if line.starts_with(b"debsums: changed file /") || line.starts_with(b"debsums: missing file /")
    {
        return true;
    }
    let line = line.trim_ascii_end();
    line.starts_with(b"/")
        && [&b"  OK"[..], b" FAILED", b" REPLACED"].iter().any(|end| line.ends_with(end))
}

/// debsums: rows with a verdict, sentences (`-s`), or bare paths (`-c`), which are all changed.
pub(super) fn debsums(text: &[u8], found: &mut Findings) {
    for (offset, line) in texts(text) {
        let line = line.trim_end();
        if let Some(rest) = line.strip_prefix("debsums: ") {
            let Some((what, rest)) = rest.split_once(" file /") else { continue };
            if matches!(what, "changed" | "missing") {
                let (path, from) = rest.rsplit_once(" (from ").unwrap_or((rest, ""));
                let from = from.trim_end_matches(')');
                let what = format!("{what} against {from}");
                let what = what.trim_end_matches(" against ").to_owned();
                found.add(offset, Some(&format!("/{path}")), &what, ScanKind::Changed);
            }
        } else if line.starts_with('/') {
            let (path, verdict) = match line.rsplit_once(' ') {
                Some((path, verdict @ ("OK" | "FAILED" | "REPLACED"))) => (path, verdict),
                _ => (line, "FAILED"),
            };
            match verdict {
                "OK" => {}
                // The package's file was replaced on purpose, by another package.
                "REPLACED" => found.add(offset, Some(path), "replaced", ScanKind::Warning),
                _ => found.add(offset, Some(path), "changed", ScanKind::Changed),
            }
        }
    }
}

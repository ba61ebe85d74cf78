//! A scan's inventory as a file, and what differs from it the next time: findings, cron jobs, keys, listening ports,
//! files that start by themselves, files of packages, code of sites.

use super::Report;
use super::finding::visible;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The word by which a baseline is known.
pub const FORMAT: &str = "heloscope.scan-baseline/1";
/// Changes told of one part.
const MOST: usize = 1000;

/// What differs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// When the baseline was written.
    pub since: String,
    /// Part -> what is new, gone, changed.
    pub parts: BTreeMap<String, Change>,
}

/// What differs in one part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Was not there.
    pub new: Vec<String>,
    /// Is not there any more.
    pub gone: Vec<String>,
    /// Is not as it was.
    pub changed: Vec<String>,
}

type Parts = BTreeMap<String, BTreeMap<String, String>>;

/// The inventory with the findings as one of its parts. What is counted differs from day to day and is left out.
fn parts(report: &Report) -> Parts {
    let mut parts: Parts = report
        .inventory
        .iter()
        .map(|(part, entries)| ((*part).to_owned(), entries.clone()))
        .collect();
    parts.remove("seen");
    let findings = report
        .findings
        .iter()
        .filter(|f| f.id != "logins")
        .map(|f| (f.key(), String::new()))
        .collect();
    parts.insert("findings".to_owned(), findings);
    parts
}

/// The file's text.
pub fn write(report: &Report, time: &str) -> String {
    let mut text = json!({"format": FORMAT, "time": time, "parts": parts(report)}).to_string();
    text.push('\n');
    text
}

/// Holds a report against a baseline; none where the text is none.
pub fn compare(text: &[u8], report: &Report) -> Option<Changes> {
    let before: Value = serde_json::from_slice(text).ok()?;
    if before.get("format")?.as_str()? != FORMAT {
        return None;
    }
    let old = |part: &str| before.get("parts")?.get(part)?.as_object();
    let mut changes =
        Changes { since: before.get("time")?.as_str()?.to_owned(), ..Changes::default() };
    let now = parts(report);
    let mut names: Vec<String> = now.keys().cloned().collect();
    names.extend(before.get("parts")?.as_object()?.keys().cloned());
    names.sort();
    names.dedup();
    for part in names {
        let none = BTreeMap::new();
        let new = now.get(&part).unwrap_or(&none);
        let was = |entry: &str| old(&part)?.get(entry);
        let mut change = Change::default();
        for (entry, state) in new {
            match was(entry) {
                None => change.new.push(entry.clone()),
                Some(before) if before.as_str() != Some(state) => {
                    change.changed.push(entry.clone())
                }
                Some(_) => {}
            }
        }
        let before = old(&part).into_iter().flatten().map(|(entry, _)| entry);
        change.gone.extend(before.filter(|e| !new.contains_key(*e)).cloned());
        for list in [&mut change.new, &mut change.gone, &mut change.changed] {
            list.truncate(MOST);
        }
        if change != Change::default() {
            changes.parts.insert(part, change);
        }
    }
    Some(changes)
}

impl Changes {
    pub(super) fn json(&self) -> Value {
        let part = |c: &Change| json!({"new": c.new, "gone": c.gone, "changed": c.changed});
        json!({"since": self.since, "parts": self.parts.iter().map(|(n, c)| (n.clone(), part(c))).collect::<serde_json::Map<_, _>>()})
    }

    pub(super) fn text(&self) -> String {
        let mut out = format!("\nsince {}:\n", visible(&self.since));
        if self.parts.is_empty() {
            out.push_str("  nothing has changed\n");
        }
        for (part, change) in &self.parts {
            for (word, list) in
                [("new", &change.new), ("gone", &change.gone), ("changed", &change.changed)]
            {
                for entry in list {
                    let _ = writeln!(out, "  {word} in {part}: {}", visible(entry));
                }
            }
        }
        out
    }
}

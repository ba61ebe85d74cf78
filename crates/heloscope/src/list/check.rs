//! `list verify` and `list replay`: whether the files are what was recorded, and whether the list is what the
//! record says. Both read the files alone, also beside `serve`.
//!
//! Beside a writer a text may be erased between two looks at it, which looks like a loss: what is wrong at the
//! first look is looked at again, and only what stays wrong is told.

use super::access::files;
use super::show::{short, word};
use super::{many, second};
use crate::outcome::Outcome;
use crate::serve::config::Config;
use anyhow::Result;
use heloscope_ledger::{Book, Error, Policy, PublicListing, Verified};
use ipnet::IpNet;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;

/// Differences that are told one by one.
const TOLD: usize = 1000;

/// Checks chain, texts and snapshots.
pub(crate) fn verify(config: &Config, json: bool) -> Result<Outcome> {
    let (folder, ..) = files(config)?;
    let mut found = look(&folder);
    if !found.faults.is_empty() {
        found = look(&folder);
    }
    let good = found.faults.is_empty();
    let head = hex(&found.head);
    let mut out = std::io::stdout().lock();
    if json {
        let document = json!({
            "format": "heloscope.list-verify/1",
            "good": good,
            "events": found.events,
            "head": head,
            "texts": found.texts,
            "erased": found.erased,
            "snapshots": found.snapshots,
            "faults": found.faults,
        });
        serde_json::to_writer_pretty(&mut out, &document)?;
        writeln!(out)?;
    } else {
        writeln!(out, "chain      {}, its head {head}", many(found.events, "event"))?;
        writeln!(out, "texts      {} as committed to", found.texts)?;
        writeln!(out, "erased     {}", many(found.erased, "event"))?;
        writeln!(out, "snapshots  {}", found.snapshots)?;
        for fault in &found.faults {
            writeln!(out, "fault      {fault}")?;
        }
        let verdict = if good { "good" } else { "NOT what was recorded" };
        writeln!(out, "{} is {verdict}", folder.display())?;
    }
    out.flush()?;
    Ok(if good { Outcome::Done } else { Outcome::Attention })
}

/// A journal that cannot be opened at all is a fault like another.
fn look(folder: &Path) -> Verified {
    heloscope_ledger::verify(folder)
        .unwrap_or_else(|error| Verified { faults: vec![chain(&error)], ..Verified::default() })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {source}");
        next = source.source();
    }
    text
}

/// What a replay led to.
struct Compared {
    /// The snapshot's event; none where there is none to compare with.
    snapshot: Option<u64>,
    events: u64,
    erased: u64,
    listed: u64,
    /// What stands, and what the record leads to.
    differ: Vec<(Option<PublicListing>, Option<PublicListing>)>,
}

/// Repeats the record under the present policy and compares.
pub(crate) fn replay(config: &Config, json: bool) -> Result<Outcome> {
    let (folder, key, policy) = files(config)?;
    let mut found = compare(&folder, key, &policy)?;
    if !found.differ.is_empty() {
        found = compare(&folder, key, &policy)?;
    }
    let mut out = std::io::stdout().lock();
    if json {
        let stands = |l: &Option<PublicListing>| l.as_ref().map(brief);
        let differ = found.differ.iter().take(TOLD).map(|(now, then)| {
            let prefix = now.as_ref().or(then.as_ref()).map(|l| l.prefix);
            json!({"prefix": prefix, "stands": stands(now), "replayed": stands(then)})
        });
        let document = json!({
            "format": "heloscope.list-replay/1",
            "snapshot": found.snapshot,
            "events": found.events,
            "erased": found.erased,
            "listed": found.listed,
            "differ": found.differ.len(),
            "differences": differ.collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut out, &document)?;
        writeln!(out)?;
    } else {
        let events = many(found.events, "event");
        let listed = many(found.listed, "listing");
        writeln!(out, "replayed   {events}, {} of them erased: {listed}", found.erased)?;
        match found.snapshot {
            Some(n) => {
                writeln!(out, "stands     by the snapshot of event {n} and what came after")?
            }
            None => writeln!(out, "stands     by the record alone: there is no snapshot yet")?,
        }
        for (now, then) in found.differ.iter().take(TOLD) {
            writeln!(out, "differs    {}", difference(now.as_ref(), then.as_ref()))?;
        }
        match found.differ.len() {
            0 => writeln!(out, "the list is what its record leads to")?,
            n => writeln!(
                out,
                "{} from what the record leads to under the present policy",
                many(n as u64, "difference")
            )?,
        }
    }
    out.flush()?;
    Ok(if found.differ.is_empty() { Outcome::Done } else { Outcome::Attention })
}

fn compare(folder: &Path, key: [u8; 32], policy: &Policy) -> Result<Compared, Error> {
    let stands = heloscope_ledger::standing(folder, policy.clone(), key)?;
    // What came meanwhile is no difference.
    let last = stands.as_ref().map_or(u64::MAX, |(_, book)| book.generation());
    let until = |sequence, event| (sequence <= last).then_some(event);
    let replayed = heloscope_ledger::replay(folder, policy.clone(), key, until)?;
    let then = all(&replayed.book);
    let (listed, events) = (then.len() as u64, replayed.book.generation().min(last));
    let erased = replayed.erased;
    let Some((snapshot, book)) = stands else {
        return Ok(Compared { snapshot: None, events, erased, listed, differ: Vec::new() });
    };
    let now = all(&book);
    let differ = now
        .iter()
        .filter(|(prefix, listing)| then.get(prefix) != Some(listing))
        .map(|(prefix, listing)| (Some(listing.clone()), then.get(prefix).cloned()))
        .chain(
            then.iter()
                .filter(|(prefix, _)| !now.contains_key(prefix))
                .map(|(_, listing)| (None, Some(listing.clone()))),
        )
        .collect();
    Ok(Compared { snapshot: Some(snapshot), events, erased, listed, differ })
}

fn all(book: &Book) -> BTreeMap<IpNet, PublicListing> {
    book.listings(None, None, usize::MAX).into_iter().map(|l| (l.prefix, l)).collect()
}

fn difference(now: Option<&PublicListing>, then: Option<&PublicListing>) -> String {
    let says = |l: &PublicListing| {
        format!("{} until {} ({})", word(l.sublist), second(l.expires), l.detectors.join(", "))
    };
    match (now, then) {
        (Some(now), Some(then)) => {
            format!("{}: stands as {}, replayed {}", short(now.prefix), says(now), says(then))
        }
        (Some(now), None) => {
            format!("{}: stands as {}, not replayed", short(now.prefix), says(now))
        }
        (None, Some(then)) => {
            format!("{}: not listed, replayed {}", short(then.prefix), says(then))
        }
        (None, None) => String::new(),
    }
}

fn brief(listing: &PublicListing) -> Value {
    json!({
        "sublist": listing.sublist,
        "since": listing.since,
        "expires": listing.expires,
        "detectors": listing.detectors,
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

//! The orders of `list`: what was typed to a request, the answer to a line for a person or JSON
//! (heloscope.order/1).

use super::access::{Access, unexpected};
use super::order::{Answer, Request};
use super::show::short;
use super::{many, second, time};
use crate::cli::list::What;
use crate::outcome::Outcome;
use anyhow::Result;
use heloscope_ledger::Removal;
use serde_json::{Value, json};
use std::io::Write;

pub(crate) fn run(access: &Access, what: What, json: bool) -> Result<Outcome> {
    let (order, of) = (name(&what), object(&what));
    let Some(request) = request(what) else { return Ok(Outcome::BadUsage) };
    let (said, mut told) = told(&of, order, access.ask(request)?)?;
    let mut out = std::io::stdout().lock();
    if json {
        if let Value::Object(told) = &mut told {
            told.shift_insert(0, "format".into(), "heloscope.order/1".into());
            told.shift_insert(1, "order".into(), order.into());
            told.shift_insert(2, "of".into(), of.into());
        }
        serde_json::to_writer_pretty(&mut out, &told)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{said}")?;
    }
    out.flush()?;
    Ok(Outcome::Done)
}

fn request(what: What) -> Option<Request> {
    Some(match what {
        What::Add { prefix, reason: why, seen, until } => {
            Request::Add { prefix, why, seen: time(seen), until: time(until) }
        }
        What::Exempt { prefix, reason: why, until } => {
            Request::Exempt { prefix, why, until: time(until) }
        }
        What::Unexempt { prefix } => Request::Unexempt(prefix),
        What::Remove { address } => Request::Remove(address),
        What::Withdraw { prefix, reason: why } => Request::Withdraw { prefix, why },
        What::Recall { detector: (detector, version), reason: why, from, to } => {
            Request::Recall { detector, version, from: time(from), to: time(to), why }
        }
        What::Pause { detector, reason: why } => Request::Pause { detector, why },
        What::Resume { detector } => Request::Resume(detector),
        What::Erase { prefix } => Request::Erase(prefix),
        // These are no orders.
        What::Show { .. } | What::Status | What::Export { .. } | What::Verify | What::Replay => {
            return None;
        }
    })
}

fn name(what: &What) -> &'static str {
    match what {
        What::Add { .. } => "add",
        What::Exempt { .. } => "exempt",
        What::Unexempt { .. } => "unexempt",
        What::Remove { .. } => "remove",
        What::Withdraw { .. } => "withdraw",
        What::Recall { .. } => "recall",
        What::Pause { .. } => "pause",
        What::Resume { .. } => "resume",
        What::Erase { .. } => "erase",
        What::Show { .. } | What::Status | What::Export { .. } | What::Verify | What::Replay => "",
    }
}

/// What an order is about.
fn object(what: &What) -> String {
    match what {
        What::Add { prefix, .. }
        | What::Exempt { prefix, .. }
        | What::Unexempt { prefix }
        | What::Withdraw { prefix, .. }
        | What::Erase { prefix } => short(*prefix),
        What::Remove { address } => address.to_string(),
        What::Recall { detector: (detector, _), .. }
        | What::Pause { detector, .. }
        | What::Resume { detector } => detector.clone(),
        What::Show { .. } | What::Status | What::Export { .. } | What::Verify | What::Replay => {
            String::new()
        }
    }
}

/// The answer for a person, and as JSON.
fn told(of: &str, order: &str, answer: Answer) -> Result<(String, Value)> {
    Ok(match answer {
        Answer::Listed(listing) => {
            let until = second(listing.expires);
            (
                format!("{of} is listed until {until}: {}", listing.reason),
                json!({"listing": listing}),
            )
        }
        Answer::Removal(Removal::Granted) => (format!("{of} is removed"), json!({"removed": true})),
        Answer::Removal(Removal::NotListed) => {
            (format!("{of} is not listed, there is nothing to remove"), json!({"removed": false}))
        }
        Answer::Removal(Removal::Refused { reason, retry_after_s }) => (
            reason.clone(),
            json!({"removed": false, "reason": reason, "retry_after_s": retry_after_s}),
        ),
        Answer::Recalled(versions) => {
            let line = |(version, fell): &(u32, u64)| {
                format!("{of}@{version} is recalled: {} fell", many(*fell, "listing"))
            };
            let lines: Vec<String> = versions.iter().map(line).collect();
            let versions = versions.iter().map(|(v, n)| json!({"version": v, "listings": n}));
            (lines.join("\n"), json!({"recalled": versions.collect::<Vec<_>>()}))
        }
        Answer::TakenOut(n) => {
            let done = match order {
                "exempt" => "is exempted",
                "erase" => "is forgotten",
                _ => "is withdrawn",
            };
            (format!("{of} {done}, {} taken out", many(n, "listing")), json!({"taken_out": n}))
        }
        Answer::Done => {
            let done = match order {
                "unexempt" => "may be listed again",
                "pause" => "counts for nothing until it is resumed",
                _ => "counts again",
            };
            (format!("{of} {done}"), json!({}))
        }
        other => return Err(unexpected(&other)),
    })
}

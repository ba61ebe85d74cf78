//! What a command asks of the list, and what it is told: the same words whether `serve` carries them out
//! or the command itself.
//!
//! In: a [`Request`]. Out: one [`Answer`]. Refused, with words for who asked: what is against the rules of
//! the list (a reserved address, a detector nobody has heard of). Both are JSON on the control socket, one
//! a line; times are RFC 3339.

use heloscope_ledger::{
    Asked, Detected, Error, Exemption, Incident, Ledger, OperatorEvidence, Past, PublicListing,
    Recall, Removal,
};
use heloscope_model::Time;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Listings in one answer.
pub(crate) const PAGE: usize = 1000;

/// What is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// How the list stands.
    Status,
    /// Listings in order, within a prefix, after one; [`PAGE`] at most.
    Listings { within: Option<IpNet>, after: Option<IpNet> },
    /// Everything about an address.
    Address(IpAddr),
    /// Sessions that detectors saw something in are to be recorded.
    Detected(Vec<Detected>),
    /// The operator lists a prefix.
    Add { prefix: IpNet, why: String, seen: Option<Time>, until: Option<Time> },
    /// Addresses are not to be listed.
    Exempt { prefix: IpNet, why: String, until: Option<Time> },
    /// They may be listed again.
    Unexempt(IpNet),
    /// An address is removed for who asked.
    Remove(IpAddr),
    /// Addresses are taken out.
    Withdraw { prefix: IpNet, why: String },
    /// A detector's word is taken back, of every version that was reported unless one is named.
    Recall {
        detector: String,
        version: Option<u32>,
        from: Option<Time>,
        to: Option<Time>,
        why: String,
    },
    /// A detector counts no more.
    Pause { detector: String, why: String },
    /// It counts again.
    Resume(String),
    /// Addresses are forgotten.
    Erase(IpNet),
}

/// What is told.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// How the list stands.
    Status(Box<Status>),
    /// Listings, and whether there are more.
    Listings { listings: Vec<PublicListing>, more: bool },
    /// Everything about an address.
    Address(Box<Dossier>),
    /// So many sessions are recorded for good: all of them.
    Recorded(u64),
    /// It is listed.
    Listed(Box<PublicListing>),
    /// What became of a request to remove.
    Removal(Removal),
    /// What fell with each version of a detector.
    Recalled(Vec<(u32, u64)>),
    /// It is done, and so many listings were taken out by it.
    TakenOut(u64),
    /// It is done.
    Done,
    /// It is against the rules of the list.
    Refused(String),
    /// The ledger could not: the first `recorded` sessions of a report are recorded all the same.
    Failed { why: String, recorded: u64 },
}

/// How the list stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The last event applied.
    pub(crate) generation: u64,
    /// How many listings there are.
    pub(crate) listed: u64,
    /// What cannot be listed by the operator's word.
    pub(crate) exemptions: Vec<(IpNet, String, Option<Time>)>,
    /// Detectors that are paused, and why.
    pub(crate) paused: Vec<(String, String)>,
    /// Recalls, oldest first: when, detector, version, what went wrong, how many listings fell.
    pub(crate) incidents: Vec<(Time, String, u32, String, u64)>,
    /// What last went wrong.
    pub(crate) trouble: Option<String>,
}

/// Everything about an address.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Dossier {
    /// Where it stands.
    pub(crate) listing: Option<PublicListing>,
    /// What happened before, newest first.
    pub(crate) past: Vec<Past>,
    /// The exemption that it falls under.
    pub(crate) exempted: Option<(IpNet, String, Option<Time>)>,
    /// Sessions against it, newest first, also those that nobody sees yet.
    pub(crate) seen: Vec<OperatorEvidence>,
}

impl Request {
    /// Whether it changes what is listed, and is worth a line in the log.
    pub(crate) fn is_order(&self) -> bool {
        !matches!(self, Self::Status | Self::Listings { .. } | Self::Address(_) | Self::Detected(_))
    }
}

/// How what is remembered of addresses beside the ledger is forgotten.
pub(crate) type Forget<'a> = &'a dyn Fn(IpNet) -> anyhow::Result<()>;

/// Carries a request out.
pub(crate) fn carry_out(
    ledger: &Ledger,
    forget: Forget<'_>,
    request: Request,
    now: Time,
) -> Answer {
    // First what can be done again if the second fails.
    if let Request::Erase(prefix) = &request
        && let Err(error) = forget(*prefix)
    {
        return Answer::Failed { why: format!("{error:#}"), recorded: 0 };
    }
    match request {
        Request::Detected(mut all) => {
            let handed_in = all.len();
            let ended = ledger.detected_all(&mut all);
            let recorded = (handed_in - all.len()) as u64;
            match ended {
                Ok(()) => Answer::Recorded(recorded),
                Err(error) => Answer::Failed { why: error.to_string(), recorded },
            }
        }
        other => answer(ledger, other, now).unwrap_or_else(|error| match error {
            Error::Refused(why) => Answer::Refused(why),
            error => Answer::Failed { why: error.to_string(), recorded: 0 },
        }),
    }
}

fn answer(ledger: &Ledger, request: Request, now: Time) -> Result<Answer, Error> {
    Ok(match request {
        Request::Status => Answer::Status(Box::new(status(ledger))),
        Request::Listings { within, after } => {
            let mut listings = ledger.listings(within, after, PAGE + 1);
            let more = listings.len() > PAGE;
            listings.truncate(PAGE);
            Answer::Listings { listings, more }
        }
        Request::Address(address) => Answer::Address(Box::new(dossier(ledger, address))),
        // Taken by the caller.
        Request::Detected(_) => Answer::Recorded(0),
        Request::Add { prefix, why, seen, until } => {
            if seen.is_some_and(|seen| seen > now) {
                return Ok(Answer::Refused("what was seen was seen before now".to_owned()));
            }
            Answer::Listed(Box::new(ledger.add(prefix, &why, seen, until, now)?))
        }
        Request::Exempt { prefix, why, until } => {
            if until.is_some_and(|until| until <= now) {
                return Ok(Answer::Refused("an exemption ends after now".to_owned()));
            }
            taken_out(ledger, prefix, || ledger.exempt(prefix, &why, until, now))?
        }
        Request::Unexempt(prefix) => {
            if !ledger.exemptions().iter().any(|(known, _)| *known == prefix.trunc()) {
                return Ok(Answer::Refused(format!(
                    "{prefix} is not exempted in these words; `heloscope list status` shows what is"
                )));
            }
            ledger.unexempt(prefix, now)?;
            Answer::Done
        }
        Request::Remove(address) => {
            Answer::Removal(ledger.remove(address, Asked::Operator, now)?)
        }
        Request::Withdraw { prefix, why } => {
            taken_out(ledger, prefix, || ledger.withdraw(prefix, &why, now))?
        }
        Request::Recall { detector, version, from, to, why } => {
            recall(ledger, &detector, version, (from, to), &why, now)?
        }
        Request::Pause { detector, why } => match unknown(ledger, &detector) {
            Some(refused) => refused,
            None => {
                ledger.pause(&detector, &why, now)?;
                Answer::Done
            }
        },
        Request::Resume(detector) => {
            if !ledger.paused().iter().any(|(paused, _)| *paused == detector) {
                return Ok(Answer::Refused(format!("{detector} is not paused")));
            }
            ledger.resume(&detector, now)?;
            Answer::Done
        }
        Request::Erase(prefix) => taken_out(ledger, prefix, || ledger.erase(prefix, now))?,
    })
}

/// Does something to a prefix, and says how many listings it cost.
fn taken_out(
    ledger: &Ledger,
    prefix: IpNet,
    act: impl FnOnce() -> Result<(), Error>,
) -> Result<Answer, Error> {
    let count = || ledger.listings(Some(prefix), None, usize::MAX).len();
    let before = count();
    act()?;
    Ok(Answer::TakenOut(before.saturating_sub(count()) as u64))
}

fn recall(
    ledger: &Ledger,
    detector: &str,
    version: Option<u32>,
    (from, to): (Option<Time>, Option<Time>),
    why: &str,
    now: Time,
) -> Result<Answer, Error> {
    let reported = ledger.reported();
    let of_it = reported.iter().filter(|(id, _)| id == detector).map(|(_, version)| *version);
    let versions: Vec<u32> = of_it.filter(|v| version.is_none_or(|named| named == *v)).collect();
    if versions.is_empty() {
        let known: Vec<String> = reported.iter().map(|(id, v)| format!("{id}@{v}")).collect();
        let known = if known.is_empty() { "nothing yet".to_owned() } else { known.join(", ") };
        let version = version.map(|v| format!("@{v}")).unwrap_or_default();
        return Ok(Answer::Refused(format!(
            "{detector}{version} has reported nothing here; what has: {known}"
        )));
    }
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Ok(Answer::Refused("--from lies before --to".to_owned()));
    }
    let mut fell = Vec::with_capacity(versions.len());
    for version in versions {
        let recall = Recall { detector: detector.to_owned(), version, from, to };
        fell.push((version, ledger.recall_between(recall, why, now)?));
    }
    Ok(Answer::Recalled(fell))
}

/// A name that neither the catalogue nor the ledger has heard.
fn unknown(ledger: &Ledger, detector: &str) -> Option<Answer> {
    let known = heloscope_detect::catalogue::find(detector).is_some()
        || ledger.reported().iter().any(|(id, _)| id == detector);
    (!known).then(|| Answer::Refused(format!("no detector is called {detector:?}")))
}

fn status(ledger: &Ledger) -> Status {
    let exempted = |(prefix, Exemption { why, until })| (prefix, why, until);
    let incident = |i: Incident| (i.at, i.detector, i.version, i.what, i.listings);
    Status {
        generation: ledger.generation(),
        listed: ledger.active(),
        exemptions: ledger.exemptions().into_iter().map(exempted).collect(),
        paused: ledger.paused(),
        incidents: ledger.incidents().into_iter().map(incident).collect(),
        trouble: ledger.trouble(),
    }
}

fn dossier(ledger: &Ledger, address: IpAddr) -> Dossier {
    let (listing, past) = ledger.public(address);
    let meets = |(prefix, _): &(IpNet, Exemption)| prefix.contains(&address.to_canonical());
    let exempted = ledger.exemptions().into_iter().find(meets);
    let seen = ledger.evidence(address);
    Dossier { listing, past, exempted: exempted.map(|(p, e)| (p, e.why, e.until)), seen }
}

//! One kind's sessions through judge, history and ledger, as a list's sensor would have them.
//!
//! Three plays, since a recording lasts minutes and the policy looks at days: as recorded (one sensor, one
//! day); the same again 26 hours later (class B on two days lists); and, of bots, as recorded at a trap,
//! where every recipient is one that never was. Look-ups answer as the lab's names did: the reverse
//! name and back, the receiver's own names; of names that the lab did not serve nothing is known.

use crate::recording::{Configured, Kind};
use anyhow::Result;
use heloscope::report::Reporter;
use heloscope_detect::{Answer, History, ReverseName, Surroundings};
use heloscope_ledger::{Config, Ledger, OwnerListing, Policy};
use heloscope_model::sighting::{Receiver, TrapHit, TrapKind};
use heloscope_model::{Session, Sighting, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The lab's receiver: names and addresses of its exchangers.
const RECEIVER: [(&str, [u8; 4]); 5] = [
    ("mx.inbox.example", [192, 0, 2, 10]),
    ("mx.grey.example", [192, 0, 2, 10]),
    ("mx.secure.example", [192, 0, 2, 11]),
    ("mx.inbxo.example", [192, 0, 2, 12]),
    ("mx.slowly.example", [192, 0, 2, 13]),
];
/// One slip of a finger away from inbox.example: the lab's typo trap.
const TYPO: &[u8] = b"@inbxo.example";
const NEXT_DAY_S: f64 = 26.0 * 3600.0;
/// Longer than any delay of publication.
const LATER_S: f64 = 4.0 * 3600.0;

/// What was made of a kind.
pub(crate) struct Played<'a> {
    pub(crate) kind: &'a Kind,
    pub(crate) once: Play,
    pub(crate) next_day: Play,
    /// Bots only.
    pub(crate) at_trap: Option<Play>,
}

/// What one play gave.
#[derive(Default)]
pub(crate) struct Play {
    pub(crate) own: Tally,
    /// Of the Postfix at the same address.
    pub(crate) postfix: Tally,
}

/// Counts of one speaker's sessions.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) sessions: usize,
    /// Sessions in which a detector of this class counted.
    pub(crate) classes: BTreeMap<char, usize>,
    /// The detectors that counted: class, id, and in how many sessions.
    pub(crate) spoke: BTreeMap<(char, &'static str), usize>,
    /// What the owner is told, each sentence once.
    pub(crate) words: BTreeSet<String>,
    /// The listing, were these the only sessions of the address (of a bot beside Postfix: all of them).
    pub(crate) listing: Option<OwnerListing>,
}

/// Plays a kind.
pub(crate) fn kind<'a>(kind: &'a Kind, judge: &Reporter) -> Result<Played<'a>> {
    let at_trap = (kind.configured == Configured::Bot).then(|| play(kind, judge, false, true));
    Ok(Played {
        kind,
        once: play(kind, judge, false, false)?,
        next_day: play(kind, judge, true, false)?,
        at_trap: at_trap.transpose()?,
    })
}

fn play(kind: &Kind, judge: &Reporter, twice: bool, at_trap: bool) -> Result<Play> {
    let mut sessions = kind.sessions.clone();
    if twice {
        sessions.extend(kind.sessions.iter().map(|session| later(session.clone(), NEXT_DAY_S)));
    }
    let (all, postfix) = (ledger()?, ledger()?);
    let mut history = History::default();
    let (mut reported, mut reported_postfix) = (false, false);
    let mut play = Play::default();
    let mut now = Time::from_secs(0);
    for session in sessions {
        let sighting = sighting(session, at_trap);
        let around = around(kind, &sighting.session, &history);
        let judged = judge.judge(&sighting, &around, reported, sighting.session.end);
        history.note(&sighting, None, None);
        now = now.max(sighting.session.end);
        // As the list's clock does: what is due is published before more comes.
        for ledger in [&all, &postfix] {
            ledger.tick(now)?;
        }
        let is_postfix = kind.is_postfix(&sighting.session);
        let tally = if is_postfix { &mut play.postfix } else { &mut play.own };
        tally.sessions += 1;
        let classes: BTreeSet<char> = judged.counted.iter().map(|d| d.class).collect();
        for class in classes {
            *tally.classes.entry(class).or_default() += 1;
        }
        for detection in &judged.counted {
            *tally.spoke.entry((detection.class, detection.detector)).or_default() += 1;
            if detection.class != 'X' {
                tally.words.insert(detection.owner.as_str().to_owned());
            }
        }
        if let Some(told) = judged.told {
            reported = true;
            // What speaks for it is told of the Postfix alone only where something spoke against it.
            let against = told.rules.iter().any(|r| r.class != 'X') || !told.traps.is_empty();
            if is_postfix && (against || reported_postfix) {
                postfix.detected(told.clone())?;
                reported_postfix = true;
            }
            all.detected(told)?;
        }
    }
    for ledger in [&all, &postfix] {
        ledger.tick(now.plus_secs(LATER_S))?;
    }
    play.own.listing = all.owner(kind.address);
    play.postfix.listing = postfix.owner(kind.address);
    Ok(play)
}

/// The standard policy. Documentation addresses stand for the Internet, and the clock may jump from
/// the last session to when it is published.
fn ledger() -> Result<Ledger> {
    let policy = Policy { lab: true, step_s: None, ..Policy::standard() };
    Ok(Ledger::open(Config { folder: None, key: [0; 32], policy }, Time::from_secs(0))?)
}

fn sighting(session: Session, at_trap: bool) -> Sighting {
    let kind = |recipient: &[u8]| {
        let typo = recipient.to_ascii_lowercase().ends_with(TYPO);
        match (at_trap, typo) {
            (true, _) => Some(TrapKind::NeverUsed),
            (false, true) => Some(TrapKind::Typo),
            (false, false) => None,
        }
    };
    let hit = |recipient: heloscope_model::Octets| {
        kind(recipient.as_bytes()).map(|kind| TrapHit { recipient, kind })
    };
    let traps = session.rcpt_to().into_iter().filter_map(hit).collect();
    let receiver = Receiver {
        names: RECEIVER.iter().map(|(name, _)| (*name).to_owned()).collect(),
        addresses: RECEIVER.iter().map(|(_, address)| IpAddr::from(*address)).collect(),
    };
    Sighting {
        sensor: "receiver".into(),
        receiver,
        session,
        traps,
        hello: None,
        trap_login: false,
        bodies: Vec::new(),
    }
}

fn around(kind: &Kind, session: &Session, history: &History) -> Surroundings {
    let ptr = match kind.ptr.as_str() {
        "" => Answer::None,
        name => Answer::Found(vec![ReverseName { name: name.to_owned(), confirmed: Some(true) }]),
    };
    let helo = session.helo().map(|(_, helo)| helo.text().0.to_ascii_lowercase());
    let helo_addresses = match helo.as_deref() {
        Some(helo) if !kind.ptr.is_empty() && helo == kind.ptr.to_ascii_lowercase() => {
            Answer::Found(vec![kind.address])
        }
        Some(helo) => match RECEIVER.iter().find(|(name, _)| *name == helo) {
            Some((_, address)) => Answer::Found(vec![IpAddr::from(*address)]),
            None if helo.ends_with(".example") => Answer::None,
            None => Answer::NotAsked,
        },
        None => Answer::NotAsked,
    };
    Surroundings { ptr, helo_addresses, history: history.clone() }
}

/// The same session so many seconds later.
fn later(mut session: Session, by_s: f64) -> Session {
    let shift = |at: &mut Time| *at = at.plus_secs(by_s);
    shift(&mut session.start);
    shift(&mut session.end);
    let dialogue = &mut session.dialogue;
    dialogue.greeting.iter_mut().chain(&mut dialogue.replies).for_each(|r| shift(&mut r.at));
    dialogue.commands.iter_mut().for_each(|c| shift(&mut c.at));
    dialogue.messages.iter_mut().for_each(|m| shift(&mut m.at));
    dialogue.auth.iter_mut().for_each(|a| shift(&mut a.at));
    dialogue.tls.iter_mut().for_each(|t| shift(&mut t.at));
    session
}

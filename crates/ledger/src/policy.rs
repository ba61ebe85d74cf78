//! What lists an address, for how long, and when it may go: the whole policy, in one place.
//!
//! In: the sessions that speak against an address ([`Sign`]), how often it was listed and removed.
//! Out: a [`Verdict`], a term, a lock-out. Pure, and ignorant of the clock: a verdict looks at the
//! signs as of the newest of them, so that only events change it.
//!
//! - **A** lists on one hit. **B** needs repeats on distinct days or at distinct sensors, or another
//!   family of evidence. **C** supports. **X**, a real mail server, covers the sessions with its own
//!   key (HELO, dialect, stack) and never the address: a guest's laptop may share it.
//! - Several rules of one family count once. What stands in headers and bodies survives
//!   forwarding, so it never lists alone, whatever its class.
//! - A trap hit is a weight and no family: several never-used traps support like a C, typo and recycled
//!   traps weigh nothing. One trap alone never decides anything, and a session in which no rule saw anything
//!   moves nothing that the sublist of bots shows: else who spends an address on each recipient
//!   would learn which of them is a trap. The sublist of trap hits alone takes never-used traps, several of them, on several
//!   days or sensors, and no sign of a real mail server.

use crate::{Asked, RuleFacts, Sublist};
use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;
use std::collections::{BTreeMap, BTreeSet};

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// Families of what stands in the message and not in how it was sent.
pub const MESSAGE_FAMILIES: [&str; 3] = ["message", "header", "body"];
/// The family under which a detector of trap hits reports: a weight, not evidence.
pub const TRAP_FAMILY: &str = "trap";
/// The family of what only says that several machines share an address: it chooses words and terms.
pub const SHARING_FAMILY: &str = "sharing";
/// Detectors that say that the address changes hands or has many users: its terms are shorter.
pub const DYNAMIC: [&str; 5] = [
    "helo-dynamic-name",
    "helo-random-dynamic",
    "no-or-dynamic-ptr",
    "address-shared",
    "tunnel-exit",
];

/// The policy's numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Signs so much older than the newest do not count, in seconds.
    pub window_s: i64,
    /// Class B: on so many distinct days.
    pub repeat_days: usize,
    /// Days are distinct if first and last sign lie so far apart: not a session before and one
    /// after midnight.
    pub days_apart_s: i64,
    /// Class B: or at so many distinct sensors.
    pub repeat_sensors: usize,
    /// Class B: or with so much support by other families (a B counts two, a C one, never-used
    /// traps one together).
    pub support: u32,
    /// From so many distinct never-used traps on they support: one alone would be told apart.
    pub support_traps: usize,
    /// Trap hits alone: so many distinct never-used traps.
    pub traps: usize,
    /// An IPv6 /64: so many listed addresses with one dialect.
    pub net_members: usize,
    /// A listing's first term after its last detection.
    pub term_s: i64,
    /// The same for an address that changes hands or has many users.
    pub dynamic_term_s: i64,
    /// Terms double with each listing, up to this.
    pub longest_term_s: i64,
    /// The same for an address that changes hands.
    pub longest_dynamic_term_s: i64,
    /// The first lock-out, after the last detection.
    pub lockout_s: i64,
    /// Lock-outs double, up to this.
    pub longest_lockout_s: i64,
    /// An address of which nothing was heard for so long is forgotten.
    pub memory_s: i64,
    /// How publication is delayed; none publishes at once.
    pub delay: Option<Delay>,
    /// Times are told as the middle of a slot so long: the tolerance is half of it.
    pub slot_s: i64,
    /// The list's clock moves by no more than this at one event: a clock that jumped ahead for a moment
    /// must not let everything expire. None follows any jump.
    pub step_s: Option<i64>,
    /// Whether documentation addresses may be listed.
    pub lab: bool,
}

/// How long a detection stays hidden after its slot has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// At least.
    pub least_s: i64,
    /// And up to so much more, by key.
    pub spread_s: i64,
}

impl Policy {
    /// What a list on the Internet uses.
    pub const fn standard() -> Self {
        Self {
            window_s: 14 * DAY,
            repeat_days: 2,
            days_apart_s: 12 * HOUR,
            repeat_sensors: 2,
            support: 2,
            support_traps: 2,
            traps: 3,
            net_members: 3,
            term_s: 7 * DAY,
            dynamic_term_s: 2 * DAY,
            longest_term_s: 28 * DAY,
            longest_dynamic_term_s: 8 * DAY,
            lockout_s: DAY,
            longest_lockout_s: 14 * DAY,
            memory_s: 90 * DAY,
            delay: Some(Delay { least_s: 2 * 60, spread_s: 30 * 60 }),
            slot_s: 30 * 60,
            step_s: Some(HOUR),
            lab: false,
        }
    }

    /// What `--lab` uses: nothing is delayed, documentation addresses stand for the Internet.
    pub const fn lab() -> Self {
        Self { delay: None, step_s: None, lab: true, ..Self::standard() }
    }
}

/// One session against an address, as the policy weighs it.
#[derive(Clone, Debug)]
pub struct Sign<'a> {
    /// When.
    pub at: Time,
    /// Which sensor.
    pub sensor: u16,
    /// What a veto covers.
    pub key: u64,
    /// What was seen.
    pub rules: Vec<&'a RuleFacts>,
    /// The traps hit.
    pub traps: &'a [(TrapKind, u64)],
}

/// That an address is to be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Where.
    pub sublist: Sublist,
    /// By which rule.
    pub because: Because,
    /// Whether the address changes hands or has many users.
    pub dynamic: bool,
}

/// Which rule of the policy decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// Class A.
    OneHit,
    /// Class B on distinct days.
    Days,
    /// Class B at distinct sensors.
    Sensors,
    /// Class B and other families.
    Families,
    /// Never-used traps alone.
    Traps,
}

/// Weighs the signs against an address.
pub fn judge(signs: &[Sign<'_>], policy: &Policy) -> Option<Verdict> {
    let newest = signs.iter().map(|s| s.at).max()?;
    // Where no rule saw anything there was only a trap: that must not push a bot's session out of sight.
    let newest_of_bots = signs.iter().filter(|s| !s.rules.is_empty()).map(|s| s.at).max();
    let exonerates = |s: &Sign<'_>| s.rules.iter().any(|r| r.class == 'X');
    let vetoed: BTreeSet<u64> = signs.iter().filter(|s| exonerates(s)).map(|s| s.key).collect();
    let counted = |newest: Time| -> Vec<&Sign<'_>> {
        let recent = |s: &&Sign<'_>| newest.since(s.at) <= policy.window_s as f64;
        signs.iter().filter(recent).filter(|s| !vetoed.contains(&s.key)).collect()
    };

    let dynamic = signs.iter().flat_map(|s| &s.rules).any(|r| DYNAMIC.contains(&&*r.detector));
    let bots = newest_of_bots
        .and_then(|newest| bots(&counted(newest), policy))
        .map(|because| (Sublist::Bots, because));
    // A sign of a real mail server anywhere at the address, and traps alone say too little.
    let traps = || {
        (vetoed.is_empty() && traps_alone(&counted(newest), policy))
            .then_some((Sublist::Traps, Because::Traps))
    };
    let (sublist, because) = bots.or_else(traps)?;
    Some(Verdict { sublist, because, dynamic })
}

/// Whether what was seen is what only bots, proxies and planted mailers do.
fn bots(signs: &[&Sign<'_>], policy: &Policy) -> Option<Because> {
    let of_sending = |r: &&&RuleFacts| !is_of_message(r);
    let has = |s: &Sign<'_>, class| s.rules.iter().filter(of_sending).any(|r| r.class == class);
    if signs.iter().any(|s| has(s, 'A')) {
        return Some(Because::OneHit);
    }
    let convincing: Vec<&&Sign<'_>> = signs.iter().filter(|s| has(s, 'B')).collect();
    let (first, last) = span(&convincing)?;
    let sensors: BTreeSet<u16> = convincing.iter().map(|s| s.sensor).collect();
    if days(&convincing) >= policy.repeat_days && last.since(first) >= policy.days_apart_s as f64 {
        return Some(Because::Days);
    }
    if sensors.len() >= policy.repeat_sensors {
        return Some(Because::Sensors);
    }
    (support(signs, policy) >= policy.support).then_some(Because::Families)
}

/// What other families add to the strongest one of class B: each family counts once, by its best rule.
fn support(signs: &[&Sign<'_>], policy: &Policy) -> u32 {
    let mut families: BTreeMap<&str, (bool, u32)> = BTreeMap::new();
    let evidence = |r: &&&RuleFacts| r.family != TRAP_FAMILY && r.family != SHARING_FAMILY;
    for rule in signs.iter().flat_map(|s| &s.rules).filter(evidence) {
        let worth = match rule.class {
            'A' | 'B' => 2,
            'C' => 1,
            _ => 0,
        };
        let (leads, best) = families.entry(&rule.family).or_default();
        *leads |= worth == 2 && !is_of_message(rule);
        *best = worth.max(*best);
    }
    let all: u32 = families.values().map(|(_, worth)| worth).sum();
    let lead = families.values().filter(|(leads, _)| *leads).map(|(_, worth)| *worth).max();
    let never_used =
        |(kind, trap): &(TrapKind, u64)| (*kind == TrapKind::NeverUsed).then_some(*trap);
    let traps: BTreeSet<u64> = signs.iter().flat_map(|s| s.traps).filter_map(never_used).collect();
    let trap = u32::from(traps.len() >= policy.support_traps);
    lead.map_or(0, |lead| all - lead + trap)
}

fn traps_alone(signs: &[&Sign<'_>], policy: &Policy) -> bool {
    let never_used = |s: &&Sign<'_>| s.traps.iter().any(|t| t.0 == TrapKind::NeverUsed);
    let hits: Vec<&&Sign<'_>> = signs.iter().filter(|s| never_used(s)).collect();
    let traps: BTreeSet<u64> = hits
        .iter()
        .flat_map(|s| s.traps)
        .filter(|(kind, _)| *kind == TrapKind::NeverUsed)
        .map(|(_, trap)| *trap)
        .collect();
    let sensors: BTreeSet<u16> = hits.iter().map(|s| s.sensor).collect();
    let apart = span(&hits).is_some_and(|(a, b)| b.since(a) >= policy.days_apart_s as f64);
    traps.len() >= policy.traps
        && (sensors.len() >= policy.repeat_sensors || (apart && days(&hits) >= policy.repeat_days))
}

fn is_of_message(rule: &RuleFacts) -> bool {
    MESSAGE_FAMILIES.contains(&&*rule.family)
}

fn days(signs: &[&&Sign<'_>]) -> usize {
    signs.iter().map(|s| s.at.secs().div_euclid(DAY)).collect::<BTreeSet<_>>().len()
}

fn span(signs: &[&&Sign<'_>]) -> Option<(Time, Time)> {
    Some((signs.iter().map(|s| s.at).min()?, signs.iter().map(|s| s.at).max()?))
}

/// How long a listing stays after its last detection, the address's `times`-th listing.
pub fn term(times: u32, dynamic: bool, policy: &Policy) -> i64 {
    if dynamic {
        doubled(policy.dynamic_term_s, times, policy.longest_dynamic_term_s)
    } else {
        doubled(policy.term_s, times, policy.longest_term_s)
    }
}

/// Until when the operator's own word lists: as he said, else a first term; never longer than the
/// longest term, so that no word of his outlives what a detector's could.
pub fn by_hand_until(now: Time, said: Option<Time>, policy: &Policy) -> Time {
    let longest = now.plus_secs(policy.longest_term_s as f64);
    said.unwrap_or_else(|| now.plus_secs(policy.term_s as f64)).min(longest)
}

/// What a request to remove depends on.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// How often the address was removed at somebody's request, as far as is remembered.
    pub removals: u32,
    /// The last detection, as the public is told: the end of its slot.
    pub last: Time,
}

/// Until when a removal is refused; none grants it. A first one is granted at once: no questions
/// asked. Whatever is listed now was detected after the removals before, so each of them was
/// followed by a detection, and each doubles the lock-out.
pub fn refused_until(by: Asked, standing: Standing, now: Time, policy: &Policy) -> Option<Time> {
    if by == Asked::Operator || standing.removals == 0 {
        return None;
    }
    let lockout = doubled(policy.lockout_s, standing.removals, policy.longest_lockout_s);
    let until = standing.last.plus_secs(lockout as f64);
    (now < until).then_some(until)
}

/// `first` at the first time, doubled at each further, never more than `longest`.
fn doubled(first: i64, times: u32, longest: i64) -> i64 {
    let factor = 1_i64 << times.saturating_sub(1).min(20);
    first.saturating_mul(factor).min(longest.max(first))
}

#[cfg(test)]
mod tests;

//! What the list remembers of one prefix: sessions that nobody sees yet, sessions that count, the
//! listing if there is one, what happened before. Everything is bounded: sessions that say the same
//! on the same day are one.

use crate::event::nanos;
use crate::{HeloClass, PastEvent, RuleFacts, Sublist, Sublists};
use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most sessions that are remembered of a prefix, seen and unseen, with rules and with traps alone.
pub(crate) const HITS: usize = 50;
/// The most of what happened before.
const PAST: usize = 20;
/// The most traps of one session.
const TRAPS: usize = 8;

/// One prefix.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Not visible yet: they count for nothing.
    pub(crate) hidden: Vec<Hit>,
    /// They count; oldest first.
    pub(crate) hits: Vec<Hit>,
    pub(crate) listing: Option<Listing>,
    pub(crate) past: Vec<Happened>,
    pub(crate) times_listed: u32,
    /// How often it was removed at somebody's request.
    pub(crate) removals: u32,
    /// Sessions up to here were forgiven.
    #[serde(with = "nanos::option")]
    pub(crate) forgiven: Option<Time>,
    /// When the clock will have something to do here, as it stands in the queue.
    #[serde(skip)]
    pub(crate) queued: Option<Time>,
}

/// One session, or several alike within a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hit {
    /// The event of the newest, by which its texts are found.
    pub(crate) sequence: u64,
    #[serde(with = "nanos")]
    pub(crate) at: Time,
    /// When it becomes visible.
    #[serde(with = "nanos")]
    pub(crate) visible: Time,
    pub(crate) count: u32,
    pub(crate) sensor: u16,
    pub(crate) rules: Vec<u16>,
    pub(crate) traps: Vec<(TrapKind, u64)>,
    pub(crate) helo: HeloClass,
    pub(crate) key: u64,
    pub(crate) dialect: u64,
}

/// That a prefix is listed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Listing {
    pub(crate) sublist: Sublist,
    #[serde(with = "nanos")]
    pub(crate) since: Time,
    /// The newest session that counts, exactly.
    #[serde(with = "nanos")]
    pub(crate) last: Time,
    #[serde(with = "nanos")]
    pub(crate) expires: Time,
    /// The detectors it names, most telling first.
    pub(crate) rules: Vec<u16>,
    pub(crate) helo: HeloClass,
    /// The operator's own word, where he gave it.
    pub(crate) hand: Option<Hand>,
}

/// That the operator listed a prefix himself. His word has a term that no detection prolongs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hand {
    pub(crate) why: String,
    #[serde(with = "nanos")]
    pub(crate) until: Time,
    /// Whether nothing else lists it.
    pub(crate) alone: bool,
}

impl Hand {
    /// As everybody reads it.
    pub(crate) fn words(&self) -> String {
        format!("Listed by the operator of this list: {}", self.why)
    }
}

impl Listing {
    /// Whether it rests on the operator's word alone.
    pub(crate) fn is_by_hand(&self) -> bool {
        self.hand.as_ref().is_some_and(|hand| hand.alone)
    }

    /// Where the prefix stands.
    pub(crate) fn value(&self) -> Sublists {
        let only = Sublists::only(self.sublist);
        if self.is_by_hand() { only.by_hand() } else { only }
    }
}

/// Something that happened to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Happened {
    pub(crate) event: PastEvent,
    #[serde(with = "nanos")]
    pub(crate) at: Time,
    /// Which detectors had listed it.
    pub(crate) rules: Vec<u16>,
    /// In somebody's words.
    pub(crate) words: Option<String>,
    /// The last detection of a listing that ended, exactly.
    #[serde(with = "nanos::option")]
    pub(crate) last: Option<Time>,
}

impl Hit {
    /// Whether a rule saw something: a session of which only a trap speaks is another matter.
    pub(crate) fn is_of_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    fn says_the_same(&self, other: &Hit) -> bool {
        let day = |t: Time| t.secs().div_euclid(86_400);
        (self.sensor, self.key, self.dialect, day(self.at), day(self.visible))
            == (other.sensor, other.key, other.dialect, day(other.at), day(other.visible))
            && self.rules == other.rules
            && self.helo == other.helo
    }

    fn take(&mut self, other: Hit) {
        self.count = self.count.saturating_add(other.count);
        if other.at >= self.at {
            (self.at, self.sequence) = (other.at, other.sequence);
        }
        self.visible = self.visible.max(other.visible);
        for trap in other.traps {
            if self.traps.len() < TRAPS && !self.traps.contains(&trap) {
                self.traps.push(trap);
            }
        }
    }
}

impl Record {
    /// Takes a session that is not visible yet. What is seen of one depends on its slot, so two
    /// that become visible at the same instant and say the same are one.
    pub(crate) fn hide(&mut self, mut hit: Hit) {
        hit.traps.sort_unstable();
        hit.traps.dedup();
        hit.traps.truncate(TRAPS);
        let same = |h: &&mut Hit| h.visible == hit.visible && h.says_the_same(&hit);
        if let Some(other) = self.hidden.iter_mut().find(same) {
            return other.take(hit);
        }
        let alike = |h: &&Hit| h.is_of_rules() == hit.is_of_rules();
        if self.hidden.iter().filter(alike).count() < HITS {
            self.hidden.push(hit);
        }
    }

    /// Moves what has become visible to what counts; true if anything did. A session older than the memory goes
    /// then, whatever has kept the prefix in mind since; but a trap takes none away beside one that stays, for a listing
    /// names what is remembered, and who reads it would learn of the trap.
    pub(crate) fn reveal(&mut self, now: Time, memory_s: i64) -> bool {
        if !self.hidden.iter().any(|h| h.visible <= now) {
            return false;
        }
        let old = |h: &Hit| h.at.max(h.visible).plus_secs(memory_s as f64) <= now;
        let mut shown = self.hidden.iter().filter(|h| h.visible <= now);
        let tells = shown.any(Hit::is_of_rules);
        let spares = !tells && self.hits.iter().any(|h| h.is_of_rules() && !old(h));
        self.hits.retain(|h| !old(h) || (spares && h.is_of_rules()));
        let (seen, hidden) =
            std::mem::take(&mut self.hidden).into_iter().partition(|h: &Hit| h.visible <= now);
        self.hidden = hidden;
        for hit in seen {
            match self.hits.iter_mut().find(|h| h.says_the_same(&hit)) {
                Some(other) => other.take(hit),
                None => self.hits.push(hit),
            }
        }
        self.hits.sort_by_key(|h| (h.at, h.sequence));
        // The two kinds do not push each other out: what lists as a bot shows nothing of traps.
        for of_rules in [true, false] {
            let count = self.hits.iter().filter(|h| h.is_of_rules() == of_rules).count();
            let mut spare = count.saturating_sub(HITS);
            self.hits.retain(|h| {
                let goes = spare > 0 && h.is_of_rules() == of_rules;
                spare -= usize::from(goes);
                !goes
            });
        }
        true
    }

    /// Forgets every session up to an instant, seen or not: the owner's removal, the operator's.
    pub(crate) fn forgive(&mut self, now: Time) {
        self.hidden.clear();
        self.hits.clear();
        self.forgiven = self.forgiven.max(Some(now));
    }

    pub(crate) fn happened(
        &mut self,
        event: PastEvent,
        at: Time,
        rules: Vec<u16>,
        words: Option<String>,
        last: Option<Time>,
    ) {
        if self.past.len() >= PAST {
            self.past.remove(0);
        }
        // Told to the minute.
        let at = Time::from_secs(at.secs().div_euclid(60) * 60);
        self.past.push(Happened { event, at, rules, words, last });
    }

    /// When the clock will have something to do: publish, expire, forget.
    pub(crate) fn due(&self, memory_s: i64) -> Option<Time> {
        let reveal = self.hidden.iter().map(|h| h.visible).min();
        let expire = self.listing.as_ref().map(|l| l.expires);
        let forget =
            if expire.is_none() && !self.waits() { self.forget_at(memory_s) } else { None };
        [reveal, expire, forget].into_iter().flatten().min()
    }

    /// When a listing ran out last, as it is told.
    pub(crate) fn ran_out(&self) -> Option<Time> {
        self.past.iter().rev().find(|p| p.event == PastEvent::Expired).map(|p| p.at)
    }

    /// Whether anything is remembered of it besides trap hits.
    pub(crate) fn is_of_rules(&self) -> bool {
        let seen = self.hits.iter().chain(&self.hidden).any(Hit::is_of_rules);
        seen || self.listing.is_some() || !self.past.is_empty()
    }

    /// Whether a session keeps it from being forgotten. How long a history is told must not depend on
    /// trap hits, which nobody may learn of.
    fn keeps(&self, hit: &Hit) -> bool {
        hit.is_of_rules() || self.past.is_empty()
    }

    /// Whether something waits to become visible that is not to be forgotten before.
    pub(crate) fn waits(&self) -> bool {
        self.hidden.iter().any(|h| self.keeps(h))
    }

    /// When nothing of it will be of use any more.
    pub(crate) fn forget_at(&self, memory_s: i64) -> Option<Time> {
        let kept = self.hits.iter().filter(|h| self.keeps(h));
        let hit = kept.map(|h| h.at.max(h.visible)).max();
        let past = self.past.iter().map(|p| p.at).max();
        let last = [hit, past, self.forgiven].into_iter().flatten().max();
        last.map(|t| t.plus_secs(memory_s as f64))
    }
}

/// Names that records refer to by a number: they repeat a million times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Names<T: Ord> {
    list: Vec<T>,
    #[serde(skip, default = "BTreeMap::new")]
    index: BTreeMap<T, u16>,
}

impl<T: Ord> Default for Names<T> {
    fn default() -> Self {
        Self { list: Vec::new(), index: BTreeMap::new() }
    }
}

impl<T: Ord + Clone> Names<T> {
    /// The number of a name, new if need be; none when there are 65,536.
    pub(crate) fn number(&mut self, name: &T) -> Option<u16> {
        if let Some(number) = self.index.get(name) {
            return Some(*number);
        }
        let number = u16::try_from(self.list.len()).ok()?;
        self.list.push(name.clone());
        self.index.insert(name.clone(), number);
        Some(number)
    }

    pub(crate) fn get(&self, number: u16) -> Option<&T> {
        self.list.get(usize::from(number))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u16, &T)> {
        (0..).zip(&self.list)
    }

    /// The index is not stored.
    pub(crate) fn rebuild(&mut self) {
        self.index = (0..).zip(&self.list).map(|(number, name)| (name.clone(), number)).collect();
    }
}

/// The rules that detectors reported under.
pub(crate) type Rules = Names<RuleFacts>;

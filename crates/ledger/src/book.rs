//! The fold: events in the journal's order to the state of the list, and what that changes in DNS.
//!
//! In: [`Event`]s. Out: [`Change`]s, in order, a deterministic function of the events, the policy and
//! the key: no clock, no randomness, no map with random hashing. What is not yet visible counts for
//! nothing: a detection is hidden until a [`Event::Ticked`] past its keyed delay, and only then
//! weighed. Refused, whatever was detected: reserved and exempted addresses.
//!
//! The state is what a snapshot holds. The queue of what is due is made from it.

use crate::delay::{self, Key};
use crate::event::{Event, Facts, Recall, nanos};
use crate::policy::{self, Policy, Standing};
use crate::record::{Happened, Hit, Names, Record, Rules};
use crate::reserved::listable;
use crate::statistics::{Days, Incident};
use crate::{Asked, PastEvent, Removal, Sublists};
use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;
use ipnet::{IpNet, Ipv6Net};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::net::IpAddr;

pub(crate) mod listing;

/// The most addresses of one IPv6 /64 that are remembered: who has 2^64 must not fill the memory.
const NET_RECORDS: usize = 64;
/// The most sessions that the desk sees as they come.
const RECENT: usize = 512;
/// A refusal is noted once in so many seconds.
const REFUSAL_NOTED_S: f64 = 3600.0;

/// The clock is noted at least so often.
const TICK_NOTED_S: f64 = 600.0;

/// A prefix's value changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The event that changed it.
    pub generation: u64,
    /// Which.
    pub prefix: IpNet,
    /// Where it stands now; none is nowhere.
    pub value: Option<Sublists>,
}

/// The list as a function of what happened.
#[derive(Debug)]
pub struct Book {
    pub(crate) policy: Policy,
    pub(crate) key: Key,
    pub(crate) state: State,
    queue: BinaryHeap<Reverse<(Time, IpNet)>>,
    out: Vec<Change>,
}

/// What a snapshot holds.
#[derive(Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) generation: u64,
    #[serde(with = "nanos::option")]
    pub(crate) now: Option<Time>,
    pub(crate) rules: Rules,
    pub(crate) sensors: Names<String>,
    pub(crate) records: BTreeMap<IpNet, Record>,
    pub(crate) exempted: BTreeMap<IpNet, Exemption>,
    pub(crate) paused: BTreeMap<String, String>,
    pub(crate) recalled: BTreeSet<Recall>,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) days: Days,
    pub(crate) active: u64,
    pub(crate) recent: VecDeque<Recent>,
}

/// Why addresses cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// In the operator's words.
    pub why: String,
    /// Until when; none is for good.
    #[serde(with = "nanos::option")]
    pub until: Option<Time>,
}

/// A session as it came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recent {
    pub(crate) sequence: u64,
    pub(crate) address: IpAddr,
    #[serde(with = "nanos")]
    pub(crate) at: Time,
    #[serde(with = "nanos")]
    pub(crate) visible: Time,
    pub(crate) sensor: String,
    pub(crate) rules: Vec<u16>,
    pub(crate) traps: Vec<TrapKind>,
    pub(crate) listable: bool,
}

impl Book {
    /// Nothing has happened yet.
    pub fn new(policy: Policy, key: Key) -> Self {
        Self::from_state(State::default(), policy, key)
    }

    pub(crate) fn from_state(mut state: State, policy: Policy, key: Key) -> Self {
        state.rules.rebuild();
        state.sensors.rebuild();
        let mut queue = Vec::with_capacity(state.records.len());
        for (prefix, record) in &mut state.records {
            record.queued = record.due(policy.memory_s);
            queue.extend(record.queued.map(|due| Reverse((due, *prefix))));
        }
        Self { policy, key, state, queue: queue.into(), out: Vec::new() }
    }

    /// How many events were applied.
    pub fn generation(&self) -> u64 {
        self.state.generation
    }

    /// The list's clock: the latest instant that an event brought.
    pub fn now(&self) -> Option<Time> {
        self.state.now
    }

    /// Every prefix that is listed, in order.
    pub fn listed(&self) -> impl Iterator<Item = (IpNet, Sublists)> {
        let listed =
            |(prefix, r): (&IpNet, &Record)| r.listing.as_ref().map(|l| (*prefix, l.value()));
        self.state.records.iter().filter_map(listed)
    }

    /// Applies the next event.
    pub fn apply(&mut self, event: &Event) -> Vec<Change> {
        self.state.generation += 1;
        let now = self.advance(event.at());
        match event {
            Event::Detected(facts) => self.detected(facts, now),
            Event::Ticked { .. } => self.ticked(now),
            Event::RemovalAsked { address, by, .. } => self.removal_asked(*address, *by, now),
            Event::Exempted { prefix, why, until, .. } => {
                let exemption = Exemption { why: why.clone(), until: *until };
                self.state.exempted.insert(prefix.trunc(), exemption);
                self.take_out(*prefix, PastEvent::Exempted, None, now);
            }
            Event::Unexempted { prefix, .. } => {
                self.state.exempted.remove(&prefix.trunc());
            }
            Event::Recalled { recall, incident, .. } => self.recalled(recall, incident, now),
            Event::Withdrawn { prefix, why, .. } => {
                self.take_out(*prefix, PastEvent::Withdrawn, Some(why), now);
            }
            Event::Paused { detector, why, .. } => {
                self.state.paused.insert(detector.clone(), why.clone());
                // What it said and nobody has seen yet is not published either.
                let muted = self.numbers(|d, _| d == detector);
                for record in self.state.records.values_mut() {
                    strip(&mut record.hidden, |_, rule| muted.contains(&rule));
                }
            }
            Event::Resumed { detector, .. } => {
                self.state.paused.remove(detector);
            }
            Event::Erased { prefix, .. } => self.erased(*prefix, now),
            Event::Added { prefix, why, seen, until, .. } => {
                self.list_by_hand(prefix.trunc(), why, *seen, *until, now);
            }
        }
        self.state.days.of(now).active = self.state.active;
        std::mem::take(&mut self.out)
    }

    /// Passes over an event that was erased.
    pub(crate) fn skip(&mut self) {
        self.state.generation += 1;
    }

    /// Whether the clock's word would change anything, or was not noted for a while.
    pub(crate) fn needs_tick(&self, now: Time) -> bool {
        let due = self.queue.peek().is_some_and(|Reverse((due, _))| *due <= now);
        let ends = |e: &Exemption| e.until.is_some_and(|until| until <= now);
        self.state.now.is_none_or(|before| {
            now > before
                && (due
                    || now.since(before) >= TICK_NOTED_S
                    || self.state.exempted.values().any(ends))
        })
    }

    /// Whether an address may be listed at all.
    pub fn may_list(&self, prefix: IpNet) -> bool {
        listable(prefix, self.policy.lab) && !self.is_exempted(prefix)
    }

    /// What a request to remove would be answered with.
    pub fn removal(&self, address: IpAddr, by: Asked, now: Time) -> Removal {
        let address = address.to_canonical();
        let now = self.state.now.map_or(now, |n| n.max(now));
        let records =
            self.covering(address).filter_map(|(_, r)| Some((r.listing.as_ref()?, r.removals)));
        let standing = records.fold(None, |standing: Option<Standing>, (listing, removals)| {
            let last = delay::edge(address, listing.last, &self.key, &self.policy);
            let before = standing.unwrap_or(Standing { removals, last });
            Some(Standing { removals: before.removals.max(removals), last: before.last.max(last) })
        });
        let Some(standing) = standing else { return Removal::NotListed };
        match policy::refused_until(by, standing, now, &self.policy) {
            None => Removal::Granted,
            Some(until) => Removal::Refused {
                reason: "It was detected again after it was removed. Removal is possible once the \
                         lock-out has run out without a new detection."
                    .into(),
                retry_after_s: until.since(now).max(1.0).ceil() as u64,
            },
        }
    }

    /// The records that an address falls under: its own, and its /64's.
    pub(crate) fn covering(&self, address: IpAddr) -> impl Iterator<Item = (IpNet, &Record)> {
        let own = Some(IpNet::from(address));
        [own, net_of(address)]
            .into_iter()
            .flatten()
            .filter_map(|prefix| self.state.records.get(&prefix).map(|r| (prefix, r)))
    }

    /// The clock never goes back, and no event moves it by more than a step.
    fn advance(&mut self, at: Time) -> Time {
        let now = match (self.state.now, self.policy.step_s) {
            (None, _) => at,
            (Some(now), None) => now.max(at),
            (Some(now), Some(step)) => now.max(at.min(now.plus_secs(step as f64))),
        };
        self.state.now = Some(now);
        now
    }

    fn detected(&mut self, facts: &Facts, now: Time) {
        let address = facts.address.to_canonical();
        let prefix = IpNet::from(address);
        let listable = self.may_list(prefix);
        // A session cannot be later than its report.
        let at = facts.at.min(now);
        let mut rules = Vec::new();
        for rule in &facts.rules {
            let Some(number) = self.state.rules.number(rule) else { continue };
            let muted = self.state.paused.contains_key(&rule.detector)
                || self.state.recalled.iter().any(|recall| {
                    (recall.version, &recall.detector) == (rule.version, &rule.detector)
                        && recall.covers(at)
                });
            if !muted && !rules.contains(&number) {
                rules.push(number);
            }
        }
        let day = self.state.days.of(now);
        // Told of days gone by: a session of which only a trap speaks would tell of the trap.
        day.detections += u64::from(!facts.rules.is_empty());
        day.shielded += u64::from(!listable);
        let detectors: BTreeSet<&str> = facts.rules.iter().map(|r| &*r.detector).collect();
        for detector in detectors {
            match day.detectors.get_mut(detector) {
                Some(n) => *n += 1,
                None => drop(day.detectors.insert(detector.to_owned(), 1)),
            }
        }
        let visible = delay::visible(address, now, &self.key, &self.policy);
        self.remember_recent(facts, &rules, at, visible, listable);
        let Some(sensor) = self.state.sensors.number(&facts.sensor) else { return };
        let full = self.net_is_full(address, !rules.is_empty());
        if !listable || full || (rules.is_empty() && facts.traps.is_empty()) {
            return;
        }
        let record = self.state.records.entry(prefix).or_default();
        if record.forgiven.is_some_and(|forgiven| at <= forgiven) {
            return;
        }
        record.hide(Hit {
            sequence: self.state.generation,
            at,
            visible,
            count: 1,
            sensor,
            rules,
            traps: facts.traps.clone(),
            helo: facts.helo,
            key: facts.key,
            dialect: facts.dialect,
        });
        if visible <= now {
            self.settle(prefix, now);
        }
        self.enqueue(prefix);
    }

    fn remember_recent(
        &mut self,
        facts: &Facts,
        rules: &[u16],
        at: Time,
        visible: Time,
        listable: bool,
    ) {
        if self.state.recent.len() >= RECENT {
            self.state.recent.pop_front();
        }
        let traps: BTreeSet<TrapKind> = facts.traps.iter().map(|t| t.0).collect();
        self.state.recent.push_back(Recent {
            sequence: self.state.generation,
            address: facts.address.to_canonical(),
            at,
            visible,
            sensor: facts.sensor.clone(),
            rules: rules.to_vec(),
            traps: traps.into_iter().collect(),
            listable,
        });
    }

    fn ticked(&mut self, now: Time) {
        self.state.exempted.retain(|_, e| e.until.is_none_or(|until| until > now));
        while let Some(Reverse((due, prefix))) = self.queue.peek().copied() {
            if due > now {
                break;
            }
            self.queue.pop();
            let Some(record) = self.state.records.get_mut(&prefix) else { continue };
            if record.queued != Some(due) {
                continue;
            }
            record.queued = None;
            // What moved on since it was queued waits for its own turn, and each turn is as of when it was due: the
            // order depends neither on when the queue was made nor on how long no tick came.
            if record.due(self.policy.memory_s).is_some_and(|d| d <= due) {
                self.settle(prefix, due);
                self.state.days.of(due).active = self.state.active;
            }
            self.enqueue(prefix);
        }
        // In the order of prefixes, each one's own in its order: when each was due may depend on a trap.
        self.out.sort_by_key(|change| change.prefix);
    }

    fn removal_asked(&mut self, address: IpAddr, by: Asked, now: Time) {
        let address = address.to_canonical();
        match self.removal(address, by, now) {
            Removal::NotListed => {}
            Removal::Refused { .. } => {
                self.state.days.of(now).refused += 1;
                let covering: Vec<IpNet> = self.covering(address).map(|(p, _)| p).collect();
                for prefix in covering {
                    let Some(record) = self.state.records.get_mut(&prefix) else { continue };
                    let noted = |p: &Happened| {
                        p.event == PastEvent::Refused && now.since(p.at) < REFUSAL_NOTED_S
                    };
                    if record.listing.is_some() && !record.past.last().is_some_and(noted) {
                        record.happened(PastEvent::Refused, now, Vec::new(), None, None);
                    }
                }
            }
            Removal::Granted => {
                let listed: Vec<IpNet> = self
                    .covering(address)
                    .filter(|(_, r)| r.listing.is_some())
                    .map(|(p, _)| p)
                    .collect();
                for prefix in listed {
                    if by != Asked::Operator
                        && let Some(record) = self.state.records.get_mut(&prefix)
                    {
                        record.removals = record.removals.saturating_add(1);
                    }
                    self.take_out(prefix, PastEvent::Removed, None, now);
                }
            }
        }
    }

    /// Takes every listing within a prefix out and forgives what was seen up to now.
    fn take_out(&mut self, prefix: IpNet, event: PastEvent, words: Option<&str>, now: Time) {
        for prefix in self.overlapping(prefix) {
            self.delist(prefix, event, words, now);
            if let Some(record) = self.state.records.get_mut(&prefix) {
                record.forgive(now);
            }
            self.enqueue(prefix);
        }
    }

    /// Sessions alike within a day are one, and are taken back by the instant of the newest.
    fn recalled(&mut self, recall: &Recall, what: &str, now: Time) {
        self.state.recalled.insert(recall.clone());
        let numbers = self.numbers(|d, v| d == recall.detector && v == recall.version);
        let muted = |hit: &Hit, rule| recall.covers(hit.at) && numbers.contains(&rule);
        let mut touched = Vec::new();
        for (prefix, record) in &mut self.state.records {
            strip(&mut record.hidden, muted);
            if strip(&mut record.hits, muted) {
                touched.push(*prefix);
            }
        }
        let before = self.state.days.of(now).recalled;
        for prefix in touched {
            self.recheck(prefix, PastEvent::Recalled, what, now);
            self.enqueue(prefix);
        }
        let listings = self.state.days.of(now).recalled - before;
        let Recall { detector, version, .. } = recall.clone();
        let what = what.to_owned();
        self.state.incidents.push(Incident { at: now, detector, version, what, listings });
    }

    fn erased(&mut self, prefix: IpNet, now: Time) {
        let gone: Vec<IpNet> =
            self.overlapping(prefix).into_iter().filter(|p| prefix.contains(p)).collect();
        for one in gone {
            if let Some(record) = self.state.records.remove(&one)
                && record.listing.is_some()
            {
                self.state.active = self.state.active.saturating_sub(1);
                self.change(one, None);
                self.weigh_net(one, PastEvent::Withdrawn, now);
            }
        }
        self.state.recent.retain(|r| !prefix.contains(&IpNet::from(r.address)));
    }

    /// Does what is due at a prefix: publishes, expires, forgets.
    fn settle(&mut self, prefix: IpNet, now: Time) {
        let Some(record) = self.state.records.get_mut(&prefix) else { return };
        if record.reveal(now, self.policy.memory_s) {
            self.consider(prefix, now);
        }
        let Some(record) = self.state.records.get(&prefix) else { return };
        if record.listing.as_ref().is_some_and(|l| l.expires <= now) {
            self.delist(prefix, PastEvent::Expired, None, now);
        }
        let Some(record) = self.state.records.get(&prefix) else { return };
        let idle = record.listing.is_none() && !record.waits();
        if idle && record.forget_at(self.policy.memory_s).is_none_or(|at| at <= now) {
            self.state.records.remove(&prefix);
        }
    }

    fn enqueue(&mut self, prefix: IpNet) {
        let Some(record) = self.state.records.get_mut(&prefix) else { return };
        let Some(due) = record.due(self.policy.memory_s) else { return };
        if record.queued.is_none_or(|queued| due < queued) {
            record.queued = Some(due);
            self.queue.push(Reverse((due, prefix)));
        }
    }

    fn change(&mut self, prefix: IpNet, value: Option<Sublists>) {
        self.out.push(Change { generation: self.state.generation, prefix, value });
    }

    /// The records within a prefix, and the /64 around it.
    fn overlapping(&self, prefix: IpNet) -> Vec<IpNet> {
        let (first, last) = match prefix.trunc() {
            IpNet::V4(net) => (IpAddr::from(net.network()), IpAddr::from(net.broadcast())),
            IpNet::V6(net) => (IpAddr::from(net.network()), IpAddr::from(net.broadcast())),
        };
        let from = IpNet::new(first, 0).unwrap_or(prefix);
        let to = IpNet::from(last);
        let mut all: Vec<IpNet> = self.state.records.range(from..=to).map(|(p, _)| *p).collect();
        let around = net_of(first).filter(|net| net.contains(&prefix) && !all.contains(net));
        all.extend(around.filter(|net| self.state.records.contains_key(net)));
        all
    }

    fn is_exempted(&self, prefix: IpNet) -> bool {
        // Few exemptions, and a prefix meets one that holds it or that it holds.
        let exempted = &self.state.exempted;
        exempted.keys().any(|e| e.contains(&prefix) || prefix.contains(e))
    }

    /// Sessions with rules and those with traps alone have room of their own: whether there is some left
    /// for the one tells nothing of the other.
    fn net_is_full(&self, address: IpAddr, of_rules: bool) -> bool {
        let Some(net) = net_of(address) else { return false };
        let own = self.state.records.get(&IpNet::from(address));
        if own.is_some_and(|own| !of_rules || own.is_of_rules()) {
            return false;
        }
        let to = IpNet::from(net.broadcast());
        let alike = self.state.records.range(net..=to).filter(|(_, r)| r.is_of_rules() == of_rules);
        alike.take(NET_RECORDS).count() >= NET_RECORDS
    }

    fn numbers(&self, which: impl Fn(&str, u32) -> bool) -> BTreeSet<u16> {
        let rules = self.state.rules.iter();
        rules.filter(|(_, r)| which(&r.detector, r.version)).map(|(n, _)| n).collect()
    }
}

/// Takes rules out of sessions, and sessions that say nothing any more; true if there were any.
fn strip(hits: &mut Vec<Hit>, muted: impl Fn(&Hit, u16) -> bool) -> bool {
    let mut any = false;
    for hit in hits.iter_mut() {
        let before = hit.rules.len();
        let mut rules = std::mem::take(&mut hit.rules);
        rules.retain(|rule| !muted(hit, *rule));
        hit.rules = rules;
        any |= hit.rules.len() != before;
    }
    if any {
        hits.retain(|h| !h.rules.is_empty() || !h.traps.is_empty());
    }
    any
}

/// The /64 around an IPv6 address.
pub(crate) fn net_of(address: IpAddr) -> Option<IpNet> {
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(a) => Ipv6Net::new(a, 64).ok().map(|net| IpNet::V6(net.trunc())),
    }
}

#[cfg(test)]
mod tests;

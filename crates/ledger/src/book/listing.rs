//! From the sessions against a prefix to its listing: begun, prolonged, taken back.

use super::{Book, net_of};
use crate::delay;
use crate::policy::{self, Policy, Sign, Verdict};
use crate::record::{Hand, Hit, Listing, Record, Rules};
use crate::{HeloClass, PastEvent, Sublist};
use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// The most detectors that a listing names.
const NAMED: usize = 8;

/// What a listing will say, apart from its times.
struct Grounds {
    last: Time,
    /// When the newest of them became visible.
    visible: Time,
    rules: Vec<u16>,
    helo: HeloClass,
}

impl Book {
    /// New sessions have become visible at a prefix.
    pub(super) fn consider(&mut self, prefix: IpNet, now: Time) {
        let Some(record) = self.state.records.get(&prefix) else { return };
        let exonerated = vetoed(record, &self.state.rules);
        if record.listing.is_some() && !exonerated.is_empty() {
            let why = "The sessions were those of a real mail server.";
            self.recheck(prefix, PastEvent::Withdrawn, why, now);
        }
        let Some(record) = self.state.records.get(&prefix) else { return };
        let verdict = weigh(record, &self.state.rules, &self.policy);
        if let Some(verdict) = verdict
            && let Some(grounds) = grounds(record, &self.state.rules, verdict.sublist)
        {
            self.list(prefix, verdict, grounds, now);
        }
    }

    fn list(&mut self, prefix: IpNet, verdict: Verdict, grounds: Grounds, now: Time) {
        // Exemptions may have come since it was seen.
        if !self.may_list(prefix) {
            return;
        }
        let Some(record) = self.state.records.get_mut(&prefix) else { return };
        let fresh = record.listing.is_none();
        // What ran out does not come back by what it rested on: neither a trap hit nor what only supports
        // begins it anew.
        if fresh && record.ran_out().is_some_and(|ran_out| grounds.visible <= ran_out) {
            return;
        }
        let times = record.times_listed.saturating_add(u32::from(fresh));
        let edge = delay::edge(prefix.addr(), grounds.last, &self.key, &self.policy);
        let expires = edge.plus_secs(policy::term(times, verdict.dynamic, &self.policy) as f64);
        if expires <= now {
            return; // old news: it would have run out by now
        }
        let changed = match &mut record.listing {
            Some(listing) => {
                listing.last = listing.last.max(grounds.last);
                listing.expires = listing.expires.max(expires);
                // What speaks for a bot is not taken back by traps alone; the other way it is graver.
                let joins = listing.is_by_hand();
                let graver = joins || verdict.sublist > listing.sublist;
                if joins || verdict.sublist >= listing.sublist {
                    (listing.sublist, listing.rules, listing.helo) =
                        (verdict.sublist, grounds.rules, grounds.helo);
                }
                listing.hand.iter_mut().for_each(|hand| hand.alone = false);
                graver
            }
            None => {
                record.times_listed = times;
                record.happened(PastEvent::Listed, now, grounds.rules.clone(), None, None);
                let since = Time::from_secs(now.secs());
                record.listing = Some(Listing {
                    sublist: verdict.sublist,
                    since,
                    last: grounds.last,
                    expires,
                    rules: grounds.rules,
                    helo: grounds.helo,
                    hand: None,
                });
                true
            }
        };
        if fresh {
            self.state.active += 1;
            self.state.days.of(now).listed += 1;
        }
        if changed {
            self.changed(prefix);
        }
        // Every new sign at a member prolongs its /64 as well.
        self.weigh_net(prefix, PastEvent::Expired, now);
    }

    /// Ends a listing, if there is one.
    pub(super) fn delist(
        &mut self,
        prefix: IpNet,
        event: PastEvent,
        words: Option<&str>,
        now: Time,
    ) {
        let Some(record) = self.state.records.get_mut(&prefix) else { return };
        let Some(listing) = record.listing.take() else { return };
        let own = listing.hand.as_ref().filter(|hand| hand.alone);
        let last = own.is_none().then_some(listing.last);
        let words = words.map(str::to_owned).or_else(|| own.map(Hand::words));
        record.happened(event, now, listing.rules, words, last);
        if event == PastEvent::Recalled {
            // It was the list's mistake: the next one is not a relisting.
            record.times_listed = record.times_listed.saturating_sub(1);
        }
        self.state.active = self.state.active.saturating_sub(1);
        let day = self.state.days.of(now);
        match event {
            PastEvent::Expired => day.expired += 1,
            PastEvent::Removed => day.removed += 1,
            PastEvent::Withdrawn | PastEvent::Exempted => day.withdrawn += 1,
            PastEvent::Recalled => day.recalled += 1,
            PastEvent::Listed | PastEvent::Refused => {}
        }
        self.change(prefix, None);
        self.weigh_net(prefix, event, now);
    }

    /// Ends what detectors listed, and leaves what the operator did.
    fn fall(&mut self, prefix: IpNet, event: PastEvent, words: Option<&str>, now: Time) {
        let listing = self.state.records.get_mut(&prefix).and_then(|r| r.listing.as_mut());
        let Some(listing) = listing else { return };
        match &mut listing.hand {
            Some(hand) if hand.until > now => {
                if !std::mem::replace(&mut hand.alone, true) {
                    listing.expires = hand.until;
                    (listing.sublist, listing.rules, listing.helo) =
                        (Sublist::Bots, Vec::new(), HeloClass::None);
                    self.changed(prefix);
                    self.weigh_net(prefix, event, now);
                }
            }
            _ => self.delist(prefix, event, words, now),
        }
    }

    /// Lists a prefix by the operator's word. What was seen of it stays what it was: his word has its own
    /// term, and only his saying it again moves that.
    pub(super) fn list_by_hand(
        &mut self,
        prefix: IpNet,
        why: &str,
        seen: Option<Time>,
        until: Option<Time>,
        now: Time,
    ) {
        let until = policy::by_hand_until(now, until, &self.policy);
        if !is_listed_whole(prefix) || !self.may_list(prefix) || until <= now {
            return;
        }
        let last = seen.unwrap_or(now).min(now);
        let record = self.state.records.entry(prefix).or_default();
        let alone = record.listing.as_ref().is_none_or(Listing::is_by_hand);
        let hand = Hand { why: why.to_owned(), until, alone };
        record.happened(PastEvent::Listed, now, Vec::new(), Some(hand.words()), None);
        match &mut record.listing {
            Some(listing) => {
                listing.last = listing.last.max(last);
                listing.expires = if alone { until } else { listing.expires.max(until) };
                listing.hand = Some(hand);
            }
            None => {
                record.times_listed = record.times_listed.saturating_add(1);
                record.listing = Some(Listing {
                    sublist: Sublist::Bots,
                    since: Time::from_secs(now.secs()),
                    last,
                    expires: until,
                    rules: Vec::new(),
                    helo: HeloClass::None,
                    hand: Some(hand),
                });
                self.state.active += 1;
                self.state.days.of(now).listed += 1;
                self.changed(prefix);
            }
        }
        self.enqueue(prefix);
    }

    /// Says where a prefix stands now.
    fn changed(&mut self, prefix: IpNet) {
        let listing = self.state.records.get(&prefix).and_then(|r| r.listing.as_ref());
        let value = listing.map(Listing::value);
        self.change(prefix, value);
    }

    /// What is left of a listing's grounds after some were taken away: age is no matter here.
    pub(super) fn recheck(&mut self, prefix: IpNet, event: PastEvent, why: &str, now: Time) {
        let Some(record) = self.state.records.get_mut(&prefix) else { return };
        let Some(listing) = &record.listing else { return };
        let was = listing.sublist;
        let ageless = Policy { window_s: i64::MAX, ..self.policy.clone() };
        let left = weigh(record, &self.state.rules, &ageless)
            .and_then(|v| Some((v.sublist, grounds(record, &self.state.rules, v.sublist)?)));
        match (left, &mut record.listing) {
            (Some((sublist, grounds)), Some(listing)) => {
                (listing.sublist, listing.rules, listing.helo) =
                    (sublist, grounds.rules, grounds.helo);
                if was != sublist {
                    self.changed(prefix);
                    self.weigh_net(prefix, event, now);
                }
            }
            _ => self.fall(prefix, event, Some(why), now),
        }
    }

    /// A /64 is listed while several of its addresses are, with one dialect.
    pub(super) fn weigh_net(&mut self, member: IpNet, event: PastEvent, now: Time) {
        let Some(net) = net_of(member.addr()).filter(|net| *net != member) else { return };
        let to = IpNet::from(net.broadcast());
        let mut dialects: BTreeMap<u64, Vec<&Listing>> = BTreeMap::new();
        for (prefix, record) in self.state.records.range(net..=to) {
            let Some(listing) = record.listing.as_ref().filter(|l| l.sublist == Sublist::Bots)
            else {
                continue;
            };
            if prefix.prefix_len() == 128 {
                let spoken = telling(record, &self.state.rules, Sublist::Bots);
                for dialect in spoken.map(|h| h.dialect).collect::<BTreeSet<_>>() {
                    dialects.entry(dialect).or_default().push(listing);
                }
            }
        }
        let several = dialects.into_values().filter(|m| m.len() >= self.policy.net_members);
        let Some(members) = several.max_by_key(|m| m.len()) else {
            self.fall(net, event, None, now);
            self.enqueue(net);
            return;
        };
        let last = members.iter().map(|l| l.last).max().unwrap_or(now);
        let expires = members.iter().map(|l| l.expires).max().unwrap_or(now);
        let rules: BTreeSet<u16> = members.iter().flat_map(|l| l.rules.iter().copied()).collect();
        let rules: Vec<u16> = rules.into_iter().take(NAMED).collect();
        let helo = members.first().map_or(HeloClass::None, |l| l.helo);
        if !self.may_list(net) {
            return;
        }
        let record = self.state.records.entry(net).or_default();
        match &mut record.listing {
            Some(listing) => {
                (listing.last, listing.expires) =
                    (listing.last.max(last), listing.expires.max(expires));
                if listing.is_by_hand() {
                    (listing.rules, listing.helo) = (rules, helo);
                    listing.hand.iter_mut().for_each(|hand| hand.alone = false);
                    self.changed(net);
                }
            }
            None => {
                record.times_listed = record.times_listed.saturating_add(1);
                record.happened(PastEvent::Listed, now, rules.clone(), None, None);
                let (sublist, since) = (Sublist::Bots, Time::from_secs(now.secs()));
                record.listing =
                    Some(Listing { sublist, since, last, expires, rules, helo, hand: None });
                self.state.active += 1;
                self.state.days.of(now).listed += 1;
                self.changed(net);
            }
        }
        self.enqueue(net);
    }
}

/// Whether a prefix is one that the list holds: an address, or the /64 that a customer is given.
pub(crate) fn is_listed_whole(prefix: IpNet) -> bool {
    prefix.prefix_len() == prefix.max_prefix_len()
        || (prefix.max_prefix_len() == 128 && prefix.prefix_len() == 64)
}

fn weigh(record: &Record, rules: &Rules, policy: &Policy) -> Option<Verdict> {
    let said = |hit: &Hit| hit.rules.iter().filter_map(|r| rules.get(*r)).collect();
    let signs: Vec<Sign<'_>> = record
        .hits
        .iter()
        .map(|hit| Sign {
            at: hit.at,
            sensor: hit.sensor,
            key: hit.key,
            rules: said(hit),
            traps: &hit.traps,
        })
        .collect();
    policy::judge(&signs, policy)
}

fn vetoed(record: &Record, rules: &Rules) -> BTreeSet<u64> {
    let real = |hit: &&Hit| hit.rules.iter().filter_map(|r| rules.get(*r)).any(|r| r.class == 'X');
    record.hits.iter().filter(real).map(|h| h.key).collect()
}

/// The sessions that a listing rests on: only they prolong it.
fn telling<'a>(
    record: &'a Record,
    rules: &'a Rules,
    sublist: Sublist,
) -> impl Iterator<Item = &'a Hit> {
    let vetoed = vetoed(record, rules);
    record.hits.iter().filter(move |hit| {
        let mut said = hit.rules.iter().filter_map(|r| rules.get(*r));
        let speaks = match sublist {
            Sublist::Bots => said.any(|r| matches!(r.class, 'A' | 'B')),
            Sublist::Traps => hit.traps.iter().any(|t| t.0 == TrapKind::NeverUsed),
        };
        speaks && !vetoed.contains(&hit.key)
    })
}

fn grounds(record: &Record, names: &Rules, sublist: Sublist) -> Option<Grounds> {
    let newest = telling(record, names, sublist).max_by_key(|h| (h.at, h.sequence))?;
    // Most telling first; the same detector in two versions is named once, by the view.
    let mut named: Vec<(char, u16)> = telling(record, names, sublist)
        .flat_map(|h| &h.rules)
        .filter_map(|n| names.get(*n).map(|r| (r.class, *n)))
        .filter(|(class, _)| *class != 'X')
        .collect();
    named.sort_unstable();
    named.dedup();
    let rules = named.into_iter().map(|(_, n)| n).take(NAMED).collect();
    let visible = telling(record, names, sublist).map(|h| h.visible).max()?;
    Some(Grounds { last: newest.at, visible, rules, helo: newest.helo })
}

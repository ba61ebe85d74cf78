//! What the state says of an address, in the views' words. What is hidden is in no public or owner
//! view; the texts of sessions are fetched by the ledger under the sequences named here.

use crate::book::Book;
use crate::delay::{self, Slot};
use crate::event::Facts;
use crate::record::{Hand, Happened, Listing, Record};
use crate::{Past, PastEvent, PublicListing, Sublist, Told};
use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;
use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::Bound;

/// A session as the desk sees it come, listed or not, visible or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The event.
    pub sequence: u64,
    /// The client.
    pub address: IpAddr,
    /// When the session was.
    pub at: Time,
    /// When the public can know of it.
    pub visible: Time,
    /// Which sensor.
    pub sensor: String,
    /// The detectors that count, without those paused or recalled.
    pub detectors: Vec<String>,
    /// The kinds of traps hit.
    pub traps: Vec<TrapKind>,
    /// Whether the address may be listed at all.
    pub listable: bool,
    /// Where it stands now.
    pub listed: Option<Sublist>,
}

impl Book {
    /// What everybody may know of an address: its listing, and what happened before, newest first.
    pub fn public(&self, address: IpAddr) -> (Option<PublicListing>, Vec<Past>) {
        let address = address.to_canonical();
        let listing = self.covering(address).find_map(|(prefix, record)| {
            record.listing.as_ref().map(|l| self.public_listing(prefix, record, l))
        });
        let mut past: Vec<Past> = self
            .covering(address)
            .flat_map(|(prefix, record)| record.past.iter().map(move |p| (prefix, p)))
            .map(|(prefix, happened)| self.past(prefix, happened))
            .collect();
        past.sort_by_key(|p| p.time);
        past.reverse();
        (listing, past)
    }

    /// Listings in order: within a prefix, after one, so many at most.
    pub fn listings(
        &self,
        within: Option<IpNet>,
        after: Option<IpNet>,
        most: usize,
    ) -> Vec<PublicListing> {
        let (first, last) = within.map_or((None, None), |net| {
            let first = IpNet::new(net.network(), 0).unwrap_or(net);
            (Some(first), Some(IpNet::from(net.broadcast())))
        });
        // Before the first there is nothing after the last.
        if after.zip(last).is_some_and(|(after, last)| after >= last) {
            return Vec::new();
        }
        let from = match (after, first) {
            (Some(after), first) if first.is_none_or(|f| f <= after) => Bound::Excluded(after),
            (_, first) => first.map_or(Bound::Unbounded, Bound::Included),
        };
        let to = last.map_or(Bound::Unbounded, Bound::Included);
        let inside = |prefix: &IpNet| within.is_none_or(|net| net.contains(prefix));
        let listed = self.state.records.range((from, to)).filter(|(prefix, _)| inside(prefix));
        let listed = listed.filter_map(|(p, r)| Some((*p, r, r.listing.as_ref()?)));
        listed.take(most).map(|(p, r, l)| self.public_listing(p, r, l)).collect()
    }

    /// The events of the sessions against an address, newest first: those that count, and for the
    /// operator also those that are hidden or of which only a trap speaks: an owner who is shown the
    /// second of such a one has found the trap.
    pub(crate) fn sessions(&self, address: IpAddr, hidden: bool, most: usize) -> Vec<u64> {
        let address = address.to_canonical();
        let mut sessions: Vec<(Time, u64)> = self
            .covering(address)
            .flat_map(|(_, r)| r.hits.iter().chain(r.hidden.iter().filter(|_| hidden)))
            .filter(|hit| hidden || hit.is_of_rules())
            .map(|hit| (hit.at, hit.sequence))
            .collect();
        sessions.sort_unstable();
        sessions.into_iter().rev().take(most).map(|(_, sequence)| sequence).collect()
    }

    /// Sessions as they came, newest first.
    pub fn recent(&self, limit: usize) -> Vec<Summary> {
        let recent = self.state.recent.iter().rev().take(limit);
        let summary = |r: &crate::book::Recent| Summary {
            sequence: r.sequence,
            address: r.address,
            at: r.at,
            visible: r.visible,
            sensor: r.sensor.clone(),
            detectors: self.detectors(&r.rules),
            traps: r.traps.clone(),
            listable: r.listable,
            listed: self.sublist(r.address),
        };
        recent.map(summary).collect()
    }

    /// Where an address stands.
    pub fn sublist(&self, address: IpAddr) -> Option<Sublist> {
        let address = address.to_canonical();
        self.covering(address).find_map(|(_, r)| r.listing.as_ref().map(|l| l.sublist))
    }

    /// What the public is told of a session at once when it is recorded, under its commitment.
    pub(crate) fn told(&self, facts: &Facts) -> Told {
        Slot::of(facts.address, facts.at, &self.key, &self.policy).told()
    }

    fn public_listing(&self, prefix: IpNet, record: &Record, listing: &Listing) -> PublicListing {
        let detectors = self.detectors(&listing.rules);
        PublicListing {
            prefix,
            sublist: listing.sublist,
            since: listing.since,
            last: Slot::of(prefix.addr(), listing.last, &self.key, &self.policy).told(),
            expires: Time::from_secs(listing.expires.secs()),
            reason: self.reason(prefix, listing, &detectors),
            detectors,
            helo: listing.helo,
            times_listed: record.times_listed,
            by_hand: listing.is_by_hand(),
        }
    }

    fn reason(&self, prefix: IpNet, listing: &Listing, detectors: &[String]) -> String {
        let stands = |hand: &&Hand| self.state.now.is_none_or(|now| hand.until > now);
        match listing.hand.as_ref().filter(stands) {
            Some(hand) if hand.alone => hand.words(),
            Some(hand) => {
                format!("{} {}", reason(prefix, listing.sublist, detectors), hand.words())
            }
            None => reason(prefix, listing.sublist, detectors),
        }
    }

    /// Whether everybody can know of a session by now, and of its address.
    pub(crate) fn tells(&self, facts: &Facts) -> bool {
        let visible = delay::visible(facts.address, facts.arrived, &self.key, &self.policy);
        let (listing, past) = self.public(facts.address);
        self.state.now.is_some_and(|now| visible <= now) && (listing.is_some() || !past.is_empty())
    }

    fn past(&self, prefix: IpNet, happened: &Happened) -> Past {
        let detectors = self.detectors(&happened.rules);
        let because = match (&happened.words, happened.event) {
            (Some(words), _) => words.clone(),
            (None, PastEvent::Refused) => "A lock-out ran.".into(),
            (None, _) if detectors.is_empty() => "Trap hits.".into(),
            (None, _) => format!("Seen by {}.", detectors.join(", ")),
        };
        let told = |at| Slot::of(prefix.addr(), at, &self.key, &self.policy).told();
        let last = happened.last.map(told);
        Past { event: happened.event, time: happened.at, reason: because, last }
    }

    fn detectors(&self, rules: &[u16]) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for rule in rules.iter().filter_map(|n| self.state.rules.get(*n)) {
            if !ids.contains(&rule.detector) {
                ids.push(rule.detector.clone());
            }
        }
        ids
    }
}

fn reason(prefix: IpNet, sublist: Sublist, detectors: &[String]) -> String {
    let what = if prefix.prefix_len() == prefix.max_prefix_len() {
        "This address"
    } else {
        "Several addresses of this network"
    };
    match sublist {
        Sublist::Bots => format!(
            "{what} sent mail as bots, open proxies and planted mailers do, and mail servers do not: {}.",
            detectors.join(", ")
        ),
        Sublist::Traps => {
            format!("{what} sent mail to several addresses that never belonged to anybody.")
        }
    }
}

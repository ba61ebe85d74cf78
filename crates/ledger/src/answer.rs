//! What the state says of an address, in the views' words. What is hidden is in no public or owner
//! view; the texts of sessions are fetched by the ledger under the sequences named here.

use crate::book::Book;
use crate::delay::Slot;
use crate::event::Facts;
use crate::record::{Happened, Listing, Record};
use crate::{Past, PastEvent, PublicListing, Sublist, Told};
use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;
use ipnet::IpNet;
use std::net::IpAddr;

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
            .flat_map(|(_, record)| &record.past)
            .map(|happened| self.past(happened))
            .collect();
        past.sort_by_key(|p| p.time);
        past.reverse();
        (listing, past)
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
            reason: reason(prefix, listing.sublist, &detectors),
            detectors,
            helo: listing.helo,
            times_listed: record.times_listed,
        }
    }

    fn past(&self, happened: &Happened) -> Past {
        let detectors = self.detectors(&happened.rules);
        let because = match (&happened.words, happened.event) {
            (Some(words), _) => words.clone(),
            (None, PastEvent::Refused) => "A lock-out ran.".into(),
            (None, _) if detectors.is_empty() => "Trap hits.".into(),
            (None, _) => format!("Seen by {}.", detectors.join(", ")),
        };
        Past { event: happened.event, time: happened.at, reason: because }
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

//! How much each sender sends: recipients in the last 24 hours, and what is usual for it.
//!
//! The usual is the most of any of its last 14 days, so that a weekly letter is usual in its second week, and one
//! spree is told once. Profiles are bounded; the least recently used go.

use crate::recent::Recent;
use crate::shown::shown;
use heloscope_model::Time;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::net::IpAddr;

/// Senders that are remembered.
const MOST: usize = 5000;
const HOURS: i64 = 24;
const DAYS: usize = 14;

/// Who sends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// The whole host.
    Host,
    /// Whose password was used.
    Account(String),
    /// Whose program handed it in.
    Uid(u32),
    /// A client without a password.
    Client(IpAddr),
    /// A script or program, past the MTA.
    Script(String),
}

impl Who {
    /// For people.
    pub fn words(&self) -> String {
        match self {
            Self::Host => "this host".to_owned(),
            Self::Account(name) => format!("account {}", shown(name)),
            Self::Uid(uid) => format!("uid {uid}"),
            Self::Client(ip) => format!("client {ip}"),
            Self::Script(path) => format!("program {}", shown(path)),
        }
    }
}

/// One sender's past.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Profile {
    hours: VecDeque<(i64, u64)>,
    days: VecDeque<(i64, u64)>,
}

impl Profile {
    fn add(&mut self, at: Time, many: u64) {
        add(&mut self.hours, at.secs().div_euclid(3600), many, HOURS as usize);
        // One more than is compared with: today's is no past.
        add(&mut self.days, at.secs().div_euclid(86_400), many, DAYS + 1);
    }

    /// In the last 24 hours.
    pub(crate) fn sum(&self, now: Time) -> u64 {
        let hour = now.secs().div_euclid(3600);
        self.hours.iter().filter(|(h, _)| hour - h < HOURS).map(|(_, n)| n).sum()
    }

    /// The most of any day before today, and how many days are known.
    pub(crate) fn usual(&self, now: Time) -> (u64, usize) {
        let today = now.secs().div_euclid(86_400);
        let past = || self.days.iter().filter(|(d, _)| *d < today && today - d <= DAYS as i64);
        (past().map(|(_, n)| *n).max().unwrap_or(0), past().count())
    }

    /// The last 24 hours, one number each, the oldest first.
    fn by_hour(&self, now: Time) -> Vec<u64> {
        let hour = now.secs().div_euclid(3600);
        let of = |h: i64| self.hours.iter().find(|(at, _)| *at == h).map_or(0, |(_, n)| *n);
        (hour - HOURS + 1..=hour).map(of).collect()
    }
}

fn add(slots: &mut VecDeque<(i64, u64)>, slot: i64, many: u64, most: usize) {
    match slots.iter_mut().rev().find(|(at, _)| *at == slot) {
        Some((_, count)) => *count = count.saturating_add(many),
        None => {
            let at = slots.partition_point(|(at, _)| *at < slot);
            slots.insert(at, (slot, many));
            while slots.len() > most {
                slots.pop_front();
            }
        }
    }
}

/// All senders.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rates(Recent<Who, Profile>);

impl Default for Rates {
    fn default() -> Self {
        Self(Recent::of_most(MOST))
    }
}

impl Rates {
    /// The bounds again, for rates that were read.
    pub(crate) fn bounded(self) -> Self {
        Self(self.0.bounded(MOST))
    }

    pub(crate) fn add(&mut self, who: &Who, at: Time, many: u64) -> &Profile {
        let profile = self.0.entry(who, Profile::default);
        profile.add(at, many);
        profile
    }

    pub(crate) fn get(&self, who: &Who) -> Option<&Profile> {
        self.0.get(who)
    }

    /// The host by hour.
    pub(crate) fn host(&self, now: Time) -> Vec<u64> {
        self.0.get(&Who::Host).map(|profile| profile.by_hour(now)).unwrap_or_default()
    }

    /// Who sent most in 24 hours, with the usual.
    pub(crate) fn most(&self, now: Time, many: usize) -> Vec<(&Who, u64, u64)> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .map(|(who, profile)| (who, profile.sum(now), profile.usual(now).0))
            .filter(|(_, sum, _)| *sum > 0)
            .collect();
        all.sort_by(|(a, n, _), (b, m, _)| m.cmp(n).then_with(|| a.cmp(b)));
        all.truncate(many);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_slides_and_the_past_is_usual() {
        let mut rates = Rates::default();
        let at = |hours: i64| Time::from_secs(hours * 3600);
        for day in 0..3 {
            rates.add(&Who::Host, at(day * 24 + 10), 100 + day as u64);
        }
        let profile = rates.get(&Who::Host).unwrap();
        assert_eq!(profile.sum(at(58)), 102);
        assert_eq!(profile.sum(at(57)), 102 + 101);
        assert_eq!(profile.sum(at(82)), 0);
        assert_eq!(profile.usual(at(58)), (101, 2));
        assert_eq!(profile.usual(at(24 * 40)), (0, 0));
    }
}

//! What the list did each day, for the plots: counts only, nothing of any address.

use crate::event::nanos;
use heloscope_model::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most days that are kept.
const DAYS: usize = 400;

/// One day, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Day {
    /// Its first instant.
    #[serde(with = "nanos")]
    pub day: Time,
    /// Sessions that a detector saw something in; trap hits alone are not counted, since this is told.
    pub detections: u64,
    /// Of these, about addresses that cannot be listed.
    pub shielded: u64,
    /// Listings begun.
    pub listed: u64,
    /// Listings that ran out.
    pub expired: u64,
    /// Removals granted.
    pub removed: u64,
    /// Removals refused.
    pub refused: u64,
    /// Listings that the operator took out, or an exemption did.
    pub withdrawn: u64,
    /// Listings taken back with their detector.
    pub recalled: u64,
    /// Listings at the day's end.
    pub active: u64,
    /// Sessions a detector saw something in.
    pub detectors: BTreeMap<String, u64>,
}

/// A detector's version that was recalled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// When.
    #[serde(with = "nanos")]
    pub at: Time,
    /// Its id.
    pub detector: String,
    /// Its version.
    pub version: u32,
    /// What went wrong, in the operator's words.
    pub what: String,
    /// How many listings fell.
    pub listings: u64,
}

/// All days that are kept, oldest first.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Days(BTreeMap<i64, Day>);

impl Days {
    /// The day of an instant.
    pub(crate) fn of(&mut self, at: Time) -> &mut Day {
        let day = at.secs().div_euclid(86_400);
        if !self.0.contains_key(&day) && self.0.len() >= DAYS {
            self.0.pop_first();
        }
        let fresh = || Day { day: Time::from_secs(day * 86_400), ..Day::default() };
        self.0.entry(day).or_insert_with(fresh)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Day> {
        self.0.values()
    }
}

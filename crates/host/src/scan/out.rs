//! Where checks put what they found: findings (bounded, the worst are kept), what could not be seen, and the
//! inventory that a baseline is made of.

use super::finding::{Finding, Grade, Unseen};
use std::collections::{BTreeMap, BTreeSet};

/// Findings kept of one id, and entries of one part of the inventory.
const MOST: usize = 500;
const INVENTORY: usize = 500_000;

/// What checks have found so far.
#[derive(Debug, Default)]
pub(crate) struct Out {
    pub(crate) findings: Vec<Finding>,
    counts: BTreeMap<&'static str, usize>,
    pub(crate) unseen: BTreeSet<Unseen>,
    /// Part (`cron`, `keys`, `listening`, …) -> its entries, each with what it was.
    pub(crate) inventory: BTreeMap<&'static str, BTreeMap<String, String>>,
}

impl Out {
    /// Takes a finding.
    pub(crate) fn add(&mut self, finding: Finding) {
        let count = self.counts.entry(finding.id).or_default();
        *count += 1;
        if *count <= MOST {
            self.findings.push(finding);
        } else if let Some(weaker) = self
            .findings
            .iter_mut()
            .find(|f| f.id == finding.id && f.grade < finding.grade && finding.grade > Grade::Note)
        {
            *weaker = finding;
        }
    }

    /// Something was not looked at.
    pub(crate) fn cannot(&mut self, what: impl Into<String>, why: impl Into<String>) {
        if self.unseen.len() < MOST {
            self.unseen.insert(Unseen { what: what.into(), why: why.into() });
        }
    }

    /// The time ran out in the middle of something.
    pub(crate) fn cut(&mut self, what: &str) {
        self.cannot(what, "the time limit was reached: give a longer --limit");
    }

    /// An entry of the inventory.
    pub(crate) fn list(
        &mut self,
        part: &'static str,
        entry: impl Into<String>,
        state: impl Into<String>,
    ) {
        let entries = self.inventory.entry(part).or_default();
        if entries.len() < INVENTORY {
            entries.insert(entry.into(), state.into());
        }
    }

    /// Everything of this id beyond what is kept.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.counts.iter().filter(|(_, n)| **n > MOST).map(|(id, n)| (*id, n - MOST))
    }
}

//! Names and how active they were, and how many different ones: within bounded memory.
//!
//! [`Names`] keeps counts by name; over [`MOST_NAMES`] the less active half is forgotten.
//! [`Distinct`] counts different addresses by fingerprint: exactly up to [`MOST_KEPT`], above it
//! by keeping every second, fourth, … fingerprint and multiplying.

use super::Named;
use foldhash::quality;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, DefaultHasher, Hasher, RandomState};

/// Names kept of each kind.
const MOST_NAMES: usize = 200_000;
/// Fingerprints kept.
const MOST_KEPT: usize = 1 << 20;

/// The index of no name.
pub(super) const NOBODY: u32 = u32::MAX;

/// Counts by name, found by a fingerprint of the name under std's secret key: strangers choose
/// the names and cannot make two of them meet.
#[derive(Default)]
pub(super) struct Names {
    key: RandomState,
    index: HashMap<u64, u32, quality::RandomState>,
    names: Vec<Box<[u8]>>,
    counts: Vec<(u64, u64)>,
    pub(super) forgot: bool,
}

impl Names {
    /// The index of a name, which is new or known.
    #[inline]
    pub(super) fn index(&mut self, name: &[u8]) -> u32 {
        let mut hasher = self.key.build_hasher();
        hasher.write(name);
        let fresh = u32::try_from(self.counts.len()).unwrap_or(NOBODY);
        let index = *self.index.entry(hasher.finish()).or_insert(fresh);
        if index == fresh {
            self.names.push(name.into());
            self.counts.push((0, 0));
        }
        index
    }

    /// Adds to a name's counts.
    #[inline]
    pub(super) fn add(&mut self, index: u32, messages: u64, recipients: u64) {
        if let Some((m, r)) = self.counts.get_mut(index as usize) {
            *m += messages;
            *r += recipients;
        }
    }

    /// Adds another's counts.
    pub(super) fn absorb(&mut self, other: Names) {
        self.forgot |= other.forgot;
        for (name, (messages, recipients)) in other.names.into_iter().zip(other.counts) {
            let index = self.index(&name);
            self.add(index, messages, recipients);
        }
    }

    /// The most active, most messages first.
    pub(super) fn top(&self, most: usize) -> Vec<Named> {
        let mut all: Vec<_> = self
            .counts
            .iter()
            .zip(&self.names)
            .filter(|((messages, recipients), _)| messages + recipients > 0)
            .collect();
        all.sort_by(|(a, name), (b, other)| b.cmp(a).then_with(|| name.cmp(other)));
        all.truncate(most);
        all.into_iter()
            .map(|(&(messages, recipients), name)| Named {
                name: heloscope_model::octets::lossy_text(name).0.into_owned(),
                messages,
                recipients,
            })
            .collect()
    }

    /// Forgets the less active half if there are too many; where each name went.
    pub(super) fn shrink(&mut self) -> Option<Vec<u32>> {
        if self.counts.len() <= MOST_NAMES {
            return None;
        }
        let names = std::mem::take(&mut self.names);
        let counts = std::mem::take(&mut self.counts);
        let mut moved = vec![NOBODY; counts.len()];
        let mut all: Vec<_> = counts.into_iter().zip(names).zip(0u32..).collect();
        all.sort_by(|((a, name), _), ((b, other), _)| b.cmp(a).then_with(|| name.cmp(other)));
        all.truncate(MOST_NAMES / 2);
        self.index.clear();
        self.forgot = true;
        for (((messages, recipients), name), old) in all {
            let new = self.index(&name);
            self.add(new, messages, recipients);
            if let Some(to) = moved.get_mut(old as usize) {
                *to = new;
            }
        }
        Some(moved)
    }

    /// The name at an index.
    pub(super) fn name(&self, index: u32) -> Option<&[u8]> {
        self.names.get(index as usize).map(|name| name.as_ref())
    }
}

/// How many different addresses.
#[derive(Default)]
pub(super) struct Distinct {
    kept: HashSet<u64, quality::RandomState>,
    /// Not looked up yet: many at once wait for memory together.
    waiting: Vec<u64>,
    /// Only fingerprints with so many zero bits at the end are kept.
    level: u32,
}

impl Distinct {
    /// Counts an address whose domain is in lower case already.
    #[inline]
    pub(super) fn add(&mut self, address: &[u8]) {
        let mut hasher = DefaultHasher::new();
        hasher.write(address);
        self.waiting.push(hasher.finish());
        if self.waiting.len() >= 4096 {
            self.settle();
        }
    }

    /// Looks up what waits.
    pub(super) fn settle(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.drain(..).for_each(|fingerprint| self.insert(fingerprint));
        self.waiting = waiting;
    }

    fn insert(&mut self, fingerprint: u64) {
        if fingerprint.trailing_zeros() >= self.level && self.kept.insert(fingerprint) {
            while self.kept.len() > MOST_KEPT {
                self.level += 1;
                let level = self.level;
                self.kept.retain(|f| f.trailing_zeros() >= level);
            }
        }
    }

    /// Adds another's addresses.
    pub(super) fn absorb(&mut self, mut other: Distinct) {
        other.settle();
        if other.level > self.level {
            self.level = other.level;
            let level = self.level;
            self.kept.retain(|f| f.trailing_zeros() >= level);
        }
        for fingerprint in other.kept {
            self.insert(fingerprint);
        }
    }

    /// How many; exact unless [`Distinct::estimated`].
    pub(super) fn count(&mut self) -> u64 {
        self.settle();
        (self.kept.len() as u64) << self.level
    }

    /// Whether there were too many to keep.
    pub(super) fn estimated(&self) -> bool {
        self.level > 0
    }
}

/// An address with its domain in lower case, in the buffer.
pub(super) fn lower_domain<'a>(address: &[u8], buffer: &'a mut Vec<u8>) -> (&'a [u8], &'a [u8]) {
    buffer.clear();
    buffer.extend_from_slice(address);
    // pflogsumm lowers from the first @ on, and takes as the domain what follows it.
    let at = memchr::memchr(b'@', buffer);
    if let Some(domain) = buffer.get_mut(at.unwrap_or(0)..).filter(|_| at.is_some()) {
        domain.make_ascii_lowercase();
    }
    let domain = buffer.get(at.map_or(0, |at| at + 1)..).unwrap_or_default();
    (buffer, domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_lowered_and_local_parts_are_not() {
        let mut buffer = Vec::new();
        let (all, domain) = lower_domain(b"First.Last@EXAMPLE.Org", &mut buffer);
        assert_eq!((all, domain), (&b"First.Last@example.org"[..], &b"example.org"[..]));
        assert_eq!(lower_domain(b"Root", &mut buffer), (&b"Root"[..], &b"Root"[..]));
    }

    #[test]
    fn many_addresses_are_estimated() {
        let mut distinct = Distinct::default();
        let many = MOST_KEPT as u64 * 3;
        for n in 0..many {
            distinct.add(&n.to_le_bytes());
        }
        let off = distinct.count().abs_diff(many) as f64 / many as f64;
        assert!(distinct.estimated() && off < 0.01, "{off}");
    }

    #[test]
    fn too_many_names_lose_the_less_active_half() {
        let mut names = Names::default();
        for n in 0..=MOST_NAMES as u32 {
            let index = names.index(&n.to_le_bytes());
            names.add(index, u64::from(n) + 1, 1);
        }
        let moved = names.shrink().unwrap();
        assert_eq!(moved[0], NOBODY);
        assert_eq!(moved[MOST_NAMES], 0, "the most active comes first");
        assert_eq!(names.top(1)[0].messages, MOST_NAMES as u64 + 1);
        assert!(names.shrink().is_none());
    }
}

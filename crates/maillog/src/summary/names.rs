//! Names and how active they were, and how many different ones: within bounded memory.
//!
//! [`Names`] keeps counts by name; over [`MOST_NAMES`] the less active half is forgotten.
//! [`Distinct`] counts different addresses by fingerprint: exactly up to [`MOST_KEPT`], above it
//! by keeping every second, fourth, … fingerprint and multiplying.

use super::Named;
use foldhash::quality;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher};

/// Names kept of each kind.
const MOST_NAMES: usize = 100_000;
/// Fingerprints kept.
const MOST_KEPT: usize = 1 << 20;

/// The index of no name.
pub(super) const NOBODY: u32 = u32::MAX;

/// Counts by name. Names are strangers' words: std's keyed hasher.
#[derive(Default)]
pub(super) struct Names {
    index: HashMap<Box<[u8]>, u32>,
    names: Vec<Box<[u8]>>,
    counts: Vec<(u64, u64)>,
    pub(super) forgot: bool,
}

impl Names {
    /// The index of a name, which is new or known.
    #[inline]
    pub(super) fn index(&mut self, name: &[u8]) -> u32 {
        if let Some(&index) = self.index.get(name) {
            return index;
        }
        let index = u32::try_from(self.counts.len()).unwrap_or(NOBODY);
        if index != NOBODY {
            self.index.insert(name.into(), index);
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
        for (name, index) in other.index {
            let (messages, recipients) =
                other.counts.get(index as usize).copied().unwrap_or_default();
            let index = self.index(&name);
            self.add(index, messages, recipients);
        }
    }

    /// The most active, most messages first.
    pub(super) fn top(&self, most: usize) -> Vec<Named> {
        let mut all: Vec<_> = self
            .index
            .iter()
            .filter_map(|(name, &index)| Some((self.counts.get(index as usize)?, name)))
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
        let mut all: Vec<_> = self
            .index
            .drain()
            .map(|(name, index)| {
                (self.counts.get(index as usize).copied().unwrap_or_default(), name, index)
            })
            .collect();
        all.sort_by(|(a, name, _), (b, other, _)| b.cmp(a).then_with(|| name.cmp(other)));
        all.truncate(MOST_NAMES / 2);
        let mut moved = vec![NOBODY; self.counts.len()];
        self.counts.clear();
        self.names.clear();
        self.forgot = true;
        for (counts, name, old) in all {
            let new = u32::try_from(self.counts.len()).unwrap_or(NOBODY);
            if let Some(to) = moved.get_mut(old as usize) {
                *to = new;
            }
            self.names.push(name.clone());
            self.index.insert(name, new);
            self.counts.push(counts);
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
    /// Only fingerprints with so many zero bits at the end are kept.
    level: u32,
}

impl Distinct {
    /// Counts an address whose domain is in lower case already.
    #[inline]
    pub(super) fn add(&mut self, address: &[u8]) {
        let mut hasher = DefaultHasher::new();
        hasher.write(address);
        self.insert(hasher.finish());
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
    pub(super) fn absorb(&mut self, other: Distinct) {
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
    pub(super) fn count(&self) -> u64 {
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

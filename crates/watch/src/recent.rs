//! A map that holds so many at most: the least recently used go. What strangers name (accounts, clients, scripts)
//! must not make the memory grow.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A bounded map; the order is that of the keys.
#[derive(Clone, Debug)]
pub(crate) struct Recent<K, V> {
    most: usize,
    clock: u64,
    kept: BTreeMap<K, (u64, V)>,
}

impl<K: Ord + Clone, V> Recent<K, V> {
    pub(crate) fn of_most(most: usize) -> Self {
        Self { most: most.max(8), clock: 0, kept: BTreeMap::new() }
    }

    /// What stands under a key, made where nothing does; used now.
    pub(crate) fn entry(&mut self, key: &K, make: impl FnOnce() -> V) -> &mut V {
        if !self.kept.contains_key(key) && self.kept.len() >= self.most {
            self.forget();
        }
        self.clock += 1;
        let clock = self.clock;
        let (used, value) = self.kept.entry(key.clone()).or_insert_with(|| (clock, make()));
        *used = clock;
        value
    }

    /// What stands under a key, not used by it.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.kept.get(key).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.kept.get_mut(key).map(|(_, value)| value)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.kept.remove(&key);
        self.entry(&key, || value);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.kept.remove(key).map(|(_, value)| value)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.kept.iter().map(|(key, (_, value))| (key, value))
    }

    /// An eighth goes at once, so that not every new one costs a walk.
    fn forget(&mut self) {
        let mut used: Vec<u64> = self.kept.values().map(|(used, _)| *used).collect();
        used.sort_unstable();
        let last = used.get(self.most / 8).copied().unwrap_or(u64::MAX);
        self.kept.retain(|_, (used, _)| *used > last);
    }
}

/// As it is kept between runs: the keys and values, the least recently used first.
impl<K: Serialize, V: Serialize> Serialize for Recent<K, V> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut all: Vec<_> =
            self.kept.iter().map(|(key, (used, value))| (*used, key, value)).collect();
        all.sort_by_key(|(used, ..)| *used);
        to.collect_seq(all.into_iter().map(|(_, key, value)| (key, value)))
    }
}

impl<'de, K: Ord + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Recent<K, V> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = Vec::<(K, V)>::deserialize(from)?;
        let clock = u64::try_from(all.len()).unwrap_or_default();
        let kept = all.into_iter().zip(1..).map(|((key, value), used)| (key, (used, value)));
        Ok(Self { most: usize::MAX, clock, kept: kept.collect() })
    }
}

impl<K: Ord + Clone, V> Recent<K, V> {
    /// The bound again, for one that was read.
    pub(crate) fn bounded(mut self, most: usize) -> Self {
        self.most = most.max(8);
        while self.kept.len() > self.most {
            self.forget();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_go() {
        let mut recent = Recent::of_most(16);
        for n in 0..100_u32 {
            recent.entry(&0, || 0);
            recent.entry(&n, || n);
        }
        assert!(recent.iter().count() <= 16);
        assert!(recent.get(&0).is_some() && recent.get(&99).is_some() && recent.get(&1).is_none());
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut recent = Recent::of_most(16);
        recent.insert("b".to_owned(), 1);
        recent.insert("a".to_owned(), 2);
        let text = serde_json::to_string(&recent).unwrap();
        assert_eq!(text, r#"[["b",1],["a",2]]"#);
        let read: Recent<String, i32> = serde_json::from_str(&text).unwrap();
        assert_eq!(read.bounded(16).get(&"a".to_owned()), Some(&2));
    }
}

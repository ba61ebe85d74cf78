//! A memory of bounded size: the entry put in longest ago is forgotten first.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Up to `room` entries, looked up by key.
pub(crate) struct Recent<K, V> {
    room: usize,
    entries: HashMap<K, (u64, V)>,
    /// Keys in the order put in, each with the number of its entry: a key put in again or taken
    /// out leaves its old place behind, known by a number that no entry has.
    order: VecDeque<(u64, K)>,
    count: u64,
}

impl<K: Hash + Eq + Copy, V> Recent<K, V> {
    pub(crate) fn new(room: usize) -> Self {
        Self { room, entries: HashMap::new(), order: VecDeque::new(), count: 0 }
    }

    /// Puts an entry in, in place of one with the same key.
    pub(crate) fn put(&mut self, key: K, value: V) {
        self.count += 1;
        self.entries.insert(key, (self.count, value));
        self.order.push_back((self.count, key));
        while self.order.len() > self.room {
            let Some((number, old)) = self.order.pop_front() else { break };
            if self.entries.get(&old).is_some_and(|(n, _)| *n == number) {
                self.entries.remove(&old);
            }
        }
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    pub(crate) fn take(&mut self, key: &K) -> Option<V> {
        self.entries.remove(key).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_and_a_renewed_key_is_not() {
        let mut recent = Recent::new(3);
        for key in [1, 2, 1, 3] {
            recent.put(key, key * 10);
        }
        // The first entry of 1 fell out of the order; its renewal holds.
        assert_eq!(recent.get_mut(&1), Some(&mut 10));
        recent.put(4, 40);
        assert_eq!(recent.get_mut(&2), None);
        assert_eq!(recent.take(&1), Some(10));
        assert_eq!(recent.take(&1), None);
        assert_eq!(recent.get_mut(&4), Some(&mut 40));
    }
}

//! The connections being followed: found by key, bounded in number, in the order of their last
//! packet so that the one idle longest is at hand.

use crate::flow::Flow;
use crate::pair::Key;
use std::collections::HashMap;

/// No neighbour.
const NONE: u32 = u32::MAX;

/// A connection's place; given again to another after the connection is taken out.
pub(crate) type Slot = u32;

struct Entry {
    flow: Box<Flow>,
    older: Slot,
    newer: Slot,
}

/// The connections.
pub(crate) struct Table {
    slots: HashMap<Key, Slot>,
    entries: Vec<Option<Entry>>,
    free: Vec<Slot>,
    oldest: Slot,
    newest: Slot,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            slots: HashMap::new(),
            entries: Vec::new(),
            free: Vec::new(),
            oldest: NONE,
            newest: NONE,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(crate) fn find(&self, key: &Key) -> Option<Slot> {
        self.slots.get(key).copied()
    }

    /// The connection whose last packet is longest ago.
    pub(crate) fn oldest(&self) -> Option<Slot> {
        (self.oldest != NONE).then_some(self.oldest)
    }

    pub(crate) fn flow(&self, slot: Slot) -> Option<&Flow> {
        Some(&*self.entries.get(slot as usize)?.as_ref()?.flow)
    }

    /// The connection, now the one with the latest packet.
    pub(crate) fn touch(&mut self, slot: Slot) -> Option<&mut Flow> {
        if self.newest != slot && self.entry(slot).is_some() {
            self.unlink(slot);
            self.link(slot);
        }
        self.entry(slot).map(|entry| &mut *entry.flow)
    }

    pub(crate) fn insert(&mut self, flow: Flow) -> Slot {
        let key = flow.key;
        let entry = Some(Entry { flow: Box::new(flow), older: NONE, newer: NONE });
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.entries.get_mut(slot as usize) {
                    *place = entry;
                }
                slot
            }
            None => {
                self.entries.push(entry);
                // Options::flows bounds the number far below.
                Slot::try_from(self.entries.len() - 1).unwrap_or(NONE)
            }
        };
        self.slots.insert(key, slot);
        self.link(slot);
        slot
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Flow> {
        self.entry(slot)?;
        self.unlink(slot);
        let entry = self.entries.get_mut(slot as usize)?.take()?;
        self.slots.remove(&entry.flow.key);
        self.free.push(slot);
        Some(*entry.flow)
    }

    fn entry(&mut self, slot: Slot) -> Option<&mut Entry> {
        self.entries.get_mut(slot as usize)?.as_mut()
    }

    fn link(&mut self, slot: Slot) {
        let newest = self.newest;
        if let Some(entry) = self.entry(slot) {
            entry.older = newest;
            entry.newer = NONE;
        }
        match self.entry(newest) {
            Some(entry) => entry.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }

    fn unlink(&mut self, slot: Slot) {
        let Some(&mut Entry { older, newer, .. }) = self.entry(slot) else { return };
        match self.entry(older) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
        match self.entry(newer) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
    }
}

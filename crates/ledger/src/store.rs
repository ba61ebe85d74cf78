//! Where events are kept: in a folder, or for tests in memory.

use crate::seal::Payload;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// The texts of sessions, by event.
#[derive(Debug, Default)]
pub(crate) struct Payloads {
    memory: RwLock<BTreeMap<u64, Payload>>,
}

impl Payloads {
    pub(crate) fn put(&self, sequence: u64, payload: Payload) {
        let mut memory = self.memory.write().unwrap_or_else(PoisonError::into_inner);
        memory.insert(sequence, payload);
    }

    pub(crate) fn get(&self, sequence: u64) -> Option<Payload> {
        let memory = self.memory.read().unwrap_or_else(PoisonError::into_inner);
        memory.get(&sequence).cloned()
    }
}

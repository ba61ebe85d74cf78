//! What the sensor counts: for metrics, and for the line an operator reads.

use crate::limits::Refusal;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counters that only go up. Each refusal is counted once.
#[derive(Debug, Default)]
pub struct Counts {
    pub(crate) connections: AtomicU64,
    pub(crate) sessions: AtomicU64,
    pub(crate) messages: AtomicU64,
    pub(crate) handshakes: AtomicU64,
    pub(crate) bytes: AtomicU64,
    refusals: [AtomicU64; Refusal::ALL.len()],
}

/// The counters at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Connections accepted from the system.
    pub connections: u64,
    /// Sessions given to the sink.
    pub sessions: u64,
    /// Messages taken and thrown away.
    pub messages: u64,
    /// TLS handshakes done.
    pub handshakes: u64,
    /// Bytes heard from clients.
    pub bytes: u64,
    /// Connections and sessions refused or ended, by reason.
    pub refusals: Vec<(Refusal, u64)>,
}

impl Counts {
    pub(crate) fn refused(&self, refusal: Refusal) {
        if let Some(count) = self.refusals.get(refusal as usize) {
            count.fetch_add(1, Relaxed);
        }
    }

    /// All counters.
    pub fn snapshot(&self) -> Snapshot {
        let counted = Refusal::ALL.into_iter().zip(&self.refusals);
        Snapshot {
            connections: self.connections.load(Relaxed),
            sessions: self.sessions.load(Relaxed),
            messages: self.messages.load(Relaxed),
            handshakes: self.handshakes.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            refusals: counted.map(|(refusal, count)| (refusal, count.load(Relaxed))).collect(),
        }
    }
}

impl Snapshot {
    /// How often this was the reason.
    pub fn refused(&self, refusal: Refusal) -> u64 {
        self.refusals.iter().find(|(of, _)| *of == refusal).map_or(0, |(_, count)| *count)
    }
}

//! Sessions held back because the same connection is still being followed at another point
//! (`tcpdump -i any` on a router sees it before and after address translation). Known by the
//! pair of initial sequence numbers; given out merged when the last of them has ended.

use crate::merge::merge;
use heloscope_model::Session;
use std::collections::HashMap;

/// Sessions held back for one pair of numbers; a sender that gives every connection the same
/// number must not make this grow.
const HELD: usize = 8;
/// Bytes of all sessions held back.
const WEIGHT: usize = 16 << 20;

type Sequence = (u32, u32);

#[derive(Default)]
struct Group {
    live: u32,
    ended: Vec<Session>,
    weight: usize,
}

/// The connections followed, by their initial sequence numbers.
#[derive(Default)]
pub(crate) struct Twins {
    groups: HashMap<Sequence, Group>,
    weight: usize,
}

impl Twins {
    /// A connection's numbers became known.
    pub(crate) fn begin(&mut self, sequence: Sequence) {
        self.groups.entry(sequence).or_default().live += 1;
    }

    /// A connection ended (with or without a session of so many bytes): the sessions to give
    /// out now.
    pub(crate) fn end(
        &mut self,
        sequence: Sequence,
        session: Option<Session>,
        weight: usize,
    ) -> Vec<Session> {
        let Some(group) = self.groups.get_mut(&sequence) else {
            return session.into_iter().collect();
        };
        group.live = group.live.saturating_sub(1);
        group.ended.extend(session);
        group.weight += weight;
        self.weight += weight;
        if group.live > 0 && group.ended.len() < HELD && self.weight < WEIGHT {
            return Vec::new();
        }
        self.weight -= std::mem::take(&mut group.weight);
        let ended = std::mem::take(&mut group.ended);
        if group.live == 0 {
            self.groups.remove(&sequence);
        }
        merge(ended)
    }
}

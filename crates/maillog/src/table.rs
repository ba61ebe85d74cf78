//! What is kept of each open mail, by queue id; and what a part of a log must leave to the whole.
//!
//! A log can be read in parts at once because most mails begin and end within one. A part that
//! is not the first meets ids it did not see begin. It keeps nothing of their lines but where
//! they stand ([`Op`]), until the id ends; the whole then replays those few lines in order. So
//! joining gives what reading in one go gives, line by line.
//!
//! ```text
//!   unknown --first line starts a mail--> Here (and Op::Start: the whole closes what it has)
//!   unknown --any other line------------> Earlier (each line an Op::Line)
//!   Earlier --ends----------------------> Gone     Here --ends--> (nothing: known to be absent)
//!   Gone    --any line------------------> Here     Earlier --starts--> Here (Op::Start)
//! ```

use crate::queue_id::Key;
use foldhash::fast::FixedState;
use heloscope_model::Time;
use std::collections::HashMap;

/// Records of open mails.
pub(crate) struct Table<R> {
    slots: HashMap<Key, Slot<R>, FixedState>,
    /// In a part that is not the first: what is left to the whole.
    ops: Option<Vec<Op>>,
}

enum Slot<R> {
    Here(R),
    Earlier,
    Gone,
}

/// Something a part leaves to the whole, in the order of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    /// The line's byte in its source.
    pub(crate) at: u64,
    pub(crate) what: What,
}

/// What it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// The line concerns a mail that began earlier. A mark of the books that left it.
    Line { time: Time, mark: u32 },
    /// The line names as its child a mail that began earlier.
    Link { time: Time },
    /// A mail starts; an open one of this id has ended unseen.
    Start(Key),
}

/// What is known of an id.
pub(crate) enum Found<'a, R> {
    /// Its record.
    Here(&'a mut R),
    /// Nothing, for sure.
    Absent,
    /// It began before this part.
    Earlier,
}

impl<R> Table<R> {
    /// For a whole log, or its first part.
    pub(crate) fn whole() -> Self {
        Self { slots: HashMap::default(), ops: None }
    }

    /// For a later part.
    pub(crate) fn part() -> Self {
        Self { slots: HashMap::default(), ops: Some(Vec::new()) }
    }

    /// The record of an id that a line continues.
    #[inline]
    pub(crate) fn find(&mut self, key: Key) -> Found<'_, R> {
        use std::collections::hash_map::Entry;
        match self.slots.entry(key) {
            Entry::Occupied(slot) => match slot.into_mut() {
                Slot::Here(record) => Found::Here(record),
                Slot::Earlier => Found::Earlier,
                Slot::Gone => Found::Absent,
            },
            Entry::Vacant(_) if self.ops.is_none() => Found::Absent,
            Entry::Vacant(slot) => {
                slot.insert(Slot::Earlier);
                Found::Earlier
            }
        }
    }

    /// The record of an id that a line only mentions.
    pub(crate) fn peek(&mut self, key: Key) -> Found<'_, R> {
        match self.slots.get_mut(&key) {
            Some(Slot::Here(record)) => Found::Here(record),
            Some(Slot::Earlier) => Found::Earlier,
            Some(Slot::Gone) => Found::Absent,
            None if self.ops.is_some() => Found::Earlier,
            None => Found::Absent,
        }
    }

    /// A mail starts; gives back the one that ended unseen.
    #[inline]
    pub(crate) fn start(&mut self, key: Key, record: R, at: u64) -> Option<R> {
        match self.slots.insert(key, Slot::Here(record)) {
            Some(Slot::Here(old)) => Some(old),
            Some(Slot::Gone) => None,
            Some(Slot::Earlier) | None => {
                self.leave(at, What::Start(key));
                None
            }
        }
    }

    /// Puts a record for an id that was [`Found::Absent`], or in place of its record.
    pub(crate) fn put(&mut self, key: Key, record: R) -> Option<R> {
        match self.slots.insert(key, Slot::Here(record)) {
            Some(Slot::Here(old)) => Some(old),
            _ => None,
        }
    }

    /// A mail ends; its record, if it is here. Otherwise the line may be for the whole to replay.
    #[inline]
    pub(crate) fn end(&mut self, key: Key) -> (Option<R>, bool) {
        if self.ops.is_none() {
            return match self.slots.remove(&key) {
                Some(Slot::Here(record)) => (Some(record), false),
                _ => (None, false),
            };
        }
        match self.slots.insert(key, Slot::Gone) {
            Some(Slot::Here(record)) => (Some(record), false),
            Some(Slot::Gone) => (None, false),
            Some(Slot::Earlier) | None => (None, true),
        }
    }

    /// Takes the record of an id, whatever the log says of it.
    pub(crate) fn take(&mut self, key: Key) -> Option<R> {
        match self.slots.remove(&key) {
            Some(Slot::Here(record)) => Some(record),
            _ => None,
        }
    }

    /// Leaves a line to the whole.
    pub(crate) fn leave(&mut self, at: u64, what: What) {
        if let Some(ops) = &mut self.ops {
            ops.push(Op { at, what });
        }
    }

    /// What was left to the whole.
    pub(crate) fn take_ops(&mut self) -> Vec<Op> {
        self.ops.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The records, in no order.
    pub(crate) fn into_records(self) -> impl Iterator<Item = (Key, R)> {
        self.slots.into_iter().filter_map(|(key, slot)| match slot {
            Slot::Here(record) => Some((key, record)),
            _ => None,
        })
    }

    /// The records, in no order.
    pub(crate) fn records(&mut self) -> impl Iterator<Item = (&Key, &mut R)> {
        self.slots.iter_mut().filter_map(|(key, slot)| match slot {
            Slot::Here(record) => Some((key, record)),
            _ => None,
        })
    }

    /// Whether this is a later part's.
    pub(crate) fn is_part(&self) -> bool {
        self.ops.is_some()
    }

    /// How many ids are kept.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

//! The journal: opened with recovery, appended to in batches, shortened by whole segments.
//!
//! ```text
//! open -> good --append, retain--> good
//!           \--a write, sync, rename or removal failed--> stopped (reading goes on; open again)
//! ```

use crate::disk::Disk;
use crate::error::Error;
use crate::frame::{self, BATCH_HEADER, FRAME_HEADER, MOST_BATCH_BYTES, MOST_RECORD_BYTES};
use crate::segment::{self, Segment, Step, Walk};
use crate::{Records, Sequence};

/// Bounds of a journal. They may change from one opening to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// A segment that has this many bytes is followed by a new one. Retention drops whole segments.
    pub segment_bytes: u64,
    /// The longest record taken, at most [`MOST_RECORD_BYTES`].
    pub record_bytes: usize,
    /// The longest batch taken, at most [`MOST_BATCH_BYTES`].
    pub batch_bytes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { segment_bytes: 64 << 20, record_bytes: 1 << 20, batch_bytes: 32 << 20 }
    }
}

/// What opening found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// The first record kept; one after `last` where there is none.
    pub first: Sequence,
    /// The last record; 0 where there never was one.
    pub last: Sequence,
    /// How many segments there are.
    pub segments: usize,
    /// An append that a crash had cut short, and that was cut off: it was never acknowledged.
    pub torn: Option<Torn>,
    /// Segments whose making a crash had cut short: removed, they held nothing.
    pub unfinished: usize,
}

impl Recovery {
    /// How many torn bytes were cut off.
    pub fn torn_bytes(&self) -> u64 {
        self.torn.as_ref().map_or(0, |torn| torn.bytes)
    }
}

/// A tail that was cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The segment's path.
    pub file: String,
    /// Where it was cut.
    pub offset: u64,
    /// How many bytes went.
    pub bytes: u64,
    /// What was wrong with them.
    pub what: &'static str,
}

/// An open journal: one writer, and its readers.
pub struct Journal {
    pub(crate) disk: Box<dyn Disk>,
    options: Options,
    /// All but `active`, oldest first.
    pub(crate) closed: Vec<Segment>,
    pub(crate) active: Segment,
    /// Bytes of the active segment, acknowledged.
    length: u64,
    last: u64,
    stopped: Option<Error>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = self.disk.place("");
        f.debug_struct("Journal").field("place", &place).field("last", &self.last).finish()
    }
}

impl Journal {
    /// Opens the journal, cuts off what a crash tore, and makes a first segment where there is none.
    pub fn open(disk: impl Disk + 'static, options: Options) -> Result<(Journal, Recovery), Error> {
        let mut disk: Box<dyn Disk> = Box::new(disk);
        let place = disk.place("");
        let failed = |operation| {
            let place = place.clone();
            move |error| Error::disk(operation, place, error)
        };
        if !disk.lock().map_err(failed("lock"))? {
            return Err(Error::Locked { place });
        }
        let mut recovery = Recovery::default();
        let mut firsts = Vec::new();
        for name in disk.list().map_err(failed("list"))? {
            if name.strip_suffix(".new").and_then(segment::first_of).is_some() {
                disk.remove(&name).map_err(failed("remove an unfinished segment of"))?;
                recovery.unfinished += 1;
            }
            firsts.extend(segment::first_of(&name));
        }
        // Also for what an opener before us renamed and did not live to sync.
        disk.sync_dir().map_err(failed("sync"))?;
        firsts.sort_unstable();
        let mut closed = Vec::with_capacity(firsts.len());
        for first in firsts {
            closed.push(segment::open(&*disk, first)?);
        }
        let active = match closed.pop() {
            Some(active) => active,
            None => segment::create(&mut *disk, 1)?,
        };
        let (length, last, torn) = recover(&mut *disk, &active)?;
        recovery.first = Sequence(closed.first().map_or(active.first, |oldest| oldest.first));
        recovery.last = Sequence(last);
        recovery.segments = closed.len() + 1;
        recovery.torn = torn;
        Ok((Journal { disk, options, closed, active, length, last, stopped: None }, recovery))
    }

    /// Appends a batch with one write and one sync: durable, all of it, when this returns. The
    /// sequence of its last record. An empty batch is nothing to do.
    pub fn append(&mut self, records: &[impl AsRef<[u8]>]) -> Result<Sequence, Error> {
        if let Some(error) = &self.stopped {
            return Err(error.clone());
        }
        let Some(last) = self.last.checked_add(records.len() as u64).filter(|&n| n < u64::MAX)
        else {
            return Err(Error::Exhausted);
        };
        self.within_bounds(records)?;
        if records.is_empty() {
            return Ok(Sequence(self.last));
        }
        self.append_bounded(records).inspect_err(|error| self.stopped = Some(error.clone()))?;
        self.last = last;
        Ok(Sequence(last))
    }

    fn append_bounded(&mut self, records: &[impl AsRef<[u8]>]) -> Result<(), Error> {
        let first = self.last.saturating_add(1);
        // A segment without a record is not followed: its follower would have its name.
        if self.length >= self.options.segment_bytes && self.active.first < first {
            let next = segment::create(&mut *self.disk, first)?;
            self.closed.push(std::mem::replace(&mut self.active, next));
            self.length = frame::SEGMENT_HEADER as u64;
        }
        let name = &self.active.name;
        let bytes = frame::write_batch(self.active.salt, first, records);
        self.disk
            .write(name, self.length, &bytes)
            .map_err(|error| Error::stopped("write", self.disk.place(name), error))?;
        self.disk
            .sync(name)
            .map_err(|error| Error::stopped("sync", self.disk.place(name), error))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn within_bounds(&self, records: &[impl AsRef<[u8]>]) -> Result<(), Error> {
        let most = self.options.record_bytes.min(MOST_RECORD_BYTES);
        let lengths = || records.iter().map(|record| record.as_ref().len());
        if let Some(bytes) = lengths().find(|bytes| *bytes > most) {
            return Err(Error::TooLarge { what: "a record", bytes, most });
        }
        let most = self.options.batch_bytes.min(MOST_BATCH_BYTES);
        let bytes = lengths().map(|bytes| FRAME_HEADER + bytes).sum();
        if bytes > most {
            return Err(Error::TooLarge { what: "a batch", bytes, most });
        }
        Ok(())
    }

    /// The records from a sequence on, in order. A record that is no longer kept, and damage, are
    /// errors, after which there is nothing more.
    pub fn read(&self, from: Sequence) -> Records<'_> {
        Records::new(self, from)
    }

    /// Drops the segments all of whose records are before a sequence, the oldest first; how many.
    /// The segment that is written to stays.
    pub fn retain(&mut self, before: Sequence) -> Result<usize, Error> {
        if let Some(error) = &self.stopped {
            return Err(error.clone());
        }
        let mut dropped = 0;
        while let Some(oldest) = self.closed.first() {
            let next = self.closed.get(1).unwrap_or(&self.active);
            if next.first > before.0 {
                break;
            }
            // Synced one by one: names that go in any order could leave a gap.
            let place = self.disk.place(&oldest.name);
            let removed = self.disk.remove(&oldest.name).and_then(|()| self.disk.sync_dir());
            if let Err(error) = removed {
                let error = Error::stopped("remove", place, error);
                self.stopped = Some(error.clone());
                return Err(error);
            }
            self.closed.remove(0);
            dropped += 1;
        }
        Ok(dropped)
    }

    /// The first record kept; one after [`Journal::last`] where there is none.
    pub fn first(&self) -> Sequence {
        Sequence(self.closed.first().unwrap_or(&self.active).first)
    }

    /// The last acknowledged record; 0 where there never was one.
    pub fn last(&self) -> Sequence {
        Sequence(self.last)
    }

    /// Why nothing more is taken, if that is so.
    pub fn stopped(&self) -> Option<&Error> {
        self.stopped.as_ref()
    }
}

/// Walks the last segment, cuts off a torn tail and makes the last batch durable once more. Its
/// length, its last record, what was cut.
fn recover(disk: &mut dyn Disk, active: &Segment) -> Result<(u64, u64, Option<Torn>), Error> {
    let mut walk = Walk::new(disk, active)?;
    let mut newest = None;
    let file = disk.place(&active.name);
    let torn = loop {
        let at = walk.offset;
        match walk.step(disk, false)? {
            Step::Batch { header, .. } => newest = Some((at, header.bytes as usize)),
            Step::End => break None,
            Step::Bad { offset, what, torn: false } => {
                return Err(Error::Damaged { file, offset, what });
            }
            Step::Bad { what, torn: true, .. } => {
                let bytes = walk.length().saturating_sub(at);
                break Some(Torn { file: file.clone(), offset: at, bytes, what });
            }
        }
    };
    if torn.is_some() {
        disk.cut(&active.name, walk.offset)
            .map_err(|error| Error::disk("cut the torn tail of", file.clone(), error))?;
    }
    if let Some((at, frames)) = newest {
        let mut bytes = vec![0; BATCH_HEADER + frames];
        disk.read(&active.name, at, &mut bytes)
            .and_then(|read| match read == bytes.len() {
                true => Ok(()),
                false => Err(std::io::ErrorKind::UnexpectedEof.into()),
            })
            .map_err(|error| Error::disk("read", file.clone(), error))?;
        disk.write(&active.name, at, &bytes)
            .map_err(|error| Error::disk("write the last batch again to", file.clone(), error))?;
    }
    if torn.is_some() || newest.is_some() {
        disk.sync(&active.name).map_err(|error| Error::disk("sync", file, error))?;
    }
    Ok((walk.offset, walk.next.saturating_sub(1), torn))
}

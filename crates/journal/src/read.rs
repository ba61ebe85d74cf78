//! Reading the journal's records in order, segment after segment, every checksum checked.

use crate::Sequence;
use crate::error::Error;
use crate::journal::Journal;
use crate::segment::{Segment, Step, Walk};

/// The records from a sequence on. After an error there is nothing more.
#[derive(Debug)]
pub struct Records<'a> {
    journal: &'a Journal,
    /// The next record to give.
    next: u64,
    walk: Option<Walk>,
    /// Which segment is walked, counted from the oldest.
    at: usize,
    /// The batch being given.
    batch: std::vec::IntoIter<Vec<u8>>,
    ended: bool,
}

impl<'a> Records<'a> {
    pub(crate) fn new(journal: &'a Journal, from: Sequence) -> Records<'a> {
        let next = from.0.max(1);
        let at = journal.closed.partition_point(|segment| segment.first <= next).saturating_sub(1);
        // The active segment may be the one that holds it.
        let at = if journal.active.first <= next { journal.closed.len() } else { at };
        Records { journal, next, walk: None, at, batch: Vec::new().into_iter(), ended: false }
    }

    fn segment(&self, at: usize) -> Option<&'a Segment> {
        match at == self.journal.closed.len() {
            true => Some(&self.journal.active),
            false => self.journal.closed.get(at),
        }
    }

    fn advance(&mut self) -> Result<Option<(Sequence, Vec<u8>)>, Error> {
        let first = self.journal.first();
        if self.next < first.0 {
            return Err(Error::Retired { asked: Sequence(self.next), first });
        }
        loop {
            // What stands behind the last acknowledged record is nobody's yet.
            if self.next > self.journal.last().0 {
                return Ok(None);
            }
            if let Some(payload) = self.batch.next() {
                let sequence = Sequence(self.next);
                self.next = self.next.saturating_add(1);
                return Ok(Some((sequence, payload)));
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// Takes the next batch that has a wanted record; false where there is no segment more.
    fn fill(&mut self) -> Result<bool, Error> {
        let disk = &*self.journal.disk;
        let Some(segment) = self.segment(self.at) else { return Ok(false) };
        let mut walk = match self.walk.take() {
            Some(walk) => walk,
            None => Walk::new(disk, segment)?,
        };
        let damaged =
            |offset, what| Err(Error::Damaged { file: disk.place(&segment.name), offset, what });
        match walk.step(disk, true)? {
            Step::Batch { header, payloads } => {
                let skip = self.next.saturating_sub(header.first);
                self.batch = payloads.into_iter();
                for _ in 0..skip.min(u64::from(header.records)) {
                    self.batch.next();
                }
                self.walk = Some(walk);
            }
            Step::End => {
                // Segments follow each other without a gap, and the last record is in the last one.
                match self.segment(self.at + 1) {
                    Some(following) if following.first != walk.next => {
                        return damaged(walk.offset, "records are missing before the next segment");
                    }
                    Some(_) => self.at += 1,
                    None => return damaged(walk.offset, "acknowledged records are missing"),
                }
            }
            Step::Bad { offset, what, .. } => return damaged(offset, what),
        }
        Ok(true)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<(Sequence, Vec<u8>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.advance().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

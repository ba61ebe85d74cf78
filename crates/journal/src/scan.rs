//! A segment's bytes -> its records, without the journal being opened: for whoever reads what another process writes,
//! and for segments handed over as files. Pure; nothing is locked, cut or written.
//!
//! It ends at the first batch that is not whole. That may be a torn tail, an append that is under way just now, or damage:
//! which of them only the opened journal can tell, so it is said and not judged.

use crate::Sequence;
use crate::frame::{self, BATCH_HEADER, BadHeader, FRAME_HEADER, SEGMENT_HEADER};

/// The records of one segment.
#[derive(Debug)]
pub struct Scan<'a> {
    bytes: &'a [u8],
    salt: u64,
    /// Where the next batch begins.
    at: usize,
    next: u64,
    /// Those of the batch being given, the last first.
    batch: Vec<Scanned<'a>>,
    ended: Option<&'static str>,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scanned<'a> {
    /// Its place in the journal.
    pub sequence: Sequence,
    /// Where its payload begins in the segment.
    pub offset: u64,
    /// Its payload.
    pub payload: &'a [u8],
}

/// Whether these first bytes are a segment's.
pub fn is_segment(head: &[u8]) -> bool {
    head.starts_with(frame::MAGIC)
}

impl<'a> Scan<'a> {
    /// Begins; the reason where these are no segment's bytes.
    pub fn new(bytes: &'a [u8]) -> Result<Self, &'static str> {
        match frame::read_segment_header(bytes) {
            Ok(header) => Ok(Self {
                bytes,
                salt: header.salt,
                at: SEGMENT_HEADER,
                next: header.first,
                batch: Vec::new(),
                ended: None,
            }),
            Err(BadHeader::Damaged(what)) => Err(what),
            Err(BadHeader::Version(_)) => {
                Err("a segment of a later version: use the newer program")
            }
        }
    }

    /// Where and why it ended before the bytes did, once it has.
    pub fn cut(&self) -> Option<(u64, &'static str)> {
        self.ended.filter(|_| self.at < self.bytes.len()).map(|what| (self.at as u64, what))
    }

    fn fill(&mut self) -> Result<(), &'static str> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Err("the end");
        }
        let header = frame::read_batch_header(rest, self.salt)
            .filter(|header| header.first == self.next)
            .ok_or("no batch begins here")?;
        let end = BATCH_HEADER.saturating_add(header.bytes as usize);
        let frames = rest.get(BATCH_HEADER..end).ok_or("the batch is cut short")?;
        let payloads = frame::read_frames(header, frames).map_err(|(_, what)| what)?;
        let mut offset = self.at + BATCH_HEADER;
        for (payload, sequence) in payloads.into_iter().zip(header.first..) {
            offset += FRAME_HEADER;
            let sequence = Sequence(sequence);
            self.batch.push(Scanned { sequence, offset: offset as u64, payload });
            offset += payload.len();
        }
        self.batch.reverse();
        self.at += end;
        self.next = self.next.saturating_add(u64::from(header.records));
        Ok(())
    }
}

impl<'a> Iterator for Scan<'a> {
    type Item = Scanned<'a>;

    fn next(&mut self) -> Option<Scanned<'a>> {
        while self.batch.is_empty() {
            if self.ended.is_some() {
                return None;
            }
            self.ended = self.fill().err();
        }
        self.batch.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{SegmentHeader, write_batch, write_segment_header};
    use proptest::prelude::*;

    fn segment() -> Vec<u8> {
        let mut bytes = write_segment_header(SegmentHeader { first: 7, salt: 42 });
        bytes.extend(write_batch(42, 7, &[b"one".to_vec(), b"two".to_vec()]));
        bytes.extend(write_batch(42, 9, &[b"three".to_vec()]));
        bytes
    }

    #[test]
    fn every_record_with_its_place() {
        let bytes = segment();
        let mut scan = Scan::new(&bytes).unwrap();
        let found: Vec<_> = scan.by_ref().collect();
        let shown: Vec<_> = found.iter().map(|s| (s.sequence.0, s.payload)).collect();
        assert_eq!(shown, [(7, &b"one"[..]), (8, b"two"), (9, b"three")]);
        for one in &found {
            let at = usize::try_from(one.offset).unwrap();
            assert_eq!(&bytes[at..at + one.payload.len()], one.payload);
        }
        assert_eq!(scan.cut(), None);
    }

    #[test]
    fn a_batch_that_is_not_whole_ends_it() {
        let bytes = segment();
        for cut in 33..bytes.len() {
            let mut scan = Scan::new(&bytes[..cut]).unwrap();
            let found = scan.by_ref().count();
            assert!(found == 0 || found == 2, "{cut}: {found}");
            let whole = bytes.len() - 28 - 8 - 5;
            assert_eq!(scan.cut().is_none(), cut == whole, "{cut}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(at in 0_usize..200, byte in any::<u8>(), cut in 0_usize..200) {
            let mut bytes = segment();
            if let Some(b) = bytes.get_mut(at) { *b = byte; }
            bytes.truncate(cut.max(32));
            if let Ok(scan) = Scan::new(&bytes) {
                prop_assert!(scan.count() <= 3);
            }
        }
    }
}

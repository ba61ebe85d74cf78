//! What was noted, kept: a folder with a journal of lines (`heloscope_journal`), with a bound in days and in bytes.
//!
//! In: what the recorder noted, as it comes; durable when [`Store::append`] returns. Out: the lines of a
//! span of time. The oldest segments go when they are past either bound, whole; the one that is written to stays. A disk
//! that is full stops nothing but the record: the caller is told, and what could not be kept is noted as lost.

use crate::Noted;
use heloscope_journal::{FolderDisk, Journal, Options, Sequence};
use heloscope_model::Time;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A segment; what retention drops at once.
const SEGMENT: u64 = 4 << 20;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days.
    pub days: u32,
    /// Bytes on the disk; at least two segments are kept room for.
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 30, bytes: 512 << 20 }
    }
}

/// The record on disk.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    journal: Journal,
    retention: Retention,
}

/// Why nothing is kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The journal's.
    #[error(transparent)]
    Journal(#[from] heloscope_journal::Error),
    /// The folder cannot be made or read.
    #[error("{}: {source}", .folder.display())]
    Folder {
        /// Which.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Store {
    /// Opens what is there, or begins.
    pub fn open(folder: &Path, retention: Retention) -> Result<Self, StoreError> {
        let disk = FolderDisk::new(folder)
            .map_err(|source| StoreError::Folder { folder: folder.to_owned(), source })?;
        let options = Options { segment_bytes: SEGMENT, ..Options::default() };
        let (journal, _) = Journal::open(disk, options)?;
        Ok(Self { folder: folder.to_owned(), journal, retention })
    }

    /// Keeps lines; durable when it returns.
    pub fn append(&mut self, noted: &[Noted], now: Time) -> Result<(), StoreError> {
        // A value of plain fields always has its JSON.
        let lines: Vec<_> = noted.iter().filter_map(|n| serde_json::to_vec(n).ok()).collect();
        if !lines.is_empty() {
            self.journal.append(&lines)?;
        }
        self.forget(now)
    }

    /// Every line kept, the oldest first.
    pub fn lines(&self) -> impl Iterator<Item = Result<Vec<u8>, StoreError>> {
        self.journal
            .read(self.journal.first())
            .map(|record| record.map(|(_, bytes)| bytes).map_err(StoreError::from))
    }

    fn forget(&mut self, now: Time) -> Result<(), StoreError> {
        let segments = self.segments()?;
        let mut bytes: u64 = segments.iter().map(|s| s.bytes).sum();
        let mut keep_from = None;
        let most = self.retention.bytes.max(2 * SEGMENT);
        for pair in segments.windows(2) {
            let [old, next] = pair else { break };
            let aged = now.since(old.written) > f64::from(self.retention.days) * 86_400.0;
            if !aged && bytes <= most {
                break;
            }
            bytes -= old.bytes;
            keep_from = Some(next.first);
        }
        if let Some(first) = keep_from {
            self.journal.retain(Sequence(first))?;
        }
        Ok(())
    }

    /// The journal's files: named for their first record, last written at their last.
    fn segments(&self) -> Result<Vec<Segment>, StoreError> {
        let failed = |source| StoreError::Folder { folder: self.folder.clone(), source };
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let first = name.to_str().and_then(|n| n.strip_suffix(".journal")?.parse().ok());
            let Some(first) = first else { continue };
            let meta = entry.metadata().map_err(failed)?;
            let written = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let micros = written.map_or(0, |since| since.as_micros());
            let written = Time::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
            found.push(Segment { first, bytes: meta.len(), written });
        }
        found.sort_by_key(|segment| segment.first);
        Ok(found)
    }
}

struct Segment {
    first: u64,
    bytes: u64,
    written: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(events: u64) -> Noted {
        Noted::Lost { events }
    }

    fn now() -> Time {
        #[allow(clippy::disallowed_methods, reason = "files are stamped by the real clock")]
        let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Time::from_secs(i64::try_from(since.as_secs()).unwrap())
    }

    #[test]
    fn what_was_kept_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), Retention::default()).unwrap();
        store.append(&[lost(1), lost(2)], now()).unwrap();
        drop(store);
        let store = Store::open(folder.path(), Retention::default()).unwrap();
        let lines: Vec<_> = store.lines().map(|l| String::from_utf8(l.unwrap()).unwrap()).collect();
        assert_eq!(lines, [r#"{"event":"lost","events":1}"#, r#"{"event":"lost","events":2}"#]);
    }

    #[test]
    fn both_bounds_hold_and_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let retention = Retention { days: 7, bytes: 3 * SEGMENT };
        let mut store = Store::open(folder.path(), retention).unwrap();
        let batch: Vec<_> = (0..20_000).map(lost).collect();
        for _ in 0..30 {
            store.append(&batch, now()).unwrap();
        }
        let size: u64 = store.segments().unwrap().iter().map(|s| s.bytes).sum();
        assert!(size <= 4 * SEGMENT, "{size}");
        assert!(store.segments().unwrap().len() >= 2);
        store.append(&[lost(7)], now().plus_secs(8.0 * 86_400.0)).unwrap();
        assert_eq!(store.segments().unwrap().len(), 1);
        let last = store.lines().last().unwrap().unwrap();
        assert_eq!(String::from_utf8(last).unwrap(), r#"{"event":"lost","events":7}"#);
    }
}

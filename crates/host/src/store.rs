//! What was noted, kept: a folder with a journal of lines (`heloscope_journal`), with a bound in days and in bytes.
//!
//! In: what the recorder noted, as it comes; durable when [`Store::append`] returns ([`keeper`] gathers a second's lines
//! and survives a full disk). Out: the lines, also while another process writes them ([`read`]). The oldest segments
//! go when they are past either bound, whole; the one that is written to stays. A line ends with a line end, so that what
//! stands at its place in the file can be quoted.

pub mod keeper;
pub mod read;

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
        let lines: Vec<_> = noted.iter().filter_map(line).collect();
        self.append_lines(&lines, now)
    }

    /// Keeps what [`line`] made.
    fn append_lines(&mut self, lines: &[impl AsRef<[u8]>], now: Time) -> Result<(), StoreError> {
        if !lines.is_empty() {
            self.journal.append(lines)?;
        }
        self.forget(now)
    }

    fn forget(&mut self, now: Time) -> Result<(), StoreError> {
        let segments = segments(&self.folder)?;
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
}

/// One line. A value of plain fields always has its JSON.
fn line(noted: &Noted) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(noted).ok()?;
    line.push(b'\n');
    Some(line)
}

/// The journal's files: named for their first record, last written at their last.
fn segments(folder: &Path) -> Result<Vec<Segment>, StoreError> {
    let failed = |source| StoreError::Folder { folder: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let first = name.to_str().and_then(|n| n.strip_suffix(".journal")?.parse().ok());
        let Some(first) = first else { continue };
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            // Dropped meanwhile by whoever writes.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        let written = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let micros = written.map_or(0, |since| since.as_micros());
        let written = Time::from_micros(i64::try_from(micros).unwrap_or(i64::MAX));
        found.push(Segment { first, path: entry.path(), bytes: meta.len(), written });
    }
    found.sort_by_key(|segment| segment.first);
    Ok(found)
}

struct Segment {
    first: u64,
    path: PathBuf,
    bytes: u64,
    written: Time,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(events: u64) -> Noted {
        Noted::Lost { events, since: Time::from_secs(0), time: Time::from_secs(7) }
    }

    fn now() -> Time {
        #[allow(clippy::disallowed_methods, reason = "files are stamped by the real clock")]
        let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Time::from_secs(i64::try_from(since.as_secs()).unwrap())
    }

    /// The counts of what is kept.
    fn kept(folder: &Path) -> Vec<u64> {
        let mut counts = Vec::new();
        read::lines(folder, None, &mut |_, line| {
            let line: serde_json::Value = serde_json::from_slice(line).unwrap();
            counts.push(line["events"].as_u64().unwrap());
            Ok(())
        })
        .unwrap();
        counts
    }

    #[test]
    fn what_was_kept_is_there_again_also_while_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), Retention::default()).unwrap();
        store.append(&[lost(1), lost(2)], now()).unwrap();
        assert_eq!(kept(folder.path()), [1, 2]);
        drop(store);
        let mut store = Store::open(folder.path(), Retention::default()).unwrap();
        store.append(&[lost(3)], now()).unwrap();
        assert_eq!(kept(folder.path()), [1, 2, 3]);
    }

    #[test]
    fn both_bounds_hold_and_the_newest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let retention = Retention { days: 7, bytes: 3 * SEGMENT };
        let mut store = Store::open(folder.path(), retention).unwrap();
        let batch: Vec<_> = (0..20_000).map(lost).collect();
        for _ in 0..15 {
            store.append(&batch, now()).unwrap();
        }
        let size: u64 = segments(folder.path()).unwrap().iter().map(|s| s.bytes).sum();
        assert!(size <= 4 * SEGMENT, "{size}");
        assert!(segments(folder.path()).unwrap().len() >= 2);
        store.append(&[lost(7)], now().plus_secs(8.0 * 86_400.0)).unwrap();
        assert_eq!(segments(folder.path()).unwrap().len(), 1);
        assert_eq!(kept(folder.path()).last(), Some(&7));
    }
}

//! The append-only file: what was acknowledged stands on the disk, in order, without gaps.
//!
//! In come batches of records (bytes whose meaning is the caller's); out goes the sequence of a
//! batch's last record, once the whole batch is synced. Refused are records over a bound, a second
//! opener, and any work after a failed write or sync: what the kernel then holds is unknown, so the
//! writer stops for good and the journal has to be opened again.
//!
//! # On disk
//!
//! A folder of segments, each named for its first record (`00000000000000000001.journal`), and the
//! file `lock`, locked while the journal is open. All numbers are little-endian.
//!
//! ```text
//! segment  magic "HELOJRNL" | version u32 = 1 | first sequence u64 | salt u64 | crc u32   (32 bytes)
//!          then batches, one after the other
//! batch    salt u64 | first sequence u64 | records u32 | bytes of the frames u32 | crc u32 (28 bytes)
//!          then that many frames; one append is one batch, one write and one sync
//! frame    length u32 | crc u32 | payload
//! ```
//!
//! The crc (CRC-32, IEEE) of a header covers what stands before it in that header; that of a frame
//! covers its sequence (u64, not stored: it follows from the place), its length and its payload, so
//! that a frame in the wrong place is a bad frame. The salt is drawn for each segment and is no
//! record's to know: bytes of a record cannot pass for a batch.
//!
//! # After a crash
//!
//! A new segment is written as `….new`, synced and renamed, so a segment's header is never torn; a
//! left `….new` is removed. A segment is begun only after all before it is synced, and a batch only
//! after the batch before it. So only the last batch of the last segment can be torn. It is cut off
//! whole, and reported; an append is there entirely or not at all. Bad bytes with a batch behind
//! them, or in an earlier segment, are no torn tail but damage to what was acknowledged: an error
//! that names file and byte. Nothing is skipped. Damage to the very last batch cannot be told from
//! a torn one; whoever chains their records sees it by [`Recovery::last`].
//!
//! Opening writes the last batch again, the same bytes in the same place: after a failed sync they
//! may stand in the page cache as clean and not on the disk. The last segment is checked when the
//! journal is opened, the ones before when they are read.

mod disk;
mod error;
mod frame;
mod journal;
mod read;
mod scan;
mod segment;
pub mod simulated;

pub use disk::{Disk, FolderDisk};
pub use error::Error;
pub use frame::{MOST_BATCH_BYTES, MOST_RECORD_BYTES};
pub use journal::{Journal, Options, Recovery, Torn};
pub use read::Records;
pub use scan::{Scan, Scanned, is_segment};

/// A record's place in the journal. The first record is 1, each next one more; 0 is "none yet".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The number itself.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The sequence after this one.
    pub fn next(self) -> Sequence {
        Sequence(self.0.saturating_add(1))
    }
}

impl std::fmt::Display for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

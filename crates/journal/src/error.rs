//! What can go wrong with the journal, as operation and object, with what to do next.

use crate::Sequence;
use std::io;
use std::sync::Arc;

/// Why the journal cannot be opened, read or appended to. `Clone`, because a stopped writer gives
/// the same error to every later append.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk refused while the journal was opened or read.
    #[error("cannot {operation} {object}")]
    Disk {
        /// What was tried.
        operation: &'static str,
        /// On which file or folder.
        object: String,
        /// The disk's own words.
        #[source]
        source: Arc<io::Error>,
    },
    /// A write or sync failed: nothing more is taken until the journal is opened again.
    #[error(
        "cannot {operation} {object}: the journal takes no more records until it is opened again; \
         what was acknowledged is safe. Look at the disk (full? failing?), then restart"
    )]
    Stopped {
        /// What was tried.
        operation: &'static str,
        /// On which file or folder.
        object: String,
        /// The disk's own words.
        #[source]
        source: Arc<io::Error>,
    },
    /// Another process has the journal open.
    #[error("{place} is in use by another process: stop that one, or give this one another folder")]
    Locked {
        /// The journal's folder.
        place: String,
    },
    /// Bytes that were acknowledged are not what was written.
    #[error(
        "{file} is damaged at byte {offset}: {what}. Nothing was changed or skipped. Check the \
         disk, then put back this file from a copy of the folder"
    )]
    Damaged {
        /// The segment's path.
        file: String,
        /// Where in it.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// A segment written by a newer version.
    #[error("{file} has format version {version}, this program reads 1: use the newer program")]
    Version {
        /// The segment's path.
        file: String,
        /// The version it states.
        version: u32,
    },
    /// More bytes than one append takes; nothing was written, the journal goes on.
    #[error("{what} of {bytes} bytes is over the limit of {most}: split it, nothing was written")]
    TooLarge {
        /// A record, or a batch.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// The most that is taken.
        most: usize,
    },
    /// A record before the first that is kept was asked for.
    #[error("record {asked} is no longer kept: the journal begins at {first}; read from there")]
    Retired {
        /// The record asked for.
        asked: Sequence,
        /// The first that is there.
        first: Sequence,
    },
    /// The sequence has come to its end.
    #[error("the journal's sequence is used up: begin a new folder")]
    Exhausted,
}

impl Error {
    pub(crate) fn disk(operation: &'static str, object: String, source: io::Error) -> Error {
        Error::Disk { operation, object, source: Arc::new(source) }
    }

    pub(crate) fn stopped(operation: &'static str, object: String, source: io::Error) -> Error {
        Error::Stopped { operation, object, source: Arc::new(source) }
    }
}

//! The record's lines, read without opening it: while `heloscope record` runs as well as after. Nothing is locked or
//! changed; what is not whole at the end is an append under way, and the reading ends there.

use super::{StoreError, segments};
use heloscope_journal::Scan;
use heloscope_model::Time;
use std::io;
use std::path::Path;

/// Bytes of a segment that are read; the writer's have a tenth of it.
const MOST: u64 = 128 << 20;

/// How the reading went.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Lines given.
    pub lines: u64,
    /// A segment that is not read to its end, and why; the last one may just be written to.
    pub cut: Vec<String>,
}

/// Gives every line with its number, the oldest first; segments last written before `since` are passed over.
pub fn lines(
    folder: &Path,
    since: Option<Time>,
    take: &mut dyn FnMut(u64, &[u8]) -> io::Result<()>,
) -> Result<Read, StoreError> {
    let failed = |source| StoreError::Folder { folder: folder.to_owned(), source };
    let mut read = Read::default();
    let all = segments(folder)?;
    let last = all.last().map(|segment| segment.first);
    for segment in all {
        if since.is_some_and(|since| segment.written < since) {
            continue;
        }
        let place = segment.path.display();
        if segment.bytes > MOST {
            read.cut.push(format!("{place}: {} bytes are no segment of a record", segment.bytes));
            continue;
        }
        let bytes = match std::fs::read(&segment.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        match Scan::new(&bytes) {
            Ok(mut scan) => {
                for record in scan.by_ref() {
                    read.lines += 1;
                    take(record.sequence.get(), record.payload.trim_ascii_end()).map_err(failed)?;
                }
                if let Some((at, what)) = scan.cut()
                    && Some(segment.first) != last
                {
                    read.cut.push(format!("{place}: byte {at}: {what}"));
                }
            }
            Err(what) => read.cut.push(format!("{place}: {what}")),
        }
    }
    Ok(read)
}

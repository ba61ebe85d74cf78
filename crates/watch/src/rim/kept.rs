//! Files of the state folder: each is there whole, or as it was.

use std::io;
use std::path::Path;

/// Writes a file whole, or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, path)
}

//! Bodies kept for a while, only where the operator says so: one file a message in a folder of
//! their own, gone after the stated time. They never leave the operator's view (DESIGN.md).
//!
//! A body that cannot be written is let go, and that is logged: the session is what counts.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// That bodies are kept, where, how much of them, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bodies {
    /// The folder; made where there is none.
    pub folder: PathBuf,
    /// How long a body is kept.
    pub keep: Duration,
    /// Bytes of one session's bodies.
    pub session_bytes: usize,
    /// Bytes of all; beyond, the oldest go first.
    pub all_bytes: u64,
}

impl Bodies {
    /// Makes the folder, readable by its owner only.
    pub(crate) fn prepare(&self) -> std::io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)
    }

    /// Writes one body; `name` is the session's number and time.
    pub(crate) fn keep(&self, name: &str, content: &[u8]) -> std::io::Result<()> {
        let path = self.folder.join(format!("{name}.eml"));
        let content = content.strip_suffix(b".\r\n").unwrap_or(content);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(content)
    }

    /// Removes what is too old, and the oldest of what is too much. How many went.
    pub(crate) fn sweep(&self) -> std::io::Result<usize> {
        let mut kept = Vec::new();
        let mut gone = 0;
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Ok(facts) = std::fs::metadata(&path) else { continue };
            if path.extension().is_none_or(|end| end != "eml") || !facts.is_file() {
                continue;
            }
            // A file from the future (the clock was set back) counts as new.
            let age = facts.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
            kept.push((age, facts.len(), path));
        }
        kept.sort();
        let mut room = self.all_bytes;
        for (age, len, path) in kept {
            let fits = room >= len;
            room = room.saturating_sub(len);
            if age > self.keep || !fits {
                gone += usize::from(remove(&path));
            }
        }
        Ok(gone)
    }
}

fn remove(path: &Path) -> bool {
    std::fs::remove_file(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_too_old_or_too_much_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mut bodies = Bodies {
            folder: folder.path().join("bodies"),
            keep: Duration::from_secs(3600),
            session_bytes: 1000,
            all_bytes: 1000,
        };
        bodies.prepare().unwrap();
        bodies.keep("a", b"x: y\r\n\r\nhello\r\n.\r\n").unwrap();
        bodies.keep("b", &[b'x'; 800]).unwrap();
        std::fs::write(bodies.folder.join("README"), "stays").unwrap();
        assert_eq!(std::fs::read(bodies.folder.join("a.eml")).unwrap(), b"x: y\r\n\r\nhello\r\n");
        assert_eq!(bodies.sweep().unwrap(), 0);
        let old = std::fs::FileTimes::new()
            .set_modified(std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        std::fs::File::options()
            .write(true)
            .open(bodies.folder.join("a.eml"))
            .unwrap()
            .set_times(old)
            .unwrap();
        assert_eq!(bodies.sweep().unwrap(), 1);
        assert_eq!(names(&bodies.folder), ["README", "b.eml"]);
        bodies.all_bytes = 100;
        assert_eq!(bodies.sweep().unwrap(), 1);
        assert_eq!(names(&bodies.folder), ["README"]);
    }
}

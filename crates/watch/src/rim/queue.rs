//! The size of Postfix's queue, counted in its spool: names only, nothing is opened. `postqueue` is not run: it needs rights
//! by its group, which this process has forbidden itself.

use super::inbox::Inbox;
use super::notes::Notes;
use crate::event::{Event, QueueSize};
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(30);
/// Files that are counted: a queue of more is as bad.
const MOST: u64 = 1_000_000;
/// Postfix hashes its folders at most so deep (hash_queue_depth).
const DEEPEST: u32 = 4;

/// Counts until the inbox is gone.
pub(crate) fn run(spool: &Path, inbox: &Inbox, notes: &Notes) {
    while !inbox.is_ending() {
        match count(spool) {
            Ok(size) => {
                notes.set("queue", None);
                if !inbox.send(Event::Queue(size)) {
                    return;
                }
            }
            Err(error) => notes.set(
                "queue",
                Some(format!("the queue {} cannot be counted: {error}", spool.display())),
            ),
        }
        inbox.pause(EVERY);
    }
}

fn count(spool: &Path) -> io::Result<QueueSize> {
    let of = |name: &str| files(&spool.join(name), DEEPEST);
    Ok(QueueSize {
        active: of("active")? + of("incoming")?,
        deferred: of("deferred")?,
        held: of("hold")?,
    })
}

fn files(folder: &Path, deep: u32) -> io::Result<u64> {
    let mut found = 0;
    for entry in fs::read_dir(folder)? {
        let Ok(entry) = entry else { continue };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && deep > 0 {
            // Gone meanwhile, or another's: it holds nothing we could count.
            found += files(&entry.path(), deep - 1).unwrap_or(0);
        } else if kind.is_file() {
            found += 1;
        }
        if found >= MOST {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashed_folders_are_counted() {
        let spool = tempfile::tempdir().unwrap();
        for name in ["active", "incoming", "deferred/A/B", "hold"] {
            fs::create_dir_all(spool.path().join(name)).unwrap();
        }
        for name in ["active/1", "incoming/2", "deferred/A/B/AB3", "deferred/A/B/AB4", "hold/5"] {
            fs::write(spool.path().join(name), "").unwrap();
        }
        let size = count(spool.path()).unwrap();
        assert_eq!(size, QueueSize { active: 2, deferred: 2, held: 1 });
        assert!(count(&spool.path().join("nowhere")).is_err());
    }
}

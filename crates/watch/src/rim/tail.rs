//! Follows one log file while it is written, and rotated: whole lines, each once.
//!
//! Begins at the saved position, or at the end: what stood there before is `investigate`'s. Rotation by renaming is seen by
//! the inode (the old file is read on for a while, as its writer does not know yet), by copying and truncating by the
//! length, or by other first bytes where the file has grown again meanwhile. Half a line waits for its end. NULs,
//! which a writer that kept its offset leaves, are passed over; so are lines over 64 KiB.

use serde::{Deserialize, Serialize};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The longest line.
const LONGEST: usize = 64 << 10;
/// Bytes read at once, and at most in one poll.
const CHUNK: usize = 256 << 10;
const MOST_AT_ONCE: u64 = 4 << 20;
/// So far behind the end, what lies between is passed over.
const MOST_BEHIND: u64 = 256 << 20;
/// First bytes by which a file is known again.
const HEAD: usize = 128;
/// Polls for which a renamed file is read on.
const POLLS_AFTER: u32 = 240;

/// Where the reading stands, kept between runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The file's inode.
    pub inode: u64,
    /// The first byte of the first line that was not read.
    pub offset: u64,
    /// Its first bytes.
    pub head: Vec<u8>,
}

/// A log that is followed.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    current: Option<Reader>,
    /// Renamed files, and for how many polls they are read on.
    retired: Vec<(Reader, u32)>,
    /// Whether the file, when it appears, is new.
    begun: bool,
}

/// What a poll was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Polled {
    /// Bytes read.
    pub bytes: u64,
    /// Bytes passed over, because too many had come.
    pub passed_over: u64,
    /// Whether there is more to read at once.
    pub more: bool,
}

impl Tail {
    /// A log, from the saved position or else its end. One that is not there yet is awaited.
    pub fn new(path: &Path, saved: Option<&Position>) -> io::Result<Self> {
        let mut tail =
            Self { path: path.to_owned(), current: None, retired: Vec::new(), begun: false };
        let Some((file, facts)) = open(path)? else {
            tail.begun = true;
            return Ok(tail);
        };
        tail.begun = true;
        tail.current = Some(match saved {
            None => Reader::at_end(file, &facts)?,
            Some(saved) if saved.inode == facts.ino() => Reader::again(file, &facts, saved)?,
            Some(saved) => {
                // Rotated while nobody looked: the rest of the old file first, where it still is.
                if let Some((old, facts)) = renamed(path, saved.inode) {
                    tail.retired.push((Reader::again(old, &facts, saved)?, POLLS_AFTER));
                }
                Reader::at(file, &facts, 0)
            }
        });
        Ok(tail)
    }

    /// Reads what has come since.
    pub fn poll(&mut self, line: &mut dyn FnMut(&[u8])) -> io::Result<Polled> {
        let mut polled = Polled::default();
        for (reader, left) in &mut self.retired {
            reader.read(&mut polled, line)?;
            *left = left.saturating_sub(1);
        }
        self.retired.retain(|(_, left)| *left > 0);
        if let Some(reader) = &mut self.current {
            reader.read(&mut polled, line)?;
        }
        if polled.more {
            return Ok(polled);
        }
        let Some((file, facts)) = open(&self.path)? else { return Ok(polled) };
        let same = self.current.as_ref().is_some_and(|reader| reader.is(&facts));
        if !same {
            let mut new = Reader::at(file, &facts, 0);
            new.read(&mut polled, line)?;
            if let Some(old) = self.current.replace(new) {
                self.retired.push((old, POLLS_AFTER));
            }
        }
        Ok(polled)
    }

    /// Where the reading stands.
    pub fn position(&self) -> Option<Position> {
        let reader = self.current.as_ref()?;
        let offset = reader.offset.saturating_sub(reader.half.len() as u64);
        Some(Position { inode: reader.inode, offset, head: reader.head.clone() })
    }

    /// The log's path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// One file.
#[derive(Debug)]
struct Reader {
    file: File,
    device: u64,
    inode: u64,
    /// The next byte.
    offset: u64,
    /// A line that has no end yet, which stands before the next byte.
    half: Vec<u8>,
    /// Whether the line is too long, or began before us.
    skipping: bool,
    head: Vec<u8>,
}

impl Reader {
    fn at(file: File, facts: &Metadata, offset: u64) -> Self {
        let (device, inode) = (facts.dev(), facts.ino());
        Self { file, device, inode, offset, half: Vec::new(), skipping: false, head: Vec::new() }
    }

    /// From the end; a line that is half written began before us.
    fn at_end(file: File, facts: &Metadata) -> io::Result<Self> {
        let mut reader = Self::at(file, facts, facts.len());
        let mut last = [b'\n'];
        if let Some(before) = facts.len().checked_sub(1) {
            reader.file.read_exact_at(&mut last, before)?;
        }
        reader.skipping = last != [b'\n'];
        reader.know_again()?;
        Ok(reader)
    }

    /// From where an earlier run stopped, where the file is the same as then.
    fn again(file: File, facts: &Metadata, saved: &Position) -> io::Result<Self> {
        let mut reader = Self::at(file, facts, saved.offset);
        reader.head = saved.head.iter().copied().take(HEAD).collect();
        if facts.len() < saved.offset || !reader.has_its_head()? {
            reader.begin_anew();
        }
        Ok(reader)
    }

    fn is(&self, facts: &Metadata) -> bool {
        (self.device, self.inode) == (facts.dev(), facts.ino())
    }

    fn read(&mut self, polled: &mut Polled, line: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let length = self.file.metadata()?.len();
        if length < self.offset || (length > self.offset && !self.has_its_head()?) {
            self.begin_anew();
        }
        if length.saturating_sub(self.offset) > MOST_BEHIND {
            polled.passed_over += length - self.offset;
            self.offset = length;
            self.half.clear();
            self.skipping = true;
        }
        let mut room = vec![0; CHUNK];
        let mut read = 0;
        loop {
            let many = match self.file.read_at(&mut room, self.offset) {
                Ok(many) => many,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.offset += many as u64;
            read += many as u64;
            self.take(room.get(..many).unwrap_or_default(), line);
            if many == 0 {
                break;
            }
            if read >= MOST_AT_ONCE {
                polled.more = true;
                break;
            }
        }
        polled.bytes += read;
        if read > 0 && self.head.len() < HEAD {
            self.know_again()?;
        }
        Ok(())
    }

    fn take(&mut self, mut bytes: &[u8], line: &mut dyn FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.half.is_empty() {
                let nuls = bytes.iter().take_while(|byte| **byte == 0).count();
                bytes = bytes.get(nuls..).unwrap_or_default();
            }
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                if self.half.len() + bytes.len() > LONGEST {
                    self.half.clear();
                    self.skipping = true;
                }
                if !self.skipping {
                    self.half.extend_from_slice(bytes);
                }
                return;
            };
            let (part, rest) = bytes.split_at(end);
            bytes = rest.get(1..).unwrap_or_default();
            if std::mem::take(&mut self.skipping) {
                self.half.clear();
            } else if self.half.is_empty() {
                if part.len() <= LONGEST {
                    line(part);
                }
            } else {
                self.half.extend_from_slice(part);
                line(&self.half);
                self.half.clear();
            }
        }
    }

    fn begin_anew(&mut self) {
        self.offset = 0;
        self.half.clear();
        self.skipping = false;
        self.head.clear();
    }

    fn know_again(&mut self) -> io::Result<()> {
        let mut head = vec![0; usize::try_from(self.offset).unwrap_or(HEAD).min(HEAD)];
        let many = self.file.read_at(&mut head, 0)?;
        head.truncate(many);
        self.head = head;
        Ok(())
    }

    fn has_its_head(&self) -> io::Result<bool> {
        let mut head = vec![0; self.head.len()];
        let many = self.file.read_at(&mut head, 0)?;
        Ok(head.get(..many) == Some(&self.head[..]))
    }
}

/// A regular file that is there; none where it is not.
fn open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    use std::os::unix::fs::OpenOptionsExt;
    // Not blocked by a pipe of that name.
    let opened = fs::OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path);
    match opened {
        Ok(file) => {
            let facts = file.metadata()?;
            if !facts.is_file() {
                return Err(io::Error::other("not a regular file"));
            }
            Ok(Some((file, facts)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The file of that inode beside the log, as logrotate names it.
fn renamed(path: &Path, inode: u64) -> Option<(File, Metadata)> {
    let name = path.file_name()?.as_encoded_bytes();
    let folder = path.parent()?;
    for entry in fs::read_dir(folder).ok()?.take(10_000).flatten() {
        let other = entry.file_name();
        let beside = other.as_encoded_bytes();
        if beside.starts_with(name)
            && beside != name
            && let Ok(Some((file, facts))) = open(&entry.path())
            && facts.ino() == inode
        {
            return Some((file, facts));
        }
    }
    None
}

#[cfg(test)]
mod tests;

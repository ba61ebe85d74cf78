//! What the journal asks of a disk, and the real one: a folder.
//!
//! Files are named, writes are at an offset, and nothing is durable before `sync` (a file's bytes)
//! or `sync_dir` (which names there are). The journal owns the order of these calls; a disk only
//! does them. [`crate::simulated`] is the disk that loses all it may lose.

use std::fs::{File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The calls that the journal makes.
pub trait Disk: Send {
    /// Takes the folder for this opener alone; false where another has it.
    fn lock(&mut self) -> io::Result<bool>;
    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens a file: its length in bytes.
    fn open(&self, name: &str) -> io::Result<u64>;
    /// Reads from an offset; fewer bytes than asked for only at the file's end.
    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize>;
    /// Makes an empty file, in place of one of that name.
    fn create(&mut self, name: &str) -> io::Result<()>;
    /// Writes all of `bytes` at an offset.
    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file to a length.
    fn cut(&mut self, name: &str, length: u64) -> io::Result<()>;
    /// Makes a file's bytes and length durable.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Gives a file another name.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes the names durable.
    fn sync_dir(&mut self) -> io::Result<()>;
    /// A number that nobody can foresee.
    fn salt(&mut self) -> u64;
    /// Where a file stands, for messages; the folder for an empty name.
    fn place(&self, name: &str) -> String;
}

/// A folder of the file system.
#[derive(Debug)]
pub struct FolderDisk {
    folder: PathBuf,
    /// The segment being written: opened once, not for each append.
    writing: Option<(String, File)>,
    /// Locked while this value lives.
    lock: Option<File>,
}

impl FolderDisk {
    /// A folder, made (for its owner alone) where there is none.
    pub fn new(folder: impl Into<PathBuf>) -> io::Result<FolderDisk> {
        let folder = folder.into();
        let missing =
            folder.ancestors().take_while(|at| !at.as_os_str().is_empty() && !at.exists());
        let made: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        // The folders' own names must outlive a crash too.
        for parent in made.iter().filter_map(|made| made.parent()) {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            File::open(parent)?.sync_all()?;
        }
        Ok(FolderDisk { folder, writing: None, lock: None })
    }

    fn writing(&mut self, name: &str) -> io::Result<&File> {
        if self.writing.as_ref().is_none_or(|(open, _)| open != name) {
            let file = OpenOptions::new().write(true).open(self.folder.join(name))?;
            self.writing = Some((name.to_owned(), file));
        }
        match &self.writing {
            Some((_, file)) => Ok(file),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Disk for FolderDisk {
    fn lock(&mut self) -> io::Result<bool> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.folder.join("lock"))?;
        match file.try_lock() {
            Ok(()) => self.lock = Some(file),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(true)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        // A name that is no UTF-8 is none of ours.
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> io::Result<u64> {
        Ok(File::open(self.folder.join(name))?.metadata()?.len())
    }

    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let file = File::open(self.folder.join(name))?;
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset.saturating_add(done as u64)) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn create(&mut self, name: &str) -> io::Result<()> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.folder.join(name))?;
        self.writing = Some((name.to_owned(), file));
        Ok(())
    }

    fn write(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.writing(name)?.write_all_at(bytes, offset)
    }

    fn cut(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.writing(name)?.set_len(length)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        // fdatasync: the length is part of what is needed to read the data, so it is synced.
        self.writing(name)?.sync_data()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.writing = None;
        std::fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.folder.join(name))
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn salt(&mut self) -> u64 {
        // std's own keys of hash maps: drawn from the system's randomness, no further dependency.
        RandomState::new().build_hasher().finish()
    }

    fn place(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

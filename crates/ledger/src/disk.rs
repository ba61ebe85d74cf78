//! The few things that the ledger asks of a disk, so that tests can give it one that loses, tears
//! and refuses. A name is a file of one folder. [`Folder`] is the real one, [`Memory`] keeps nothing
//! past the process.
//!
//! What was appended is durable after `sync`; `replace` and `remove` are durable when they return.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A folder of files.
pub(crate) trait Disk: Send + Sync + std::fmt::Debug {
    fn names(&self) -> io::Result<Vec<String>>;
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    fn sync(&self, name: &str) -> io::Result<()>;
    fn truncate(&self, name: &str, length: u64) -> io::Result<()>;
    /// The whole file, new or instead of the old: either is there, never half of one.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
}

/// The most files that are kept open for appending.
const OPEN: usize = 4;
/// The file whose lock keeps a second process out.
const LOCK: &str = "lock";

/// A folder of the file system.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    open: Mutex<BTreeMap<String, File>>,
    /// Held as long as this lives.
    _lock: Option<File>,
}

impl Folder {
    /// Opens a folder to write, made if it is not there; refused while another process has it.
    pub(crate) fn own(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let lock = OpenOptions::new().create(true).append(true).open(path.join(LOCK))?;
        lock.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                io::Error::new(io::ErrorKind::ResourceBusy, "another process has it open")
            }
            fs::TryLockError::Error(error) => error,
        })?;
        Ok(Self { path: path.to_owned(), open: Mutex::default(), _lock: Some(lock) })
    }

    /// Opens a folder only to read it, also beside its writer.
    pub(crate) fn read_only(path: &Path) -> Self {
        Self { path: path.to_owned(), open: Mutex::default(), _lock: None }
    }

    fn file<T>(&self, name: &str, then: impl FnOnce(&File) -> io::Result<T>) -> io::Result<T> {
        let mut open = lock(&self.open);
        if let Some(file) = open.get(name) {
            return then(file);
        }
        let path = self.path.join(name);
        let fresh = !path.exists();
        let file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        if fresh {
            self.sync_names()?;
        }
        if open.len() >= OPEN {
            open.pop_first();
        }
        then(open.entry(name.to_owned()).or_insert(file))
    }

    fn sync_names(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Disk for Folder {
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(name, |mut file| file.write_all(bytes))
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.file(name, |file| file.sync_data())
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        self.file(name, |file| {
            file.set_len(length)?;
            file.sync_all()
        })
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        lock(&self.open).remove(name);
        let aside = self.path.join(format!("{name}.new"));
        let mut file = File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(aside, self.path.join(name))?;
        self.sync_names()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        lock(&self.open).remove(name);
        fs::remove_file(self.path.join(name))?;
        self.sync_names()
    }
}

/// Files that end with the process.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Disk for Memory {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(lock(&self.files).keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        lock(&self.files).get(name).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        lock(&self.files).entry(name.to_owned()).or_default().extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        if let Some(file) = lock(&self.files).get_mut(name) {
            file.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        }
        Ok(())
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        lock(&self.files).insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        lock(&self.files).remove(name);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

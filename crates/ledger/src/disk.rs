//! The ledger's files beside the journal's, in the same folder and on the same kind of disk
//! ([`heloscope_journal::Disk`]), so that one simulated disk loses, tears and refuses for both.
//!
//! What was appended is durable after `sync`; `replace`, `truncate` and `remove` are durable when they return.

use crate::Error;
use heloscope_journal::simulated::SimulatedDisk;
use heloscope_journal::{Disk, FolderDisk, Journal, Options};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One folder, three ways in: the journal's own, the writer's for what stands beside it, and the
/// readers', so that no look-up waits for a sync.
#[derive(Debug)]
pub(crate) struct Storage {
    pub(crate) journal: Journal,
    pub(crate) beside: Arc<Shelf>,
    pub(crate) readers: Arc<Shelf>,
}

impl Storage {
    /// In a folder, made where there is none; refused while another process has it.
    pub(crate) fn folder(path: &Path) -> Result<Self, Error> {
        let disk = || {
            FolderDisk::new(path)
                .map_err(|e| Error::io(format!("opening the ledger in {}", path.display()), e))
        };
        let (journal, _) = Journal::open(disk()?, Options::default())?;
        Ok(Self { journal, beside: Shelf::new(disk()?), readers: Shelf::new(disk()?) })
    }

    /// On a disk in memory: everything ends with the process.
    pub(crate) fn memory(disk: &SimulatedDisk) -> Result<Self, Error> {
        let (journal, _) = Journal::open(disk.clone(), Options::default())?;
        Ok(Self { journal, beside: Shelf::new(disk.clone()), readers: Shelf::new(disk.clone()) })
    }
}

/// Files by name.
pub(crate) struct Shelf(Mutex<Box<dyn Disk>>);

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shelf(..)")
    }
}

impl Shelf {
    pub(crate) fn new(disk: impl Disk + 'static) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Box::new(disk))))
    }

    /// The names of the files of a kind, `KIND-…`, in order.
    pub(crate) fn names(&self, kind: &str) -> io::Result<Vec<String>> {
        let mut names = self.disk().list()?;
        names.retain(|n| n.strip_prefix(kind).is_some_and(|rest| rest.starts_with('-')));
        names.sort_unstable();
        Ok(names)
    }

    pub(crate) fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let disk = self.disk();
        let length = usize::try_from(disk.open(name)?).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        let read = disk.read(name, 0, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Adds to a file's end; one that is not there is made.
    pub(crate) fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        let length = match disk.open(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                disk.create(name)?;
                disk.sync_dir()?;
                0
            }
            opened => opened?,
        };
        disk.write(name, length, bytes)
    }

    pub(crate) fn sync(&self, name: &str) -> io::Result<()> {
        self.disk().sync(name)
    }

    pub(crate) fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let mut disk = self.disk();
        if disk.open(name).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(());
        }
        disk.cut(name, length)?;
        disk.sync(name)
    }

    /// The whole file, new or instead of the old: either is there, never half of one.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.disk();
        let aside = format!("{name}.new");
        disk.create(&aside)?;
        disk.write(&aside, 0, bytes)?;
        disk.sync(&aside)?;
        disk.rename(&aside, name)?;
        disk.sync_dir()
    }

    pub(crate) fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        disk.remove(name)?;
        disk.sync_dir()
    }

    fn disk(&self) -> MutexGuard<'_, Box<dyn Disk>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A folder that is only read, also beside its writer: nothing is locked, cut or written.
pub(crate) struct ReadOnly<D>(pub(crate) D);

impl<D: Disk> Disk for ReadOnly<D> {
    fn lock(&mut self) -> io::Result<bool> {
        Ok(true)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn open(&self, name: &str) -> io::Result<u64> {
        self.0.open(name)
    }

    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(name, offset, into)
    }

    /// Only an empty folder would have a segment made.
    fn create(&mut self, _: &str) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn write(&mut self, _: &str, _: u64, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn cut(&mut self, _: &str, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn rename(&mut self, _: &str, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn remove(&mut self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn salt(&mut self) -> u64 {
        0
    }

    fn place(&self, name: &str) -> String {
        self.0.place(name)
    }
}

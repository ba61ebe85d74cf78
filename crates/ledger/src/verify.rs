//! What anybody can do with a ledger's files: check the chain and every commitment whose text is still
//! there, give the record out, and repeat it under another policy. Reads only.

use crate::book::Book;
use crate::delay::Key;
use crate::disk::{ReadOnly, Shelf};
use crate::event::Event;
use crate::policy::Policy;
use crate::seal::{Chained, Hash, Payload};
use crate::store::{self, Reader};
use crate::{Error, snapshot};
use heloscope_journal::{Disk, FolderDisk, Journal, Options, Sequence};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Verified {
    /// Events in the chain.
    pub events: u64,
    /// The chain's hash after the last: to be published, and compared.
    pub head: Hash,
    /// Commitments whose text is there and is the one committed to.
    pub texts: u64,
    /// Events whose text was erased, as the chain says.
    pub erased: u64,
    /// Snapshots that can be used.
    pub snapshots: usize,
    /// What is wrong, in words; empty is good.
    pub faults: Vec<String>,
}

/// One event, as it is given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Its number.
    pub sequence: u64,
    /// The chain's hash after it.
    pub hash: Hash,
    /// What the chain holds of it.
    pub chained: Chained,
    /// Its text, unless erased. Give out only its public part, and only if [`Exported::may_be_told`].
    pub payload: Option<Payload>,
}

impl Exported {
    /// Whether the public part of its text may be given out, as the list stands: of a session that everybody
    /// can know of by now, at an address that the list has something to say of.
    pub fn may_be_told(&self, book: &Book) -> bool {
        match self.payload.as_ref().and_then(Payload::event) {
            Some(Event::Detected(facts)) => book.tells(&facts),
            _ => false,
        }
    }
}

/// A record repeated.
#[derive(Debug)]
pub struct Replayed {
    /// The state it leads to.
    pub book: Book,
    /// Events passed over because their texts were erased. Nothing else hangs on them: an erasure takes
    /// everything that was said of its addresses.
    pub erased: u64,
}

/// Checks a ledger's folder.
pub fn verify(folder: &Path) -> Result<Verified, Error> {
    let (chain, beside) = read_only(folder)?;
    verify_on(chain, beside)
}

pub(crate) fn verify_on(chain: impl Disk + 'static, disk: Arc<Shelf>) -> Result<Verified, Error> {
    let journal = journal(chain)?;
    let erased = erasures(&journal)?;
    let mut found = Verified::default();
    let mut reader = Reader::new(Arc::clone(&disk));
    let faults = each(&journal, |sequence, hash, chained| {
        (found.events, found.head) = (sequence, hash);
        let (Chained::Sealed(commitments) | Chained::Erasure(commitments, _)) = chained else {
            return true;
        };
        match reader.payload(sequence) {
            Ok(Some(payload)) if payload.commitments() == commitments => {
                found.texts += commitments.len() as u64;
            }
            Ok(Some(_)) => found.faults.push(format!("event {sequence}: its text was changed")),
            Ok(None) if erased.contains(&sequence) => found.erased += 1,
            Ok(None) => found.faults.push(format!("event {sequence}: its text is missing")),
            Err(error) => found.faults.push(error.to_string()),
        }
        true
    })?;
    found.faults.extend(faults);
    let snapshots =
        disk.names("snapshot").map_err(|e| Error::io("listing the ledger's folder", e))?;
    for name in snapshots.iter().filter(|n| !n.ends_with(".new")) {
        match disk.read(name).map(|bytes| snapshot::decode(&bytes)) {
            Ok(Ok(_)) => found.snapshots += 1,
            Ok(Err(error)) => found.faults.push(format!("{name}: {error}")),
            Err(error) => found.faults.push(format!("{name}: {error}")),
        }
    }
    Ok(found)
}

/// Gives every event out, in order, until `take` says no.
pub fn export(folder: &Path, mut take: impl FnMut(Exported) -> bool) -> Result<(), Error> {
    let (chain, disk) = read_only(folder)?;
    let journal = journal(chain)?;
    let mut reader = Reader::new(disk);
    let mut failed = None;
    let faults = each(&journal, |sequence, hash, chained| match reader.payload(sequence) {
        Ok(payload) => take(Exported { sequence, hash, chained, payload }),
        Err(error) => {
            failed = Some(error);
            false
        }
    })?;
    let damaged = |what| Error::Damaged { file: "the journal".into(), what };
    let failed = failed.or_else(|| faults.into_iter().next().map(damaged));
    failed.map_or(Ok(()), Err)
}

/// Repeats the record from its first event under a policy, with each event as `with` gives it: as it
/// was, with its number, changed (another set of detectors), or none, which passes over it.
pub fn replay(
    folder: &Path,
    policy: Policy,
    key: [u8; 32],
    mut with: impl FnMut(u64, Event) -> Option<Event>,
) -> Result<Replayed, Error> {
    let (chain, disk) = read_only(folder)?;
    let journal = journal(chain)?;
    let erased = erasures(&journal)?;
    let mut reader = Reader::new(disk);
    let mut replayed = Replayed { book: Book::new(policy, Key::new(key)), erased: 0 };
    let mut failed = None;
    let faults = each(&journal, |sequence, _, chained| match reader.event(sequence, chained) {
        Ok(Some(event)) => {
            match with(sequence, event) {
                Some(event) => drop(replayed.book.apply(&event)),
                None => replayed.book.skip(),
            }
            true
        }
        Ok(None) if erased.contains(&sequence) => {
            replayed.erased += 1;
            replayed.book.skip();
            true
        }
        Ok(None) => {
            failed = Some(store::missing(sequence));
            false
        }
        Err(error) => {
            failed = Some(error);
            false
        }
    })?;
    let damaged = |what| Error::Damaged { file: "the journal".into(), what };
    let failed = failed.or_else(|| faults.into_iter().next().map(damaged));
    failed.map_or(Ok(replayed), Err)
}

/// The state as it stands in the files: the newest snapshot, with its event's number, and what came after
/// it. None where there is no snapshot yet: then a replay is all there is.
pub fn standing(
    folder: &Path,
    policy: Policy,
    key: [u8; 32],
) -> Result<Option<(u64, Book)>, Error> {
    let (chain, disk) = read_only(folder)?;
    store::standing(disk, || journal(chain), policy, Key::new(key))
}

/// The events whose texts the chain says were erased.
fn erasures(journal: &Journal) -> Result<BTreeSet<u64>, Error> {
    let mut erased = BTreeSet::new();
    each(journal, |sequence, _, chained| {
        if let Chained::Erasure(_, sequences) = chained {
            erased.extend(sequences);
            erased.insert(sequence);
        }
        true
    })?;
    Ok(erased)
}

/// Walks the chain; returns what is wrong with it, where the walk ends.
fn each(
    journal: &Journal,
    mut take: impl FnMut(u64, Hash, Chained) -> bool,
) -> Result<Vec<String>, Error> {
    let mut head = Hash::default();
    for record in journal.read(Sequence(1)) {
        let (sequence, record) = match record {
            Ok((sequence, record)) => (sequence.get(), record),
            Err(error) => return Ok(vec![error.to_string()]),
        };
        let Some((hash, body)) = record.split_first_chunk::<32>() else {
            return Ok(vec![format!("event {sequence} is too short")]);
        };
        if *hash != store::link(&head, body) {
            return Ok(vec![format!("the chain breaks at event {sequence}")]);
        }
        let Ok(chained) = postcard::from_bytes(body) else {
            return Ok(vec![format!("event {sequence} is of another version")]);
        };
        if !take(sequence, *hash, chained) {
            break;
        }
        head = *hash;
    }
    Ok(Vec::new())
}

fn read_only(folder: &Path) -> Result<(FolderDisk, Arc<Shelf>), Error> {
    // Making a folder is not for who only reads.
    std::fs::metadata(folder).map_err(|e| Error::io(format!("opening {}", folder.display()), e))?;
    let disk = || {
        FolderDisk::new(folder).map_err(|e| Error::io(format!("opening {}", folder.display()), e))
    };
    Ok((disk()?, Shelf::new(disk()?)))
}

fn journal(disk: impl Disk + 'static) -> Result<Journal, Error> {
    Ok(Journal::open(ReadOnly(disk), Options::default())?.0)
}

//! Where events are kept. In one folder:
//!
//! - the journal (`heloscope_journal`): the chain, which cannot be changed. A record an event: the
//!   chain's hash after it, SHA-256 of the hash before and the body, then the body, [`Chained`].
//! - `texts-N`: what can be erased. A frame an event that speaks of an address: its number and [`Payload`].
//!   1,024 events a file, so that an erasure rewrites little and a look-up reads little.
//! - `snapshot-N`: the state after event N. The last two good ones are kept.
//!
//! A batch's texts are synced before its chain, so an event in the chain has its text unless it was erased.
//! Opening takes the newest good snapshot, cuts what was torn or never acknowledged behind the last
//! whole frame, and repeats the rest. Damage before that is refused with the file's name: nothing
//! acknowledged is dropped in silence. A write that failed (a full disk) is taken back and refused; if that
//! fails too, or a sync does, the store takes nothing more.

use crate::book::Book;
use crate::delay::Key;
use crate::disk::{Shelf, Storage};
use crate::event::Event;
use crate::policy::Policy;
use crate::seal::{Chained, Hash, Payload};
use crate::snapshot::{self, Head};
use crate::{Error, frames};
use heloscope_journal::{Journal, Sequence};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

/// Events in one file of texts.
pub(crate) const TEXTS: u64 = 1024;
/// Snapshots kept.
const SNAPSHOTS: usize = 2;

/// The open store; only the writer has it.
#[derive(Debug)]
pub(crate) struct Store {
    journal: Journal,
    disk: Arc<Shelf>,
    /// The last event recorded.
    sequence: u64,
    head: Hash,
    /// The last event that a snapshot holds.
    snapshot: u64,
    /// Texts to erase that may still be there.
    erasing: Vec<u64>,
    /// Why nothing more is taken.
    broken: Option<String>,
    /// Lengths of the files that are being appended to.
    lengths: BTreeMap<String, u64>,
}

/// An event to record.
pub(crate) struct Entry {
    pub(crate) chained: Chained,
    pub(crate) payload: Option<Payload>,
}

impl Store {
    /// Opens what is there, or begins. The book is as of the last event that was recorded whole.
    pub(crate) fn open(storage: Storage, policy: Policy, key: Key) -> Result<(Self, Book), Error> {
        let Storage { journal, beside: disk, .. } = storage;
        for kind in ["snapshot", "texts"] {
            let names =
                disk.names(kind).map_err(|e| Error::io("listing the ledger's folder", e))?;
            for aside in names.iter().filter(|n| n.ends_with(".new")) {
                disk.remove(aside).map_err(|e| Error::io(format!("removing {aside}"), e))?;
            }
        }
        let (generation, head, mut book) = Self::newest_snapshot(&disk, policy, key)?;
        let mut store = Self::at(journal, disk, generation, head);
        let tail = store.tail()?;
        store.repeat(tail, &mut book)?;
        store.cut_texts()?;
        if !store.erasing.is_empty() {
            store.purge(&book)?;
        }
        Ok((store, book))
    }

    fn at(journal: Journal, disk: Arc<Shelf>, generation: u64, head: Head) -> Self {
        Self {
            journal,
            disk,
            sequence: generation,
            head: head.chain,
            snapshot: generation,
            erasing: head.erasing,
            broken: None,
            lengths: BTreeMap::new(),
        }
    }

    /// Why nothing more is taken, if so.
    pub(crate) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Events since the last snapshot.
    pub(crate) fn since_snapshot(&self) -> u64 {
        self.sequence - self.snapshot
    }

    /// Records a batch; durable when it returns. On an error none of it is recorded.
    pub(crate) fn append(&mut self, batch: &[Entry]) -> Result<(), Error> {
        if let Some(why) = &self.broken {
            return Err(Error::Stopped(why.clone()));
        }
        let mut texts: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let mut chain = Vec::with_capacity(batch.len());
        let (mut sequence, mut head) = (self.sequence, self.head);
        for Entry { chained, payload } in batch {
            sequence += 1;
            if let Some(payload) = payload {
                let body = postcard::to_allocvec(&(sequence, payload))?;
                frames::push(texts.entry(name("texts", sequence, TEXTS)).or_default(), &body);
            }
            let body = postcard::to_allocvec(chained)?;
            head = link(&head, &body);
            chain.push([&head[..], &body].concat());
        }
        if let Err(error) = self.write(&texts) {
            self.take_back(texts.keys(), &error);
            return Err(Error::io("recording an event's texts", error));
        }
        if let Err(error) = self.journal.append(&chain) {
            // The texts are cut at the next start, if not here.
            self.take_back(texts.keys(), &io::Error::other(error.to_string()));
            if self.journal.stopped().is_some() {
                self.broken = Some(error.to_string());
            }
            return Err(error.into());
        }
        for (file, bytes) in &texts {
            *self.lengths.entry(file.clone()).or_default() += bytes.len() as u64;
        }
        // Only the file at the end is appended to.
        let current = name("texts", sequence, TEXTS);
        self.lengths.retain(|file, _| *file >= current);
        (self.sequence, self.head) = (sequence, head);
        Ok(())
    }

    /// Writes the state aside and puts it in place; older ones than the last two go.
    pub(crate) fn snapshot(&mut self, book: &Book) -> Result<(), Error> {
        let head = Head { chain: self.head, erasing: self.erasing.clone() };
        let bytes = snapshot::encode(&head, &book.state)?;
        let name = format!("snapshot-{:016x}", book.generation());
        self.disk.replace(&name, &bytes).map_err(|e| Error::io(format!("writing {name}"), e))?;
        self.snapshot = book.generation();
        self.forget_snapshots(SNAPSHOTS)
    }

    /// The events whose texts speak of addresses within a prefix, exemptions left out.
    pub(crate) fn speaking_of(&self, prefix: ipnet::IpNet) -> Result<Vec<u64>, Error> {
        let mut found = Vec::new();
        for file in self.files("texts")? {
            let bytes = self.read(&file)?;
            for (sequence, payload) in texts(&bytes) {
                let event = payload.event();
                let exemption =
                    |e: &Event| matches!(e, Event::Exempted { .. } | Event::Unexempted { .. });
                let of = event.filter(|e| !exemption(e)).and_then(|e| e.prefix());
                if of.is_some_and(|of| prefix.contains(&of)) {
                    found.push(sequence);
                }
            }
        }
        Ok(found)
    }

    /// After an erasure was recorded and applied: the state without it is written first, then the texts
    /// go and every older snapshot. Interrupted, it is done again at the next start.
    pub(crate) fn erase(&mut self, sequences: Vec<u64>, book: &Book) -> Result<(), Error> {
        self.erasing.extend(sequences);
        self.purge(book)
    }

    fn purge(&mut self, book: &Book) -> Result<(), Error> {
        // No older snapshot may outlive the texts: it would bring back what was forgotten.
        self.snapshot(book)?;
        self.forget_snapshots(1)?;
        let gone: BTreeSet<u64> = self.erasing.iter().copied().collect();
        let files: BTreeSet<String> = gone.iter().map(|s| name("texts", *s, TEXTS)).collect();
        let there: BTreeSet<String> = self.files("texts")?.into_iter().collect();
        for file in files.intersection(&there) {
            let bytes = self.read(file)?;
            let mut left = Vec::with_capacity(bytes.len());
            for body in frames::read(&bytes) {
                if !sequence_of(body).is_some_and(|s| gone.contains(&s)) {
                    frames::push(&mut left, body);
                }
            }
            if left.len() != bytes.len() {
                self.disk
                    .replace(file, &left)
                    .map_err(|e| Error::io(format!("rewriting {file}"), e))?;
                if let Some(length) = self.lengths.get_mut(file) {
                    *length = left.len() as u64;
                }
            }
        }
        self.erasing.clear();
        Ok(())
    }

    fn forget_snapshots(&self, keep: usize) -> Result<(), Error> {
        for old in self.files("snapshot")?.iter().rev().skip(keep) {
            self.disk.remove(old).map_err(|e| Error::io(format!("removing {old}"), e))?;
        }
        Ok(())
    }

    fn write(&mut self, files: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
        // A file is whole before the next one begins: only the last can be torn.
        for (file, bytes) in files {
            self.disk.append(file, bytes)?;
            if let Err(error) = self.disk.sync(file) {
                // What the disk holds now nobody knows.
                self.broken = Some(format!("{file} could not be synced: {error}"));
                return Err(error);
            }
        }
        Ok(())
    }

    fn take_back<'a>(&mut self, files: impl Iterator<Item = &'a String>, why: &io::Error) {
        for file in files {
            let length = self.lengths.get(file).copied().unwrap_or(0);
            if let Err(error) = self.disk.truncate(file, length) {
                let lost = || format!("{file} could not be written ({why}) nor cut back ({error})");
                self.broken.get_or_insert_with(lost);
            }
        }
    }

    fn newest_snapshot(disk: &Shelf, policy: Policy, key: Key) -> Result<(u64, Head, Book), Error> {
        let names =
            disk.names("snapshot").map_err(|e| Error::io("listing the ledger's folder", e))?;
        for name in names.iter().rev() {
            let Ok(bytes) = disk.read(name) else { continue };
            if let Ok((head, state)) = snapshot::decode(&bytes) {
                return Ok((state.generation, head, Book::from_state(state, policy, key)));
            }
        }
        Ok((0, Head::default(), Book::new(policy, key)))
    }

    /// The chain after the snapshot.
    fn tail(&mut self) -> Result<Vec<(u64, Chained)>, Error> {
        let damaged = |what: String| Error::Damaged { file: "the journal".into(), what };
        let last = self.journal.last().get();
        if last < self.snapshot {
            return Err(damaged(format!(
                "it ends at event {last}, a snapshot at {}",
                self.snapshot
            )));
        }
        let mut tail = Vec::new();
        for record in self.journal.read(Sequence(self.snapshot.max(1))) {
            let (sequence, record) = record?;
            let sequence = sequence.get();
            let Some((hash, body)) = record.split_first_chunk::<32>() else {
                return Err(damaged(format!("event {sequence} is too short")));
            };
            if sequence == self.snapshot {
                if *hash != self.head {
                    return Err(damaged(
                        "it is not the chain that the snapshot was made of".into(),
                    ));
                }
                continue;
            }
            if *hash != link(&self.head, body) {
                return Err(damaged(format!("the chain breaks at event {sequence}")));
            }
            let chained = postcard::from_bytes(body)
                .map_err(|_| damaged(format!("event {sequence} is of another version")))?;
            tail.push((sequence, chained));
            self.head = *hash;
        }
        self.sequence = last;
        Ok(tail)
    }

    /// Texts that were torn, or whose events never reached the chain, go.
    fn cut_texts(&mut self) -> Result<(), Error> {
        let from = name("texts", self.sequence.max(1), TEXTS);
        for file in self.files("texts")?.iter().filter(|n| **n >= from) {
            let bytes = self.read(file)?;
            let mut frames = frames::read(&bytes);
            let mut keep = 0;
            while let Some(body) = frames.next() {
                if sequence_of(body).is_none_or(|s| s > self.sequence) {
                    break;
                }
                keep = frames.end();
            }
            if keep != bytes.len() as u64 {
                self.disk
                    .truncate(file, keep)
                    .map_err(|e| Error::io(format!("cutting {file}"), e))?;
            }
            self.lengths.insert(file.clone(), keep);
        }
        Ok(())
    }

    fn repeat(&mut self, tail: Vec<(u64, Chained)>, book: &mut Book) -> Result<(), Error> {
        let mut erased: BTreeSet<u64> = BTreeSet::new();
        for (sequence, chained) in &tail {
            if let Chained::Erasure(_, sequences) = chained {
                erased.extend(sequences);
                erased.insert(*sequence);
            }
        }
        self.erasing.extend(&erased);
        let mut reader = Reader::new(Arc::clone(&self.disk));
        for (sequence, chained) in tail {
            match reader.event(sequence, chained)? {
                Some(event) => drop(book.apply(&event)),
                None if erased.contains(&sequence) => book.skip(),
                None => return Err(missing(sequence)),
            }
        }
        Ok(())
    }

    fn files(&self, kind: &str) -> Result<Vec<String>, Error> {
        self.disk.names(kind).map_err(|e| Error::io("listing the ledger's folder", e))
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, Error> {
        self.disk.read(file).map_err(|e| Error::io(format!("reading {file}"), e))
    }
}

/// A text that should be there.
pub(crate) fn missing(sequence: u64) -> Error {
    let what = format!("the text of event {sequence} is missing and was not erased");
    Error::Damaged { file: name("texts", sequence, TEXTS), what }
}

/// The state as it stands in the files, also beside their writer: nothing is cut, finished or written. The
/// journal is opened after the snapshot was read, so that it holds whatever that one does.
pub(crate) fn standing(
    disk: Arc<Shelf>,
    journal: impl FnOnce() -> Result<Journal, Error>,
    policy: Policy,
    key: Key,
) -> Result<Option<(u64, Book)>, Error> {
    let (generation, head, mut book) = Store::newest_snapshot(&disk, policy, key)?;
    if generation == 0 {
        return Ok(None);
    }
    let mut store = Store::at(journal()?, disk, generation, head);
    let tail = store.tail()?;
    store.repeat(tail, &mut book)?;
    Ok(Some((generation, book)))
}

/// Reads texts one after the other, a file at a time.
pub(crate) struct Reader {
    disk: Arc<Shelf>,
    file: String,
    texts: BTreeMap<u64, Payload>,
}

impl Reader {
    pub(crate) fn new(disk: Arc<Shelf>) -> Self {
        Self { disk, file: String::new(), texts: BTreeMap::new() }
    }

    /// The text of an event, unless it is gone.
    pub(crate) fn payload(&mut self, sequence: u64) -> Result<Option<Payload>, Error> {
        let file = name("texts", sequence, TEXTS);
        if file != self.file {
            self.texts = match self.disk.read(&file) {
                Ok(bytes) => texts(&bytes).collect(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
                Err(error) => return Err(Error::io(format!("reading {file}"), error)),
            };
            self.file = file;
        }
        Ok(self.texts.remove(&sequence))
    }

    /// The event that the chain holds or commits to; none if its text is gone.
    pub(crate) fn event(
        &mut self,
        sequence: u64,
        chained: Chained,
    ) -> Result<Option<Event>, Error> {
        let (Chained::Sealed(commitments) | Chained::Erasure(commitments, _)) = chained else {
            let Chained::Open(event) = chained else { return Ok(None) };
            return Ok(Some(event));
        };
        let Some(payload) = self.payload(sequence)? else { return Ok(None) };
        let damaged = |what: &str| Error::Damaged {
            file: name("texts", sequence, TEXTS),
            what: format!("the text of event {sequence} {what}"),
        };
        if payload.commitments() != commitments {
            return Err(damaged("is not the one that was committed to"));
        }
        payload.event().map(Some).ok_or_else(|| damaged("cannot be read"))
    }
}

/// The texts of single events, for the views: read when they are asked for.
#[derive(Clone, Debug)]
pub(crate) struct Payloads(pub(crate) Arc<Shelf>);

impl Payloads {
    pub(crate) fn get(&self, sequences: &[u64]) -> Vec<Payload> {
        // Neighbours stand in one file.
        let mut sorted = sequences.to_vec();
        sorted.sort_unstable();
        let mut reader = Reader::new(Arc::clone(&self.0));
        let mut found: BTreeMap<u64, Payload> = sorted
            .into_iter()
            .filter_map(|s| reader.payload(s).ok().flatten().map(|p| (s, p)))
            .collect();
        sequences.iter().filter_map(|s| found.remove(s)).collect()
    }
}

/// The chain's next hash.
pub(crate) fn link(before: &Hash, body: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(body);
    hash.finalize().into()
}

/// The file that an event stands in, by its first event.
fn name(kind: &str, sequence: u64, events: u64) -> String {
    let first = (sequence.max(1) - 1) / events * events + 1;
    format!("{kind}-{first:016x}")
}

fn texts(bytes: &[u8]) -> impl Iterator<Item = (u64, Payload)> {
    frames::read(bytes).filter_map(|body| postcard::from_bytes(body).ok())
}

fn sequence_of(body: &[u8]) -> Option<u64> {
    postcard::take_from_bytes(body).ok().map(|(sequence, _)| sequence)
}

#[cfg(test)]
mod tests;

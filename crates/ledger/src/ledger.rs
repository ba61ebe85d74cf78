//! The list as its users see it: one writer thread that records, applies and answers; readers that
//! ask under a lock.
//!
//! Requests are taken in batches: one write and sync for all that wait, then each is applied in order
//! and answered, so that what was acknowledged is durable. A store that failed stops the writer:
//! every request from then on is refused with the reason, readers go on. Cheap to clone.

use crate::answer::Summary;
use crate::book::listing::is_listed_whole;
use crate::book::{Book, Change, Exemption};
use crate::delay::Key;
use crate::disk::Storage;
use crate::event::{Asked, Detected, Event, Recall};
use crate::policy::{self, Policy};
use crate::reserved::listable;
use crate::statistics::{Day, Incident};
use crate::store::{Payloads, Store};
use crate::{OperatorListing, OwnerListing, Past, PublicListing, Removal, Sublist, Sublists};
use heloscope_journal::simulated::SimulatedDisk;
use heloscope_model::Time;
use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;

mod writer;

/// The most requests that wait for the writer; who comes then waits to hand his in.
const WAITING: usize = 4096;
/// The most sessions in a view.
const SEEN: usize = 50;
/// A snapshot is written after so many events, and at the end.
const SNAPSHOT_EVERY: u64 = 100_000;
/// The most batches of changes that a subscriber may lag behind.
const LAG: usize = 1024;

/// How a ledger is opened.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it keeps its files; none keeps nothing, for tests.
    pub folder: Option<PathBuf>,
    /// The list's secret, made once and kept: publication times and tolerances hang on it.
    pub key: [u8; 32],
    /// What lists and for how long.
    pub policy: Policy,
}

impl Config {
    /// Nothing kept; the lab's policy if `lab`.
    pub fn memory(lab: bool) -> Self {
        let policy = if lab { Policy::lab() } else { Policy::standard() };
        Self { folder: None, key: [0; 32], policy }
    }
}

/// Why the ledger could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The writer has stopped: nothing more is recorded until the list is started again.
    #[error("the ledger takes nothing more: {0}; mend the disk, then start again")]
    Stopped(String),
    /// This was not recorded, nothing else was lost: the disk may be full.
    #[error("not recorded: {0}; free space on the ledger's disk and try again")]
    NotRecorded(String),
    /// A file cannot be read or written.
    #[error("{what}: {error}")]
    Io {
        /// Doing what.
        what: String,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// The chain cannot be opened, read or written.
    #[error(transparent)]
    Journal(#[from] heloscope_journal::Error),
    /// A file is not what was written.
    #[error("{file} is damaged: {what}; put back a copy of the folder, nothing was changed")]
    Damaged {
        /// Which.
        file: String,
        /// How.
        what: String,
    },
    /// The event cannot be encoded.
    #[error("encoding an event: {0}")]
    Encode(#[from] postcard::Error),
    /// It is against the rules of the list.
    #[error("{0}")]
    Refused(String),
    /// No thread for the writer.
    #[error("starting the ledger's writer: {0}")]
    Thread(std::io::Error),
}

impl Error {
    /// Whether another process has the list's files.
    pub fn is_in_use(&self) -> bool {
        matches!(self, Self::Journal(heloscope_journal::Error::Locked { .. }))
    }

    pub(crate) fn io(what: impl Into<String>, error: std::io::Error) -> Self {
        Self::Io { what: what.into(), error }
    }
}

/// That a report is recorded for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The event's number.
    pub sequence: u64,
}

/// What a follower is told, in order, never twice.
#[derive(Clone, Debug, PartialEq)]
pub enum Followed {
    /// First: everything that is listed.
    Snapshot {
        /// As of this event.
        generation: u64,
        /// In order of prefixes.
        listed: Vec<(IpNet, Sublists)>,
    },
    /// Then: what changed.
    Changes {
        /// As of this event.
        generation: u64,
        /// In order.
        changes: Vec<Change>,
    },
}

/// A consistent copy, and everything after it.
#[derive(Debug)]
pub struct Subscription {
    /// The copy is as of this event.
    pub generation: u64,
    /// Everything that was listed then.
    pub listed: Vec<(IpNet, Sublists)>,
    /// What changed since. It closes when the subscriber lags too far behind (subscribe again) or
    /// the ledger is gone.
    pub changes: Receiver<Vec<Change>>,
}

/// The list.
#[derive(Clone, Debug)]
pub struct Ledger {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    requests: Option<SyncSender<Request>>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// What writer and readers share.
#[derive(Debug)]
struct Shared {
    book: RwLock<Book>,
    payloads: Payloads,
    log: Mutex<writer::Log>,
    /// The last thing that went wrong without stopping the writer.
    trouble: Mutex<Option<String>>,
}

struct Request {
    what: What,
    answer: SyncSender<Result<Answer, Error>>,
}

enum What {
    Detected(Box<Detected>),
    Event(Event),
    Tick(Time),
    Erase(Time, IpNet),
    Follow(Follower),
}

type Follower = Box<dyn FnMut(Followed) + Send>;

#[derive(Debug)]
struct Answer {
    sequence: u64,
    removal: Option<Removal>,
    /// How many listings a recall took back.
    recalled: Option<u64>,
}

impl Ledger {
    /// Opens the list, or begins one.
    pub fn open(config: Config, now: Time) -> Result<Self, Error> {
        match &config.folder {
            Some(path) => {
                let storage = Storage::folder(path)?;
                Self::on(storage, config.policy, config.key, SNAPSHOT_EVERY, now)
            }
            None => {
                let storage = Storage::memory(&SimulatedDisk::default())?;
                Self::on(storage, config.policy, config.key, u64::MAX, now)
            }
        }
    }

    fn on(
        storage: Storage,
        policy: Policy,
        key: [u8; 32],
        every: u64,
        now: Time,
    ) -> Result<Self, Error> {
        let readers = Arc::clone(&storage.readers);
        let (store, book) = Store::open(storage, policy, Key::new(key))?;
        let shared = Arc::new(Shared {
            book: RwLock::new(book),
            payloads: Payloads(readers),
            log: Mutex::default(),
            trouble: Mutex::default(),
        });
        let (requests, waiting) = sync_channel(WAITING);
        let writer =
            writer::start(Arc::clone(&shared), store, every, waiting).map_err(Error::Thread)?;
        let writer = Mutex::new(Some(writer));
        let ledger = Self { inner: Arc::new(Inner { shared, requests: Some(requests), writer }) };
        ledger.tick(now)?;
        Ok(ledger)
    }

    /// Records a session that detectors saw something in. Durable when it returns.
    pub fn detected(&self, detected: Detected) -> Result<Ack, Error> {
        let what = What::Detected(Box::new(detected.bounded()));
        self.ask(what).map(|answer| Ack { sequence: answer.sequence })
    }

    /// The same for many: those that wait together are recorded by one write and one sync. Takes out what
    /// is recorded; what is left at an error is not, and may be handed in again.
    pub fn detected_all(&self, all: &mut Vec<Detected>) -> Result<(), Error> {
        let hand_in = |d: &Detected| self.hand_in(What::Detected(Box::new(d.clone().bounded())));
        let handed: Vec<_> = all.iter().map(hand_in).collect();
        let answers: Vec<_> =
            handed.into_iter().map(|handed| wait(&handed?)).map(Result::err).collect();
        let mut failed = answers.iter().map(Option::is_some);
        all.retain(|_| failed.next().unwrap_or(true));
        answers.into_iter().flatten().next().map_or(Ok(()), Err)
    }

    /// Says what time it is, about once a second: publishes what is due, lets listings expire.
    pub fn tick(&self, now: Time) -> Result<(), Error> {
        self.ask(What::Tick(now)).map(drop)
    }

    /// Asks that an address be removed.
    pub fn remove(&self, address: IpAddr, by: Asked, now: Time) -> Result<Removal, Error> {
        let address = address.to_canonical();
        // Who asks for what is not listed leaves no trace.
        if self.book().sublist(address).is_none() {
            return Ok(Removal::NotListed);
        }
        let answer = self.ask(What::Event(Event::RemovalAsked { at: now, address, by }))?;
        Ok(answer.removal.unwrap_or(Removal::NotListed))
    }

    /// Addresses that cannot be listed from now on, for good or until an instant.
    pub fn exempt(
        &self,
        prefix: IpNet,
        why: &str,
        until: Option<Time>,
        now: Time,
    ) -> Result<(), Error> {
        let why = why.to_owned();
        self.ask(What::Event(Event::Exempted { at: now, prefix: prefix.trunc(), why, until }))
            .map(drop)
    }

    /// They can be listed again.
    pub fn unexempt(&self, prefix: IpNet, now: Time) -> Result<(), Error> {
        self.ask(What::Event(Event::Unexempted { at: now, prefix: prefix.trunc() })).map(drop)
    }

    /// Takes back all that a detector's version listed, and publishes the incident.
    pub fn recall(
        &self,
        detector: &str,
        version: u32,
        incident: &str,
        now: Time,
    ) -> Result<(), Error> {
        let recall = Recall { detector: detector.to_owned(), version, from: None, to: None };
        self.recall_between(recall, incident, now).map(drop)
    }

    /// The same for the sessions of some time; says how many listings it took back.
    pub fn recall_between(&self, recall: Recall, incident: &str, now: Time) -> Result<u64, Error> {
        let incident = incident.to_owned();
        let answer = self.ask(What::Event(Event::Recalled { at: now, recall, incident }))?;
        Ok(answer.recalled.unwrap_or(0))
    }

    /// Lists an address, or a /64, by the operator's word: with the reason, published, and a term, which
    /// nothing but his saying it again prolongs. `seen` is when it did what it is listed for.
    pub fn add(
        &self,
        prefix: IpNet,
        why: &str,
        seen: Option<Time>,
        until: Option<Time>,
        now: Time,
    ) -> Result<PublicListing, Error> {
        let refused = |why: String| Err(Error::Refused(why));
        if !is_listed_whole(prefix) {
            return refused(format!(
                "{prefix}: the list holds single addresses, and whole /64 of IPv6; add them one by one"
            ));
        }
        let prefix = prefix.trunc();
        {
            let book = self.book();
            if !listable(prefix, book.policy.lab) {
                return refused(format!("{prefix} is reserved and can never be listed"));
            }
            if !book.may_list(prefix) {
                return refused(format!("{prefix} is exempted; take the exemption back first"));
            }
            let now = book.now().unwrap_or(now).max(now);
            let longest =
                policy::by_hand_until(now, Some(Time::from_nanos(i64::MAX)), &book.policy);
            if until.is_some_and(|until| until <= now || until > longest) {
                return refused(format!(
                    "a listing by hand ends after now and by {}; say it again then",
                    longest.rfc3339()
                ));
            }
        }
        let why = why.to_owned();
        self.ask(What::Event(Event::Added { at: now, prefix, why, seen, until }))?;
        let listed = self.book().listings(Some(prefix), None, usize::MAX);
        listed
            .into_iter()
            .find(|listing| listing.prefix == prefix)
            .ok_or_else(|| Error::Refused(format!("{prefix} was exempted meanwhile")))
    }

    /// Takes addresses out, with the reason that their history tells.
    pub fn withdraw(&self, prefix: IpNet, why: &str, now: Time) -> Result<(), Error> {
        let why = why.to_owned();
        self.ask(What::Event(Event::Withdrawn { at: now, prefix: prefix.trunc(), why })).map(drop)
    }

    /// A detector counts no more, until it is resumed.
    pub fn pause(&self, detector: &str, why: &str, now: Time) -> Result<(), Error> {
        let (detector, why) = (detector.to_owned(), why.to_owned());
        self.ask(What::Event(Event::Paused { at: now, detector, why })).map(drop)
    }

    /// It counts again.
    pub fn resume(&self, detector: &str, now: Time) -> Result<(), Error> {
        let detector = detector.to_owned();
        self.ask(What::Event(Event::Resumed { at: now, detector })).map(drop)
    }

    /// Forgets everything about addresses, in the list and in its files. Exemptions stay.
    pub fn erase(&self, prefix: IpNet, now: Time) -> Result<(), Error> {
        self.ask(What::Erase(now, prefix.trunc())).map(drop)
    }

    /// What everybody may know of an address: its listing, and what happened before, newest first.
    pub fn public(&self, address: IpAddr) -> (Option<PublicListing>, Vec<Past>) {
        self.book().public(address)
    }

    /// What the owner may know of his address's listing.
    pub fn owner(&self, address: IpAddr) -> Option<OwnerListing> {
        let (public, sequences) = {
            let book = self.book();
            (book.public(address).0?, book.sessions(address, false, SEEN))
        };
        let payloads = self.inner.shared.payloads.get(&sequences);
        Some(OwnerListing { public, seen: payloads.iter().filter_map(|p| p.owner()).collect() })
    }

    /// What the operator may know of a listing.
    pub fn operator(&self, address: IpAddr) -> Option<OperatorListing> {
        let owner = self.owner(address)?;
        Some(OperatorListing { owner, seen: self.evidence(address) })
    }

    /// All sessions against an address, also hidden ones and those of one not listed, newest first: for the
    /// operator.
    pub fn evidence(&self, address: IpAddr) -> Vec<crate::OperatorEvidence> {
        let sequences = self.book().sessions(address, true, SEEN);
        let payloads = self.inner.shared.payloads.get(&sequences);
        payloads.iter().filter_map(|p| p.operator()).collect()
    }

    /// Sessions as they came, newest first: for the desk.
    pub fn recent(&self, limit: usize) -> Vec<Summary> {
        self.book().recent(limit)
    }

    /// Counts of each day, oldest first.
    pub fn statistics(&self) -> Vec<Day> {
        self.book().state.days.iter().cloned().collect()
    }

    /// How many listings there are.
    pub fn active(&self) -> u64 {
        self.book().state.active
    }

    /// The recalls, oldest first; published.
    pub fn incidents(&self) -> Vec<Incident> {
        self.book().state.incidents.clone()
    }

    /// What cannot be listed by the operator's word.
    pub fn exemptions(&self) -> Vec<(IpNet, Exemption)> {
        self.book().state.exempted.iter().map(|(p, e)| (*p, e.clone())).collect()
    }

    /// The detectors that are paused, and why.
    pub fn paused(&self) -> Vec<(String, String)> {
        self.book().state.paused.iter().map(|(d, why)| (d.clone(), why.clone())).collect()
    }

    /// Every prefix that is listed, in order.
    pub fn listed(&self) -> Vec<(IpNet, Sublists)> {
        self.book().listed().collect()
    }

    /// Listings in order: within a prefix, after one, so many at most.
    pub fn listings(
        &self,
        within: Option<IpNet>,
        after: Option<IpNet>,
        most: usize,
    ) -> Vec<PublicListing> {
        self.book().listings(within, after, most)
    }

    /// Every detector and version that was ever reported.
    pub fn reported(&self) -> Vec<(String, u32)> {
        let book = self.book();
        let rules = book.state.rules.iter().map(|(_, r)| (r.detector.clone(), r.version));
        rules.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Where an address stands: quick.
    pub fn sublist(&self, address: IpAddr) -> Option<Sublist> {
        self.book().sublist(address)
    }

    /// The last event applied.
    pub fn generation(&self) -> u64 {
        self.book().generation()
    }

    /// The list's clock.
    pub fn now(&self) -> Option<Time> {
        self.book().now()
    }

    /// What last went wrong without stopping the list (a snapshot that could not be written).
    pub fn trouble(&self) -> Option<String> {
        self.inner.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What changed after an event, in order; none if that is too long ago: take [`Ledger::listed`].
    pub fn changes(&self, from: u64) -> Option<Vec<Change>> {
        self.inner.shared.log.lock().unwrap_or_else(PoisonError::into_inner).after(from)
    }

    /// Calls back on the writer's thread: once with all that is listed, then with every change as soon
    /// as it is durable. It must be quick, and must not call the ledger.
    pub fn follow(&self, follower: impl FnMut(Followed) + Send + 'static) -> Result<(), Error> {
        self.ask(What::Follow(Box::new(follower))).map(drop)
    }

    /// The same, to be taken at leisure.
    pub fn subscribe(&self) -> Result<Subscription, Error> {
        let (first, snapshot) = sync_channel(1);
        let (sender, changes) = sync_channel(LAG);
        let mut sender = Some(sender);
        self.follow(move |followed| match followed {
            Followed::Snapshot { generation, listed } => drop(first.try_send((generation, listed))),
            Followed::Changes { changes, .. } => {
                // A subscriber that is too slow, or gone, is let go.
                if sender.as_ref().is_some_and(|s| s.try_send(changes).is_err()) {
                    sender = None;
                }
            }
        })?;
        let (generation, listed) = snapshot.recv().map_err(|_| stopped())?;
        Ok(Subscription { generation, listed, changes })
    }

    fn ask(&self, what: What) -> Result<Answer, Error> {
        wait(&self.hand_in(what)?)
    }

    fn hand_in(&self, what: What) -> Result<Receiver<Result<Answer, Error>>, Error> {
        let (answer, answered) = sync_channel(1);
        let requests = self.inner.requests.as_ref().ok_or_else(stopped)?;
        requests.send(Request { what, answer }).map_err(|_| stopped())?;
        Ok(answered)
    }

    fn book(&self) -> RwLockReadGuard<'_, Book> {
        self.inner.shared.book.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    /// The writer ends what it has been given, so that the folder is free when this returns.
    fn drop(&mut self) {
        drop(self.requests.take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer.filter(|w| w.thread().id() != std::thread::current().id()) {
            drop(writer.join());
        }
    }
}

fn wait(answered: &Receiver<Result<Answer, Error>>) -> Result<Answer, Error> {
    answered.recv().map_err(|_| stopped())?
}

fn stopped() -> Error {
    Error::Stopped("its writer has ended".into())
}

#[cfg(test)]
pub(crate) mod tests;

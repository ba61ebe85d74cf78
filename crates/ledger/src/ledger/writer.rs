//! The writer: takes what waits, records it all at once, applies each in order, answers.

use super::{Answer, Error, Followed, Follower, Request, Shared, What};
use crate::book::Change;
use crate::event::Event;
use crate::seal::{self, Chained, Payload};
use crate::store::{Entry, Store};
use heloscope_model::Time;
use ipnet::IpNet;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;

/// The most requests that are recorded at once.
const BATCH: usize = 512;
/// The most changes that are kept for who asks from a generation.
const LOG: usize = 65_536;

/// The last changes.
#[derive(Debug, Default)]
pub(super) struct Log {
    changes: VecDeque<Change>,
    /// Changes up to this event are not kept any more.
    before: u64,
}

impl Log {
    pub(super) fn after(&self, generation: u64) -> Option<Vec<Change>> {
        (generation >= self.before)
            .then(|| self.changes.iter().filter(|c| c.generation > generation).copied().collect())
    }

    fn extend(&mut self, changes: &[Change]) {
        self.changes.extend(changes);
        while self.changes.len() > LOG
            && let Some(gone) = self.changes.pop_front()
        {
            self.before = gone.generation;
        }
    }
}

pub(super) fn start(
    shared: Arc<Shared>,
    store: Store,
    every: u64,
    requests: Receiver<Request>,
) -> std::io::Result<JoinHandle<()>> {
    // What the log does not hold was before this start.
    shared.log.lock().unwrap_or_else(PoisonError::into_inner).before =
        shared.book.read().unwrap_or_else(PoisonError::into_inner).generation();
    let mut writer = Writer { shared, store, every, followers: Vec::new() };
    std::thread::Builder::new().name("ledger".into()).spawn(move || {
        while let Ok(first) = requests.recv() {
            let batch = std::iter::once(first).chain(requests.try_iter()).take(BATCH).collect();
            writer.batch(batch);
            writer.snapshot(writer.every);
        }
        writer.snapshot(1);
    })
}

struct Writer {
    shared: Arc<Shared>,
    store: Store,
    /// Events between two snapshots; never in memory.
    every: u64,
    followers: Vec<Follower>,
}

type Answering = SyncSender<Result<Answer, Error>>;

impl Writer {
    fn batch(&mut self, batch: Vec<Request>) {
        let mut recorded: Vec<(Event, Entry, Answering)> = Vec::new();
        for Request { what, answer } in batch {
            match self.event(what) {
                Ok(Prepared::Event(prepared)) => {
                    let (event, entry) = *prepared;
                    recorded.push((event, entry, answer));
                }
                Ok(Prepared::Nothing) => drop(answer.try_send(Ok(self.nothing()))),
                Ok(Prepared::Follower(follower)) => {
                    // It must see everything before it, and everything after it.
                    self.record(std::mem::take(&mut recorded));
                    self.follow(follower);
                    drop(answer.try_send(Ok(self.nothing())));
                }
                Ok(Prepared::Erasure(at, prefix)) => {
                    self.record(std::mem::take(&mut recorded));
                    drop(answer.try_send(self.erase(at, prefix)));
                }
                Err(error) => drop(answer.try_send(Err(error))),
            }
        }
        self.record(recorded);
    }

    fn snapshot(&mut self, every: u64) {
        if self.every == u64::MAX
            || self.store.since_snapshot() < every
            || self.store.broken().is_some()
        {
            return;
        }
        let book = self.shared.book.read().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.store.snapshot(&book) {
            *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(error.to_string());
        }
    }

    fn erase(&mut self, at: Time, prefix: IpNet) -> Result<Answer, Error> {
        let sequences = self.store.speaking_of(prefix)?;
        let event = Event::Erased { at, prefix };
        let payload = Payload::of_event(&event, &mut salt)?;
        let chained = Chained::Erasure(payload.commitments(), sequences.clone());
        let (answer, answered) = sync_channel(1);
        self.record(vec![(event, Entry { chained, payload: Some(payload) }, answer)]);
        let answer = answered.try_recv().map_err(|_| super::stopped())??;
        let gone = sequences.into_iter().chain([answer.sequence]).collect();
        let book = self.shared.book.read().unwrap_or_else(PoisonError::into_inner);
        self.store.erase(gone, &book)?;
        Ok(answer)
    }

    fn event(&self, what: What) -> Result<Prepared, Error> {
        let book = self.shared.book.read().unwrap_or_else(PoisonError::into_inner);
        let event = match what {
            What::Follow(follower) => return Ok(Prepared::Follower(follower)),
            What::Tick(now) if !book.needs_tick(now) => return Ok(Prepared::Nothing),
            What::Tick(at) => Event::Ticked { at },
            What::Erase(at, prefix) => return Ok(Prepared::Erasure(at, prefix)),
            What::Event(event) => event,
            What::Detected(detected) => {
                let trap = |recipient: &str| book.key.number("trap", &[recipient.as_bytes()]);
                let facts = seal::facts(&detected, trap);
                let told = book.told(&facts);
                let payload = Payload::of_detection(*detected, &facts, told, &mut salt)?;
                let chained = Chained::Sealed(payload.commitments());
                let entry = Entry { chained, payload: Some(payload) };
                return Ok(Prepared::Event(Box::new((Event::Detected(facts), entry))));
            }
        };
        let payload = event.prefix().map(|_| Payload::of_event(&event, &mut salt)).transpose()?;
        let chained = match &payload {
            Some(payload) => Chained::Sealed(payload.commitments()),
            None => Chained::Open(event.clone()),
        };
        Ok(Prepared::Event(Box::new((event, Entry { chained, payload }))))
    }

    fn record(&mut self, recorded: Vec<(Event, Entry, Answering)>) {
        if recorded.is_empty() {
            return;
        }
        let mut events = Vec::with_capacity(recorded.len());
        let mut entries = Vec::with_capacity(recorded.len());
        for (event, entry, answer) in recorded {
            events.push((event, answer));
            entries.push(entry);
        }
        if let Err(error) = self.store.append(&entries) {
            for (_, answer) in events {
                drop(answer.try_send(Err(match self.store.broken() {
                    Some(why) => Error::Stopped(why.to_owned()),
                    None => Error::NotRecorded(error.to_string()),
                })));
            }
            return;
        }
        let mut all = Vec::new();
        let mut answers = Vec::new();
        let generation = {
            let mut book = self.shared.book.write().unwrap_or_else(PoisonError::into_inner);
            for (event, answer) in events {
                let was = book.state.incidents.len();
                let removal = match &event {
                    Event::RemovalAsked { at, address, by } => {
                        Some(book.removal(*address, *by, *at))
                    }
                    _ => None,
                };
                all.extend(book.apply(&event));
                let recalled = book.state.incidents.get(was).map(|incident| incident.listings);
                answers.push((answer, Answer { sequence: book.generation(), removal, recalled }));
            }
            self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).extend(&all);
            book.generation()
        };
        if !all.is_empty() {
            for follower in &mut self.followers {
                follower(Followed::Changes { generation, changes: all.clone() });
            }
        }
        for (answering, answer) in answers {
            drop(answering.try_send(Ok(answer)));
        }
    }

    fn follow(&mut self, mut follower: Follower) {
        let (generation, listed) = {
            let book = self.shared.book.read().unwrap_or_else(PoisonError::into_inner);
            (book.generation(), book.listed().collect())
        };
        follower(Followed::Snapshot { generation, listed });
        self.followers.push(follower);
    }

    fn nothing(&self) -> Answer {
        let book = self.shared.book.read().unwrap_or_else(PoisonError::into_inner);
        Answer { sequence: book.generation(), removal: None, recalled: None }
    }
}

enum Prepared {
    Event(Box<(Event, Entry)>),
    Follower(Follower),
    Erasure(Time, IpNet),
    /// There is nothing to record.
    Nothing,
}

/// Salts are the one thing here that nobody can repeat: without them a commitment to an address
/// could be guessed. If the system has no randomness nothing would be safe to record.
fn salt() -> [u8; 16] {
    let mut salt = [0; 16];
    if getrandom::fill(&mut salt).is_err() {
        std::process::abort();
    }
    salt
}

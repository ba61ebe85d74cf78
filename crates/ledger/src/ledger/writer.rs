//! The writer: takes what waits, records it all at once, applies each in order, answers.

use super::{Answer, Error, Followed, Follower, Request, Shared, What};
use crate::book::Change;
use crate::event::Event;
use crate::seal::{self, Payload};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender};
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
        while self.changes.len() > LOG {
            let gone = self.changes.pop_front();
            self.before = gone.map_or(self.before, |c| c.generation);
        }
    }
}

pub(super) fn start(
    shared: Arc<Shared>,
    requests: Receiver<Request>,
) -> std::io::Result<JoinHandle<()>> {
    let mut writer = Writer { shared, followers: Vec::new() };
    std::thread::Builder::new().name("ledger".into()).spawn(move || {
        while let Ok(first) = requests.recv() {
            let batch = std::iter::once(first).chain(requests.try_iter()).take(BATCH).collect();
            writer.batch(batch);
        }
    })
}

struct Writer {
    shared: Arc<Shared>,
    followers: Vec<Follower>,
}

type Answering = SyncSender<Result<Answer, Error>>;

impl Writer {
    fn batch(&mut self, batch: Vec<Request>) {
        let mut recorded: Vec<(Event, Option<Payload>, Answering)> = Vec::new();
        for Request { what, answer } in batch {
            match self.event(what) {
                Ok(Prepared::Event(event, payload)) => recorded.push((event, payload, answer)),
                Ok(Prepared::Nothing) => drop(answer.try_send(Ok(self.nothing()))),
                Ok(Prepared::Follower(follower)) => {
                    // It must see everything before it, and everything after it.
                    self.record(std::mem::take(&mut recorded));
                    self.follow(follower);
                    drop(answer.try_send(Ok(self.nothing())));
                }
                Err(error) => drop(answer.try_send(Err(error))),
            }
        }
        self.record(recorded);
    }

    fn event(&self, what: What) -> Result<Prepared, Error> {
        let book = self.shared.book.read().unwrap_or_else(PoisonError::into_inner);
        let event = match what {
            What::Follow(follower) => return Ok(Prepared::Follower(follower)),
            What::Tick(now) if !book.needs_tick(now) => return Ok(Prepared::Nothing),
            What::Tick(at) => Event::Ticked { at },
            What::Erase(at, prefix) => Event::Erased { at, prefix },
            What::Event(event) => event,
            What::Detected(detected) => {
                let trap = |recipient: &str| book.key.number("trap", &[recipient.as_bytes()]);
                let facts = seal::facts(&detected, trap);
                let told = book.told(&facts);
                let payload = Payload::of_detection(*detected, &facts, told, &mut salt)?;
                return Ok(Prepared::Event(Event::Detected(facts), Some(payload)));
            }
        };
        let payload = event.prefix().map(|_| Payload::of_event(&event, &mut salt)).transpose()?;
        Ok(Prepared::Event(event, payload))
    }

    fn record(&mut self, recorded: Vec<(Event, Option<Payload>, Answering)>) {
        if recorded.is_empty() {
            return;
        }
        let mut all = Vec::new();
        let mut answers = Vec::new();
        let generation = {
            let mut book = self.shared.book.write().unwrap_or_else(PoisonError::into_inner);
            for (event, payload, answer) in recorded {
                let removal = match &event {
                    Event::RemovalAsked { at, address, by } => {
                        Some(book.removal(*address, *by, *at))
                    }
                    _ => None,
                };
                all.extend(book.apply(&event));
                let sequence = book.generation();
                if let Some(payload) = payload {
                    self.shared.payloads.put(sequence, payload);
                }
                answers.push((answer, Answer { sequence, removal }));
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
        Answer { sequence: book.generation(), removal: None }
    }
}

enum Prepared {
    Event(Event, Option<Payload>),
    Follower(Follower),
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

//! What still has to go out, by way. It stands in a file of the state folder, so that what is tried again when watch ends is
//! tried by the next run.
//!
//! A word is in the file before the core keeps that it was said, and leaves it when it was taken or given up: killed between
//! the two, it is told twice rather than never. Of one way so many wait; a way whose queue is full loses what comes, and that is
//! told. What waits for a way that is configured no more is let go with the next word.

use super::super::kept;
use super::super::notes::Notes;
use super::Post;
use crate::alert::Say;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Words that wait for one way.
const WAITING: usize = 256;

/// The words of all ways.
#[derive(Clone, Debug)]
pub(crate) struct Outbox(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    file: PathBuf,
    ways: Mutex<BTreeMap<&'static str, Way>>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Way {
    /// The first is being tried.
    waiting: VecDeque<Arc<Say>>,
    /// Whether that is between two tries.
    rests: bool,
    more: Arc<Notify>,
}

impl Outbox {
    /// With what an earlier run left; what cannot be read is let go, and said.
    pub(crate) fn open(file: PathBuf, posts: &[Box<dyn Post>]) -> (Self, Option<String>) {
        let (mut left, mut failed) = (BTreeMap::<String, VecDeque<Say>>::new(), None);
        // No file: an earlier run left nothing, or there was none.
        if let Ok(text) = std::fs::read(&file) {
            match serde_json::from_slice(&text) {
                Ok(read) => left = read,
                Err(error) => {
                    failed = Some(format!(
                        "alerts that had not gone out, in {}, cannot be read ({error}): they are on the status page",
                        file.display()
                    ));
                }
            }
        }
        let ways = posts.iter().map(|post| {
            let waiting = left.remove(post.name()).unwrap_or_default();
            let waiting = waiting.into_iter().take(WAITING).map(Arc::new).collect();
            (post.name(), Way { waiting, ..Way::default() })
        });
        let ways = Mutex::new(ways.collect());
        (Self(Arc::new(Shared { file, ways, changed: Condvar::new() })), failed)
    }

    /// Something is to go out by every way. Never waits for one.
    pub(crate) fn push(&self, say: Say, notes: &Notes) {
        let say = Arc::new(say);
        let mut ways = self.ways();
        for (name, way) in &mut *ways {
            if way.waiting.len() >= WAITING {
                let note = format!("{name}: too many alerts wait; some were not sent");
                notes.set(&format!("{name} queue"), Some(note));
                continue;
            }
            way.waiting.push_back(say.clone());
            way.more.notify_one();
        }
        self.keep(&ways, notes);
    }

    /// What a way has to try next; it stays until it is [`done`](Self::done).
    pub(crate) async fn next(&self, name: &'static str) -> Arc<Say> {
        loop {
            let more = {
                let mut ways = self.ways();
                let way = ways.entry(name).or_default();
                match way.waiting.front() {
                    Some(say) => return say.clone(),
                    None => way.more.clone(),
                }
            };
            more.notified().await;
        }
    }

    /// It was taken, or given up.
    pub(crate) fn done(&self, name: &'static str, notes: &Notes) {
        let mut ways = self.ways();
        if let Some(way) = ways.get_mut(name) {
            way.waiting.pop_front();
        }
        self.keep(&ways, notes);
        self.0.changed.notify_all();
    }

    /// Whether a way waits for its next try.
    pub(crate) fn rests(&self, name: &'static str, rests: bool) {
        if let Some(way) = self.ways().get_mut(name) {
            way.rests = rests;
        }
        self.0.changed.notify_all();
    }

    /// Waits until nothing is on its way out, but no longer than that.
    pub(crate) fn wait(&self, most: Duration) {
        let on_its_way = |ways: &mut BTreeMap<_, Way>| {
            ways.values().any(|way| !way.rests && !way.waiting.is_empty())
        };
        drop(self.0.changed.wait_timeout_while(self.ways(), most, on_its_way));
    }

    fn ways(&self) -> MutexGuard<'_, BTreeMap<&'static str, Way>> {
        self.0.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, ways: &BTreeMap<&'static str, Way>, notes: &Notes) {
        let all: BTreeMap<_, Vec<&Say>> = ways
            .iter()
            .map(|(name, way)| (name, way.waiting.iter().map(AsRef::as_ref).collect()))
            .collect();
        // Values of plain fields always have their JSON.
        let text = serde_json::to_vec(&all).unwrap_or_default();
        let failed = kept::replace(&self.0.file, &text).err();
        notes.set(
            "unsent",
            failed.map(|error| format!("what has to go out yet cannot be kept: {error}")),
        );
    }
}

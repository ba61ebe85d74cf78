//! The thread that has lists asked, hourly with jitter, so that not all hosts ask at the full hour.
//!
//! Which lists, with which keys and by which resolver is read while there is the right to ([`prepare`]). What an answer
//! means is `heloscope_lists`' to say; what changed is the core's to find.

use super::inbox::Inbox;
use super::notes::Notes;
use crate::config;
use crate::event::{Answer, Event};
use heloscope_evidence::ListState;
use heloscope_lists::{Asker, Asking, Check, Key, Outcome, Target};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::runtime::Handle;

/// Bytes of a file of lists, or of a key.
const MOST: u64 = 4 << 20;

/// Why lists cannot be asked as the configuration says.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Unready {
    #[error("reading {}: {source} (named under [lists])", .file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("{}, named under [lists]: {because}", .file.display())]
    Wrong { file: PathBuf, because: String },
    #[error("the lists that are shipped: {0}")]
    Shipped(String),
    #[error("[lists]: {0}")]
    Asking(#[from] heloscope_lists::CannotAsk),
}

/// Who is asked about whom.
pub(crate) struct Ask {
    asker: Asker,
    targets: Vec<Target>,
}

/// Reads lists and keys; none where nobody is to be asked about. Addresses that no list knows are told.
pub(crate) fn prepare(
    lists: &config::Lists,
    addresses: &[IpAddr],
    blind: &mut Vec<String>,
) -> Result<Option<Ask>, Unready> {
    let mut targets = Vec::new();
    for address in addresses {
        match Target::of(*address, lists.lab) {
            Ok(target) => targets.push(target),
            Err(why) => blind.push(format!("no list is asked: {why}")),
        }
    }
    if !lists.enabled || targets.is_empty() {
        return Ok(None);
    }
    let mut table =
        heloscope_lists::Lists::shipped().map_err(|e| Unready::Shipped(e.to_string()))?;
    for file in &lists.files {
        let wrong = |e: &dyn std::error::Error| Unready::Wrong {
            file: file.clone(),
            because: e.to_string(),
        };
        table = table.with(&read(file)?).map_err(|e| wrong(&e))?;
    }
    let mut keys = BTreeMap::new();
    for (list, file) in &lists.keys {
        let wrong = |e: &dyn std::error::Error| Unready::Wrong {
            file: file.clone(),
            because: e.to_string(),
        };
        keys.insert(list.clone(), Key::new(&read(file)?).map_err(|e| wrong(&e))?);
    }
    let asking = Asking {
        resolvers: lists.resolvers.clone(),
        only: lists.only.clone(),
        keys,
        ..Asking::default()
    };
    Ok(Some(Ask { asker: Asker::new(table, asking)?, targets }))
}

impl Ask {
    /// How many addresses.
    pub(crate) fn targets(&self) -> usize {
        self.targets.len()
    }
}

fn read(file: &Path) -> Result<String, Unready> {
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|f| f.take(MOST).read_to_string(&mut text))
        .map_err(|source| Unready::Read { file: file.to_owned(), source })?;
    Ok(text)
}

/// Asks until the inbox is gone.
pub(crate) fn run(ask: &Ask, every: Duration, asks: &Handle, inbox: &Inbox, notes: &Notes) {
    while !inbox.is_ending() {
        let check = asks.block_on(ask.asker.ask(&ask.targets));
        notes.set("lists", trouble(&check));
        for answer in check.answers.iter().filter_map(answer) {
            if !inbox.send(Event::List(answer)) {
                return;
            }
        }
        inbox.pause(every + jitter(every / 10));
    }
}

/// What keeps all lists from being heard.
fn trouble(check: &Check) -> Option<String> {
    if check.is_heard() {
        return None;
    }
    let why = check.resolver_note.clone().unwrap_or_else(|| "none of them answers".to_owned());
    Some(format!("the lists cannot be asked: {why}"))
}

/// As the core takes it; lists that speak well of an address are not its concern.
fn answer(answer: &heloscope_lists::Answer) -> Option<Answer> {
    let Target::Ip(address) = &answer.target else { return None };
    if answer.welcome {
        return None;
    }
    let mut codes = Vec::new();
    let (state, text) = match &answer.outcome {
        Outcome::Listed { found, texts, .. } => {
            codes.extend(found.iter().map(|f| IpAddr::from(f.answer)));
            let means = found.iter().map(|f| f.means.clone());
            (ListState::Listed, means.chain(texts.iter().cloned()).collect::<Vec<_>>().join("; "))
        }
        Outcome::Clean { .. } => (ListState::Clean, String::new()),
        Outcome::Refused { because, remedy } => {
            (ListState::Refused, format!("{because}; {remedy}"))
        }
        Outcome::Error { because, .. } => (ListState::Error, because.clone()),
        Outcome::Dead { because } => (ListState::Dead, because.clone()),
    };
    Some(Answer { list: answer.title.clone(), address: *address, state, codes, text })
}

/// Something between nothing and that.
fn jitter(most: Duration) -> Duration {
    let random = RandomState::new().hash_one(0) % 1000;
    most.mul_f64(random as f64 / 1000.0)
}

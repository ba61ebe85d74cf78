//! The thread that runs the recorder: what it notes is kept in the record and told to the core.
//!
//! [`start`] loads it while there is the right to; nothing else of this file needs a right. A disk that fills costs
//! the record what comes meanwhile, and is said as long as it lasts.

use super::clock;
use super::inbox::Inbox;
use super::notes::Notes;
use crate::config::Record;
use crate::event::Event;
use heloscope_host::store::keeper::{Keeper, Kept};
use heloscope_host::store::{Retention, StoreError};
use heloscope_host::{Witness, witness};
use std::path::Path;
use std::time::Duration;

const WAIT: Duration = Duration::from_millis(200);

/// What notes connections, and keeps them.
pub(crate) struct Source {
    witness: Witness,
    keeper: Keeper,
}

/// Loads it; what it cannot see is told.
pub(crate) fn start(
    ports: &[u16],
    record: &Record,
    state: &Path,
) -> Result<(Source, Vec<String>), Failed> {
    let retention =
        Retention { days: record.days, bytes: record.megabytes.saturating_mul(1 << 20) };
    let keeper = Keeper::open(&state.join("record"), retention, clock::now())?;
    let (mut witness, _) = Witness::start(ports)?;
    let mut blind = witness.unseen().to_vec();
    if record.words
        && let Err(error) = witness.hear(false)
    {
        blind.push(format!("what is said in clear is not heard: {error}"));
    }
    Ok((Source { witness, keeper }, blind))
}

/// Why nothing is recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failed {
    #[error(transparent)]
    Witness(#[from] witness::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Source {
    /// The rights that it still needs.
    pub(crate) fn needs(&self) -> &'static [caps::Capability] {
        self.witness.needs()
    }

    /// Keeps what was noted; what is to be said of it.
    fn keep(&mut self, noted: &[heloscope_host::Noted], notes: &Notes) {
        match self.keeper.take(noted, clock::now()) {
            Kept::Well => {}
            Kept::Away(error) => notes.set(
                "record",
                Some(format!("connections wait in memory until there is room: {error}")),
            ),
            Kept::Again(0) => notes.set("record", None),
            Kept::Again(lost) => notes.set(
                "record",
                Some(format!("{lost} lines of the record were lost while it could not be written")),
            ),
        }
    }
}

/// Runs until the inbox is gone.
pub(crate) fn run(mut source: Source, inbox: &Inbox, notes: &Notes) {
    while !inbox.is_ending() {
        let noted = match source.witness.next(WAIT) {
            Ok(noted) => noted,
            Err(error) => {
                notes.set("recorder", Some(format!("connections are not seen any more: {error}")));
                break;
            }
        };
        // Told first: a disk that is slow makes no alert late.
        for one in &noted {
            if !inbox.send(Event::Noted(one.clone())) {
                break;
            }
        }
        source.keep(&noted, notes);
    }
    let Source { witness, mut keeper } = source;
    keeper.take(&witness.stop(), clock::now());
    if let Kept::Away(error) = keeper.flush(clock::now()) {
        tracing::error!(%error, "the last connections are not kept");
    }
}

//! The thread that follows the mail logs: lines in, [`Event::Log`] out; positions are kept in the state folder.

use super::clock;
use super::inbox::Inbox;
use super::notes::Notes;
use super::tail::{Position, Tail};
use crate::event::Event;
use crate::shown::shown;
use heloscope_maillog::Live;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(250);
/// Polls between two times at which positions are written.
const SAVE_EVERY: u32 = 20;
const FILE: &str = "positions.json";

/// The logs, each open where reading begins.
pub(crate) struct Logs {
    kept: PathBuf,
    saved: BTreeMap<PathBuf, Position>,
    logs: Vec<Log>,
}

/// Opens these logs: what is written from now on is read.
pub(crate) fn open(paths: &[PathBuf], state: &Path, zone: &jiff::tz::TimeZone) -> Logs {
    let kept = state.join(FILE);
    let saved: BTreeMap<PathBuf, Position> = std::fs::read(&kept)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    let logs = paths.iter().map(|path| Log::new(path, saved.get(path), zone)).collect();
    Logs { kept, saved, logs }
}

/// Follows them until the inbox is gone.
pub(crate) fn follow(logs: Logs, inbox: &Inbox, notes: &Notes) {
    let Logs { kept, saved, mut logs } = logs;
    let mut written = saved;
    for round in 0_u32.. {
        let mut more = false;
        for log in &mut logs {
            match log.poll(inbox) {
                Some(goes_on) => more |= goes_on,
                None => return,
            }
            notes.set(&format!("log {}", log.path.display()), log.trouble.clone());
        }
        if round % SAVE_EVERY == SAVE_EVERY - 1 || inbox.is_ending() {
            let now: BTreeMap<_, _> = logs
                .iter()
                .filter_map(|log| Some((log.path.clone(), log.tail.as_ref()?.position()?)))
                .collect();
            if now != written {
                let text = serde_json::to_vec(&now).unwrap_or_default();
                let failed = super::kept::replace(&kept, &text).err();
                notes.set(
                    "positions",
                    failed.map(|error| format!("positions in the logs cannot be kept: {error}")),
                );
                written = now;
            }
        }
        if inbox.is_ending() {
            return;
        }
        if !more {
            std::thread::sleep(EVERY);
        }
    }
}

struct Log {
    path: PathBuf,
    tail: Option<Tail>,
    saved: Option<Position>,
    live: Live,
    trouble: Option<String>,
}

impl Log {
    fn new(path: &Path, saved: Option<&Position>, zone: &jiff::tz::TimeZone) -> Self {
        let live = Live::new(&clock::calendar(zone));
        let mut log =
            Self { path: path.to_owned(), tail: None, saved: saved.cloned(), live, trouble: None };
        log.open();
        log
    }

    /// Opens it where it is not open; tried again each time, for it may come.
    fn open(&mut self) {
        if self.tail.is_none() {
            match Tail::new(&self.path, self.saved.take().as_ref()) {
                Ok(tail) => self.tail = Some(tail),
                Err(error) => self.trouble = Some(self.cannot(&error)),
            }
        }
    }

    /// Reads what has come; whether there is more at once, or nothing where nobody listens any more.
    fn poll(&mut self, inbox: &Inbox) -> Option<bool> {
        self.open();
        let Some(tail) = &mut self.tail else { return Some(false) };
        let (live, mut listening) = (&mut self.live, true);
        let polled = tail.poll(&mut |line| {
            live.line(line, &mut |entry| listening &= inbox.send(Event::Log(entry)));
        });
        if !listening {
            return None;
        }
        match polled {
            Ok(polled) => {
                self.trouble = (polled.passed_over > 0).then(|| {
                    format!(
                        "{}: {} bytes came at once and were passed over",
                        self.path.display(),
                        polled.passed_over
                    )
                });
                Some(polled.more)
            }
            Err(error) => {
                self.trouble = Some(self.cannot(&error));
                Some(false)
            }
        }
    }

    fn cannot(&self, error: &std::io::Error) -> String {
        shown(&format!("the mail log {} cannot be read: {error}", self.path.display()))
    }
}

//! The thread of the core: takes what comes, ticks, shows how things stand, and keeps what must outlive a restart.

use super::inbox::Ending;
use super::notes::Notes;
use super::page::Shared;
use super::{clock, kept, notify};
use crate::Watch;
use crate::alert::Say;
use crate::event::Event;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Events that wait for the core; a recorder or log that is faster waits.
pub(super) const WAITING: usize = 4096;
const TICK: Duration = Duration::from_millis(500);
/// Ticks between two times at which what must outlive a restart is written.
const KEEP_EVERY: u32 = 60;

/// The thread of the core.
pub(super) struct Core {
    pub(super) watch: Watch,
    /// The file of what must outlive a restart.
    pub(super) kept: PathBuf,
    pub(super) shared: Shared,
    pub(super) notes: Notes,
    pub(super) outbox: notify::Outbox,
    pub(super) summary: Option<jiff::civil::Time>,
    pub(super) zone: jiff::tz::TimeZone,
}

impl Core {
    /// Tells the core this host's addresses, where they changed. Those that were known hold while they cannot be read.
    fn own_addresses(&mut self, known: &mut BTreeSet<IpAddr>) {
        match heloscope_host::addresses::own() {
            Ok(addresses) => {
                self.notes.set("addresses", None);
                if addresses != *known {
                    known.clone_from(&addresses);
                    self.take(Event::Addresses(addresses));
                }
            }
            Err(error) => self
                .notes
                .set("addresses", Some(format!("this host's addresses cannot be read: {error}"))),
        }
    }

    /// Runs until the end, and until nothing comes any more.
    pub(super) fn run(mut self, events: &Receiver<Event>, ending: &Ending) {
        let mut own = BTreeSet::new();
        let mut due = self.summary_after_now();
        let mut ticks = 0_u32;
        self.own_addresses(&mut own);
        let mut ticked = clock::now();
        loop {
            match events.recv_timeout(TICK) {
                Ok(event) => {
                    self.take(event);
                    // What waits is taken before anybody is shown how things stand.
                    for event in events.try_iter().take(WAITING) {
                        self.take(event);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => ending.pause(TICK),
            }
            let now = clock::now();
            if now.since(ticked).abs() >= TICK.as_secs_f64() {
                ticked = now;
                ticks = ticks.wrapping_add(1);
                if ticks.is_multiple_of(10) {
                    self.own_addresses(&mut own);
                }
                if due.is_some_and(|due| now >= due) {
                    self.take(Event::SummaryDue);
                    due = self.summary_after_now();
                }
                self.take(Event::Tick);
                if ticks.is_multiple_of(KEEP_EVERY) {
                    self.keep();
                }
                self.show();
            }
            if ending.is_ending() && events.try_recv().is_err() {
                break;
            }
        }
        self.keep();
    }

    fn take(&mut self, event: Event) {
        let said = self.watch.take(clock::now(), event);
        if said.is_empty() {
            return;
        }
        for say in said {
            match &say {
                Say::Raised(alert) => {
                    tracing::warn!(id = alert.id, rule = alert.rule.word(), "{}", alert.summary)
                }
                Say::Resolved(alert) => tracing::info!(
                    id = alert.id,
                    rule = alert.rule.word(),
                    "over: {}",
                    alert.summary
                ),
                Say::Summary(_) => tracing::info!("summary of the day"),
            }
            self.outbox.push(say, &self.notes);
        }
        self.show();
        // After the outbox: what the next run takes for told is told by it where it has not gone out.
        self.keep();
    }

    fn show(&self) {
        self.shared.set(self.watch.status(), self.notes.all());
    }

    fn keep(&self) {
        let failed = kept::replace(&self.kept, &self.watch.keep()).err();
        let note = failed.map(|error| format!("{} cannot be kept: {error}", self.kept.display()));
        self.notes.set("kept", note);
    }

    /// The next time of the daily summary.
    fn summary_after_now(&self) -> Option<heloscope_model::Time> {
        let at = self.summary?;
        let now = jiff::Timestamp::from_nanosecond(i128::from(clock::now().nanos())).ok()?;
        let today = self.zone.to_datetime(now).date();
        [today, today.tomorrow().ok()?].into_iter().find_map(|day| {
            let due = self.zone.to_timestamp(day.to_datetime(at)).ok()?;
            (due > now).then(|| due.into())
        })
    }
}

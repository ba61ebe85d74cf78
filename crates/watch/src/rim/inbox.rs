//! Where threads bring their events, and how they learn that it is to end.

use crate::event::Event;
use std::sync::mpsc::SyncSender;
#[cfg(test)]
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Where threads bring their events.
#[derive(Clone, Debug)]
pub(crate) struct Inbox {
    to: SyncSender<Event>,
    ending: Ending,
}

impl Inbox {
    pub(super) fn new(to: SyncSender<Event>, ending: Ending) -> Self {
        Self { to, ending }
    }

    /// Whether somebody listens.
    pub(crate) fn send(&self, event: Event) -> bool {
        self.to.send(event).is_ok()
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_ending()
    }

    /// Waits, but not beyond the end.
    pub(crate) fn pause(&self, long: Duration) {
        self.ending.pause(long);
    }
}

#[cfg(test)]
impl Inbox {
    /// One, what comes into it, and what ends it.
    pub(crate) fn for_tests() -> (Self, Receiver<Event>, impl FnOnce()) {
        let (to, events) = sync_channel(16);
        let ending = Ending::default();
        (Self { to, ending: ending.clone() }, events, move || ending.end())
    }
}

/// Whether it is to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ending(Arc<(Mutex<bool>, Condvar, tokio::sync::Notify)>);

impl Ending {
    pub(super) fn end(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
        self.0.2.notify_waiters();
        self.0.2.notify_one();
    }

    pub(super) fn is_ending(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pause(&self, long: Duration) {
        let ending = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_timeout_while(ending, long, |ending| !*ending));
    }

    pub(crate) async fn ended(self) {
        if !self.is_ending() {
            self.0.2.notified().await;
        }
    }
}

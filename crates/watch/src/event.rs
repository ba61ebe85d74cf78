//! What the core is told, in the order in which it became known.

use heloscope_evidence::ListState;
use heloscope_host::Noted;
use heloscope_maillog::live::Entry;
use heloscope_model::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The recorder noted something.
    Noted(Noted),
    /// The mail log has a line more.
    Log(Entry),
    /// The queue was counted.
    Queue(QueueSize),
    /// A list was asked.
    List(Answer),
    /// A HELO of this host was heard on the wire.
    Heard(Heard),
    /// This host's own addresses, as they are now.
    Addresses(BTreeSet<IpAddr>),
    /// It is time for the summary of the day.
    SummaryDue,
    /// Nothing but that time passed.
    Tick,
}

/// Mails that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct QueueSize {
    /// In delivery, or about to be.
    pub active: u64,
    /// To be tried again later.
    pub deferred: u64,
    /// Held by the administrator or a rule.
    pub held: u64,
}

impl QueueSize {
    /// All that wait by themselves.
    pub fn waiting(&self) -> u64 {
        self.active.saturating_add(self.deferred)
    }
}

/// The first words of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// From where.
    pub client: SocketAddr,
    /// To where.
    pub server: SocketAddr,
    /// The name that was given.
    pub helo: String,
}

/// What a list said of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The list.
    pub list: String,
    /// The address that was asked for.
    pub address: IpAddr,
    /// What the answer means.
    pub state: ListState,
    /// The codes in it.
    pub codes: Vec<IpAddr>,
    /// The list's words, or the meaning of the codes.
    pub text: String,
}

/// When something of an event happened, where it says so itself.
pub(crate) fn own_time(event: &Event) -> Option<Time> {
    match event {
        Event::Noted(Noted::Connection(connection)) => Some(connection.start),
        Event::Noted(Noted::Ended(ended)) => Some(ended.end),
        Event::Noted(Noted::Passing { time, .. }) => Some(*time),
        Event::Log(entry) => Some(entry.time),
        _ => None,
    }
}

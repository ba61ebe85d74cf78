//! MTA log lines to mails: the queue-id chain (Postfix). Bytes of log files in, [`Mail`]s,
//! [`Login`]s, [`Reject`]s and [`Totals`] out, through a [`Sink`]. Pure: stamps without year and
//! zone are resolved by a [`stamp::Calendar`] the caller gives.

pub mod mail;

pub use mail::{Attempt, Delivery, Login, Mail, Origin, Reject, Status};

use heloscope_model::{SourceId, Time};
use std::io::Read;

/// Takes what a log says, in the order it becomes known.
pub trait Sink {
    /// A mail left the queue, or the log ended with it still there.
    fn mail(&mut self, mail: Mail);
    /// Somebody logged in to send, or tried.
    fn login(&mut self, _login: Login) {}
    /// An outgoing connection that no delivery line tells of.
    fn attempt(&mut self, _attempt: Attempt) {}
    /// A recipient or client was refused.
    fn reject(&mut self, _reject: Reject) {}
}

/// What stamps without year and zone mean.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// Zone of stamps that carry none.
    pub zone: jiff::tz::TimeZone,
    /// The year of the LAST stamp of a log; earlier lines count back across New Year.
    pub last_year: i16,
}

/// What a log was, besides its mails.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Lines read.
    pub lines: u64,
    /// Lines of an MTA that were understood.
    pub understood: u64,
    /// Earliest stamp.
    pub first: Option<Time>,
    /// Latest stamp.
    pub last: Option<Time>,
    /// Host names that log here, most frequent first.
    pub hosts: Vec<String>,
    /// Stretches without a line far longer than usual.
    pub gaps: Vec<(Time, Time)>,
    /// Anything else worth telling (lines too long, binary stretches, time running backwards).
    pub notes: Vec<String>,
}

/// The chain over the files of one rotated set, which are given in order of time.
pub struct Chain {}

impl Chain {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self {}
    }

    /// One file of the set (decompressed). Queue ids still open stay so for the next file.
    pub fn read(
        &mut self,
        _source: SourceId,
        _input: &mut dyn Read,
        _calendar: &Calendar,
        _sink: &mut dyn Sink,
    ) -> Report {
        Report::default()
    }

    /// The end of the set: gives out what is still open.
    pub fn finish(self, _sink: &mut dyn Sink) {}
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

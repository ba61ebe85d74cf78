//! MTA log lines to mails: the queue-id chain (Postfix). Bytes of log files in, [`Mail`]s,
//! [`Login`]s, [`Reject`]s, [`Attempt`]s and [`Link`]s out, through a [`Sink`]. Pure: stamps
//! without year and zone are resolved by a [`Calendar`] the caller gives.
//!
//! ```text
//!   bytes -> books (blocks, threads) -> scan (framing) -> event (meaning, borrowed)
//!                                                             |-> chain -> Sink
//! ```

mod books;
mod chain;
mod event;
mod field;
pub mod live;
pub mod mail;
pub mod queue_id;
mod scan;
mod service;
mod stamp;
pub mod summary;
mod table;
mod tls;

pub use chain::Chain;
pub use live::Live;
pub use mail::{Attempt, Delivery, Link, LinkKind, Login, Mail, Origin, Reject, Status};
pub use summary::{Summarizer, Summary};

use heloscope_model::Time;

/// Takes what a log says, in the order it becomes known.
pub trait Sink {
    /// A mail left the queue, or the log ended with it still there.
    fn mail(&mut self, mail: Mail);
    /// Somebody logged in to send, or tried.
    fn login(&mut self, _login: Login) {}
    /// A recipient or client was refused.
    fn reject(&mut self, _reject: Reject) {}
    /// A connection to a server left no delivery line.
    fn attempt(&mut self, _attempt: Attempt) {}
    /// A line says that one mail came of another.
    fn link(&mut self, _link: Link) {}
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

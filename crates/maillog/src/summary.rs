//! The numbers of a mail log (CONTRACT.md section 5), as pflogsumm counts them, and who is behind
//! them. Stands on the events: no mail is built.
//!
//! In: any number of files through [`Summarizer::read`], rotated sets in order of time. Out:
//! [`Summary`], which serialises to the contract's shape and prints for a person. Where we count a
//! line that pflogsumm 1.1.5 passes over, [`Summary::beyond`] says how many and why, so that
//! `messages` less `beyond.messages` is pflogsumm's number.

mod counts;
mod names;
mod sums;
mod text;

use crate::books::{self, Pace};
use crate::{Calendar, Report};
use counts::Counts;
use heloscope_model::Time;
use serde::Serialize;
use std::io::Read;

/// The format's name and version.
pub const FORMAT: &str = "heloscope.summary/1";
/// Names given of each kind.
const TOP: usize = 20;

/// The numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// [`FORMAT`].
    pub format: &'static str,
    /// Earliest stamp.
    pub first: Option<Time>,
    /// Latest stamp.
    pub last: Option<Time>,
    /// Messages and what became of them.
    pub messages: Messages,
    /// Bytes.
    pub bytes: Bytes,
    /// Different senders of received messages.
    pub senders: u64,
    /// Different recipients delivered to.
    pub recipients: u64,
    /// The most active of each kind.
    pub top: Top,
    /// What pflogsumm 1.1.5 does not count. Not part of the contract's JSON.
    #[serde(skip)]
    pub beyond: Beyond,
}

/// Counts of messages. A message that a content filter hands back is received and delivered
/// again, as pflogsumm counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Messages {
    /// Taken from clients and programs (not what the MTA made itself: bounces, forwards).
    pub received: u64,
    /// Recipients delivered to.
    pub delivered: u64,
    /// Recipients sent on by an alias or `.forward`.
    pub forwarded: u64,
    /// Messages put off at least once.
    pub deferred: u64,
    /// Times a recipient was put off.
    pub deferrals: u64,
    /// Recipients that bounced.
    pub bounced: u64,
    /// Refusals.
    pub rejected: u64,
    /// Put on hold.
    pub held: u64,
    /// Thrown away by a rule.
    pub discarded: u64,
}

/// Sums of sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// Of received messages.
    pub received: u64,
    /// Of deliveries: the size once a recipient.
    pub delivered: u64,
}

/// The most active of each kind: most messages first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Top {
    /// Accounts that logged in to send.
    pub account: Vec<Named>,
    /// Clients, as `name[address]`.
    pub client: Vec<Named>,
    /// User ids of programs.
    pub uid: Vec<Named>,
    /// Envelope senders, the domain in lower case.
    pub sender: Vec<Named>,
    /// Domains delivered to.
    pub recipient_domain: Vec<Named>,
}

/// One name's activity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Messages.
    pub messages: u64,
    /// Their recipients; of a domain, the recipients delivered to.
    pub recipients: u64,
}

/// The part of the counts that pflogsumm 1.1.5 passes over, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beyond {
    /// How many of each count.
    pub messages: Messages,
    /// How many lines for each reason, the reason in words.
    pub reasons: Vec<(&'static str, u64)>,
    /// So many names were seen that the least active were forgotten, or different addresses
    /// estimated.
    pub estimated: bool,
}

/// Reads logs into a [`Summary`].
pub struct Summarizer {
    counts: Counts,
    pace: Pace,
    first: Option<Time>,
    last: Option<Time>,
}

impl Summarizer {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self {
            counts: Counts::new(),
            pace: Pace { threads: 1, block: books::BLOCK },
            first: None,
            last: None,
        }
    }

    /// Follow blocks of a log on so many threads beside the caller's. The result is the same.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.pace.threads = threads.clamp(1, 64);
        self
    }

    /// Cut a log into blocks of so many bytes (512 KiB where not said): less memory, more joining.
    /// A line that does not fit into a block is passed over.
    pub fn with_blocks_of(mut self, bytes: usize) -> Self {
        self.pace.block = bytes.clamp(1 << 10, 64 << 20);
        self
    }

    /// One log, decompressed. The month and day of its last stamp, where known,
    /// make the year of a long log with BSD stamps sure.
    pub fn read(
        &mut self,
        input: &mut dyn Read,
        calendar: &Calendar,
        last: Option<(u8, u8)>,
    ) -> Report {
        let report =
            books::read_log(&mut self.counts, input, calendar, last, self.pace, &mut |_| {});
        self.first = [self.first, report.first].into_iter().flatten().min();
        self.last = [self.last, report.last].into_iter().flatten().max();
        report
    }

    /// The numbers so far.
    pub fn summary(&mut self) -> Summary {
        self.counts.summary(self.first, self.last)
    }
}

impl Default for Summarizer {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::tests::log;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn read(log: &[u8], threads: usize, block: usize) -> Summary {
        let mut summarizer = Summarizer::new();
        summarizer.pace = Pace { threads, block };
        let calendar = Calendar { zone: TimeZone::UTC, last_year: 2026 };
        summarizer.read(&mut &*log, &calendar, None);
        summarizer.summary()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn parts_count_what_the_whole_counts(
            log in log(),
            block in 900usize..4000,
            threads in 2usize..4,
        ) {
            let one_go = read(log.as_bytes(), 1, 1 << 20);
            prop_assert_eq!(&read(log.as_bytes(), 1, block), &one_go, "in blocks");
            prop_assert_eq!(&read(log.as_bytes(), threads, block), &one_go, "on threads");
        }
    }
}

//! The chain: lines of a rotated set to mails, logins, rejects, attempts, links.
//!
//! A mail opens with the line that names its origin (`client=`, `uid=`) or, where the log does not
//! have it, with its first line; it is given out at `removed`, when its id is used again, when
//! cleanup drops it, or at the end. Too many open mails: the longest untouched half is given out
//! incomplete. `mails` follows the lines, `open` holds what they add to a mail, `join` puts parts
//! of a log together.

mod join;
mod mails;
mod open;

use crate::books::{self, Ending, Pace};
use crate::{Calendar, Report, Sink};
use heloscope_model::SourceId;
use mails::Mails;
use std::io::Read;

/// The chain over the files of one rotated set, which are given in order of time.
pub struct Chain {
    mails: Mails,
    pace: Pace,
}

impl Chain {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self { mails: Mails::whole(), pace: Pace { threads: 1, block: books::BLOCK } }
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

    /// One file of the set (decompressed). Queue ids still open stay so for the next file. The
    /// end of a log with BSD stamps is looked for in its first 64 MB.
    pub fn read(
        &mut self,
        source: SourceId,
        input: &mut dyn Read,
        calendar: &Calendar,
        sink: &mut dyn Sink,
    ) -> Report {
        self.follow(source, input, calendar, None, sink)
    }

    /// As [`Chain::read`], for a log whose last stamp's month and day are known,
    /// so that `last_year` counts back over New Year in a log of any size.
    pub fn read_ending(
        &mut self,
        source: SourceId,
        input: &mut dyn Read,
        calendar: &Calendar,
        last: (u8, u8),
        sink: &mut dyn Sink,
    ) -> Report {
        self.follow(source, input, calendar, Some(last), sink)
    }

    fn follow(
        &mut self,
        source: SourceId,
        input: &mut dyn Read,
        calendar: &Calendar,
        ending: Option<Ending>,
        sink: &mut dyn Sink,
    ) -> Report {
        self.mails.source = source;
        let mut give_out = |mails: &mut Mails| mails.give_out(sink);
        books::read_log(&mut self.mails, input, calendar, ending, self.pace, &mut give_out)
    }

    /// The end of the set: gives out what is still open, in order of first line.
    pub fn finish(self, sink: &mut dyn Sink) {
        for open in self.mails.into_open() {
            sink.mail(open.mail);
        }
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
pub(crate) mod tests;

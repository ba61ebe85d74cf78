//! Bytes behind a DATA that is not answered yet.
//!
//! Until the server's answer they may be content (354) or commands (refused), so they wait here,
//! at most [`HOLD_BYTES`] of them. Where the answer does not come (one side only, replies lost)
//! the bytes themselves decide: text that begins with a command is commands, else content.

use crate::client::ClientMode;
use crate::machine::Machine;
use crate::verb::surely_command;
use heloscope_model::Time;
use std::collections::VecDeque;

/// Bytes kept while an answer is awaited: more than clients send unasked in one burst.
const HOLD_BYTES: usize = 32 * 1024;
/// Stamps kept of them; later bytes share the last.
const HOLD_STAMPS: usize = 256;

/// The bytes, and since when.
#[derive(Default)]
pub(crate) struct Hold {
    bytes: Vec<u8>,
    /// How many of `bytes` are read already.
    start: usize,
    /// Up to which byte (counted from the first ever held) a stamp holds.
    stamps: VecDeque<(u64, Time)>,
    /// Bytes ever put in.
    end: u64,
    /// When DATA was said, and its command.
    pub(crate) at: Time,
    pub(crate) command: Option<u32>,
    /// The server answered, but neither yes nor no: the first line decides.
    pub(crate) undecided: bool,
}

impl Hold {
    /// DATA was said.
    pub(crate) fn begin(&mut self, at: Time, command: Option<u32>) {
        self.at = at;
        self.command = command;
        self.undecided = false;
    }

    pub(crate) fn push(&mut self, at: Time, bytes: &[u8]) {
        if self.start > HOLD_BYTES {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        self.bytes.extend_from_slice(bytes);
        self.end = self.end.saturating_add(bytes.len() as u64);
        let full = self.stamps.len() >= HOLD_STAMPS;
        match self.stamps.back_mut() {
            Some(last) if last.1 == at || full => last.0 = self.end,
            _ => self.stamps.push_back((self.end, at)),
        }
    }

    pub(crate) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    /// The next bytes with one stamp.
    fn next(&mut self) -> Option<(Time, std::ops::Range<usize>)> {
        let read = self.end - self.waiting().len() as u64;
        while self.stamps.front().is_some_and(|&(until, _)| until <= read) {
            self.stamps.pop_front();
        }
        let &(until, at) = self.stamps.front()?;
        let len = usize::try_from(until - read).ok()?;
        (len > 0).then(|| (at, self.start..self.start + len))
    }

    /// By the first line, or as much of it as a line may have.
    fn looks_like_commands(&self, line_bytes: usize) -> bool {
        let start = self.waiting().get(..line_bytes).unwrap_or(self.waiting());
        let line = memchr::memchr(b'\n', start).and_then(|end| start.get(..=end));
        surely_command(line.unwrap_or(start))
    }

    fn clear(&mut self) {
        *self = Self { at: self.at, command: self.command, ..Self::default() };
    }
}

impl Machine {
    /// After bytes were held: whether they must be decided without the server now.
    pub(crate) fn look_at_hold(&mut self) {
        let hold = &self.client.hold;
        let first_line = hold.undecided
            && (memchr::memchr(b'\n', hold.waiting()).is_some()
                || hold.waiting().len() >= self.limits.line_bytes);
        if hold.waiting().len() > HOLD_BYTES || first_line {
            // Behind an answer that said neither yes nor no, nothing was hasty.
            let late = !first_line;
            self.decide_hold();
            self.release_hold(late);
        }
    }

    /// Decides by the bytes themselves what the unanswered DATA began.
    pub(crate) fn decide_hold(&mut self) {
        if !matches!(self.client.mode, ClientMode::Held) {
            return;
        }
        let undecided = std::mem::take(&mut self.client.hold.undecided);
        if self.client.hold.looks_like_commands(self.limits.line_bytes) {
            self.client.mode = ClientMode::Lines;
        } else {
            self.blind |= !undecided;
            self.assume_unanswered();
            self.accept_data(self.client.hold.at, self.client.hold.command);
        }
    }

    /// Content follows DATA.
    pub(crate) fn accept_data(&mut self, at: Time, command: Option<u32>) {
        self.client.mode = ClientMode::Content;
        self.open_message(at, command, false);
    }

    /// Reads the held bytes, until another DATA makes the rest wait again. `late`: they were sent
    /// before the answer.
    pub(crate) fn release_hold(&mut self, late: bool) {
        let before = std::mem::replace(&mut self.client.late_reading, late);
        while !matches!(self.client.mode, ClientMode::Held) {
            let Some((at, range)) = self.client.hold.next() else {
                self.client.hold.clear();
                break;
            };
            let bytes = std::mem::take(&mut self.client.hold.bytes);
            let taken = self.client_step(at, bytes.get(range).unwrap_or_default());
            self.client.hold.bytes = bytes;
            self.client.hold.start += taken;
        }
        self.client.late_reading = before;
    }

    /// The session ends: whatever waits is decided, DATA by DATA.
    pub(crate) fn finish_hold(&mut self) {
        while matches!(self.client.mode, ClientMode::Held) {
            if self.client.hold.waiting().is_empty() {
                // DATA was the last word.
                self.client.mode = ClientMode::Lines;
                return;
            }
            self.decide_hold();
            self.release_hold(true);
        }
    }
}

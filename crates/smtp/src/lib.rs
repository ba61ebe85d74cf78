//! The SMTP dialogue (RFC 5321, 3030, 2920, 3207, 4954): bytes of both directions in, a
//! [`heloscope_model::session::Dialogue`] out. Pure: no sockets, no clock.

mod opening;

pub use opening::{OPENING_BYTES, Opens, opens_smtp};

use heloscope_model::Time;
use heloscope_model::session::{Dialogue, Proxied};

/// Which side of the conversation bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The connecting side: commands and messages.
    Client,
    /// The answering side: replies.
    Server,
}

/// How much of one session is kept. Beyond a limit the machine counts and goes on.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Commands (and, apart, replies) kept.
    pub lines: usize,
    /// Bytes kept of one command or one reply.
    pub line_bytes: usize,
    /// Messages kept.
    pub messages: usize,
    /// Accepted recipients kept by name, a message.
    pub recipients: usize,
    /// Bytes kept of one message's header section.
    pub header_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lines: 4096, line_bytes: 1024, messages: 256, recipients: 1024, header_bytes: 8192 }
    }
}

/// Reads one session. Feed both sides in the order seen, then [`Machine::finish`].
pub struct Machine {
    dialogue: Dialogue,
}

impl Machine {
    /// A session that has not begun.
    pub fn new(_limits: &Limits) -> Self {
        Self { dialogue: Dialogue::default() }
    }

    /// Payload of one side, in order; chunks may end anywhere.
    pub fn feed(&mut self, _side: Side, _at: Time, _bytes: &[u8]) {}

    /// `len` bytes of one side are missing here.
    pub fn gap(&mut self, _side: Side, _at: Time, _len: u64) {}

    /// The recording began mid-stream: what comes first may be the rest of a line or message.
    pub fn midstream(&mut self) {}

    /// Whether QUIT was said.
    pub fn quit_said(&self) -> bool {
        false
    }

    /// The proxy that was asked for, and granted, before SMTP began on this connection.
    pub fn proxied(&self) -> Option<Proxied> {
        None
    }

    /// The end: what was open is closed as incomplete.
    pub fn finish(self) -> Dialogue {
        self.dialogue
    }
}

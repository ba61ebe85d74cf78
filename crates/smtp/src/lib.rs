//! The SMTP dialogue (RFC 5321, 3030, 2920, 3207, 4954): bytes of both directions in, a
//! [`heloscope_model::session::Dialogue`] out. Pure: no sockets, no clock.
//!
//! - [`opens_smtp`]: is this connection SMTP at all.
//! - [`Machine`]: reads one session. Its parts, in the order bytes meet them: `client` (lines,
//!   content, chunks), `command` (a line for what it is), `hold` (bytes behind an unanswered
//!   DATA), `server` (reply lines), `exchange` (which reply answers what, and what follows from
//!   it), `gaps` (bytes that the recording does not hold).
//! - [`script`]: dialogues written as text, played through the machine.
//! - What single lines and bytes mean: `verb`, `auth`, `bdat`, `content`, `socks`, `connect`,
//!   `hello` (a TLS ClientHello).
//!
//! Secrets never leave the lexer: what follows AUTH and its mechanism, its continuation lines,
//! SOCKS passwords and proxy authorisations become `*`.

mod auth;
mod bdat;
mod client;
mod command;
mod connect;
mod content;
mod exchange;
mod gaps;
mod hello;
mod hold;
mod line;
mod machine;
mod opening;
pub mod script;
mod server;
mod socks;
mod verb;
mod weight;

pub use hello::Hello;
pub use machine::Machine;
pub use opening::{OPENING_BYTES, Opens, opens_smtp};

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

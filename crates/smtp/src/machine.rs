//! The session machine: bytes of both sides in the order seen, a [`Dialogue`] out.
//!
//! ```text
//!   client bytes ──> client ──(DATA unanswered)──> hold ─┐
//!                      │  commands   ^───────────────────┘
//!                      v
//!                   exchange: which reply answers what; envelope, AUTH, STARTTLS
//!                      ^
//!   server bytes ──> server (reply lines)
//! ```
//!
//! Everything kept is bounded by [`Limits`]; the rest is counted. Nothing is refused: bytes that
//! make no sense become commands of verb `Other` or replies of code 0. With one side only, the
//! other is assumed to have agreed.

use crate::auth::Attempt;
use crate::client::{ClientMode, ClientSide};
use crate::content::Content;
use crate::exchange::{Asked, Envelope};
use crate::server::ServerSide;
use crate::{Limits, Side};
use heloscope_model::session::{Dialogue, Message, Proxied};
use heloscope_model::{Octets, Time};
use std::collections::VecDeque;

/// Reads one session. Feed both sides in the order seen, then [`Machine::finish`].
pub struct Machine {
    pub(crate) limits: Limits,
    pub(crate) dialogue: Dialogue,
    pub(crate) client: ClientSide,
    pub(crate) server: ServerSide,
    /// What the client said and the server has not answered, oldest first.
    pub(crate) pending: VecDeque<Asked>,
    pub(crate) envelope: Envelope,
    /// The message whose content is coming in.
    pub(crate) open: Option<Open>,
    pub(crate) attempt: Attempt,
    /// The proxy a client asked for, and whether it was granted.
    pub(crate) proxy: Option<(Proxied, bool)>,
    /// The server's greeting is still due.
    pub(crate) greeting_due: bool,
    /// Commands and replies are known to be in step, so that "early" can be told.
    pub(crate) in_step: bool,
    /// Replies may be missing since the last one seen.
    pub(crate) replies_lost: bool,
    /// The server has been silent where it had to speak: assume that it agrees.
    pub(crate) blind: bool,
    /// LMTP: content is answered once a recipient.
    pub(crate) lmtp: bool,
    pub(crate) quit: bool,
}

/// A message under way.
pub(crate) struct Open {
    pub(crate) message: Message,
    pub(crate) content: Content,
    /// By BDAT: the envelope may still be unanswered.
    pub(crate) chunked: bool,
    /// The DATA command that began it.
    pub(crate) command: Option<u32>,
    /// Bytes are missing in it.
    pub(crate) gap: bool,
    /// Line starts behind a gap that are still looked at for a command.
    pub(crate) probes: u8,
}

impl Machine {
    /// A session that has not begun.
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            dialogue: Dialogue::default(),
            client: ClientSide::default(),
            server: ServerSide::default(),
            pending: VecDeque::new(),
            envelope: Envelope::default(),
            open: None,
            attempt: Attempt::default(),
            proxy: None,
            greeting_due: true,
            in_step: true,
            replies_lost: false,
            blind: false,
            lmtp: false,
            quit: false,
        }
    }

    /// Payload of one side, in order; chunks may end anywhere.
    pub fn feed(&mut self, side: Side, at: Time, bytes: &[u8]) {
        match side {
            Side::Client => self.client_bytes(at, bytes),
            Side::Server => self.server_bytes(at, bytes),
        }
    }

    /// `len` bytes of one side are missing here.
    pub fn gap(&mut self, side: Side, at: Time, len: u64) {
        if len > 0 {
            self.dialogue.gaps = self.dialogue.gaps.saturating_add(1);
            match side {
                Side::Client => self.client_gap(at, len),
                Side::Server => self.server_gap(at, len),
            }
        }
    }

    /// The recording began mid-stream: what comes first may be the rest of a line or message.
    pub fn midstream(&mut self) {
        self.dialogue.midstream = true;
        self.greeting_due = false;
        self.in_step = false;
        self.client.resync = true;
        self.client.fresh = false;
        self.server.resync = true;
    }

    /// TLS ends at whoever feeds: the handshake that STARTTLS began is done, and what is fed from
    /// here on is clear text (RFC 3207 4.2: the client begins anew with EHLO).
    pub fn tls_opened(&mut self, server_name: Option<Octets>) {
        self.client.mode = ClientMode::Lines;
        self.client.line = Default::default();
        self.client.hold = Default::default();
        self.server.tls_due = false;
        self.server.tls = false;
        self.envelope = Envelope::default();
        if let Some(tls) = &mut self.dialogue.tls {
            tls.server_name = server_name;
        }
    }

    /// How many bytes went under TLS, where only its clear text was fed.
    pub fn tls_bytes(&mut self, client: u64, server: u64) {
        if let Some(tls) = &mut self.dialogue.tls {
            (tls.client_bytes, tls.server_bytes) = (client, server);
        }
    }

    /// Whether QUIT was said.
    pub fn quit_said(&self) -> bool {
        self.quit
    }

    /// The proxy that was asked for, and granted, before SMTP began on this connection. With the
    /// client's side only, granted is taken from its going on with SMTP.
    pub fn proxied(&self) -> Option<Proxied> {
        let (proxy, granted) = self.proxy.as_ref()?;
        let went_on = || !self.server.seen && self.dialogue.helo().is_some();
        (*granted || went_on()).then(|| proxy.clone())
    }

    /// The end: what was open is closed as incomplete.
    pub fn finish(mut self) -> Dialogue {
        self.finish_server();
        self.finish_client();
        self.assume_unanswered();
        // A DATA that was only assumed to be accepted, and nothing behind it, began no message.
        let commands = &self.dialogue.commands;
        let began = |open: &mut Open| {
            let at = open.command.and_then(|at| usize::try_from(at).ok());
            let answered = at.and_then(|at| commands.get(at)).is_none_or(|c| c.reply.is_some());
            answered || open.content.bytes > 0
        };
        if let Some(open) = self.open.take_if(began) {
            self.close(open, false);
        }
        if !self.server.seen {
            // Nobody was heard, so nobody was interrupted.
            self.dialogue.commands.iter_mut().for_each(|command| command.early = false);
        }
        self.dialogue
    }

    /// Begins the content of a message.
    pub(crate) fn open_message(&mut self, at: Time, command: Option<u32>, chunked: bool) {
        let ends = match () {
            () if self.client.bare_lf_data => crate::content::Ends::Any,
            () if self.blind => crate::content::Ends::DotCrLf,
            () => crate::content::Ends::Strict,
        };
        let content = Content::new(ends, self.envelope.binary, self.limits.header_bytes);
        let mut message = Message { at, ..Message::default() };
        if !chunked {
            self.envelope.address(&mut message);
        }
        self.open = Some(Open { message, content, chunked, command, gap: false, probes: 0 });
    }

    /// Ends the content of a message; its index where it is kept.
    pub(crate) fn close(&mut self, open: Open, complete: bool) -> Option<usize> {
        let Open { mut message, content, chunked, .. } = open;
        message.bytes = content.bytes;
        message.header = content.header.as_slice().into();
        message.bare_newline = content.bare_newline;
        message.complete = complete;
        if chunked && !self.envelope_open() {
            self.envelope.address(&mut message);
            self.envelope = Envelope::default();
        } else if !chunked {
            self.envelope = Envelope::default();
        }
        if self.dialogue.messages.len() >= self.limits.messages {
            self.dialogue.unkept_messages =
                self.dialogue.unkept_messages.saturating_add(u32::from(complete));
            self.dialogue.unkept_bytes = self.dialogue.unkept_bytes.saturating_add(message.bytes);
            return None;
        }
        self.dialogue.messages.push(message);
        Some(self.dialogue.messages.len() - 1)
    }
}

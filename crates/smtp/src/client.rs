//! The client's side, byte by mode: lines, message content, chunks, handshakes before SMTP, TLS.
//! What a complete line means is [`crate::command`]'s.
//!
//! A line ends at LF; what stands before it is kept as sent. A client that ends its lines with CR
//! alone is known by its server, which answers although no LF came ([`Machine::split_at_cr`]).

use crate::exchange::Asked;
use crate::hello::Hello;
use crate::hold::Hold;
use crate::line::Line;
use crate::machine::Machine;
use crate::socks::{self, Handshake};
use heloscope_model::session::{Proxied, Tls, Verb};
use heloscope_model::{Octets, Time};

/// What the client's next bytes are.
#[derive(Default)]
pub(crate) enum ClientMode {
    /// Command lines.
    #[default]
    Lines,
    /// A SOCKS handshake, as far as it came.
    Socks(Vec<u8>),
    /// Behind a DATA that is not answered yet.
    Held,
    /// Content, to CRLF.CRLF.
    Content,
    /// Content of a BDAT chunk: bytes left, and whether the message ends with it.
    Chunk(u64, bool),
    /// STARTTLS was accepted; its first byte tells whether TLS follows.
    TlsDue,
    /// TLS.
    Tls,
}

/// The state of the client's side.
pub(crate) struct ClientSide {
    pub(crate) mode: ClientMode,
    pub(crate) line: Line,
    /// Nothing has been read yet.
    pub(crate) fresh: bool,
    /// Lines are skipped until one surely is a command.
    pub(crate) resync: bool,
    pub(crate) hold: Hold,
    /// The lines are headers of an HTTP request.
    pub(crate) http_headers: bool,
    /// A line was taken to end at CR: a LF right behind belongs to it.
    swallow_lf: bool,
    /// The last DATA line ended with a bare LF.
    pub(crate) bare_lf_data: bool,
    pub(crate) hello: Hello,
    /// SOCKS was spoken: the server may answer in kind.
    pub(crate) socks_spoken: bool,
    /// Held bytes are being read: they were sent before an answer.
    pub(crate) late_reading: bool,
}

impl Default for ClientSide {
    fn default() -> Self {
        Self {
            mode: ClientMode::Lines,
            line: Line::default(),
            fresh: true,
            resync: false,
            hold: Hold::default(),
            http_headers: false,
            swallow_lf: false,
            bare_lf_data: false,
            hello: Hello::default(),
            socks_spoken: false,
            late_reading: false,
        }
    }
}

/// First bytes of TLS records: change cipher spec, alert, handshake, application data.
pub(crate) fn is_tls_type(b: u8) -> bool {
    (0x14..=0x17).contains(&b)
}

impl Machine {
    /// Reads payload of the client.
    pub(crate) fn client_bytes(&mut self, at: Time, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if matches!(self.client.mode, ClientMode::Held) {
                self.client.hold.push(at, bytes);
                self.look_at_hold();
                return;
            }
            let taken = self.client_step(at, bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// Reads some bytes in the present mode (never `Held`); how many. Zero only after a change of
    /// mode.
    pub(crate) fn client_step(&mut self, at: Time, bytes: &[u8]) -> usize {
        match self.client.mode {
            ClientMode::Lines => self.lines_step(at, bytes),
            ClientMode::Socks(_) => self.socks_step(at, bytes),
            ClientMode::Content => self.content_step(at, bytes),
            ClientMode::Chunk(left, last) => self.chunk_step(bytes, left, last),
            ClientMode::TlsDue => {
                let tls = bytes.first().is_some_and(|&b| is_tls_type(b) || b == 0x80);
                self.client.mode = if tls { ClientMode::Tls } else { ClientMode::Lines };
                0
            }
            ClientMode::Tls => {
                let found = self.client.hello.feed(bytes).and_then(|hello| hello.server_name);
                if let Some(tls) = &mut self.dialogue.tls {
                    tls.client_bytes = tls.client_bytes.saturating_add(bytes.len() as u64);
                    tls.server_name = found.or(tls.server_name.take());
                }
                bytes.len()
            }
            ClientMode::Held => bytes.len(),
        }
    }

    fn lines_step(&mut self, at: Time, bytes: &[u8]) -> usize {
        let Some(&first) = bytes.first() else { return 0 };
        if std::mem::take(&mut self.client.swallow_lf) && first == b'\n' {
            return 1;
        }
        if self.client.line.is_empty() {
            if self.client.fresh && matches!(first, 4 | 5) {
                self.client.fresh = false;
                self.client.mode = ClientMode::Socks(Vec::new());
                return 0;
            }
            let waiting = self.greeting_due || self.answer_due();
            self.client.line.at = at;
            self.client.line.early = self.in_step && (self.client.late_reading || waiting);
            if is_tls_type(first) {
                self.client.line.push(&[first], self.limits.line_bytes);
                return 1;
            }
        } else if self.client.line.len == 1
            && self.client.line.kept.first().is_some_and(|&b| is_tls_type(b))
            && first == 3
        {
            let line = self.client.line.take();
            self.begin_tls(line.at);
            self.client_bytes(line.at, &line.kept);
            return 0;
        }
        let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
        let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
        self.client.line.push(part, self.limits.line_bytes);
        if end.is_some() {
            let line = self.client.line.take();
            self.client_line(line);
        }
        part.len()
    }

    /// One side's bytes are TLS although no STARTTLS was seen to be accepted. The other side's
    /// first byte tells whether it follows: a server without TLS answers such bytes in clear.
    pub(crate) fn begin_tls(&mut self, at: Time) {
        let implicit = self.client.fresh && self.greeting_due && self.dialogue.commands.is_empty();
        self.dialogue.tls.get_or_insert(Tls { at, implicit, ..Tls::default() });
        self.client.mode = ClientMode::TlsDue;
        self.client.fresh = false;
        self.server.tls_due = true;
        self.greeting_due = false;
        self.pending.clear();
    }

    fn socks_step(&mut self, at: Time, bytes: &[u8]) -> usize {
        let ClientMode::Socks(seen) = &mut self.client.mode else { return 0 };
        let before = seen.len();
        let room = socks::LONGEST.saturating_sub(before).min(bytes.len());
        seen.extend_from_slice(bytes.get(..room).unwrap_or_default());
        match socks::request(seen) {
            Handshake::More => room,
            Handshake::Done(len, request) => {
                self.client.mode = ClientMode::Lines;
                self.client.socks_spoken = true;
                let kept = request.raw.get(..self.limits.line_bytes).unwrap_or(&request.raw);
                let len_u32 = u32::try_from(len).unwrap_or(u32::MAX);
                self.record(Verb::Proxy, Octets::new(kept), len_u32, at, false);
                let proxy = Proxied { protocol: request.protocol, target: request.target };
                self.proxy = Some((proxy, false));
                len.saturating_sub(before)
            }
            Handshake::Not => {
                // No handshake after all: its bytes are (odd) lines.
                let seen = std::mem::take(seen);
                self.client.mode = ClientMode::Lines;
                self.client_bytes(at, &seen);
                room
            }
        }
    }

    fn content_step(&mut self, at: Time, bytes: &[u8]) -> usize {
        let Some(open) = &mut self.open else {
            self.client.mode = ClientMode::Lines;
            return 0;
        };
        let probed = open.probes > 0;
        let part = match memchr::memchr(b'\n', bytes).filter(|_| probed) {
            Some(end) => bytes.get(..=end).unwrap_or(bytes),
            None => bytes,
        };
        let end = open.content.feed(part);
        if probed && end.is_none() {
            self.probe(at, part);
        }
        if end.is_some() {
            self.end_content();
        }
        end.unwrap_or(part.len())
    }

    /// The end of DATA content was seen: its answer is due.
    pub(crate) fn end_content(&mut self) {
        self.client.line = Line::default();
        self.client.mode = ClientMode::Lines;
        if let Some(open) = self.open.take() {
            let answers = if self.lmtp { open.message.recipients.max(1) } else { 1 };
            let message = self.close(open, true);
            self.ask(Asked { content: true, message, more: answers - 1, ..Asked::new(Verb::Data) });
        }
    }

    fn chunk_step(&mut self, bytes: &[u8], left: u64, last: bool) -> usize {
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        if let Some(open) = &mut self.open {
            open.content.take(bytes.get(..len).unwrap_or(bytes));
        }
        self.chunk_came(left.saturating_sub(len as u64), last);
        len
    }

    /// So much of a chunk is left now.
    pub(crate) fn chunk_came(&mut self, left: u64, last: bool) {
        if left > 0 {
            self.client.mode = ClientMode::Chunk(left, last);
            return;
        }
        self.client.mode = ClientMode::Lines;
        if let Some(open) = self.open.take_if(|_| last) {
            self.close(open, true);
        }
    }

    /// The server answered although no LF came: the lines end at CR.
    pub(crate) fn split_at_cr(&mut self) {
        let line = &self.client.line;
        let lines = matches!(self.client.mode, ClientMode::Lines);
        if !lines || line.kept.last() != Some(&b'\r') || line.kept.len() as u64 != line.len {
            return;
        }
        let line = self.client.line.take();
        for part in line.kept.split_inclusive(|&b| b == b'\r') {
            let mut one = Line { at: line.at, early: line.early, ..Line::default() };
            one.push(part, self.limits.line_bytes);
            self.client_line(one);
        }
        self.client.swallow_lf = true;
    }

    /// The end of the session: what is under way becomes what it can.
    pub(crate) fn finish_client(&mut self) {
        self.finish_hold();
        if let ClientMode::Socks(seen) = &mut self.client.mode {
            let seen = std::mem::take(seen);
            self.client.mode = ClientMode::Lines;
            // A cut handshake may hold a password: only that there was one is kept.
            let kept = seen.get(..2).unwrap_or(&seen);
            let len = u32::try_from(seen.len()).unwrap_or(u32::MAX);
            self.record(Verb::Proxy, Octets::new(kept), len, Time::default(), false);
        }
        self.split_at_cr();
        let lines = matches!(self.client.mode, ClientMode::Lines);
        if lines && !self.client.line.is_empty() && !self.client.resync {
            let line = self.client.line.take();
            self.client_line(line);
        }
    }
}

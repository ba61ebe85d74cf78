//! The client's side: command lines, message content, chunks, handshakes before SMTP, TLS.
//!
//! A line ends at LF; what stands before it is kept as sent. A client that ends its lines with CR
//! alone is known by its server, which answers although no LF came ([`Machine::split_at_cr`]).

use crate::connect;
use crate::exchange::Asked;
use crate::hello::Hello;
use crate::hold::Hold;
use crate::line::Line;
use crate::machine::Machine;
use crate::socks::{self, Handshake};
use crate::verb::{surely_command, verb_of};
use heloscope_model::session::{Auth, Command, Proxied, Tls, Verb};
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
    http_headers: bool,
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
                let found = self.client.hello.feed(bytes);
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

    /// Takes a complete line for what it is.
    pub(crate) fn client_line(&mut self, line: Line) {
        if self.client.resync {
            if line.kept.trim_ascii() == b"." && !self.attempt.prompted {
                // The end of a message whose beginning is missing.
                self.client.resync = false;
                self.ask(Asked { content: true, ..Asked::new(Verb::Data) });
                return;
            }
            if !surely_command(&line.kept) {
                return;
            }
            self.client.resync = false;
        }
        let first = std::mem::replace(&mut self.client.fresh, false);
        if first && line.kept.starts_with(b"PROXY ") && verb_of(&line.kept) == Verb::Other {
            // A HAProxy header: not said by the client, not answered by the server.
            self.keep(Verb::Other, Octets::new(&line.kept), line.len_u32(), line.at, false);
            self.client.fresh = true;
            return;
        }
        let verb = self.verb_here(&line.kept);
        if verb == Verb::Proxy && self.http_line(&line) {
            return;
        }
        let (raw, len) = match verb {
            Verb::Auth => {
                let opening = self.attempt.begin(&line.kept);
                if self.dialogue.auth.len() < self.limits.lines {
                    self.attempt.entry = Some(self.dialogue.auth.len());
                    let (mechanism, user) = (opening.mechanism, opening.user);
                    self.dialogue.auth.push(Auth { at: line.at, mechanism, user, reply: None });
                }
                (opening.raw, None)
            }
            Verb::AuthData => {
                let user = self.attempt.next(&line.kept);
                let entry = self.attempt.entry.and_then(|i| self.dialogue.auth.get_mut(i));
                if let (Some(entry), Some(user)) = (entry, user) {
                    entry.user = Some(user);
                }
                ([b"*", crate::line::ending(&line.kept)].concat(), None)
            }
            _ => {
                self.attempt.near &= matches!(verb, Verb::Other);
                match without_secret(verb, &line.kept) {
                    Some(kept) => (kept, None),
                    None => (line.kept, Some(line.len)),
                }
            }
        };
        // The length of a secret is a secret too.
        let len = len.unwrap_or(raw.len() as u64);
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        let index = self.record(verb, Octets::new(&raw), len, line.at, line.early);
        self.act_on(verb, &raw, index, line.at);
    }

    fn verb_here(&mut self, line: &[u8]) -> Verb {
        if self.attempt.prompted {
            return Verb::AuthData;
        }
        let verb = verb_of(line);
        if self.client.http_headers {
            if line.trim_ascii().is_empty() {
                self.client.http_headers = false;
                return Verb::Proxy;
            }
            if verb == Verb::Header {
                return Verb::Proxy;
            }
            self.client.http_headers = false;
        }
        // Behind a gap a continuation line may stand without its AUTH.
        let unsure = self.attempt.near || self.dialogue.midstream || self.dialogue.gaps > 0;
        let text = line.trim_ascii();
        let one_word = !text.is_empty() && !text.iter().any(u8::is_ascii_whitespace);
        if verb == Verb::Other && unsure && one_word { Verb::AuthData } else { verb }
    }

    /// A line of an HTTP request. True where it was a header, which says nothing more.
    fn http_line(&mut self, line: &Line) -> bool {
        if verb_of(&line.kept) == Verb::Proxy {
            self.client.http_headers = memchr::memmem::find(&line.kept, b" HTTP/").is_some();
            if let Some(target) = connect::connect_target(&line.kept) {
                self.proxy = Some((Proxied { protocol: "CONNECT", target }, false));
            }
            return false;
        }
        let raw = connect::without_credentials(&line.kept).unwrap_or_else(|| line.kept.clone());
        self.record(Verb::Proxy, Octets::new(&raw), line.len_u32(), line.at, false);
        true
    }

    /// What follows from a command before its answer.
    fn act_on(&mut self, verb: Verb, raw: &[u8], index: Option<u32>, at: Time) {
        let ends_chunks = matches!(verb, Verb::Data | Verb::Mail | Verb::Rset | Verb::Quit)
            || verb.helo().is_some();
        if let Some(open) = self.open.take_if(|open| ends_chunks && open.chunked) {
            self.close(open, false);
        }
        match verb {
            Verb::Quit => self.quit = true,
            Verb::Data => {
                self.client.bare_lf_data = crate::line::ending(raw) == b"\n";
                if self.blind {
                    self.accept_data(at, index);
                } else {
                    self.client.mode = ClientMode::Held;
                    self.client.hold.begin(at, index);
                }
            }
            Verb::Bdat => {
                let Some(chunk) = crate::bdat::parse(raw) else { return };
                if self.open.is_none() {
                    self.open_message(at, index, true);
                }
                if let Some(asked) = self.pending.back_mut() {
                    asked.message = Some(self.dialogue.messages.len());
                    asked.last = chunk.last;
                }
                self.client.mode = ClientMode::Chunk(chunk.size, chunk.last);
                if chunk.size == 0 {
                    self.chunk_came(0, chunk.last);
                }
            }
            _ => {}
        }
    }

    /// Keeps a command and waits for its answer.
    pub(crate) fn record(
        &mut self,
        verb: Verb,
        raw: Octets,
        len: u32,
        at: Time,
        early: bool,
    ) -> Option<u32> {
        let mut asked = Asked { at, ..Asked::new(verb) };
        asked.blank = raw.as_bytes().trim_ascii().is_empty();
        let command = Command { at, verb, raw, len, early, reply: None };
        if matches!(verb, Verb::Mail | Verb::Rcpt) {
            asked.path = command.path();
            asked.binary = memchr::memmem::find(
                &command.raw.as_bytes().to_ascii_uppercase(),
                b"BODY=BINARYMIME",
            )
            .is_some();
        }
        let Command { raw, .. } = command;
        asked.command = self.keep(verb, raw, len, at, early);
        let index = asked.command;
        self.ask(asked);
        index
    }

    fn keep(&mut self, verb: Verb, raw: Octets, len: u32, at: Time, early: bool) -> Option<u32> {
        if self.dialogue.commands.len() >= self.limits.lines {
            self.dialogue.dropped = self.dialogue.dropped.saturating_add(1);
            return None;
        }
        let index = u32::try_from(self.dialogue.commands.len()).ok();
        self.dialogue.commands.push(Command { at, verb, raw, len, early, reply: None });
        index
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

/// Lines of other protocols that carry a secret.
fn without_secret(verb: Verb, line: &[u8]) -> Option<Vec<u8>> {
    match verb {
        Verb::Header => connect::without_credentials(line),
        Verb::Other if crate::opening::starts_with_ignoring_case(line, b"PASS ") => {
            Some([b"PASS *", crate::line::ending(line)].concat())
        }
        _ => None,
    }
}

//! The server's side: reply lines (RFC 5321 4.2.1), the answers of proxies, TLS.
//!
//! A reply ends at its first line without `-` behind the code; lines without a code inside one
//! belong to it; the last line's code counts. A line without a code on its own is a reply of
//! code 0.

use crate::client::{ClientMode, is_tls_type};
use crate::connect;
use crate::line::Line;
use crate::machine::Machine;
use crate::socks::{self, Handshake};
use heloscope_model::session::{Reply, Verb};
use heloscope_model::{Octets, Time};

/// The state of the server's side.
#[derive(Default)]
pub(crate) struct ServerSide {
    line: Line,
    /// A reply whose last line has not come.
    reply: Option<Partial>,
    /// Bytes were seen.
    pub(crate) seen: bool,
    /// Lines are skipped until one looks like a reply.
    pub(crate) resync: bool,
    pub(crate) tls: bool,
    /// STARTTLS was accepted; the first byte tells whether TLS follows.
    pub(crate) tls_due: bool,
    /// Headers of an HTTP answer: its status.
    http: Option<u16>,
    /// A SOCKS answer, as far as it came.
    socks: Option<Vec<u8>>,
    socks_done: bool,
    /// When the last reply began.
    pub(crate) replied_at: Time,
}

struct Partial {
    at: Time,
    code: u16,
    text: Vec<u8>,
}

impl Machine {
    /// Reads payload of the server.
    pub(crate) fn server_bytes(&mut self, at: Time, mut bytes: &[u8]) {
        while let Some(&first) = bytes.first() {
            self.server.seen = true;
            if std::mem::take(&mut self.server.tls_due) {
                self.server.tls = is_tls_type(first);
            }
            if self.server.tls {
                if let Some(tls) = &mut self.dialogue.tls {
                    tls.server_bytes = tls.server_bytes.saturating_add(bytes.len() as u64);
                }
                return;
            }
            let taken = self.server_step(at, first, bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    fn server_step(&mut self, at: Time, first: u8, bytes: &[u8]) -> usize {
        if self.server.socks.is_some() {
            return self.socks_answer_step(at, bytes);
        }
        if self.server.line.is_empty() {
            let asked =
                self.client.socks_spoken || matches!(self.client.mode, ClientMode::Socks(_));
            if asked && !self.server.socks_done && matches!(first, 0 | 5) {
                self.server.socks = Some(Vec::new());
                return 0;
            }
            self.server.line.at = at;
            if is_tls_type(first) {
                self.server.line.push(&[first], self.limits.line_bytes);
                return 1;
            }
        } else if self.server.line.len == 1
            && self.server.line.kept.first().is_some_and(|&b| is_tls_type(b))
            && first == 3
        {
            let line = self.server.line.take();
            self.begin_tls(line.at);
            (self.server.tls, self.server.tls_due) = (true, false);
            if let Some(tls) = &mut self.dialogue.tls {
                tls.server_bytes = tls.server_bytes.saturating_add(line.len);
            }
            return 0;
        }
        let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
        let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
        self.server.line.push(part, self.limits.line_bytes);
        if end.is_some() {
            let line = self.server.line.take();
            self.server_line(line);
        }
        part.len()
    }

    fn socks_answer_step(&mut self, at: Time, bytes: &[u8]) -> usize {
        let Some(seen) = &mut self.server.socks else { return 0 };
        let before = seen.len();
        let room = socks::LONGEST.saturating_sub(before).min(bytes.len());
        seen.extend_from_slice(bytes.get(..room).unwrap_or_default());
        match socks::answer(seen) {
            Handshake::More => room,
            Handshake::Done(len, granted) => {
                self.server.socks = None;
                self.server.socks_done = true;
                self.proxy_answered(granted, None);
                len.saturating_sub(before)
            }
            Handshake::Not => {
                let seen = self.server.socks.take().unwrap_or_default();
                self.server.socks_done = true;
                self.server_bytes(at, &seen);
                room
            }
        }
    }

    /// The proxy answered the request before SMTP: nothing of it was sent too early.
    fn proxy_answered(&mut self, granted: bool, mut reply: Option<u32>) {
        if let Some((_, was_granted)) = &mut self.proxy {
            *was_granted = granted;
        }
        while let Some(asked) = self.pending.pop_front_if(|asked| asked.verb == Verb::Proxy) {
            let at = asked.command.and_then(|at| usize::try_from(at).ok());
            if let Some(command) = at.and_then(|at| self.dialogue.commands.get_mut(at)) {
                command.early = false;
                command.reply = reply.take();
            }
        }
    }

    fn server_line(&mut self, line: Line) {
        let text = line.kept.trim_ascii_end();
        if let Some(status) = self.server.http {
            if text.is_empty() {
                self.server.http = None;
                self.server.resync |= status != 200;
                return;
            }
            if text.contains(&b':') {
                return;
            }
            self.server.http = None;
        }
        if let Some(status) = connect::http_status(text).filter(|_| self.greeting_due) {
            self.server.http = Some(status);
            let text = Octets::new(text.get(5..).unwrap_or_default());
            let index = self.keep_reply(Reply { at: line.at, code: status, text });
            self.proxy_answered((200..300).contains(&status), index);
            return;
        }
        let code = code_of(text);
        let looks_right = code.is_some_and(|code| (200..600).contains(&code))
            && matches!(text.get(3), None | Some(b' ' | b'-'));
        if self.server.resync && !looks_right {
            return;
        }
        self.server.resync = false;
        let (text, goes_on) = match code {
            Some(_) => (text.get(4..).unwrap_or_default(), text.get(3) == Some(&b'-')),
            None if self.server.reply.is_some() => (text, true),
            None if text.is_empty() => return,
            None => (text, false),
        };
        let limit = self.limits.line_bytes;
        match &mut self.server.reply {
            Some(partial) => {
                partial.code = code.unwrap_or(partial.code);
                let room = limit.saturating_sub(partial.text.len());
                let joined = [b"\n", text].concat();
                partial.text.extend_from_slice(joined.get(..room).unwrap_or(&joined));
            }
            None => {
                let code = code.unwrap_or(0);
                self.server.reply = Some(Partial { at: line.at, code, text: text.to_vec() });
            }
        }
        if !goes_on {
            self.end_reply();
        }
    }

    /// The reply under way is over.
    pub(crate) fn end_reply(&mut self) {
        if let Some(Partial { at, code, text }) = self.server.reply.take() {
            self.server.replied_at = at;
            self.on_reply(Reply { at, code, text: Octets::new(&text) });
        }
    }

    /// Bytes of the server are missing: the line under way is lost, its reply is over.
    pub(crate) fn cut_server_line(&mut self) {
        self.server.line = Line::default();
        self.server.http = None;
        self.server.socks = None;
        self.server.resync = true;
        self.end_reply();
    }

    /// The end of the session: a line or reply under way is taken as it stands.
    pub(crate) fn finish_server(&mut self) {
        if !self.server.tls && !self.server.line.is_empty() {
            let line = self.server.line.take();
            self.server_line(line);
        }
        self.end_reply();
    }
}

fn code_of(line: &[u8]) -> Option<u16> {
    let digits = line.get(..3)?;
    digits
        .iter()
        .all(u8::is_ascii_digit)
        .then(|| digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0')))
}

//! The server's half of an SMTP session (RFC 5321, 1870, 2920, 3030, 3207, 4954): what is answered
//! to what, and when. Pure: bytes and time come in, a [`Step`] goes out.
//!
//! ```text
//!  greeting ──> Command <──> Login (334 ... 535)
//!                 │  ^ \───> LongLine (thrown away to its LF, then refused)
//!       354, BDAT v  │ 250
//!          Content, Chunk (thrown away as they come)
//! ```
//!
//! Every recipient gets the same answer at the same time: nothing in here knows which are traps.
//! The one exception is public (`helocheck`). Whatever is taken is thrown away; log-ins fail.
//! A session that goes beyond a limit is told 421 and closed, with its [`Refusal`] counted once.
//! What cannot be SMTP (TLS, SOCKS, the PROXY protocol from a stranger) is told so and closed.

mod bodies;
mod command;

use crate::ending::Ending;
use crate::limits::{Limits, Refusal};
use crate::login::Login;
use crate::personality::Personality;
use bodies::Bodies;
pub use bodies::Body;
use heloscope_model::{Octets, Time};
use std::net::IpAddr;
use std::sync::Arc;

/// What holds for all sessions of a sensor.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Who it seems to be.
    pub personality: Personality,
    /// What is taken.
    pub limits: Limits,
    /// Addresses that answer with the HELO that was said, in lower case.
    pub helocheck: Vec<String>,
    /// The secret that body hashes are keyed with.
    pub shingle_key: [u8; 16],
    /// Bytes of a session's bodies that are handed out; none unless the operator said so.
    pub body_bytes: usize,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this, then ask again.
    Say(Vec<u8>),
    /// Hand over what the client says, or ask again at this instant.
    Listen(Time),
    /// Take up TLS, then call [`Conversation::secured`].
    Secure,
    /// Close the connection.
    Close(Why),
}

/// Why the server closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The client said QUIT.
    Quit,
    /// Something went beyond a limit.
    Refused(Refusal),
    /// The sensor is being stopped.
    Stopped,
}

/// One session.
#[derive(Debug)]
pub struct Conversation {
    rules: Arc<Rules>,
    client: IpAddr,
    /// A number that no other session of the sensor has: queue ids and challenges are made of it.
    id: u64,
    began: Time,
    heard: Time,
    greeting: Greeting,
    mode: Mode,
    input: Vec<u8>,
    output: Vec<u8>,
    /// When `output` may be said.
    due: Time,
    closing: Option<Why>,
    tls_agreed: bool,
    secure: bool,
    /// What cannot be kept is not taken on: the sink takes nothing.
    full: bool,
    helo: Option<Octets>,
    transaction: Option<Transaction>,
    bytes: u64,
    command_bytes: u64,
    commands: u32,
    errors: u32,
    messages: u32,
    bodies: Bodies,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Greeting {
    NotBegun,
    /// The teaser was said; the rest is due then.
    Rest(Time),
    Done,
}

/// What the client's next bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Command,
    LongLine,
    Login(Login),
    Content(Ending),
    Chunk(Chunk),
}

/// Bytes announced with BDAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunk {
    left: u64,
    size: u64,
    last: bool,
    /// Set where the chunk is not taken; its bytes come all the same (RFC 3030 3).
    refused: Option<&'static str>,
}

/// The mail under way.
#[derive(Debug, Default)]
struct Transaction {
    recipients: u32,
    /// Content so far.
    size: u64,
    /// It comes by BDAT, so DATA and MAIL have no place.
    chunked: bool,
}

/// Bytes of the client that wait while an answer is delayed; beyond, the socket is not read.
const WAITING: usize = 64 << 10;

impl Conversation {
    /// A session that begins now.
    pub fn new(rules: Arc<Rules>, client: IpAddr, id: u64, now: Time) -> Self {
        Self {
            bodies: Bodies::new(rules.shingle_key, rules.body_bytes),
            rules,
            client,
            id,
            began: now,
            heard: now,
            greeting: Greeting::NotBegun,
            mode: Mode::Command,
            input: Vec::new(),
            output: Vec::new(),
            due: now,
            closing: None,
            tls_agreed: false,
            secure: false,
            full: false,
            helo: None,
            transaction: None,
            bytes: 0,
            command_bytes: 0,
            commands: 0,
            errors: 0,
            messages: 0,
        }
    }

    /// What is to be done now. Ends in `Listen` or `Close` after a few calls.
    pub fn next(&mut self, now: Time) -> Step {
        loop {
            if self.closing.is_none()
                && let Some(refusal) = self.out_of_time(now)
            {
                self.refuse(refusal, now);
            }
            if !self.output.is_empty() {
                if now < self.due {
                    return Step::Listen(self.due.min(self.deadline()));
                }
                return Step::Say(std::mem::take(&mut self.output));
            }
            if let Some(why) = self.closing {
                return Step::Close(why);
            }
            if std::mem::take(&mut self.tls_agreed) {
                return Step::Secure;
            }
            if self.greeting != Greeting::Done {
                if let Some(until) = self.greet(now) {
                    return Step::Listen(until.min(self.deadline()));
                }
                continue;
            }
            self.work(now);
            let nothing_to_say = self.output.is_empty() && self.closing.is_none();
            if nothing_to_say && !self.tls_agreed {
                return Step::Listen(self.deadline());
            }
        }
    }

    /// The client said this.
    pub fn hear(&mut self, now: Time, bytes: &[u8]) {
        if self.closing.is_some() || bytes.is_empty() {
            return;
        }
        self.heard = now;
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if self.bytes > self.rules.limits.session_bytes {
            self.refuse(Refusal::Bytes, now);
            return;
        }
        self.input.extend_from_slice(bytes);
    }

    /// Whether more can be heard now.
    pub fn listens(&self) -> bool {
        self.input.len() < WAITING
    }

    /// The handshake is done: the client begins anew (RFC 3207 4.2).
    pub fn secured(&mut self, now: Time) {
        self.heard = now;
        self.secure = true;
        self.helo = None;
        self.transaction = None;
        self.mode = Mode::Command;
        // What was sent in clear behind STARTTLS is void: it would be taken for said under TLS.
        self.input = Vec::new();
    }

    /// Whether the sink takes nothing: new mail is put off until it does.
    pub fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// The session is ended from outside.
    pub fn stop(&mut self, now: Time, why: Why) {
        match why {
            Why::Refused(refusal) => self.refuse(refusal, now),
            why => self.close(why, farewell(&self.rules.personality.name, None), now),
        }
    }

    /// The bodies of the messages begun so far, in order; each is handed out once.
    pub fn take_bodies(&mut self) -> Vec<Body> {
        self.bodies.take()
    }

    /// Messages taken so far.
    pub fn messages(&self) -> u32 {
        self.messages
    }

    fn refuse(&mut self, refusal: Refusal, now: Time) {
        let line = farewell(&self.rules.personality.name, Some(refusal));
        self.close(Why::Refused(refusal), line, now);
    }

    fn close(&mut self, why: Why, line: String, now: Time) {
        if self.closing.is_none() {
            self.closing = Some(why);
            self.input = Vec::new();
            self.say(&line);
            self.due = now;
        }
    }

    fn say(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    /// Says the greeting, or its next part; until when to wait for it.
    fn greet(&mut self, now: Time) -> Option<Time> {
        let personality = &self.rules.personality;
        let whole_at = match self.greeting {
            Greeting::Rest(at) => at,
            _ => {
                let at = self.began.plus_secs(personality.greeting_delay_s);
                self.greeting = Greeting::Rest(at);
                if let Some(teaser) = personality.teaser() {
                    self.output.extend_from_slice(teaser.as_bytes());
                    self.due = now;
                    return None;
                }
                at
            }
        };
        if now < whole_at {
            return Some(whole_at);
        }
        self.output.extend_from_slice(personality.greeting().as_bytes());
        self.due = now;
        self.greeting = Greeting::Done;
        None
    }

    fn deadline(&self) -> Time {
        let limits = &self.rules.limits;
        self.began.plus_secs(limits.session_s).min(self.heard.plus_secs(limits.idle_s))
    }

    fn out_of_time(&self, now: Time) -> Option<Refusal> {
        if now < self.deadline() {
            return None;
        }
        let whole = now >= self.began.plus_secs(self.rules.limits.session_s);
        Some(if whole { Refusal::Time } else { Refusal::Idle })
    }

    /// Reads what waits, until something must be said before more is read.
    fn work(&mut self, now: Time) {
        let mut input = std::mem::take(&mut self.input);
        let mut used = 0;
        let slow = self.rules.personality.tarpit_s > 0.0;
        while self.closing.is_none() && !self.tls_agreed && (!slow || self.output.is_empty()) {
            let waiting = input.get(used..).unwrap_or_default();
            let taken = if waiting.is_empty() { 0 } else { self.take(waiting, now) };
            if taken == 0 {
                break;
            }
            used += taken;
        }
        if self.closing.is_none() && used < input.len() {
            input.drain(..used);
            self.input = input;
        }
        // A farewell does not wait, QUIT's answer does.
        if matches!(self.closing, None | Some(Why::Quit)) && !self.output.is_empty() {
            self.due = now.plus_secs(self.rules.personality.tarpit_s);
        }
    }

    /// Takes some bytes in the present mode; how many. None where more must come.
    fn take(&mut self, bytes: &[u8], now: Time) -> usize {
        match self.mode {
            Mode::Command | Mode::Login(_) => self.take_line(bytes, now),
            Mode::LongLine => {
                let end = memchr::memchr(b'\n', bytes).map(|at| at + 1);
                let taken = end.unwrap_or(bytes.len());
                self.count_text(taken, now);
                if end.is_some() && self.closing.is_none() {
                    self.mode = Mode::Command;
                    self.answer_line(Answer::no("500 5.5.2 Error: line too long"), now);
                }
                taken
            }
            Mode::Content(mut ending) => {
                let end = ending.find(bytes);
                self.mode = Mode::Content(ending);
                let taken = end.unwrap_or(bytes.len());
                self.content(bytes.get(..taken).unwrap_or(bytes));
                if end.is_some() {
                    self.mode = Mode::Command;
                    self.end_message(now);
                }
                taken
            }
            Mode::Chunk(chunk) => {
                let len = usize::try_from(chunk.left).unwrap_or(usize::MAX).min(bytes.len());
                self.content(bytes.get(..len).unwrap_or(bytes));
                let chunk = Chunk { left: chunk.left - len as u64, ..chunk };
                self.mode = Mode::Chunk(chunk);
                if chunk.left == 0 {
                    self.end_chunk(chunk, now);
                }
                len
            }
        }
    }

    fn take_line(&mut self, bytes: &[u8], now: Time) -> usize {
        let first = self.commands == 0 && !self.secure;
        if first && not_smtp(bytes) {
            self.refuse(Refusal::NotSmtp, now);
            return bytes.len();
        }
        let longest = self.rules.limits.line_bytes;
        let Some(end) = memchr::memchr(b'\n', bytes).map(|at| at + 1).filter(|&at| at <= longest)
        else {
            if bytes.len() <= longest {
                return 0;
            }
            self.mode = Mode::LongLine;
            self.commands += 1;
            return self.take(bytes, now);
        };
        self.count_text(end, now);
        self.commands += 1;
        if self.commands > self.rules.limits.commands {
            self.refuse(Refusal::Commands, now);
        }
        if self.closing.is_none() {
            let answer = self.command(bytes.get(..end).unwrap_or_default());
            self.answer_line(answer, now);
        }
        end
    }

    /// Counts bytes outside of messages.
    fn count_text(&mut self, len: usize, now: Time) {
        self.command_bytes = self.command_bytes.saturating_add(len as u64);
        if self.command_bytes > self.rules.limits.command_bytes {
            self.refuse(Refusal::Bytes, now);
        }
    }

    /// Gives an answer, and counts it where it refuses.
    fn answer_line(&mut self, answer: Answer, now: Time) {
        if let Some(line) = &answer.line {
            self.say(line);
        }
        if answer.is_error {
            self.errors += 1;
            if self.errors >= self.rules.limits.errors {
                self.refuse(Refusal::Errors, now);
            }
        }
    }
}

/// What is said to a command.
struct Answer {
    /// Without its line end; more lines inside end with CRLF. None where more must come first.
    line: Option<String>,
    is_error: bool,
}

impl Answer {
    fn yes(line: impl Into<String>) -> Self {
        Self { line: Some(line.into()), is_error: false }
    }

    fn no(line: impl Into<String>) -> Self {
        Self { line: Some(line.into()), is_error: true }
    }

    fn none() -> Self {
        Self { line: None, is_error: false }
    }
}

/// The last reply to a client that is not let go on; without a refusal, to one whose server stops.
pub(crate) fn farewell(name: &str, refusal: Option<Refusal>) -> String {
    let why = match refusal {
        Some(Refusal::NotSmtp) => return "500 5.5.2 Error: bad syntax".into(),
        Some(Refusal::Bytes) => "4.7.0 {} Error: too much data",
        Some(Refusal::Commands) => "4.7.0 {} Error: too many commands",
        Some(Refusal::Errors) => "4.7.0 {} Error: too many errors",
        Some(Refusal::Time | Refusal::Idle | Refusal::Handshake) => {
            "4.4.2 {} Error: timeout exceeded"
        }
        Some(Refusal::SessionsOfAddress) => {
            "4.7.0 {} Error: too many connections from your address"
        }
        Some(Refusal::SinkFull | Refusal::Records) => {
            "4.3.1 {} Service not available: insufficient system storage"
        }
        _ => "4.3.2 {} Service not available, try again later",
    };
    format!("421 {}", why.replace("{}", name))
}

/// First bytes that no mail client sends: a TLS record, SOCKS, the PROXY protocol.
fn not_smtp(bytes: &[u8]) -> bool {
    matches!(bytes, [4 | 5, ..] | [0x16, 3, ..] | [b'\r', b'\n', b'\r', b'\n', 0, ..])
        || bytes.starts_with(b"PROXY ")
}

#[cfg(test)]
mod tests;

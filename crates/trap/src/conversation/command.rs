//! One command line, and the end of a message: what is answered, and what it does to the session.

use super::{Answer, Chunk, Conversation, Mode, Transaction};
use crate::ending::Ending;
use crate::envelope::{BadParameter, argument};
use crate::helocheck;
use crate::login::{self, Login, Said};
use heloscope_model::{Octets, Time};

const NO_HELO: &str = "503 5.5.1 Error: send HELO/EHLO first";
const NO_MAIL: &str = "503 5.5.1 Error: need MAIL command";
const NO_RCPT: &str = "554 5.5.1 Error: no valid recipients";
const NESTED: &str = "503 5.5.1 Error: nested MAIL command";
const UNKNOWN: &str = "502 5.5.2 Error: command not recognized";
const TOO_LARGE: &str = "552 5.3.4 Error: message file too big";

impl Conversation {
    /// Takes a whole line, its LF included.
    pub(super) fn command(&mut self, line: &[u8]) -> Answer {
        if let Mode::Login(login) = self.mode {
            self.mode = Mode::Command;
            let said = login.hear(line, &self.rules.personality.name, self.id);
            return self.login(said);
        }
        let line = line.trim_ascii();
        let end = line.iter().position(u8::is_ascii_whitespace).unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let alone = rest.is_empty();
        match word.to_ascii_uppercase().as_slice() {
            b"HELO" => self.hello(rest, false),
            b"EHLO" => self.hello(rest, true),
            b"MAIL" => self.mail(rest),
            b"RCPT" => self.rcpt(rest),
            b"DATA" if alone => self.data(),
            // Also where it was not offered: its bytes follow at once, and are no commands.
            b"BDAT" => self.bdat(rest),
            b"RSET" if alone => {
                self.begin_anew();
                Answer::yes("250 2.0.0 Ok")
            }
            b"NOOP" => Answer::yes("250 2.0.0 Ok"),
            b"QUIT" => {
                self.bodies.end();
                self.closing = Some(super::Why::Quit);
                Answer::yes("221 2.0.0 Bye")
            }
            b"VRFY" if alone => Answer::no("501 5.5.4 Syntax: VRFY address"),
            b"VRFY" => Answer::yes("252 2.0.0 Send some mail, and it will be tried"),
            b"EXPN" => Answer::no("502 5.5.1 Error: command not implemented"),
            b"HELP" => Answer::yes("214 2.0.0 See RFC 5321"),
            b"STARTTLS" if self.rules.personality.extensions.starttls => self.start_tls(alone),
            b"AUTH" if self.rules.personality.extensions.auth => self.auth(rest),
            b"DATA" | b"RSET" => Answer::no("501 5.5.4 Syntax error: no parameters here"),
            b"" => Answer::no("500 5.5.2 Error: bad syntax"),
            _ => Answer::no(UNKNOWN),
        }
    }

    fn hello(&mut self, rest: &[u8], extended: bool) -> Answer {
        let name = rest.trim_ascii();
        if name.is_empty() {
            return Answer::no("501 5.5.4 Syntax: HELO hostname");
        }
        self.helo = Some(Octets::new(name));
        self.begin_anew();
        let personality = &self.rules.personality;
        if !extended {
            return Answer::yes(format!("250 {}", personality.name));
        }
        let offers = personality.offers(self.rules.limits.message_bytes, self.secure);
        Answer::yes(offers.trim_end())
    }

    fn mail(&mut self, rest: &[u8]) -> Answer {
        self.bodies.end();
        if self.helo.is_none() {
            return Answer::no(NO_HELO);
        }
        if self.transaction.is_some() {
            return Answer::no(NESTED);
        }
        if self.full {
            // Not the client's fault, so no error of his.
            return Answer::yes("452 4.3.1 Insufficient system storage");
        }
        let Some(mail) = argument(rest, b"FROM") else {
            return Answer::no("501 5.5.4 Syntax: MAIL FROM:<address>");
        };
        let limits = &self.rules.limits;
        let offered = self.rules.personality.extensions;
        if let Err(bad) = mail.check_mail(offered, limits.message_bytes) {
            return refused(bad);
        }
        self.transaction = Some(Transaction::default());
        Answer::yes("250 2.1.0 Ok")
    }

    fn rcpt(&mut self, rest: &[u8]) -> Answer {
        let Some(transaction) = self.transaction.as_mut().filter(|mail| !mail.chunked) else {
            return Answer::no(NO_MAIL);
        };
        let Some(rcpt) = argument(rest, b"TO").filter(|rcpt| !rcpt.path.is_empty()) else {
            return Answer::no("501 5.5.4 Syntax: RCPT TO:<address>");
        };
        if let Err(bad) = rcpt.check_rcpt() {
            return refused(bad);
        }
        if helocheck::asks(rcpt.path, &self.rules.helocheck) {
            let helo = self.helo.as_ref().map(Octets::as_bytes).unwrap_or_default();
            return Answer::yes(helocheck::answer(helo, self.client));
        }
        if transaction.recipients >= self.rules.limits.recipients {
            return Answer::no("452 4.5.3 Error: too many recipients");
        }
        transaction.recipients += 1;
        Answer::yes("250 2.1.5 Ok")
    }

    fn data(&mut self) -> Answer {
        self.bodies.end();
        match &self.transaction {
            None => Answer::no(NO_MAIL),
            Some(mail) if mail.chunked => Answer::no("503 5.5.1 Error: DATA after BDAT"),
            Some(mail) if mail.recipients == 0 => Answer::no(NO_RCPT),
            Some(_) => {
                self.bodies.begin();
                self.mode = Mode::Content(Ending::default());
                Answer::yes("354 End data with <CR><LF>.<CR><LF>")
            }
        }
    }

    fn bdat(&mut self, rest: &[u8]) -> Answer {
        let Some((size, last)) = chunk(rest) else {
            return Answer::no("501 5.5.4 Syntax: BDAT count [LAST]");
        };
        self.bodies.begin();
        let refused = match &mut self.transaction {
            None => Some(NO_MAIL),
            Some(mail) if mail.recipients == 0 => Some(NO_RCPT),
            Some(mail) => {
                mail.chunked = true;
                None
            }
        };
        let chunk = Chunk { left: size, size, last, refused };
        self.mode = Mode::Chunk(chunk);
        if size > 0 {
            return Answer::none();
        }
        self.chunk_done(chunk)
    }

    /// A chunk has come.
    pub(super) fn end_chunk(&mut self, chunk: Chunk, now: Time) {
        let answer = self.chunk_done(chunk);
        self.answer_line(answer, now);
    }

    fn chunk_done(&mut self, chunk: Chunk) -> Answer {
        self.mode = Mode::Command;
        if chunk.last {
            self.bodies.end();
        }
        if let Some(refused) = chunk.refused {
            return Answer::no(refused);
        }
        if chunk.last {
            return self.message_done();
        }
        Answer::yes(format!("250 2.0.0 Ok: {} bytes", chunk.size))
    }

    /// The end of content by DATA was seen.
    pub(super) fn end_message(&mut self, now: Time) {
        self.bodies.end();
        let answer = self.message_done();
        self.answer_line(answer, now);
    }

    fn message_done(&mut self) -> Answer {
        let size = self.transaction.take().map_or(0, |mail| mail.size);
        if size > self.rules.limits.message_bytes {
            return Answer::no(TOO_LARGE);
        }
        self.messages += 1;
        Answer::yes(format!(
            "250 2.0.0 Ok: queued as {:010X}",
            self.id << 8 | u64::from(self.messages)
        ))
    }

    /// Bytes of a message.
    pub(super) fn content(&mut self, bytes: &[u8]) {
        if let Some(mail) = &mut self.transaction {
            mail.size = mail.size.saturating_add(bytes.len() as u64);
        }
        self.bodies.feed(bytes);
    }

    fn start_tls(&mut self, alone: bool) -> Answer {
        if !alone {
            return Answer::no("501 5.5.4 Syntax error: no parameters here");
        }
        if self.secure {
            return Answer::no("554 5.5.1 Error: TLS already active");
        }
        self.begin_anew();
        self.tls_agreed = true;
        Answer::yes("220 2.0.0 Ready to start TLS")
    }

    fn auth(&mut self, rest: &[u8]) -> Answer {
        if self.helo.is_none() {
            return Answer::no(NO_HELO);
        }
        if self.transaction.is_some() {
            return Answer::no("503 5.5.1 Error: MAIL transaction in progress");
        }
        let said = login::begin(rest, &self.rules.personality.name, self.id);
        self.login(said)
    }

    fn login(&mut self, said: Said) -> Answer {
        match said {
            Said::Ask(login, prompt) => self.prompt(login, prompt),
            Said::Over(line) => Answer::no(line),
        }
    }

    fn prompt(&mut self, login: Login, prompt: String) -> Answer {
        self.mode = Mode::Login(login);
        Answer::yes(prompt)
    }

    fn begin_anew(&mut self) {
        self.bodies.end();
        self.transaction = None;
    }
}

fn refused(bad: BadParameter) -> Answer {
    Answer::no(match bad {
        BadParameter::Unknown => "555 5.5.4 Unsupported option",
        BadParameter::Value => "501 5.5.4 Bad value of an option",
        BadParameter::TooLarge => TOO_LARGE,
    })
}

/// `1000` or `0 LAST` (RFC 3030 2).
fn chunk(rest: &[u8]) -> Option<(u64, bool)> {
    let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let size = words.next().filter(|size| size.iter().all(u8::is_ascii_digit))?;
    let size = std::str::from_utf8(size).ok()?.parse().ok()?;
    match (words.next(), words.next()) {
        (None, _) => Some((size, false)),
        (Some(word), None) if word.eq_ignore_ascii_case(b"LAST") => Some((size, true)),
        _ => None,
    }
}

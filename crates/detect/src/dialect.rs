//! How a client speaks SMTP, as a stable readable fingerprint; and the known dialects.
//!
//! A fingerprint is a set of features (`case=upper`, `path=EHLO MAIL RCPT DATA QUIT`, …); what a
//! session was too short or too poorly recorded to show is missing from it, never guessed (a log tells
//! that a command was said, not how: `is_as_sent`). Two
//! parts: the manner (how commands are written: the same in every session of one program) and what
//! depends on how far the session came. Known dialects stand in readable files (see [`mod@file`]).

pub mod file;
mod shipped;

use crate::header;
use crate::is_whole;
use heloscope_model::Session;
use heloscope_model::session::{Command, EndState, Message, Verb};
use std::collections::BTreeMap;
use std::fmt;

pub use file::{BadDialect, Dialects, Kind, Known};

/// Names of the features, in the order of the fingerprint.
pub const FEATURES: [&str; 13] = [
    "hello",
    "case",
    "colon",
    "angle",
    "ends",
    "params",
    "early",
    "path",
    "quit",
    "headers",
    "message-id",
    "boundary",
    "received",
];

/// How many of [`FEATURES`] are the manner.
const MANNER: usize = 5;

/// Fields of a header section that are named in `headers`; others vary from message to message.
const FIELDS: [&str; 14] = [
    "received",
    "message-id",
    "date",
    "from",
    "to",
    "cc",
    "subject",
    "reply-to",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "x-mailer",
    "user-agent",
    "x-priority",
];

/// A fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Dialect(BTreeMap<&'static str, String>);

impl Dialect {
    /// The fingerprint of a session.
    pub fn of(session: &Session) -> Self {
        let dialogue = &session.dialogue;
        let commands = &dialogue.commands;
        let written = || commands.iter().filter(|command| is_as_sent(command));
        let mut features = BTreeMap::new();
        let mut put = |name: &'static str, value: Option<String>| {
            if let Some(value) = value {
                features.insert(name, value);
            }
        };
        put("hello", dialogue.helo().map(|(verb, _)| verb.to_owned()));
        put("case", agreed(written().filter(|c| is_smtp(c.verb)).filter_map(case)));
        let paths = || written().filter(|c| matches!(c.verb, Verb::Mail | Verb::Rcpt));
        put("colon", agreed(paths().filter_map(colon)));
        put("angle", agreed(paths().filter_map(angle)));
        put("ends", agreed(written().filter(|c| is_smtp(c.verb)).filter_map(ends)));
        put("params", written().find(|c| c.verb == Verb::Mail).map(params));
        if is_whole(session) {
            put(
                "early",
                (!commands.is_empty()).then(|| {
                    if commands.iter().any(|c| c.early) { "yes" } else { "no" }.to_owned()
                }),
            );
            put("path", path(commands));
            let ended = match session.end_state {
                EndState::Quit => Some("yes"),
                EndState::Close | EndState::Reset if dialogue.tls.is_none() => Some("no"),
                _ => None,
            };
            put("quit", ended.map(str::to_owned));
        }
        if let Some(message) = dialogue.messages.first().filter(|m| !m.header.is_empty()) {
            put("headers", Some(headers(message)));
            put("message-id", Some(field_shape(message, "Message-ID")));
            put("boundary", boundary(message));
            let passed = header::field(message.header.as_bytes(), "Received").is_some();
            put("received", Some(if passed { "yes" } else { "no" }.to_owned()));
        }
        Self(features)
    }

    /// A feature, where the session showed it.
    pub fn feature(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The manner alone: `EHLO upper tight angle crlf`, `?` for what was not shown.
    pub fn manner(&self) -> String {
        let parts: Vec<_> =
            FEATURES.iter().take(MANNER).map(|name| self.feature(name).unwrap_or("?")).collect();
        parts.join(" ")
    }

    /// Features shown, in order.
    pub fn features(&self) -> impl Iterator<Item = (&'static str, &str)> {
        FEATURES.iter().filter_map(|name| Some((*name, self.feature(name)?)))
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.features().enumerate() {
            write!(f, "{}{name}={value}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

/// Whether a command's bytes are the client's. Of a log only the words are known: its reader writes
/// them as such a command would be written, and says so by a length of 0, which no line on the wire has.
fn is_as_sent(command: &Command) -> bool {
    command.len > 0 || command.raw.is_empty()
}

/// One value that all agree on, `mixed` where they do not.
fn agreed(values: impl Iterator<Item = &'static str>) -> Option<String> {
    let mut values = values;
    let first = values.next()?;
    Some(if values.all(|value| value == first) { first } else { "mixed" }.to_owned())
}

fn is_smtp(verb: Verb) -> bool {
    !matches!(verb, Verb::AuthData | Verb::Proxy | Verb::Header | Verb::Other)
}

fn case(command: &Command) -> Option<&'static str> {
    let verb = command.raw.as_bytes().trim_ascii().split(|b| !b.is_ascii_alphabetic()).next()?;
    Some(match verb {
        [] => return None,
        _ if verb.iter().all(u8::is_ascii_uppercase) => "upper",
        _ if verb.iter().all(u8::is_ascii_lowercase) => "lower",
        [first, rest @ ..]
            if first.is_ascii_uppercase() && rest.iter().all(u8::is_ascii_lowercase) =>
        {
            "title"
        }
        _ => "odd",
    })
}

/// Blanks around the colon of `MAIL FROM:` and `RCPT TO:`.
fn colon(command: &Command) -> Option<&'static str> {
    let raw = command.raw.as_bytes();
    let at = raw.iter().position(|&b| b == b':');
    let Some((before, after)) = at.and_then(|at| raw.split_at_checked(at)) else {
        return Some("none");
    };
    let blank = |b: Option<&u8>| b.is_some_and(|&b| b == b' ' || b == b'\t');
    Some(match (blank(before.last()), blank(after.get(1))) {
        (false, false) => "tight",
        (false, true) => "after",
        (true, false) => "before",
        (true, true) => "both",
    })
}

fn angle(command: &Command) -> Option<&'static str> {
    Some(if command.raw.as_bytes().contains(&b'<') { "angle" } else { "bare" })
}

/// How the line ends; none where it was cut before its end.
fn ends(command: &Command) -> Option<&'static str> {
    let raw = command.raw.as_bytes();
    Some(match raw {
        [.., b' ' | b'\t', b'\r', b'\n'] => "blank-crlf",
        [.., b'\r', b'\n'] => "crlf",
        [.., b'\n'] => "lf",
        [.., b'\r'] => "cr",
        _ => return None,
    })
}

/// Names of MAIL's parameters: `SIZE,BODY`, `none`.
fn params(command: &Command) -> String {
    let raw = command.raw.as_bytes();
    let after =
        raw.iter().position(|&b| b == b'>').and_then(|at| raw.get(at + 1..)).unwrap_or_default();
    let names: Vec<String> = after
        .split(u8::is_ascii_whitespace)
        .filter_map(|word| word.split(|&b| b == b'=').next())
        .filter(|name| {
            !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        })
        .take(6)
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect();
    if names.is_empty() { "none".to_owned() } else { names.join(",") }
}

/// The verbs of the first transaction, repeats written once.
fn path(commands: &[Command]) -> Option<String> {
    let mut path: Vec<&'static str> = Vec::new();
    for command in commands {
        let word = word(command.verb);
        if path.last() != Some(&word) && path.len() < 16 {
            path.push(word);
        }
    }
    (!path.is_empty()).then(|| path.join(" "))
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Helo => "HELO",
        Verb::Ehlo => "EHLO",
        Verb::Lhlo => "LHLO",
        Verb::Mail => "MAIL",
        Verb::Rcpt => "RCPT",
        Verb::Data => "DATA",
        Verb::Bdat => "BDAT",
        Verb::Rset => "RSET",
        Verb::Noop => "NOOP",
        Verb::Quit => "QUIT",
        Verb::Vrfy => "VRFY",
        Verb::Expn => "EXPN",
        Verb::Help => "HELP",
        Verb::StartTls => "STARTTLS",
        Verb::Auth | Verb::AuthData => "AUTH",
        Verb::Xclient => "XCLIENT",
        Verb::Xforward => "XFORWARD",
        Verb::Proxy => "PROXY",
        Verb::Header => "HEADER",
        Verb::Other => "OTHER",
    }
}

/// Well-known fields in the order they stand, each once.
fn headers(message: &Message) -> String {
    let mut found: Vec<&'static str> = Vec::new();
    for line in message.header.as_bytes().split(|&b| b == b'\n') {
        let name = line.split(|&b| b == b':').next().unwrap_or_default();
        let known = FIELDS.iter().find(|field| name.eq_ignore_ascii_case(field.as_bytes()));
        if let Some(field) = known.filter(|field| !found.contains(field)) {
            found.push(field);
        }
    }
    if found.is_empty() { "none".to_owned() } else { found.join(",") }
}

fn field_shape(message: &Message, name: &str) -> String {
    header::field(message.header.as_bytes(), name).map_or("none".to_owned(), |value| {
        // What stands behind the @ is the host's name, not the program's.
        shape(value.split('@').next().unwrap_or_default())
    })
}

fn boundary(message: &Message) -> Option<String> {
    let kind = header::field(message.header.as_bytes(), "Content-Type")?;
    let lower = kind.to_ascii_lowercase();
    let at = lower.find("boundary=")?;
    let value = kind.get(at + "boundary=".len()..)?.trim_start_matches('"');
    Some(shape(value.split(['"', ';']).next().unwrap_or_default()))
}

/// A text's shape: runs of letters and digits become `x`, each other character stays:
/// `<x.x.x`, `----=_x_x_x_x.x`.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for c in text.chars().take(80) {
        let c = match c {
            c if c.is_ascii_alphanumeric() => 'x',
            c if c.is_ascii_graphic() && c != ';' && c != '|' => c,
            _ => '?',
        };
        if !(c == 'x' && shape.ends_with('x')) {
            shape.push(c);
        }
    }
    shape
}

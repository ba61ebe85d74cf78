//! One SMTP conversation as somebody on the wire saw it.
//!
//! Made by `capture` (with the dialogue read by `smtp`) or by a log reader (then without raw
//! bytes); judged by `detect`; matched with mail-log lines by `investigate`. Everything is
//! bounded: see `heloscope_smtp::Limits` for how many commands, replies and bytes are kept.

pub mod json;

use crate::{Octets, Place, Time};
use std::net::SocketAddr;

/// One SMTP conversation over one TCP connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The first frame or line that belongs to it.
    pub place: Place,
    /// First packet (the SYN where it was seen).
    pub start: Time,
    /// Last packet.
    pub end: Time,
    /// The connecting side, as the outermost capture point saw it.
    pub client: SocketAddr,
    /// The answering side.
    pub server: SocketAddr,
    /// The client before address translation, where the session was also seen inside.
    pub inside: Option<SocketAddr>,
    /// The link-layer source of the client's frames at the innermost capture point.
    pub client_mac: Option<[u8; 6]>,
    /// Facts of the client's SYN, where it was seen.
    pub syn: Option<Syn>,
    /// Initial sequence numbers (client, server) where seen: the same connection seen at two
    /// points has the same pair, whatever its addresses became.
    pub sequence: (Option<u32>, Option<u32>),
    /// The proxy protocol that was spoken before SMTP on this connection, and its target.
    pub proxy: Option<Proxied>,
    /// What was said.
    pub dialogue: Dialogue,
    /// Payload bytes from the client and from the server, STARTTLS included.
    pub bytes: (u64, u64),
    /// How it ended.
    pub end_state: EndState,
}

/// Facts of a client's SYN that tell TCP stacks apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Syn {
    /// IP time to live (hop limit) as seen.
    pub ttl: u8,
    /// TCP window.
    pub window: u16,
    /// Maximum segment size option.
    pub mss: Option<u16>,
    /// Window scale option.
    pub scale: Option<u8>,
    /// Option kinds in wire order, at most 20.
    pub options: Octets,
    /// IPv4 don't-fragment.
    pub df: bool,
}

/// SMTP reached through a proxy on this very connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxied {
    /// `CONNECT`, `SOCKS4` or `SOCKS5`.
    pub protocol: &'static str,
    /// `host:port` as the client asked for it.
    pub target: Octets,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EndState {
    /// QUIT was said.
    Quit,
    /// Closed without QUIT.
    Close,
    /// Reset.
    Reset,
    /// Nothing more came before the reader's idle limit.
    Timeout,
    /// The recording ends before the session does.
    Truncated,
}

/// The dialogue: what each side said, in order.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Dialogue {
    /// The server's first reply (220 …).
    pub greeting: Option<Reply>,
    /// Commands in order, raw.
    pub commands: Vec<Command>,
    /// Replies in order, the greeting not among them.
    pub replies: Vec<Reply>,
    /// Message transfers begun with an accepted DATA or BDAT.
    pub messages: Vec<Message>,
    /// Log-ins tried, in order. Never a secret.
    pub auth: Vec<Auth>,
    /// Set when STARTTLS was accepted or the connection began with TLS.
    pub tls: Option<Tls>,
    /// Stretches of payload that the recording does not hold.
    pub gaps: u32,
    /// Commands and replies dropped because a limit was reached.
    pub dropped: u32,
    /// Message transfers beyond the limit of messages, only counted.
    pub unkept_messages: u32,
    /// The bytes of their content.
    pub unkept_bytes: u64,
    /// True when the recording began after the session did.
    pub midstream: bool,
}

/// One line from the client where a command was due.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// When its first byte was seen.
    pub at: Time,
    /// The verb as understood.
    pub verb: Verb,
    /// The line with its ending as sent, cut at a limit. Secrets of AUTH are replaced by `*`.
    pub raw: Octets,
    /// Bytes of the line before cutting.
    pub len: u32,
    /// Sent before the reply to the command before it had come (or before the greeting).
    pub early: bool,
    /// Index into [`Dialogue::replies`] of its final reply.
    pub reply: Option<u32>,
}

/// SMTP verbs and what stands in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the verbs
pub enum Verb {
    Helo,
    Ehlo,
    Lhlo,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Quit,
    Vrfy,
    Expn,
    Help,
    StartTls,
    Auth,
    /// A continuation line of AUTH.
    AuthData,
    Xclient,
    Xforward,
    /// CONNECT, GET, POST, PUT, OPTIONS, HEAD with an HTTP look, or SOCKS bytes.
    Proxy,
    /// A `Name: value` line where a command belongs.
    Header,
    /// Anything else.
    Other,
}

/// One reply of the server, all its lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// When its first byte was seen.
    pub at: Time,
    /// Three digits; 0 where the line began with none.
    pub code: u16,
    /// The text after the codes, lines joined by `\n`, cut at a limit.
    pub text: Octets,
}

/// One message transfer.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Message {
    /// When its content began.
    pub at: Time,
    /// Envelope sender: inside the angle brackets, empty for `<>`.
    pub from: Octets,
    /// Envelope recipients that the server accepted, capped.
    pub to: Vec<Octets>,
    /// Recipients accepted, all of them counted.
    pub recipients: u32,
    /// Bytes of content, dot-stuffing included, the final dot not.
    pub bytes: u64,
    /// The header section (unfolded not), cut at a limit.
    pub header: Octets,
    /// Whether the end of content was seen.
    pub complete: bool,
    /// Whether a bare LF or CR ended a line of it.
    pub bare_newline: bool,
    /// The reply to the content, an index into [`Dialogue::replies`].
    pub reply: Option<u32>,
}

/// One attempt to log in: names, never secrets.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Auth {
    /// When AUTH was said.
    pub at: Time,
    /// The mechanism as typed.
    pub mechanism: Octets,
    /// The user name, where the mechanism shows it (PLAIN, LOGIN, CRAM-MD5, XOAUTH2).
    pub user: Option<Octets>,
    /// The reply that ended the attempt, an index into [`Dialogue::replies`].
    pub reply: Option<u32>,
}

/// What is visible of TLS.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Tls {
    /// When it began.
    pub at: Time,
    /// Connection began with TLS (port 465 style) instead of STARTTLS.
    pub implicit: bool,
    /// Server name of the ClientHello, where seen.
    pub server_name: Option<Octets>,
    /// Bytes from the client under TLS.
    pub client_bytes: u64,
    /// Bytes from the server under TLS.
    pub server_bytes: u64,
}

impl Session {
    /// The first HELO, EHLO or LHLO: verb and argument.
    pub fn helo(&self) -> Option<(&'static str, Octets)> {
        self.dialogue.helo()
    }

    /// Every sender the client tried, in order, whatever the server said to it. Where a source
    /// keeps no commands (a log), the senders of the messages.
    pub fn mail_from(&self) -> Vec<Octets> {
        self.tried(Verb::Mail, |message| std::slice::from_ref(&message.from))
    }

    /// Every recipient the client tried, in order, whatever the server said to it. Where a
    /// source keeps no commands (a log), the recipients of the messages.
    pub fn rcpt_to(&self) -> Vec<Octets> {
        self.tried(Verb::Rcpt, |message| &message.to)
    }

    fn tried(&self, verb: Verb, of_message: impl Fn(&Message) -> &[Octets]) -> Vec<Octets> {
        let said: Vec<_> =
            self.dialogue.commands.iter().filter(|c| c.verb == verb).map(Command::path).collect();
        if said.is_empty() && self.dialogue.commands.is_empty() {
            return self.dialogue.messages.iter().flat_map(of_message).cloned().collect();
        }
        said
    }

    /// Messages taken: accepted by the server, or sent whole where its answer was not seen.
    pub fn messages(&self) -> usize {
        let kept = self.dialogue.messages.iter().filter(|m| self.dialogue.taken(m)).count();
        kept + usize::try_from(self.dialogue.unkept_messages).unwrap_or(usize::MAX)
    }

    /// Bytes of message content sent, taken or not.
    pub fn message_bytes(&self) -> u64 {
        let kept = self.dialogue.messages.iter().map(|m| m.bytes);
        kept.fold(self.dialogue.unkept_bytes, u64::saturating_add)
    }

    /// Whether the session went on under TLS after STARTTLS.
    pub fn starttls(&self) -> bool {
        self.dialogue.tls.as_ref().is_some_and(|tls| !tls.implicit)
    }
}

impl Dialogue {
    /// The first HELO/EHLO/LHLO: its verb as typed in upper case, and its argument.
    pub fn helo(&self) -> Option<(&'static str, Octets)> {
        self.commands.iter().find_map(|c| Some((c.verb.helo()?, c.argument())))
    }

    /// The reply to a command or message.
    pub fn reply(&self, index: Option<u32>) -> Option<&Reply> {
        self.replies.get(usize::try_from(index?).ok()?)
    }

    /// Whether a message was taken: answered with 2xx, or whole and its answer not seen.
    pub fn taken(&self, message: &Message) -> bool {
        match self.reply(message.reply) {
            Some(reply) => reply.is_positive(),
            None => message.complete,
        }
    }
}

impl Verb {
    /// `HELO`, `EHLO` or `LHLO`, where it is one.
    pub fn helo(self) -> Option<&'static str> {
        match self {
            Verb::Helo => Some("HELO"),
            Verb::Ehlo => Some("EHLO"),
            Verb::Lhlo => Some("LHLO"),
            _ => None,
        }
    }
}

impl Reply {
    /// 2xx: done as asked.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// 4xx or 5xx: refused, for now or for good.
    pub fn is_refusal(&self) -> bool {
        (400..600).contains(&self.code)
    }
}

impl Command {
    /// What follows the verb, trimmed of blanks and the line end.
    pub fn argument(&self) -> Octets {
        let line = self.raw.as_bytes().trim_ascii();
        let start = line.iter().position(|b| b.is_ascii_whitespace()).unwrap_or(line.len());
        Octets::new(line.get(start..).unwrap_or_default().trim_ascii())
    }

    /// The path of MAIL FROM or RCPT TO: inside the angle brackets (or the bare word where a
    /// client leaves them out), empty for `<>`. Blanks may stand or be missing anywhere.
    pub fn path(&self) -> Octets {
        let line = self.raw.as_bytes().trim_ascii();
        let after_verb = line.get(4..).unwrap_or_default().trim_ascii_start();
        let after_word = [&b"FROM"[..], b"TO"]
            .iter()
            .find_map(|word| after_keyword(after_verb, word))
            .unwrap_or(after_verb);
        let path = after_word.strip_prefix(b":").unwrap_or(after_word).trim_ascii_start();
        Octets::new(match path.strip_prefix(b"<") {
            Some(rest) => inside_brackets(rest),
            None => first_word(path),
        })
    }
}

/// What follows a keyword that ends at a blank, a colon, a bracket or the line's end.
fn after_keyword<'a>(text: &'a [u8], keyword: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(keyword.len())?;
    let ends = rest.first().is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b':' | b'<'));
    (head.eq_ignore_ascii_case(keyword) && ends).then(|| rest.trim_ascii_start())
}

/// Up to the closing bracket: the first `>` outside quotes (parameters may hold one too), any
/// `>` where a quote is left open, the first blank where there is none.
fn inside_brackets(rest: &[u8]) -> &[u8] {
    let mut quoted = false;
    let unquoted = rest.iter().position(|&b| {
        quoted ^= b == b'"';
        b == b'>' && !quoted
    });
    match unquoted.or_else(|| rest.iter().rposition(|&b| b == b'>')) {
        Some(end) => rest.get(..end).unwrap_or_default(),
        None => first_word(rest),
    }
}

fn first_word(text: &[u8]) -> &[u8] {
    text.split(u8::is_ascii_whitespace).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;

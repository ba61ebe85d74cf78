//! One SMTP conversation as somebody on the wire saw it.
//!
//! Made by `capture` (with the dialogue read by `smtp`) or by a log reader (then without raw
//! bytes); judged by `detect`; matched with mail-log lines by `investigate`. Everything is
//! bounded: see `heloscope_smtp::Limits` for how many commands, replies and bytes are kept.

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
    /// Set when STARTTLS was accepted or the connection began with TLS.
    pub tls: Option<Tls>,
    /// Stretches of payload that the recording does not hold.
    pub gaps: u32,
    /// Commands and replies dropped because a limit was reached.
    pub dropped: u32,
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

impl Dialogue {
    /// The first HELO/EHLO/LHLO: its verb as typed in upper case, and its argument.
    pub fn helo(&self) -> Option<(&'static str, Octets)> {
        self.commands.iter().find_map(|c| {
            let verb = match c.verb {
                Verb::Helo => "HELO",
                Verb::Ehlo => "EHLO",
                Verb::Lhlo => "LHLO",
                _ => return None,
            };
            Some((verb, c.argument()))
        })
    }

    /// The reply to a command or message.
    pub fn reply(&self, index: Option<u32>) -> Option<&Reply> {
        self.replies.get(usize::try_from(index?).ok()?)
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
    /// client leaves them out), empty for `<>`.
    pub fn path(&self) -> Octets {
        let argument = self.argument();
        let bytes = argument.as_bytes();
        let after_colon = match bytes.iter().position(|&b| b == b':') {
            Some(colon) => bytes.get(colon + 1..).unwrap_or_default().trim_ascii_start(),
            None => bytes,
        };
        let path = match after_colon.strip_prefix(b"<") {
            Some(rest) => {
                let close = rest.iter().rposition(|&b| b == b'>').unwrap_or(rest.len());
                // Parameters may hold '>' too: the first '>' outside quotes ends the path.
                let mut quoted = false;
                let first = rest.iter().position(|&b| {
                    quoted ^= b == b'"';
                    b == b'>' && !quoted
                });
                rest.get(..first.unwrap_or(close)).unwrap_or_default()
            }
            None => {
                let end = after_colon
                    .iter()
                    .position(|b| b.is_ascii_whitespace())
                    .unwrap_or(after_colon.len());
                after_colon.get(..end).unwrap_or_default()
            }
        };
        Octets::new(path)
    }
}

//! An outgoing session, reduced to what matching and judging need: a few hundred bytes instead
//! of the whole dialogue.

use crate::process::ProcessRef;
use crate::profile::{Dialect, Stack};
use heloscope_detect::Detection;
use heloscope_evidence::Connection;
use heloscope_model::session::{Session, Verb};
use heloscope_model::{Octets, Place, Time, Window};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

/// Keys kept of one session; a session with more is matched on the first ones.
const KEYS: usize = 64;

/// Bytes a client cannot stay below under TLS if it hands over a mail: a ClientHello and Finished
/// take some 350, the envelope and DATA in records of their own 300, the least message 250.
const SHORTEST_TLS_MAIL: u64 = 900;

/// One SMTP session.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) place: Place,
    pub(crate) start: Time,
    pub(crate) end: Time,
    /// Outermost client.
    pub(crate) client: SocketAddr,
    /// Client before translation, where seen.
    pub(crate) inside: Option<SocketAddr>,
    pub(crate) server: SocketAddr,
    pub(crate) mac: Option<[u8; 6]>,
    pub(crate) sequence: (Option<u32>, Option<u32>),
    pub(crate) stack: Option<Stack>,
    pub(crate) helo: Option<Octets>,
    pub(crate) dialect: Dialect,
    /// MAIL commands.
    pub(crate) mails: u32,
    /// Messages that the server took.
    pub(crate) taken: u32,
    /// Hashes of the recipients tried, lower case.
    pub(crate) recipients: Vec<u64>,
    /// Replies a mail log could quote: hash and the time they came.
    pub(crate) replies: Vec<(u64, Time)>,
    pub(crate) authenticated: bool,
    pub(crate) tls: bool,
    /// Under TLS the client said less than a handshake and the shortest mail need.
    pub(crate) too_short_for_mail: bool,
    /// X-Mailer or User-Agent of its first message.
    pub(crate) mailer: Option<Octets>,
    /// X-PHP-Originating-Script of its first message that names one.
    pub(crate) php_script: Option<Octets>,
    pub(crate) detections: Vec<Detection>,
    /// The log line that explains it, and whether content (not only time) joins them.
    pub(crate) explained: Option<(Place, bool)>,
    /// The process at its near end, where a socket table or recorder names it.
    pub(crate) process: Option<ProcessRef>,
    /// Only a firewall's line or its headers tell of it: nothing is known of what was said.
    pub(crate) hearsay: Option<Hearsay>,
}

/// What a firewall's line says besides addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hearsay {
    /// It came in by one interface and left by another.
    pub(crate) forwarded: bool,
    /// The rule's prefix says that it was not let through.
    pub(crate) dropped: bool,
    /// The interface it came in by is a tunnel's.
    pub(crate) from_tunnel: bool,
}

/// Bytes that a client sends at least before a mail is taken or refused: EHLO, MAIL and RCPT with short names. A look by
/// EHLO and QUIT stays below.
pub const SHORTEST_MAIL: u64 = 60;
/// Seconds that a connection named by a firewall line may have lasted.
const HEARSAY_S: f64 = 300.0;

impl Seen {
    pub(crate) fn new(session: &Session) -> Self {
        let said = &session.dialogue;
        let commands = |verb| said.commands.iter().filter(move |c| c.verb == verb);
        let header = |name: &str| {
            said.messages.iter().find_map(|m| header_value(m.header.as_bytes(), name.as_bytes()))
        };
        Self {
            place: session.place,
            start: session.start,
            end: session.end,
            client: session.client,
            inside: session.inside,
            server: session.server,
            mac: session.client_mac,
            sequence: session.sequence,
            stack: session.syn.as_ref().map(Stack::new),
            helo: said.helo().map(|(_, argument)| argument),
            dialect: Dialect::new(session),
            taken: said
                .messages
                .iter()
                .filter(|m| said.reply(m.reply).is_some_and(|r| (200..300).contains(&r.code)))
                .count() as u32,
            mails: u32::try_from(commands(Verb::Mail).count()).unwrap_or(u32::MAX),
            recipients: commands(Verb::Rcpt)
                .take(KEYS)
                .map(|c| key(&c.path().as_bytes().to_ascii_lowercase()))
                .collect(),
            replies: said
                .replies
                .iter()
                .filter(|r| r.code >= 200 && r.text.as_bytes().len() > 8)
                .filter(|r| is_telling(r.code, r.text.as_bytes()))
                .take(KEYS)
                .map(|r| (reply_key(r.code, r.text.as_bytes()), r.at))
                .collect(),
            authenticated: commands(Verb::Auth)
                .any(|c| said.reply(c.reply).is_none_or(|r| r.code == 235 || r.code == 334)),
            tls: said.tls.is_some(),
            too_short_for_mail: said
                .tls
                .as_ref()
                .is_some_and(|t| (1..SHORTEST_TLS_MAIL).contains(&t.client_bytes)),
            mailer: header("x-mailer").or_else(|| header("user-agent")),
            php_script: header("x-php-originating-script"),
            detections: heloscope_detect::judge(session),
            explained: None,
            process: None,
            hearsay: is_unheard(session).then_some(Hearsay {
                forwarded: false,
                dropped: false,
                from_tunnel: false,
            }),
        }
    }

    /// A session that only a firewall's line or a socket table with a time tells of.
    pub(crate) fn from_connection(connection: &Connection, start: Time) -> Self {
        let words = connection.state.to_ascii_lowercase();
        let dropped = ["drop", "reject", "block", "deny"].iter().any(|w| words.contains(w));
        Self {
            place: connection.place,
            start,
            end: start.plus_secs(HEARSAY_S),
            client: SocketAddr::new(connection.src, connection.src_port.unwrap_or(0)),
            inside: None,
            server: SocketAddr::new(connection.dst, connection.dst_port),
            mac: connection.mac.as_deref().and_then(parse_mac),
            sequence: (None, None),
            stack: None,
            helo: connection.helo.clone(),
            dialect: Dialect::default(),
            mails: 0,
            taken: 0,
            recipients: Vec::new(),
            replies: Vec::new(),
            authenticated: false,
            tls: false,
            too_short_for_mail: connection.sent.is_some_and(|sent| sent < SHORTEST_MAIL),
            mailer: None,
            php_script: None,
            detections: Vec::new(),
            explained: None,
            process: ProcessRef::of(connection),
            hearsay: Some(Hearsay {
                forwarded: connection.in_interface.as_deref().is_some_and(|i| !i.is_empty())
                    && connection.out_interface.as_deref().is_some_and(|o| !o.is_empty()),
                dropped,
                from_tunnel: connection.in_interface.as_deref().is_some_and(is_tunnel),
            }),
        }
    }

    /// The innermost address of the sender known.
    pub(crate) fn speaker(&self) -> IpAddr {
        self.inside.unwrap_or(self.client).ip()
    }

    /// The innermost socket of the sender known.
    pub(crate) fn speaker_socket(&self) -> SocketAddr {
        self.inside.unwrap_or(self.client)
    }

    /// From its first to its last packet; of one known by hearsay, only its beginning.
    pub(crate) fn stretch(&self) -> Window {
        let to = if self.hearsay.is_some() { self.start } else { self.end };
        Window { from: self.start, to }
    }

    /// Who spoke to whom, and what he said, for a quote.
    pub(crate) fn gist(&self) -> String {
        let mut text = format!("{} -> {}", self.speaker_socket(), self.server);
        if let Some(helo) = &self.helo {
            let greet = self.dialect.greet.as_deref().unwrap_or("HELO ").trim_end();
            text.push_str(&format!(" {greet} {helo}"));
        }
        if self.mails > 0 {
            let recipients = crate::case::count(self.recipients.len(), "recipient");
            text.push_str(&format!(
                ", {}, {recipients}",
                crate::case::count(self.mails as usize, "mail")
            ));
        }
        if self.tls {
            text.push_str(", then TLS");
        }
        text
    }

    /// Whether a mail was tried in the clear, or may have been under TLS.
    pub(crate) fn tried_mail(&self) -> bool {
        self.mails > 0
    }

    /// Whether this and another are one connection seen at two points: both initial sequence
    /// numbers agree, and they speak to the same port.
    pub(crate) fn is_twin(&self, other: &Seen) -> bool {
        let (Some(client), Some(server)) = self.sequence else { return false };
        other.sequence == (Some(client), Some(server)) && self.server.port() == other.server.port()
    }

    /// Takes over what a second view of the same connection knows more.
    pub(crate) fn absorb(&mut self, other: Seen, ours_inside: impl Fn(IpAddr) -> bool) {
        let views = [self.inside, Some(self.client), other.inside, Some(other.client)];
        let inner = views.iter().flatten().find(|s| ours_inside(s.ip())).copied();
        let outer = views.iter().flatten().find(|s| !ours_inside(s.ip())).copied();
        if let Some(outer) = outer {
            self.client = outer;
            self.inside = inner;
        }
        if other.inside.is_none() && ours_inside(other.client.ip()) {
            self.mac = other.mac.or(self.mac);
            self.stack = other.stack.clone().or(self.stack.take());
        }
        if other.replies.len() > self.replies.len() || self.helo.is_none() {
            self.helo = other.helo.or(self.helo.take());
            self.dialect = other.dialect;
            self.replies = other.replies;
            self.recipients = other.recipients;
            self.mails = self.mails.max(other.mails);
        }
    }
}

/// Whether a capture holds a session's headers alone, as a router's ring does, though enough was said for a mail.
fn is_unheard(session: &Session) -> bool {
    let said = &session.dialogue;
    let silent = said.greeting.is_none() && said.commands.is_empty() && said.replies.is_empty();
    silent && said.tls.is_none() && said.gaps > 0 && session.bytes.0 >= SHORTEST_MAIL
}

/// Whether an interface is named as tunnels are.
fn is_tunnel(interface: &str) -> bool {
    let name = interface.trim_end_matches(|c: char| c.is_ascii_digit());
    name.len() < interface.len() && matches!(name, "wg" | "tun" | "tap" | "ipsec" | "zt")
}

/// `aa:bb:cc:dd:ee:ff`.
fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut mac {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

/// A hash of bytes that is the same in every run.
pub(crate) fn key(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// The key of a reply as a mail log quotes it: code and words, blanks folded.
pub(crate) fn reply_key(code: u16, text: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    code.to_string().as_bytes().hash(&mut hasher);
    for word in text.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty()) {
        word.hash(&mut hasher);
    }
    hasher.finish()
}

/// The key of the reply inside the text that a mail log gives for an attempt:
/// `250 2.0.0 Ok: queued as …` or `host h[ip] said: 550 … (in reply to …)`.
pub(crate) fn quoted_reply_key(text: &[u8]) -> Option<u64> {
    let said = memchr_find(text, b" said: ").map_or(text, |at| text.get(at + 7..).unwrap_or(text));
    let said = match memchr_find(said, b" (in reply to ") {
        Some(end) => said.get(..end)?,
        None => said,
    };
    let code = said.get(..3)?;
    let number: u16 = std::str::from_utf8(code).ok()?.parse().ok()?;
    let dashed = [code, b"-"].concat();
    let mut plain = Vec::with_capacity(said.len());
    for word in said.split(|b| b.is_ascii_whitespace()) {
        if word != code {
            plain.extend_from_slice(word.strip_prefix(dashed.as_slice()).unwrap_or(word));
            plain.push(b' ');
        }
    }
    Some(reply_key(number, &plain))
}

fn memchr_find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

/// Whether a reply is likely to be one of its kind: a queue id or number in it, or a refusal
/// that names somebody. "250 Ok" joins nothing.
fn is_telling(code: u16, text: &[u8]) -> bool {
    if code >= 400 {
        return text.contains(&b'<') || text.contains(&b'[');
    }
    text.split(|b| !b.is_ascii_alphanumeric())
        .any(|word| word.len() >= 8 && word.iter().any(u8::is_ascii_digit))
}

/// The value of a header field in a raw header section, its first line.
fn header_value(header: &[u8], name: &[u8]) -> Option<Octets> {
    header.split(|&b| b == b'\n').find_map(|line| {
        let (field, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        field.eq_ignore_ascii_case(name).then(|| Octets::new(value.trim_ascii()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_and_the_log_line_that_quotes_it_have_one_key() {
        let wire = reply_key(250, b"2.0.0 Ok: queued as 4F1d2s0Zx1");
        assert_eq!(wire, quoted_reply_key(b"250 2.0.0 Ok: queued as 4F1d2s0Zx1").unwrap());
        let wire = reply_key(550, b"5.1.1 <x@example.net>: Recipient\n5.1.1 rejected");
        let logged = b"host mx.example.net[192.0.2.7] said: 550-5.1.1 <x@example.net>: Recipient \
            550 5.1.1 rejected (in reply to RCPT TO command)";
        assert_eq!(wire, quoted_reply_key(logged).unwrap());
    }

    #[test]
    fn an_everyday_reply_joins_nothing() {
        assert!(!is_telling(250, b"2.1.5 Ok"));
        assert!(is_telling(250, b"2.0.0 Ok: queued as 6C0D21A2B3"));
    }
}

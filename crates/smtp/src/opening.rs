//! Whether a TCP connection is SMTP, from the first payload bytes of one side.
//!
//! For readers that meet SMTP on any port. In: the first bytes of one side, as few as one or as
//! many as are at hand. Out: [`Opens`]. TLS is `No`: only a port can say that mail is inside.
//! `220` alone is `Maybe`, because FTP greets with it too; the client's first line settles it.

use crate::Side;
use crate::socks::{self, Handshake};
use memchr::memmem;

/// What the first bytes of one side say about the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// SMTP (or a proxy request for a mail port).
    Yes,
    /// Something else.
    No,
    /// Too few bytes, or bytes that other protocols begin with as well: ask the other side, or
    /// ask again with more.
    Maybe,
}

/// How many first bytes are looked at; with as many and still `Maybe`, more will not help.
pub const OPENING_BYTES: usize = 512;

/// Recognises SMTP by what one side says first.
///
/// Server: a greeting. Client: HELO/EHLO/LHLO, a bare MAIL FROM, an HTTP CONNECT or POST to a
/// mail port, a SOCKS request for a mail port.
pub fn opens_smtp(side: Side, first: &[u8]) -> Opens {
    let first = first.get(..OPENING_BYTES).unwrap_or(first);
    match side {
        Side::Server => server(first),
        Side::Client => client(first),
    }
}

/// The ports that mail is sent to.
pub(crate) fn is_mail_port(port: u16) -> bool {
    matches!(port, 24 | 25 | 26 | 465 | 587 | 2525)
}

fn server(first: &[u8]) -> Opens {
    let digits = first.iter().take(3).take_while(|b| b.is_ascii_digit()).count();
    if digits < 3.min(first.len()) {
        return Opens::No;
    }
    let (Some(code), Some(separator)) = (first.get(..3), first.get(3)) else {
        // A cut code still excludes what cannot become a greeting.
        return if matches!(first.first(), None | Some(b'2' | b'4' | b'5')) {
            Opens::Maybe
        } else {
            Opens::No
        };
    };
    if !matches!(separator, b' ' | b'-' | b'\r' | b'\n') {
        return Opens::No;
    }
    let (reply, whole) = first_reply(first);
    let text = reply.get(3..).unwrap_or_default().to_ascii_lowercase();
    match code {
        [b'2', b'2', b'0'] | [b'4' | b'5', _, _] if memmem::find(&text, b"smtp").is_some() => {
            Opens::Yes
        }
        // Not before the greeting is whole: an SMTP server may be named ftp.
        b"220" if whole && memmem::find(&text, b"ftp").is_some() => Opens::No,
        // RFC 5321 3.1: the greeting of a server that takes no mail. No other protocol's.
        b"554" => Opens::Yes,
        b"220" | b"421" | b"450" | b"451" | b"452" | b"521" | b"550" | b"571" => Opens::Maybe,
        [b'4' | b'5', _, _] if !whole => Opens::Maybe,
        _ => Opens::No,
    }
}

/// The first reply up to its last line (the one without a hyphen), and whether that has come.
fn first_reply(first: &[u8]) -> (&[u8], bool) {
    let mut end = 0;
    for line in first.split_inclusive(|&b| b == b'\n') {
        end += line.len();
        if line.ends_with(b"\n") && line.get(3) != Some(&b'-') {
            return (first.get(..end).unwrap_or(first), true);
        }
    }
    (first, false)
}

fn client(first: &[u8]) -> Opens {
    match first.first() {
        None => return Opens::Maybe,
        Some(4 | 5) => {
            return match socks::request(first) {
                Handshake::More => Opens::Maybe,
                Handshake::Done(_, request) if is_mail_port(request.port) => Opens::Yes,
                Handshake::Done(..) | Handshake::Not => Opens::No,
            };
        }
        _ => {}
    }
    let start = first.trim_ascii_start();
    let end = start.iter().position(|&b| b == b'\n');
    let line = start.get(..end.unwrap_or(start.len())).unwrap_or_default();
    let (word, rest) = match line.iter().position(u8::is_ascii_whitespace) {
        Some(at) => (line.get(..at).unwrap_or_default(), line.get(at..).unwrap_or_default()),
        None if end.is_some() => (line, &b""[..]),
        None => return cut_word(line),
    };
    let rest = rest.trim_ascii();
    match word.to_ascii_uppercase().as_slice() {
        b"EHLO" | b"HELO" | b"LHLO" => Opens::Yes,
        b"MAIL" if starts_with_ignoring_case(rest, b"FROM") => Opens::Yes,
        b"CONNECT" | b"POST" => {
            // A port may be cut until its word has ended.
            let blank_behind = line.len() > line.trim_ascii_end().len() && !rest.is_empty();
            let ended = end.is_some() || blank_behind || two_words(rest);
            match port_of(rest).filter(|_| ended) {
                Some(port) if is_mail_port(port) => Opens::Yes,
                None if !ended => Opens::Maybe,
                _ => Opens::No,
            }
        }
        // A HAProxy header: the protocol begins on the next line.
        b"PROXY" if end.is_none() => Opens::Maybe,
        b"PROXY" if starts_with_ignoring_case(rest, b"TCP") => client_after_line(start),
        b"QUIT" | b"NOOP" | b"RSET" | b"AUTH" | b"STARTTLS" | b"HELP" | b"VRFY" | b"EXPN"
        | b"MAIL" => Opens::Maybe,
        _ => Opens::No,
    }
}

fn two_words(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_whitespace)
}

/// What follows the first line, judged as an opening of its own.
fn client_after_line(first: &[u8]) -> Opens {
    let after = memchr::memchr(b'\n', first).and_then(|at| first.get(at + 1..)).unwrap_or_default();
    // One header only: a second one is no opening.
    if starts_with_ignoring_case(after, b"PROXY") { Opens::No } else { client(after) }
}

/// A first word whose end has not come: could it still become one of ours?
fn cut_word(word: &[u8]) -> Opens {
    const WORDS: [&[u8]; 15] = [
        b"EHLO",
        b"HELO",
        b"LHLO",
        b"MAIL",
        b"CONNECT",
        b"POST",
        b"PROXY",
        b"QUIT",
        b"NOOP",
        b"RSET",
        b"AUTH",
        b"STARTTLS",
        b"HELP",
        b"VRFY",
        b"EXPN",
    ];
    let possible = WORDS.iter().any(|known| starts_with_ignoring_case(known, word));
    if possible { Opens::Maybe } else { Opens::No }
}

pub(crate) fn starts_with_ignoring_case(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// The port of `host:port`, `http://host:port/path`, each perhaps followed by `HTTP/1.x`; none
/// where the word is cut or names none.
fn port_of(target: &[u8]) -> Option<u16> {
    let word = target.split(u8::is_ascii_whitespace).next()?;
    let word = word.strip_prefix(b"http://").unwrap_or(word);
    let authority = word.split(|&b| b == b'/').next()?;
    let colon = authority.iter().rposition(|&b| b == b':')?;
    std::str::from_utf8(authority.get(colon + 1..)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Opens::{Maybe, No, Yes};

    #[test]
    fn greetings() {
        for (bytes, expected) in [
            (&b"220 mx.example.org ESMTP\r\n"[..], Yes),
            (b"220-mx.example.org Microsoft ESMTP", Yes),
            (b"220 mx.example.org\r\n", Maybe),
            (b"220 ProFTPD Server\r\n", No),
            (b"220 ftp.example.org ES", Maybe),
            (b"220-ftp\r\n220 ESMTP\r\n", Yes),
            (b"554 no mail here\r\n", Yes),
            (b"421 too many\r\n", Maybe),
            (b"22", Maybe),
            (b"", Maybe),
            (b"+OK POP3 ready", No),
            (b"* OK IMAP4", No),
            (b"200 news server", No),
            (b"SSH-2.0-x", No),
            (b"\x16\x03\x01", No),
        ] {
            assert_eq!(
                opens_smtp(Side::Server, bytes),
                expected,
                "{:?}",
                bytes.escape_ascii().to_string()
            );
        }
    }

    #[test]
    fn first_words_of_clients() {
        for (bytes, expected) in [
            (&b"EHLO ylmf-pc\r\n"[..], Yes),
            (b"helo x", Yes),
            (b"eh", Maybe),
            (b"EHLOX\r\n", No),
            (b"MAIL FROM:<a@example.org>\r\n", Yes),
            (b"CONNECT 192.0.2.1:25 HTTP/1.0\r\n", Yes),
            (b"CONNECT 192.0.2.1:443 HTTP/1.0\r\n", No),
            (b"CONNECT mx.exam", Maybe),
            (b"POST http://192.0.2.1:25/ HTTP/1.0\r\n", Yes),
            (b"GET / HTTP/1.1\r\n", No),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 4000 25\r\nEHLO x\r\n", Yes),
            (b"QUIT\r\n", Maybe),
            (b"USER a\r\n", No),
            (b"\x04\x01\x00\x19\xc0\x00\x02\x01\0", Yes),
            (b"\x04\x01\x00\x50\xc0\x00\x02\x01\0", No),
            (b"\x05\x01\x02\x01\x02me\x03pwd\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x19", Yes),
            (b"CONNECT 192.0.2.1:25", Maybe),
            (b"\x05\x01\x00", Maybe),
            (b"\x05\x01\x00\x05\x01\x00\x03\x02mx\x00\x19", Yes),
            (b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb", No),
            (b"\x16\x03\x01\x02\x00", No),
            (b"", Maybe),
        ] {
            assert_eq!(
                opens_smtp(Side::Client, bytes),
                expected,
                "{:?}",
                bytes.escape_ascii().to_string()
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_certain_stays_so(
            text in "(220[ -]|404 |554 |EHLO |CONNECT |POST http://)[a-z:/.0-9]{0,12}(ftp|smtp|:25| )?(\r\n220 esmtp)?\r?\n?",
            cut in 0usize..40,
        ) {
            for side in [Side::Client, Side::Server] {
                let first = opens_smtp(side, text.as_bytes().get(..cut).unwrap_or_default());
                let more = opens_smtp(side, text.as_bytes());
                proptest::prop_assert!(first == Maybe || first == more, "{first:?}, then {more:?}");
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
            opens_smtp(Side::Client, &bytes);
            opens_smtp(Side::Server, &bytes);
        }
    }
}

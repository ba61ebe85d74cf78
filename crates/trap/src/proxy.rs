//! The proxy trap: HTTP CONNECT (RFC 9110 9.3.6), SOCKS 4, 4a and 5 (RFC 1928, 1929) as an open
//! proxy speaks them. Pure: bytes in, what to answer out.
//!
//! It never opens a connection. Asked for port 25 it says yes, and the sensor itself plays the
//! mail server that was asked for; anything else is refused. User names and passwords are
//! accepted whatever they are, and skipped.

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// More bytes are needed.
    More,
    /// Answer this; so many bytes are used up, and the handshake goes on.
    Say(usize, Vec<u8>),
    /// Answer this; so many bytes are used up, and SMTP begins.
    Granted(usize, Vec<u8>),
    /// Answer this and close.
    Refused(Vec<u8>),
}

/// One handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Handshake {
    socks5: Socks5,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Socks5 {
    #[default]
    Methods,
    Password,
    Request,
}

/// The one port that is reached.
const MAIL: u16 = 25;
/// The longest HTTP request, and the longest SOCKS message.
pub const LONGEST: usize = 8192;

impl Handshake {
    /// Looks at the bytes that came and are not used up.
    pub fn next(&mut self, bytes: &[u8]) -> Turn {
        let turn = match (self.socks5, bytes.first()) {
            (_, None) => Some(Turn::More),
            (Socks5::Methods, Some(4)) => socks4(bytes),
            (Socks5::Methods, Some(5)) => self.methods(bytes),
            (Socks5::Methods, _) => return http(bytes),
            (Socks5::Password, _) => self.password(bytes),
            (Socks5::Request, _) => request(bytes),
        };
        match turn {
            Some(turn) => turn,
            None if bytes.len() < LONGEST => Turn::More,
            None => Turn::Refused(Vec::new()),
        }
    }

    fn methods(&mut self, bytes: &[u8]) -> Option<Turn> {
        let count = usize::from(*bytes.get(1)?);
        let methods = bytes.get(2..2 + count)?;
        let used = 2 + count;
        Some(if methods.contains(&0) {
            self.socks5 = Socks5::Request;
            Turn::Say(used, vec![5, 0])
        } else if methods.contains(&2) {
            self.socks5 = Socks5::Password;
            Turn::Say(used, vec![5, 2])
        } else {
            Turn::Refused(vec![5, 0xff])
        })
    }

    fn password(&mut self, bytes: &[u8]) -> Option<Turn> {
        if bytes.first() != Some(&1) {
            return Some(Turn::Refused(vec![1, 1]));
        }
        let user = usize::from(*bytes.get(1)?);
        let password = usize::from(*bytes.get(2 + user)?);
        let used = 3 + user + password;
        bytes.get(..used)?;
        self.socks5 = Socks5::Request;
        Some(Turn::Say(used, vec![1, 0]))
    }
}

fn socks4(bytes: &[u8]) -> Option<Turn> {
    let answer = |code: u8| vec![0, code, 0, 0, 0, 0, 0, 0];
    let (&command, &[high, low]) = (bytes.get(1)?, bytes.get(2..4)?) else { return None };
    let address = bytes.get(4..8)?;
    let user = memchr::memchr(0, bytes.get(8..)?)?;
    let mut used = 8 + user + 1;
    if matches!(address, [0, 0, 0, last] if *last != 0) {
        used += memchr::memchr(0, bytes.get(used..)?)? + 1;
    }
    let reached = command == 1 && u16::from_be_bytes([high, low]) == MAIL;
    Some(if reached { Turn::Granted(used, answer(90)) } else { Turn::Refused(answer(91)) })
}

fn request(bytes: &[u8]) -> Option<Turn> {
    let answer = |code: u8| vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    let &[version, command, _, kind] = bytes.get(..4)? else { return None };
    let address = match kind {
        1 => 4,
        3 => 1 + usize::from(*bytes.get(4)?),
        4 => 16,
        _ => return Some(Turn::Refused(answer(8))),
    };
    let used = 4 + address + 2;
    let &[high, low] = bytes.get(4 + address..used)? else { return None };
    Some(match (version, command) {
        (5, 1) if u16::from_be_bytes([high, low]) == MAIL => Turn::Granted(used, answer(0)),
        // Not allowed by the rules.
        (5, 1) => Turn::Refused(answer(2)),
        (5, _) => Turn::Refused(answer(7)),
        _ => Turn::Refused(answer(1)),
    })
}

fn http(bytes: &[u8]) -> Turn {
    let refused = |status: &str| {
        Turn::Refused(
            format!("HTTP/1.0 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into(),
        )
    };
    // The request ends with an empty line; bare LFs are forgiven.
    let ends = [
        memchr::memmem::find(bytes, b"\r\n\r\n").map(|at| at + 4),
        memchr::memmem::find(bytes, b"\n\n").map(|at| at + 2),
    ];
    let Some(used) = ends.into_iter().flatten().min() else {
        return if bytes.len() < LONGEST { Turn::More } else { refused("400 Bad Request") };
    };
    let line = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return refused("400 Bad Request");
    };
    if !method.eq_ignore_ascii_case(b"CONNECT") {
        return refused("405 Method Not Allowed");
    }
    let port = target.iter().rposition(|&b| b == b':').and_then(|at| target.get(at + 1..));
    match port {
        Some(b"25") => Turn::Granted(used, b"HTTP/1.0 200 Connection established\r\n\r\n".into()),
        Some(_) => refused("403 Forbidden"),
        None => refused("400 Bad Request"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a client's bytes, piece by piece: what was answered, and what is left for SMTP.
    fn play(bytes: &[u8], piece: usize) -> (Vec<u8>, Option<Vec<u8>>) {
        let (mut handshake, mut waiting, mut said) = (Handshake::default(), Vec::new(), Vec::new());
        for (at, part) in bytes.chunks(piece).enumerate() {
            waiting.extend_from_slice(part);
            loop {
                match handshake.next(&waiting) {
                    Turn::More => break,
                    Turn::Say(used, answer) => {
                        said.extend(answer);
                        waiting.drain(..used);
                    }
                    Turn::Granted(used, answer) => {
                        said.extend(answer);
                        waiting.drain(..used);
                        waiting.extend(bytes.chunks(piece).skip(at + 1).flatten());
                        return (said, Some(waiting));
                    }
                    Turn::Refused(answer) => {
                        said.extend(answer);
                        return (said, None);
                    }
                }
            }
        }
        (said, None)
    }

    #[test]
    fn mail_is_granted_and_nothing_else() {
        let granted_http: &[u8] = b"HTTP/1.0 200 Connection established\r\n\r\n";
        for (asked, answer) in [
            (
                &b"CONNECT mx.example.org:25 HTTP/1.1\r\nHost: mx.example.org:25\r\n\r\n"[..],
                granted_http,
            ),
            (b"connect 192.0.2.1:25 HTTP/1.0\n\n", granted_http),
            (b"\x04\x01\x00\x19\xc0\x00\x02\x01me\0", &[0, 90, 0, 0, 0, 0, 0, 0]),
            (b"\x04\x01\x00\x19\0\0\0\x01\0mx.example\0", &[0, 90, 0, 0, 0, 0, 0, 0]),
            (b"\x05\x01\x00\x05\x01\x00\x03\x02mx\x00\x19", &[5, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
            (
                b"\x05\x01\x02\x01\x02me\x03pwd\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x19",
                &[5, 2, 1, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0, 0],
            ),
        ] {
            let bytes = [asked, b"EHLO x\r\n"].concat();
            for piece in [1, 5, 1000] {
                let (said, rest) = play(&bytes, piece);
                assert_eq!(said, answer, "{}", asked.escape_ascii());
                assert_eq!(rest.as_deref(), Some(&b"EHLO x\r\n"[..]));
            }
        }
        for (asked, begins) in [
            (&b"CONNECT mx.example.org:443 HTTP/1.1\r\n\r\n"[..], &b"HTTP/1.0 403"[..]),
            (b"CONNECT mx.example.org HTTP/1.1\r\n\r\n", b"HTTP/1.0 400"),
            (b"GET http://example.org/ HTTP/1.1\r\n\r\n", b"HTTP/1.0 405"),
            (b"\r\n\r\n", b"HTTP/1.0 400"),
            (b"\x04\x01\x00\x50\xc0\x00\x02\x01\0", &[0, 91]),
            (b"\x04\x02\x00\x19\xc0\x00\x02\x01\0", &[0, 91]),
            (b"\x05\x01\x01", &[5, 0xff]),
            (b"\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x01\x01\xbb", &[5, 0, 5, 2]),
            (b"\x05\x01\x00\x05\x02\x00\x01\xc0\x00\x02\x01\x00\x19", &[5, 0, 5, 7]),
            (b"\x05\x01\x00\x05\x01\x00\x09", &[5, 0, 5, 8]),
        ] {
            let (said, rest) = play(asked, 1000);
            assert!(said.starts_with(begins), "{} {said:?}", asked.escape_ascii());
            assert_eq!(rest, None);
        }
    }

    #[test]
    fn the_record_knows_the_proxy() {
        use heloscope_smtp::{Limits, Machine, Side};
        for (asked, protocol, target) in [
            (
                &b"CONNECT mx.example.org:25 HTTP/1.1\r\nProxy-Authorization: Basic x\r\n\r\n"[..],
                "CONNECT",
                "mx.example.org:25",
            ),
            (b"\x04\x01\x00\x19\xc0\x00\x02\x01me\0", "SOCKS4", "192.0.2.1:25"),
            (b"\x05\x01\x02\x01\x02me\x03pwd\x05\x01\x00\x03\x02mx\x00\x19", "SOCKS5", "mx:25"),
        ] {
            let mut machine = Machine::new(&Limits::default());
            let (mut handshake, mut waiting) = (Handshake::default(), asked.to_vec());
            machine.feed(Side::Client, Default::default(), asked);
            loop {
                match handshake.next(&waiting) {
                    Turn::Say(used, said) => {
                        machine.feed(Side::Server, Default::default(), &said);
                        waiting.drain(..used);
                    }
                    Turn::Granted(_, said) => {
                        machine.feed(Side::Server, Default::default(), &said);
                        break;
                    }
                    other => panic!("{other:?}"),
                }
            }
            machine.feed(Side::Server, Default::default(), b"220 mx\r\n");
            let proxied = machine.proxied().unwrap();
            assert_eq!((proxied.protocol, proxied.target.to_string().as_str()), (protocol, target));
            let dialogue = machine.finish();
            assert_eq!(dialogue.greeting.unwrap().code, 220);
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60), first in 3u8..7) {
            for start in [&[first][..], b"CONNECT ", &[5, 1, 0], &[5, 1, 2]] {
                play(&[start, &bytes[..]].concat(), 7);
            }
        }
    }
}

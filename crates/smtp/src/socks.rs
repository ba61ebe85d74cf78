//! SOCKS 4, 4a and 5 (RFC 1928, 1929) handshakes before SMTP: how far each side's goes, what was
//! asked for, whether it was granted. Passwords are skipped, never kept.

use heloscope_model::Octets;

/// How far a handshake has come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Handshake<T> {
    /// It may still become one.
    More,
    /// It ends after so many bytes.
    Done(usize, T),
    /// It is something else.
    Not,
}

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) protocol: &'static str,
    /// `host:port`.
    pub(crate) target: Octets,
    pub(crate) port: u16,
    /// The bytes without user name and password.
    pub(crate) raw: Vec<u8>,
}

/// No handshake is longer: methods, user and password, a name of 255 bytes.
pub(crate) const LONGEST: usize = 1200;

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(len)?)?;
        self.at += len;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// Up to a NUL, which is taken too.
    fn until_nul(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let len = memchr::memchr(0, rest)?;
        let text = self.take(len)?;
        self.at += 1;
        Some(text)
    }
}

/// Reads a client's bytes from the first on.
pub(crate) fn request(bytes: &[u8]) -> Handshake<Request> {
    let mut cursor = Cursor { bytes, at: 0 };
    let read = match bytes.first() {
        Some(4) => request4(&mut cursor),
        Some(5) => request5(&mut cursor),
        None => return Handshake::More,
        Some(_) => return Handshake::Not,
    };
    match read {
        Some(Some(request)) => Handshake::Done(cursor.at, request),
        Some(None) => Handshake::Not,
        None if bytes.len() >= LONGEST => Handshake::Not,
        None => Handshake::More,
    }
}

/// Outer none: more bytes are needed. Inner none: not SOCKS.
fn request4(c: &mut Cursor<'_>) -> Option<Option<Request>> {
    let (_, command) = (c.byte()?, c.byte()?);
    if !matches!(command, 1 | 2) {
        return Some(None);
    }
    let port = u16_of(c.take(2)?);
    let address = c.take(4)?;
    let _user = c.until_nul()?;
    let host = match address {
        [0, 0, 0, last] if *last != 0 => String::from_utf8_lossy(c.until_nul()?).into_owned(),
        _ => dotted(address),
    };
    let raw = c.bytes.get(..8).unwrap_or_default().to_vec();
    Some(Some(Request { protocol: "SOCKS4", target: target(&host, port), port, raw }))
}

fn request5(c: &mut Cursor<'_>) -> Option<Option<Request>> {
    let (_, methods) = (c.byte()?, c.byte()?);
    if methods == 0 {
        return Some(None);
    }
    c.take(usize::from(methods))?;
    let mut raw = c.bytes.get(..c.at).unwrap_or_default().to_vec();
    let mut first = c.byte()?;
    if first == 1 {
        for _ in 0..2 {
            let len = c.byte()?;
            c.take(usize::from(len))?;
        }
        first = c.byte()?;
    }
    let request_at = c.at - 1;
    if first != 5 || !matches!(c.byte()?, 1..=3) || c.byte()? != 0 {
        return Some(None);
    }
    let host = match c.byte()? {
        1 => dotted(c.take(4)?),
        3 => {
            let len = c.byte()?;
            String::from_utf8_lossy(c.take(usize::from(len))?).into_owned()
        }
        4 => {
            let octets: [u8; 16] = c.take(16)?.try_into().unwrap_or_default();
            format!("[{}]", std::net::Ipv6Addr::from(octets))
        }
        _ => return Some(None),
    };
    let port = u16_of(c.take(2)?);
    raw.extend_from_slice(c.bytes.get(request_at..c.at).unwrap_or_default());
    Some(Some(Request { protocol: "SOCKS5", target: target(&host, port), port, raw }))
}

fn u16_of(bytes: &[u8]) -> u16 {
    bytes.try_into().map(u16::from_be_bytes).unwrap_or_default()
}

fn dotted(address: &[u8]) -> String {
    let octets: [u8; 4] = address.try_into().unwrap_or_default();
    std::net::Ipv4Addr::from(octets).to_string()
}

fn target(host: &str, port: u16) -> Octets {
    Octets::from(format!("{host}:{port}").as_str())
}

/// Reads a server's bytes from the first on: granted or not.
pub(crate) fn answer(bytes: &[u8]) -> Handshake<bool> {
    let mut cursor = Cursor { bytes, at: 0 };
    let read = match bytes.first() {
        Some(0) => answer4(&mut cursor),
        Some(5) => answer5(&mut cursor),
        None => return Handshake::More,
        Some(_) => return Handshake::Not,
    };
    match read {
        Some(Some(granted)) => Handshake::Done(cursor.at, granted),
        Some(None) => Handshake::Not,
        None if bytes.len() >= LONGEST => Handshake::Not,
        None => Handshake::More,
    }
}

fn answer4(c: &mut Cursor<'_>) -> Option<Option<bool>> {
    let status = c.take(2)?.last().copied()?;
    if !(90..=93).contains(&status) {
        return Some(None);
    }
    c.take(6)?;
    Some(Some(status == 90))
}

fn answer5(c: &mut Cursor<'_>) -> Option<Option<bool>> {
    c.byte()?;
    if c.byte()? == 0xff {
        return Some(Some(false));
    }
    let mut first = c.byte()?;
    if first == 1 {
        if c.byte()? != 0 {
            return Some(Some(false));
        }
        first = c.byte()?;
    }
    if first != 5 {
        return Some(None);
    }
    let status = c.byte()?;
    c.byte()?;
    let address = match c.byte()? {
        1 => 4,
        4 => 16,
        3 => usize::from(c.byte()?),
        _ => return Some(None),
    };
    c.take(address + 2)?;
    Some(Some(status == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(bytes: &[u8]) -> (usize, String) {
        match request(bytes) {
            Handshake::Done(len, request) => (len, request.target.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn requests_of_each_version() {
        assert_eq!(asked(b"\x04\x01\x00\x19\xc0\x00\x02\x01me\0EHLO"), (11, "192.0.2.1:25".into()));
        assert_eq!(
            asked(b"\x04\x01\x00\x19\0\0\0\x01\0mx.example\0"),
            (20, "mx.example:25".into())
        );
        assert_eq!(asked(b"\x05\x01\x00\x05\x01\x00\x03\x02mx\x00\x19"), (12, "mx:25".into()));
        assert_eq!(
            asked(b"\x05\x01\x02\x01\x02me\x03pwd\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x19").1,
            "192.0.2.1:25"
        );
        assert_eq!(request(b"\x05\x01"), Handshake::More);
        assert_eq!(request(b"\x05\x01\x00\x09"), Handshake::Not);
        assert_eq!(request(b"EHLO"), Handshake::Not);
    }

    #[test]
    fn a_password_is_not_kept() {
        let bytes = b"\x05\x01\x02\x01\x02me\x06secret\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x19";
        let Handshake::Done(_, request) = request(bytes) else { panic!() };
        assert!(memchr::memmem::find(&request.raw, b"secret").is_none());
    }

    #[test]
    fn answers_of_each_version() {
        assert_eq!(answer(b"\0\x5a\0\0\0\0\0\x00220"), Handshake::Done(8, true));
        assert_eq!(answer(b"\0\x5b\0\0\0\0\0\0"), Handshake::Done(8, false));
        assert_eq!(answer(b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0"), Handshake::Done(12, true));
        assert_eq!(answer(b"\x05\xff"), Handshake::Done(2, false));
        assert_eq!(answer(b"\x05\x00\x05"), Handshake::More);
        assert_eq!(answer(b"220 mx"), Handshake::Not);
    }
}

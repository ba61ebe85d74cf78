//! The PROXY protocol (HAProxy's, versions 1 and 2): a load balancer says in front of the session
//! who the client is.
//!
//! In: the first bytes of a connection from a network that the operator trusts (from others they
//! are no SMTP). Out: the client and the address it spoke to, and where the session begins.
//! Refused: anything else; the specification forbids to guess.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What the first bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// More bytes are needed.
    More,
    /// A header of so many bytes.
    Whole(usize, Named),
    /// No header, or none that names anything we know.
    Bad,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// The client and the address it spoke to.
    Client(SocketAddr, SocketAddr),
    /// The load balancer itself (a health check), or somebody it does not know.
    Balancer,
}

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header of version 1, its line end included.
const LONGEST_1: usize = 107;
/// The longest of version 2 that is read: addresses and some kilobytes of extras.
pub const LONGEST_2: usize = 4096;

/// Reads the first bytes of a connection.
pub fn read(bytes: &[u8]) -> Header {
    if bytes.starts_with(SIGNATURE) {
        return version2(bytes);
    }
    if bytes.starts_with(b"PROXY ") {
        return version1(bytes);
    }
    let may = |whole: &[u8]| whole.starts_with(bytes);
    if may(SIGNATURE) || may(b"PROXY ") { Header::More } else { Header::Bad }
}

fn version1(bytes: &[u8]) -> Header {
    let Some(end) = bytes.iter().take(LONGEST_1).position(|&b| b == b'\n') else {
        return if bytes.len() < LONGEST_1 { Header::More } else { Header::Bad };
    };
    let line = bytes.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let Some(line) = line.and_then(|line| std::str::from_utf8(line).ok()) else {
        return Header::Bad;
    };
    let words: Vec<_> = line.split(' ').collect();
    let named = match words.as_slice() {
        ["PROXY", "UNKNOWN", ..] => Some(Named::Balancer),
        ["PROXY", family @ ("TCP4" | "TCP6"), from, to, from_port, to_port] => {
            let v4 = *family == "TCP4";
            address(from, from_port, v4)
                .zip(address(to, to_port, v4))
                .map(|(from, to)| Named::Client(from, to))
        }
        _ => None,
    };
    named.map_or(Header::Bad, |named| Header::Whole(end + 1, named))
}

fn address(ip: &str, port: &str, v4: bool) -> Option<SocketAddr> {
    let ip: IpAddr = ip.parse().ok()?;
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    let port = port.parse().ok().filter(|_| digits)?;
    (ip.is_ipv4() == v4).then(|| SocketAddr::new(ip, port))
}

fn version2(bytes: &[u8]) -> Header {
    let Some(&[version, family, high, low]) = bytes.get(12..16) else { return Header::More };
    let len = 16 + usize::from(u16::from_be_bytes([high, low]));
    if version >> 4 != 2 || len > LONGEST_2 {
        return Header::Bad;
    }
    let Some(body) = bytes.get(16..len) else { return Header::More };
    let named = match (version & 15, family) {
        (0, _) => Some(Named::Balancer),
        (1, 0x11) => ends4(body),
        (1, 0x21) => ends6(body),
        // Neither TCP over IPv4 nor over IPv6: the specification says to use the connection's own.
        (1, _) => Some(Named::Balancer),
        _ => None,
    };
    named.map_or(Header::Bad, |named| Header::Whole(len, named))
}

fn ends4(body: &[u8]) -> Option<Named> {
    let (from, rest) = body.split_first_chunk::<4>()?;
    let (to, rest) = rest.split_first_chunk::<4>()?;
    let ports = rest.first_chunk::<4>()?;
    Some(ends(Ipv4Addr::from(*from).into(), Ipv4Addr::from(*to).into(), *ports))
}

fn ends6(body: &[u8]) -> Option<Named> {
    let (from, rest) = body.split_first_chunk::<16>()?;
    let (to, rest) = rest.split_first_chunk::<16>()?;
    let ports = rest.first_chunk::<4>()?;
    Some(ends(Ipv6Addr::from(*from).into(), Ipv6Addr::from(*to).into(), *ports))
}

fn ends(from: IpAddr, to: IpAddr, [a, b, c, d]: [u8; 4]) -> Named {
    let from = SocketAddr::new(from.to_canonical(), u16::from_be_bytes([a, b]));
    Named::Client(from, SocketAddr::new(to.to_canonical(), u16::from_be_bytes([c, d])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(from: &str, to: &str) -> Named {
        Named::Client(from.parse().unwrap(), to.parse().unwrap())
    }

    #[test]
    fn version_1() {
        let named = client("192.0.2.7:40000", "198.51.100.1:25");
        let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\nEHLO x\r\n";
        assert_eq!(read(line), Header::Whole(44, named));
        assert_eq!(
            read(b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n"),
            Header::Whole(45, client("[2001:db8::7]:40000", "[2001:db8::1]:25"))
        );
        assert_eq!(read(b"PROXY UNKNOWN\r\n"), Header::Whole(15, Named::Balancer));
        for cut in 0..44 {
            assert_eq!(read(&line[..cut]), Header::More, "{cut}");
        }
        for bad in [
            &b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\n"[..],
            b"PROXY TCP4 2001:db8::7 198.51.100.1 40000 25\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 +4000 25\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 99999 25\r\n",
            b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
            b"EHLO x\r\n",
            &[b"PROXY ", &[b'x'; 200][..]].concat(),
        ] {
            assert_eq!(read(bad), Header::Bad, "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn version_2() {
        let mut header = SIGNATURE.to_vec();
        header
            .extend([0x21, 0x11, 0, 15, 192, 0, 2, 7, 198, 51, 100, 1, 0x9c, 0x40, 0, 25, 4, 0, 0]);
        for cut in 0..header.len() {
            assert_eq!(read(&header[..cut]), Header::More, "{cut}");
        }
        let named = client("192.0.2.7:40000", "198.51.100.1:25");
        assert_eq!(read(&header), Header::Whole(31, named));
        header[12] = 0x20;
        assert_eq!(read(&header), Header::Whole(31, Named::Balancer));
        header[12] = 0x31;
        assert_eq!(read(&header), Header::Bad);
        let short = [&SIGNATURE[..], &[0x21, 0x21, 0, 3, 1, 2, 3]].concat();
        assert_eq!(read(&short), Header::Bad);
        let long = [&SIGNATURE[..], &[0x21, 0x11, 0xff, 0xff]].concat();
        assert_eq!(read(&long), Header::Bad);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80), with in 0usize..3) {
            let start: &[u8] = [&b""[..], b"PROXY TCP4 ", SIGNATURE][with];
            if let Header::Whole(len, _) = read(&[start, &bytes[..]].concat()) {
                proptest::prop_assert!(len <= start.len() + bytes.len());
            }
        }
    }
}

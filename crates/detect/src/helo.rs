//! The name a client gives in HELO, EHLO: what kind of name it is (RFC 5321 4.1.1.1, 4.1.3).

use heloscope_model::{Octets, Session};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first HELO of a session.
pub(crate) struct Helo {
    pub(crate) verb: &'static str,
    pub(crate) text: Octets,
    pub(crate) name: Name,
}

/// What a name is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// `[192.0.2.1]`, `[IPv6:2001:db8::1]`.
    Literal(IpAddr),
    /// Brackets around something that is no address.
    BadLiteral,
    /// An address without brackets.
    Bare(IpAddr),
    /// A host name in lower case, without the dot at its end.
    Host(String),
    /// Nothing, or bytes no host name has.
    Invalid,
}

/// The first HELO of a session, where it said one.
pub(crate) fn of(session: &Session) -> Option<Helo> {
    let (verb, text) = session.helo()?;
    let name = Name::of(text.as_bytes());
    Some(Helo { verb, text, name })
}

impl Name {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::Invalid };
        if let Some(inner) = text.strip_prefix('[') {
            let inner = inner.strip_suffix(']').unwrap_or("");
            let v6 = inner.get(..5).filter(|tag| tag.eq_ignore_ascii_case("IPv6:"));
            let address = match v6 {
                Some(tag) => inner.get(tag.len()..).and_then(|a| a.parse().ok()).map(IpAddr::V6),
                None => inner.parse().ok(),
            };
            return address.map_or(Self::BadLiteral, |a| Self::Literal(a.to_canonical()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Self::Bare(address.to_canonical());
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let fits = (1..=253).contains(&name.len());
        if fits && name.split('.').all(is_label) { Self::Host(name) } else { Self::Invalid }
    }

    /// The labels of a host name.
    pub(crate) fn labels(&self) -> Vec<&str> {
        match self {
            Self::Host(name) => name.split('.').collect(),
            _ => Vec::new(),
        }
    }
}

/// Letters, digits, inner hyphens (RFC 1123 2.1); the underscore is forgiven, Windows uses it.
fn is_label(label: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=63).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Addresses that mean nothing outside a host or a network: loopback, private, link-local,
/// carrier-grade NAT, unspecified, unique local.
pub(crate) fn is_inside_only(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            let shared = u32::from(a) & 0xffc0_0000 == u32::from(Ipv4Addr::new(100, 64, 0, 0));
            a.is_loopback() || a.is_private() || a.is_link_local() || a.is_unspecified() || shared
        }
        IpAddr::V6(a) => {
            let local: fn(&Ipv6Addr) -> bool = |a| a.is_unique_local() || a.is_unicast_link_local();
            a.is_loopback() || a.is_unspecified() || local(&a)
        }
    }
}

/// Whether an address is the client's own, on either side of a translation.
pub(crate) fn is_client(session: &Session, address: IpAddr) -> bool {
    let own = [Some(session.client), session.inside];
    own.into_iter().flatten().any(|own| own.ip().to_canonical() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let host = |name: &str| Name::Host(name.into());
        for (text, name) in [
            (&b"[127.0.0.1]"[..], Name::Literal([127, 0, 0, 1].into())),
            (b"[IPv6:::1]", Name::Literal(Ipv6Addr::LOCALHOST.into())),
            (b"[ipv6:2001:db8::1]", Name::Literal("2001:db8::1".parse().unwrap())),
            (b"[::ffff:192.0.2.1]", Name::Literal([192, 0, 2, 1].into())),
            (b"[127.0.0.1", Name::BadLiteral),
            (b"[mail]", Name::BadLiteral),
            (b"192.0.2.1", Name::Bare([192, 0, 2, 1].into())),
            (b"Mail.Example.ORG.", host("mail.example.org")),
            (b"win_box", host("win_box")),
            (b"a..b", Name::Invalid),
            (b"-a.example", Name::Invalid),
            (b"two words", Name::Invalid),
            (b"", Name::Invalid),
            (b"caf\xe9.example", Name::Invalid),
        ] {
            assert_eq!(Name::of(text), name, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn inside_only() {
        for inside in ["10.0.0.1", "100.64.0.1", "169.254.1.1", "fd00::1", "fe80::1", "0.0.0.0"] {
            assert!(is_inside_only(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["192.0.2.1", "100.128.0.1", "2001:db8::1", "172.32.0.1"] {
            assert!(!is_inside_only(outside.parse().unwrap()), "{outside}");
        }
    }
}

//! What can be asked about: a public address or a domain. An address that is nobody's on the Internet is refused
//! with the reason, because every list would say `clean` of it, which helps nobody who typed the inside address
//! of his mail server.

use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who is asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// An address.
    Ip(IpAddr),
    /// A domain, lower case, without the last dot.
    Domain(String),
}

/// Why something cannot be asked about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAskable {
    /// Neither an address nor a name.
    #[error("{0:?} is neither an address nor a domain")]
    Neither(String),
    /// An address that the Internet does not know.
    #[error(
        "{0} is {1}: no list knows it. Give the public address that mail leaves by (curl -4 or -6 to a page \
         that shows it, or the router's outside address)"
    )]
    Reserved(IpAddr, &'static str),
    /// An address for examples.
    #[error(
        "{0} is kept for documentation: no list knows it (--lab lets it be asked of lists of your own)"
    )]
    Documentation(IpAddr),
}

impl Target {
    /// Reads what was typed; in the lab, documentation addresses stand for the Internet.
    pub fn parse(typed: &str, lab: bool) -> Result<Self, NotAskable> {
        let typed = typed.trim();
        let bare = typed.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(typed);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Self::of(ip, lab);
        }
        let name = typed.strip_suffix('.').unwrap_or(typed).to_ascii_lowercase();
        // A name whose last label is a number is a mistyped address.
        let ends_in_letters =
            name.rsplit('.').next().is_some_and(|l| !l.bytes().all(|b| b.is_ascii_digit()));
        if crate::name::is_domain(&name) && name.contains('.') && ends_in_letters {
            return Ok(Self::Domain(name));
        }
        Err(NotAskable::Neither(typed.chars().take(100).collect()))
    }

    /// An address; one of IPv4 that is written as IPv6 is what it is.
    pub fn of(ip: IpAddr, lab: bool) -> Result<Self, NotAskable> {
        let ip = ip.to_canonical();
        let reserved = RESERVED.iter().find(|(net, _)| net.contains(&ip));
        if let Some((_, what)) = reserved {
            return Err(NotAskable::Reserved(ip, what));
        }
        if !lab && DOCUMENTATION.iter().any(|net| net.contains(&ip)) {
            return Err(NotAskable::Documentation(ip));
        }
        Ok(Self::Ip(ip))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Domain(name) => f.write_str(name),
        }
    }
}

const fn v4(a: u8, b: u8, c: u8, length: u8) -> IpNet {
    IpNet::V4(ipnet::Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length))
}

const fn v6(a: u16, b: u16, length: u8) -> IpNet {
    IpNet::V6(ipnet::Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length))
}

/// Nobody's public address (RFC 6890), and what it is.
const RESERVED: [(IpNet, &str); 19] = [
    (v4(0, 0, 0, 8), "an address of this network only"),
    (v4(10, 0, 0, 8), "a private address (RFC 1918)"),
    (v4(100, 64, 0, 10), "an address inside a provider's translation (RFC 6598)"),
    (v4(127, 0, 0, 8), "this host itself"),
    (v4(169, 254, 0, 16), "a link-local address"),
    (v4(172, 16, 0, 12), "a private address (RFC 1918)"),
    (v4(192, 0, 0, 24), "a reserved address (RFC 6890)"),
    (v4(192, 168, 0, 16), "a private address (RFC 1918)"),
    (v4(198, 18, 0, 15), "an address for measurements (RFC 2544)"),
    (v4(224, 0, 0, 4), "a multicast address"),
    (v4(240, 0, 0, 4), "a reserved address (RFC 6890)"),
    (v6(0, 0, 8), "a reserved address (RFC 6890)"),
    (v6(0x64, 0xff9b, 32), "an address of a translator (RFC 6052): ask the IPv4 address in it"),
    (v6(0x100, 0, 64), "an address where packets are thrown away (RFC 6666)"),
    (v6(0xfc00, 0, 7), "a private address (RFC 4193)"),
    (v6(0xfe80, 0, 10), "a link-local address"),
    (v6(0xfec0, 0, 10), "a site-local address"),
    (v6(0xff00, 0, 8), "a multicast address"),
    (v6(0x5f00, 0, 16), "an address inside a provider (RFC 9602)"),
];

/// Kept for examples (RFC 5737, RFC 3849, RFC 9637).
const DOCUMENTATION: [IpNet; 5] = [
    v4(192, 0, 2, 24),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    v6(0x2001, 0xdb8, 32),
    v6(0x3fff, 0, 20),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_typed() {
        for (typed, want) in [
            ("8.8.8.8", Ok("8.8.8.8")),
            ("[8.8.8.8]", Ok("8.8.8.8")),
            ("::ffff:8.8.8.8", Ok("8.8.8.8")),
            ("2A00:1450::5", Ok("2a00:1450::5")),
            ("Mail.Example.ORG.", Ok("mail.example.org")),
            ("192.168.1.5", Err("private")),
            ("100.100.0.1", Err("provider's translation")),
            ("127.0.0.2", Err("this host itself")),
            ("::1", Err("reserved")),
            ("fd00::1", Err("private")),
            ("203.0.113.9", Err("documentation")),
            ("300.1.1.1", Err("neither")),
            ("1.2.3", Err("neither")),
            ("localhost", Err("neither")),
            ("-x.example", Err("neither")),
            ("", Err("neither")),
        ] {
            let found = Target::parse(typed, false);
            match want {
                Ok(want) => assert_eq!(found.unwrap().to_string(), want),
                Err(word) => {
                    let said = found.unwrap_err().to_string();
                    assert!(said.contains(word), "{typed}: {said}");
                }
            }
        }
        assert!(Target::parse("203.0.113.9", true).is_ok());
        assert!(Target::parse("10.0.0.1", true).is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,80}") {
            drop(Target::parse(&text, false));
        }
    }
}

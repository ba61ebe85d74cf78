//! What can be asked about: a public address or a domain. An address that is nobody's on the Internet is refused
//! with the reason, because every list would say `clean` of it, which helps nobody who typed the inside address
//! of his mail server.

use heloscope_model::special;
use std::fmt;
use std::net::IpAddr;

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
        if let Some(what) = special::what(ip) {
            return Err(NotAskable::Reserved(ip, what));
        }
        if !lab && special::DOCUMENTATION.iter().any(|net| net.contains(&ip)) {
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

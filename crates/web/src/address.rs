//! The address somebody typed or followed a link to -> [`IpAddr`], or why it is none.
//!
//! Forgiving in form (brackets, blanks, a mapped IPv4 address, a range's first address), strict in
//! substance: what is not one address is refused with words for the person who typed it.

use std::net::IpAddr;

/// The longest text that is looked at.
const LONGEST: usize = 100;

/// Reads an address.
pub(crate) fn read(text: &str) -> Result<IpAddr, Rubbish> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Rubbish::Empty);
    }
    if text.len() > LONGEST {
        return Err(Rubbish::Other);
    }
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let bare = bare.strip_prefix("IPv6:").unwrap_or(bare);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Ok(address.to_canonical());
    }
    if let Ok(net) = bare.parse::<ipnet::IpNet>() {
        let single = net.prefix_len() == net.max_prefix_len();
        let site = matches!(net, ipnet::IpNet::V6(six) if six.prefix_len() >= 64);
        return if single || site { Ok(net.network()) } else { Err(Rubbish::Range) };
    }
    if bare.contains('@') {
        return Err(Rubbish::Mail);
    }
    let mut labels = bare.trim_end_matches('.').split('.');
    let name = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let letters = bare.bytes().any(|b| b.is_ascii_alphabetic());
    if letters && bare.contains('.') && labels.all(name) {
        return Err(Rubbish::Name);
    }
    Err(Rubbish::Other)
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rubbish {
    Empty,
    Mail,
    Name,
    Range,
    Other,
}

impl Rubbish {
    /// For the person who typed it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Empty => {
                "The field was empty. Please type an IP address, for example 192.0.2.10."
            }
            Self::Mail => {
                "That is a mail address. This list holds IP addresses of machines, not people. Please type \
                 the address of the server or router that sends your mail, for example 192.0.2.10."
            }
            Self::Name => {
                "That is a host name. This list holds IP addresses. The command “host NAME” tells the \
                 address of a name."
            }
            Self::Range => {
                "That is a range. Please ask for one address of it. This list holds single IPv4 \
                 addresses, and IPv6 addresses singly or by /64."
            }
            Self::Other => {
                "That is not an IP address. It should look like 192.0.2.10 or 2001:db8::10."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_type() {
        let cases = [
            ("192.0.2.10", Ok("192.0.2.10")),
            (" 192.0.2.10 ", Ok("192.0.2.10")),
            ("[192.0.2.10]", Ok("192.0.2.10")),
            ("[IPv6:2001:db8::1]", Ok("2001:db8::1")),
            ("::ffff:192.0.2.10", Ok("192.0.2.10")),
            ("2001:DB8:0::1", Ok("2001:db8::1")),
            ("2001:db8::/64", Ok("2001:db8::")),
            ("192.0.2.10/32", Ok("192.0.2.10")),
            ("192.0.2.0/24", Err(Rubbish::Range)),
            ("2001:db8::/32", Err(Rubbish::Range)),
            ("", Err(Rubbish::Empty)),
            ("anna@example.org", Err(Rubbish::Mail)),
            ("mail.example.org", Err(Rubbish::Name)),
            ("192.0.2.256", Err(Rubbish::Other)),
            ("192.0.2", Err(Rubbish::Other)),
            ("<script>alert(1)</script>", Err(Rubbish::Other)),
            ("../../etc/passwd", Err(Rubbish::Other)),
        ];
        for (text, expected) in cases {
            let expected = expected.map(|ip| ip.parse::<IpAddr>().unwrap());
            assert_eq!(read(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,200}") {
            let _ = read(&text);
        }
    }
}

//! The name that is asked: an address's octets or nibbles turned round (RFC 5782, sections 2.1 and 2.4), or a
//! domain (section 3), before the list's zone.

use crate::Target;
use std::net::IpAddr;

/// Letters of the longest name (RFC 1035, section 2.3.4).
const LONGEST: usize = 253;

/// The name to ask for a target; of an IPv6 address the first `ip6_bits` bits. None where it were too long.
pub(crate) fn asked(target: &Target, ip6_bits: u8, zone: &str) -> Option<String> {
    let name = match target {
        Target::Ip(ip) => format!("{}.{zone}", turned(*ip, ip6_bits)),
        Target::Domain(domain) => format!("{domain}.{zone}"),
    };
    (name.len() <= LONGEST).then_some(name)
}

/// An address turned round.
fn turned(ip: IpAddr, ip6_bits: u8) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}")
        }
        IpAddr::V6(ip) => {
            let nibbles = usize::from(ip6_bits.min(128) / 4);
            let written = format!("{:032x}", ip.to_bits());
            let mut kept: Vec<String> = written.chars().take(nibbles).map(String::from).collect();
            kept.reverse();
            kept.join(".")
        }
    }
}

/// Whether a text is a domain's name, lower case: labels of letters, digits, hyphens and underscores.
pub(crate) fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
    };
    name.len() <= LONGEST && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let target = |text: &str| match text.parse() {
            Ok(ip) => Target::Ip(ip),
            Err(_) => Target::Domain(text.to_owned()),
        };
        let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.f.e.d.c.0.0.0.0.8.b.d.0.1.0.0.2.bl.test";
        for (of, bits, want) in [
            ("192.0.2.99", 128, "99.2.0.192.bl.test"),
            ("2001:db8:0:cdef::1", 128, nibbles),
            ("2001:db8:0:cdef::1", 64, "f.e.d.c.0.0.0.0.8.b.d.0.1.0.0.2.bl.test"),
            (
                "::ffff:127.0.0.2",
                128,
                "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.bl.test",
            ),
            ("example.org", 128, "example.org.bl.test"),
        ] {
            assert_eq!(asked(&target(of), bits, "bl.test").as_deref(), Some(want), "{of}");
        }
        assert_eq!(asked(&target(&"a.".repeat(123)), 128, "bl.test.example"), None);
    }
}

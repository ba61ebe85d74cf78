//! Which prefix a name below a zone's apex asks for (RFC 5782 sections 2.1 and 2.4).
//!
//! Labels come from the apex outwards, the most significant first. One to four decimal numbers are
//! octets of an IPv4 address, one to 32 single hexadecimal digits nibbles of an IPv6 address. A
//! short name stands for a prefix: nothing can be listed at it, but it exists where something is listed
//! below. `1.2.3.4` is both a whole IPv4 address and the first nibbles of IPv6 addresses.
//! Anything else (300, 01, a fifth octet, a 33rd nibble, words) asks for nothing.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The IPv4 prefix the labels stand for.
pub(crate) fn v4<'a>(labels: impl Iterator<Item = &'a [u8]>) -> Option<IpNet> {
    let mut bits = 0u32;
    let mut length = 0;
    for label in labels {
        if length == 32 {
            return None;
        }
        length += 8;
        bits |= u32::from(octet(label)?) << (32 - length);
    }
    (length > 0).then(|| Ipv4Net::new(Ipv4Addr::from_bits(bits), length).ok())?.map(IpNet::V4)
}

/// The IPv6 prefix the labels stand for.
pub(crate) fn v6<'a>(labels: impl Iterator<Item = &'a [u8]>) -> Option<IpNet> {
    let mut bits = 0u128;
    let mut length = 0;
    for label in labels {
        if length == 128 {
            return None;
        }
        length += 4;
        bits |= u128::from(nibble(label)?) << (128 - length);
    }
    (length > 0).then(|| Ipv6Net::new(Ipv6Addr::from_bits(bits), length).ok())?.map(IpNet::V6)
}

/// Decimal, without leading zeros: 01 would be a second name for the same address.
fn octet(label: &[u8]) -> Option<u8> {
    let plain = match label {
        [b'0'] => true,
        [b'0', ..] => false,
        _ => (1..=3).contains(&label.len()),
    };
    if !plain {
        return None;
    }
    let number = label.iter().try_fold(0u16, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u16::from(digit - b'0'))
    })?;
    u8::try_from(number).ok()
}

fn nibble(label: &[u8]) -> Option<u8> {
    match label {
        [digit @ b'0'..=b'9'] => Some(digit - b'0'),
        [digit @ b'a'..=b'f'] => Some(digit - b'a' + 10),
        [digit @ b'A'..=b'F'] => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> (Option<String>, Option<String>) {
        let labels = || name.split('.').rev().map(str::as_bytes);
        (v4(labels()).map(|net| net.to_string()), v6(labels()).map(|net| net.to_string()))
    }

    #[test]
    fn names_and_their_prefixes() {
        let all = "f.e.d.c.b.a.9.8.7.6.5.4.3.2.1.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
        let short = all.split_once('.').unwrap().1;
        let long = format!("0.{all}");
        let cases: [(&str, Option<&str>, Option<&str>); 14] = [
            ("99.2.0.192", Some("192.0.2.99/32"), None),
            ("2.0.192", Some("192.0.2.0/24"), None),
            ("192", Some("192.0.0.0/8"), None),
            ("0.0.0.0", Some("0.0.0.0/32"), Some("::/16")),
            ("4.3.2.1", Some("1.2.3.4/32"), Some("1234::/16")),
            ("5.4.3.2.1", None, Some("1234:5000::/20")),
            ("A.B", None, Some("ba00::/8")),
            ("300.2.0.192", None, None),
            ("01.2.0.192", None, None),
            ("00.2.0.192", None, None),
            ("", None, None),
            (all, None, Some("2001:db8::123:4567:89ab:cdef/128")),
            (short, None, Some("2001:db8::123:4567:89ab:cde0/124")),
            (&long, None, None),
        ];
        for (name, v4, v6) in cases {
            let got = read(name);
            assert_eq!((got.0.as_deref(), got.1.as_deref()), (v4, v6), "{name}");
        }
    }
}

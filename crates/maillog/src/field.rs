//! The fields of Postfix's messages: `key=<address>`, `name[address]:port`, numbers.
//!
//! Every function takes bytes and gives slices of them; what does not fit the grammar is `None`.
//! Addresses are chosen by strangers: a quoted local part may hold `>, status=sent`, so the end
//! of an address is looked for behind its quotes.

use memchr::{memchr, memmem, memrchr};
use std::net::{IpAddr, Ipv4Addr};

/// What follows a prefix.
#[inline]
pub(crate) fn after<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    text.strip_prefix(prefix)
}

/// Splits at the first occurrence of a needle, which is dropped. The needle's first byte is
/// looked for: messages are short, and a searcher costs more to build than it saves.
#[inline]
pub(crate) fn cut<'a>(text: &'a [u8], needle: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let first = *needle.first()?;
    let mut from = 0;
    let mut tries = 0;
    loop {
        let at = from + memchr(first, text.get(from..)?)?;
        if let Some(rest) = text.get(at..)?.strip_prefix(needle) {
            return Some((text.get(..at)?, rest));
        }
        from = at + 1;
        tries += 1;
        if tries == 32 {
            let at = from + memmem::find(text.get(from..)?, needle)?;
            return Some((text.get(..at)?, text.get(at + needle.len()..)?));
        }
    }
}

/// Splits at the first occurrence of a byte, which is dropped.
#[inline]
pub(crate) fn cut_byte(text: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr(byte, text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The address between what precedes (already dropped, with its `<`) and its `>`, and the rest
/// behind the `>`.
#[inline]
pub(crate) fn angle(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let skip = if text.first() == Some(&b'"') { quoted_end(text).unwrap_or(0) } else { 0 };
    let at = skip + memchr(b'>', text.get(skip..)?)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The byte behind the quoted string that the text starts with.
fn quoted_end(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, &b) in text.iter().enumerate().skip(1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// A value in `<>`, or up to a space or comma where it is not.
pub(crate) fn value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    match after(text, b"<") {
        Some(rest) => angle(rest),
        None => {
            let end = memchr::memchr2(b' ', b',', text).unwrap_or(text.len());
            Some((text.get(..end)?, text.get(end..)?))
        }
    }
}

/// Digits at the start of the text, and the rest.
#[inline]
pub(crate) fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut sum = 0u64;
    let mut rest = text;
    while let Some((digit @ b'0'..=b'9', tail)) = rest.split_first() {
        sum = sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        rest = tail;
    }
    (rest.len() < text.len()).then_some((sum, rest))
}

/// A whole text that is a number.
pub(crate) fn whole_number(text: &[u8]) -> Option<u64> {
    number(text).filter(|(_, rest)| rest.is_empty()).map(|(n, _)| n)
}

/// `name[address]:port`, each part where it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Endpoint<'a> {
    /// The name before the bracket; all of it where there is none.
    pub(crate) name: &'a [u8],
    /// The address in the brackets.
    pub(crate) ip: Option<IpAddr>,
    /// The number behind the colon.
    pub(crate) port: Option<u16>,
}

/// Reads an [`Endpoint`] that is the whole text.
pub(crate) fn endpoint(text: &[u8]) -> Endpoint<'_> {
    let Some((name, rest)) = cut_byte(text, b'[') else {
        return Endpoint { name: text, ip: None, port: None };
    };
    let Some((inside, rest)) = cut_byte(rest, b']') else {
        return Endpoint { name: text, ip: None, port: None };
    };
    let port = after(rest, b":").and_then(number).and_then(|(n, _)| u16::try_from(n).ok());
    Endpoint { name, ip: address(inside), port }
}

/// The [`Endpoint`] a text starts with, and the rest behind it. Names hold no blanks.
pub(crate) fn leading_endpoint(text: &[u8]) -> Option<(Endpoint<'_>, &[u8])> {
    let close = memchr(b']', text)?;
    let open = memrchr(b'[', text.get(..close)?)?;
    if memchr(b' ', text.get(..open)?).is_some() {
        return None;
    }
    let mut end = close + 1;
    if let Some((port, rest)) = text.get(end..).and_then(|t| after(t, b":")).and_then(number)
        && port <= 65535
    {
        end = text.len() - rest.len();
    }
    Some((endpoint(text.get(..end)?), text.get(end..)?))
}

/// An address as Postfix logs it (`IPv6:` and zones dropped).
pub(crate) fn address(text: &[u8]) -> Option<IpAddr> {
    if let Some(v4) = dotted_quad(text) {
        return Some(IpAddr::V4(v4));
    }
    if text.len() > 64 || memchr(b':', text).is_none() {
        return None;
    }
    let text = after(text, b"IPv6:").unwrap_or(text);
    let text = cut_byte(text, b'%').map_or(text, |(address, _)| address);
    let address: IpAddr = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

/// Four numbers and three dots, nothing else.
fn dotted_quad(text: &[u8]) -> Option<Ipv4Addr> {
    if text.len() > 15 {
        return None;
    }
    let mut octets = [0u8; 4];
    let mut rest = text;
    for (n, octet) in octets.iter_mut().enumerate() {
        if n > 0 {
            rest = after(rest, b".")?;
        }
        let (value, tail) = number(rest)?;
        *octet = u8::try_from(value).ok()?;
        rest = tail;
    }
    rest.is_empty().then(|| Ipv4Addr::from(octets))
}

/// A decimal number with a fraction, as in `delays=`.
pub(crate) fn decimal(text: &[u8]) -> Option<f32> {
    let (whole, rest) = number(text)?;
    let Some(fraction) = after(rest, b".") else {
        return rest.is_empty().then_some(whole as f32);
    };
    let digits = whole_number(fraction)?;
    let scale = 10u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    Some((whole.checked_mul(scale)?.checked_add(digits)? as f64 / scale as f64) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_ends_behind_its_quotes() {
        assert_eq!(angle(b"a@example.org>, x"), Some((&b"a@example.org"[..], &b", x"[..])));
        let tricky = br#""a>, status=sent (ok)"@example.org>, relay"#;
        let (address, rest) = angle(tricky).unwrap();
        assert_eq!(address, br#""a>, status=sent (ok)"@example.org"#);
        assert_eq!(rest, b", relay");
        assert_eq!(angle(br#""open@example.org>, x"#).unwrap().0, br#""open@example.org"#);
    }

    #[test]
    fn delays() {
        for text in ["0", "0.1", "3600", "63350", "0.05", "12.25", "144"] {
            assert_eq!(decimal(text.as_bytes()), text.parse().ok(), "{text}");
        }
        assert_eq!(decimal(b""), None);
        assert_eq!(decimal(b"1e5"), None);
    }

    #[test]
    fn endpoints() {
        let all = endpoint(b"mx.example.org[192.0.2.7]:25");
        assert_eq!(all.name, b"mx.example.org");
        assert_eq!(all.ip, Some("192.0.2.7".parse().unwrap()));
        assert_eq!(all.port, Some(25));
        let six = endpoint(b"unknown[2001:db8::1]");
        assert_eq!((six.ip, six.port), (Some("2001:db8::1".parse().unwrap()), None));
        assert_eq!(endpoint(b"local").name, b"local");
        assert_eq!(endpoint(b"h[private/dovecot-lmtp]").ip, None);
        let (lead, rest) = leading_endpoint(b"h[192.0.2.7]: 550 no [x]").unwrap();
        assert_eq!((lead.name, rest), (&b"h"[..], &b": 550 no [x]"[..]));
        assert!(leading_endpoint(b"some words [192.0.2.7]").is_none());
    }
}

//! What kind of HELO it was: all that the public is told of it.

use crate::HeloClass;
use std::net::IpAddr;

impl HeloClass {
    /// The class of a HELO's argument; none said is [`HeloClass::None`].
    pub fn of(helo: Option<&[u8]>) -> Self {
        let Some(bytes) = helo else { return Self::None };
        let Ok(text) = std::str::from_utf8(bytes) else { return Self::Invalid };
        let text = text.trim();
        if text.is_empty() {
            return Self::None;
        }
        if let Some(address) = literal(text) {
            return if is_local(address) { Self::LocalLiteral } else { Self::Literal };
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let label = |l: &str| {
            !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if !name.split('.').all(label) {
            return Self::Invalid;
        }
        let first = name.split('.').next().unwrap_or(name);
        match () {
            () if first.eq_ignore_ascii_case("localhost") => Self::Localhost,
            () if !name.contains('.') => Self::Dotless,
            () => Self::Name,
        }
    }
}

fn literal(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').map_or(text, |t| t.strip_suffix(']').unwrap_or(t));
    let tag = bare.get(..5).is_some_and(|t| t.eq_ignore_ascii_case("IPv6:"));
    let bare = if tag { bare.get(5..).unwrap_or(bare) } else { bare };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            a.is_loopback() || a.is_private() || a.is_link_local() || a.is_unspecified()
        }
        IpAddr::V6(a) => {
            a.is_loopback()
                || a.is_unspecified()
                || a.is_unique_local()
                || a.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_class() {
        let rows: &[(Option<&[u8]>, HeloClass)] = &[
            (None, HeloClass::None),
            (Some(b"  "), HeloClass::None),
            (Some(b"[127.0.0.1]"), HeloClass::LocalLiteral),
            (Some(b"192.168.1.5"), HeloClass::LocalLiteral),
            (Some(b"[IPv6:::1]"), HeloClass::LocalLiteral),
            (Some(b"[8.8.8.8]"), HeloClass::Literal),
            (Some(b"[IPv6:2a00:1450::5]"), HeloClass::Literal),
            (Some(b"localhost"), HeloClass::Localhost),
            (Some(b"LocalHost.localdomain"), HeloClass::Localhost),
            (Some(b"ylmf-pc"), HeloClass::Dotless),
            (Some(b"mail.example.org"), HeloClass::Name),
            (Some(b"mail.example.org."), HeloClass::Name),
            (Some(b"mail..example"), HeloClass::Invalid),
            (Some(b"\xff\xfe"), HeloClass::Invalid),
            (Some("caf\u{e9}.example".as_bytes()), HeloClass::Invalid),
        ];
        for (helo, class) in rows {
            assert_eq!(HeloClass::of(*helo), *class, "{helo:?}");
        }
    }
}

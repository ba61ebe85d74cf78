//! ISC's `dhcpd.leases` (dhcpd.leases(5)): blocks of statements, one a line, which may hold blocks
//! themselves (`on expiry { ... }`). Times are UTC. Leases of IPv6 (`ia-na`) name no link-layer
//! address, but a client's identifier mostly holds it.

use super::{lossy, mac, text, word};
use crate::facts::Lease;
use crate::stamp::{self, Clock};
use heloscope_model::{Place, Time};
use std::net::IpAddr;

/// A file, as far as it is read.
#[derive(Default)]
pub(super) struct File {
    open: Option<Lease>,
    /// Blocks open inside the lease.
    deep: u32,
    /// The address was found in use by somebody unknown.
    abandoned: bool,
    /// Of IPv6: the link-layer address in the identifier of the block around the leases.
    client: Option<String>,
    around: bool,
}

impl File {
    /// Whether a block is open.
    pub(super) fn inside(&self) -> bool {
        self.open.is_some()
    }

    /// The next line; the lease that it ends.
    pub(super) fn line(&mut self, line: &[u8], place: Place) -> Option<Lease> {
        if let Some(lease) = &mut self.open {
            if line.ends_with(b"{") {
                self.deep += 1;
            } else if line.starts_with(b"}") {
                match self.deep.checked_sub(1) {
                    Some(deep) => self.deep = deep,
                    None => return self.end(),
                }
            } else if self.deep == 0 {
                if word(line, 0) == Some(b"binding") {
                    self.abandoned = word(line, 2).is_some_and(|w| w.starts_with(b"abandoned"));
                }
                statement(lease, line);
            }
            return None;
        }
        let named = if let Some(rest) = line.strip_prefix(b"lease ") {
            rest
        } else if let Some(rest) = line.strip_prefix(b"iaaddr ").filter(|_| self.around) {
            rest
        } else {
            if let Some(rest) =
                line.strip_prefix(b"ia-na ").or_else(|| line.strip_prefix(b"ia-ta "))
            {
                self.client = identifier(rest);
                self.around = true;
            } else if line.starts_with(b"}") {
                self.around = false;
            }
            return None;
        };
        let ip = word(named, 0).and_then(text)?.parse::<IpAddr>().ok()?;
        let mac = self.client.clone().filter(|_| self.around).unwrap_or_default();
        self.open = Some(Lease { ip, mac, name: None, from: None, until: None, place });
        None
    }

    /// The lease that is open, if it was somebody's.
    pub(super) fn end(&mut self) -> Option<Lease> {
        self.deep = 0;
        let abandoned = std::mem::take(&mut self.abandoned);
        self.open.take().filter(|_| !abandoned)
    }
}

/// One statement: "starts 5 2015/12/04 13:00:00;".
fn statement(lease: &mut Lease, line: &[u8]) {
    let line = line.strip_suffix(b";").unwrap_or(line);
    match word(line, 0) {
        Some(b"starts") => lease.from = time(line),
        Some(b"ends") => lease.until = time(line),
        Some(b"hardware") => {
            if let Some(mac) = word(line, 2).and_then(mac) {
                lease.mac = mac;
            }
        }
        Some(b"client-hostname") => {
            let name = line.get(b"client-hostname".len()..).unwrap_or_default().trim_ascii();
            let name = name.strip_prefix(b"\"").unwrap_or(name);
            lease.name = Some(lossy(name.strip_suffix(b"\"").unwrap_or(name)));
        }
        _ => {}
    }
}

/// "5 2015/12/04 13:00:00" or "epoch 1449234000; # ..."; "never" is none.
fn time(line: &[u8]) -> Option<Time> {
    if word(line, 1)? == b"epoch" {
        let digits = text(word(line, 2)?)?.trim_end_matches(';');
        return digits.parse().ok().map(Time::from_secs);
    }
    let date = text(word(line, 2)?)?.replace('/', "-");
    let clock = text(word(line, 3)?)?;
    let stamp = stamp::iso(format!("{date}T{clock}Z").as_bytes())?;
    Some(Clock::new(jiff::tz::TimeZone::UTC, 1970).time(&stamp))
}

/// The link-layer address in an IPv6 client's identifier: four bytes of association, then a DUID
/// of type 1 (with a time) or 3, hardware type 1 (RFC 8415, 11).
fn identifier(quoted: &[u8]) -> Option<String> {
    let bytes = unescape(quoted.trim_ascii().strip_suffix(b"{").unwrap_or(quoted));
    let mac = match bytes.get(4..)? {
        [0, 1, 0, 1, _, _, _, _, mac @ ..] | [0, 3, 0, 1, mac @ ..] if mac.len() == 6 => mac,
        _ => return None,
    };
    Some(mac.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(":"))
}

/// A quoted string with `\ooo` for bytes and `\"` for a quote.
fn unescape(quoted: &[u8]) -> Vec<u8> {
    let quoted = quoted.trim_ascii();
    let inner = quoted.strip_prefix(b"\"").and_then(|q| q.strip_suffix(b"\"")).unwrap_or(quoted);
    let mut out = Vec::new();
    let mut rest = inner.get(..inner.len().min(600)).unwrap_or_default();
    loop {
        match rest {
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] => {
                out.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            [b'\\', byte, after @ ..] | [byte, after @ ..] => {
                out.push(*byte);
                rest = after;
            }
            [] => return out,
        }
    }
}

//! DHCP leases: `dnsmasq.leases` and Kea's CSV (here), ISC's `dhcpd.leases` (`isc`), and the
//! lines that these servers write to the system log (`log`).
//!
//! A file of ISC or Kea grows at its end: of one address the later block or row says when an
//! earlier lease ended. Both leases stay, because the question is who had an address then.

mod isc;
mod log;

use crate::facts::Lease;
use crate::lines;
use heloscope_model::{Place, SourceId, Time};
use std::collections::HashMap;
use std::net::IpAddr;

pub(crate) use log::{ack, is_ack};

/// Leases taken from one file.
const MOST: usize = 1_000_000;

/// Whether a text holds leases of one of these servers.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let mut seen = 0;
    let mut found = 0;
    for (_, line) in lines::of(text).take(200) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"duid ") {
            continue;
        }
        if line.starts_with(b"lease ") && line.ends_with(b"{") || is_kea_header(line) {
            return true;
        }
        if (line.starts_with(b"ia-na ") || line.starts_with(b"ia-ta ")) && line.ends_with(b"{") {
            return true;
        }
        seen += 1;
        found += usize::from(dnsmasq(line).is_some());
    }
    found > 0 && found * 2 > seen
}

/// Reads a section that starts at `base` of its source.
pub fn read(text: &[u8], source: SourceId, base: u64) -> Vec<Lease> {
    let mut found = Vec::new();
    let mut file = isc::File::default();
    let mut columns = None;
    for (offset, line) in lines::of(text) {
        let place = Place::byte(source, base + offset);
        let line = line.trim_ascii();
        if is_kea_header(line) {
            columns = Some(Columns::of(line));
        } else if let Some(columns) = &columns {
            found.extend(kea(line, columns, place));
        } else if let Some(mut lease) = dnsmasq(line).filter(|_| !file.inside()) {
            lease.place = place;
            found.push(lease);
        } else {
            found.extend(file.line(line, place));
        }
        if found.len() >= MOST {
            break;
        }
    }
    // A file cut inside a lease: what was said of it still holds.
    found.extend(file.end());
    found.retain(|l| !l.mac.is_empty());
    in_turn(found)
}

/// Ends each lease of an address where the next one begins.
pub(crate) fn in_turn(found: Vec<Lease>) -> Vec<Lease> {
    let mut kept: Vec<Lease> = Vec::with_capacity(found.len());
    let mut last: HashMap<IpAddr, usize> = HashMap::new();
    for lease in found {
        let before = last.get(&lease.ip).and_then(|index| kept.get_mut(*index));
        if let Some(before) = before {
            // The same lease written again: renewed, released, expired.
            if before.mac == lease.mac && before.from == lease.from {
                before.until = lease.until;
                before.name = lease.name.or_else(|| before.name.take());
                before.place = lease.place;
                continue;
            }
            if let Some(from) = lease.from
                && before.from.is_none_or(|began| began <= from)
                && before.until.is_none_or(|until| until > from)
            {
                before.until = Some(from);
            }
        }
        last.insert(lease.ip, kept.len());
        kept.push(lease);
    }
    kept
}

/// `1449248400 02:00:00:00:00:01 192.168.1.23 laptop 01:02:...`
fn dnsmasq(line: &[u8]) -> Option<Lease> {
    let expires = word(line, 0).and_then(text)?;
    if expires.len() > 11 {
        return None;
    }
    let expires: i64 = expires.parse().ok()?;
    let mac = mac(word(line, 1)?)?;
    let ip = ip(word(line, 2)?)?;
    let name = word(line, 3).filter(|n| *n != b"*").map(lossy);
    // dnsmasq writes 0 for a lease without end; on a machine without a clock it writes the
    // lease's length, which says nothing without the time of the file.
    let until = (expires >= 1_000_000_000).then(|| Time::from_secs(expires));
    Some(Lease { ip, mac, name, from: None, until, place: Place::whole(SourceId(0)) })
}

/// Where Kea's CSV keeps what matters; the columns differ between versions and families.
#[derive(Clone, Copy, Debug)]
struct Columns {
    mac: Option<usize>,
    lifetime: Option<usize>,
    expire: Option<usize>,
    name: Option<usize>,
    state: Option<usize>,
}

fn is_kea_header(line: &[u8]) -> bool {
    line.starts_with(b"address,hwaddr,client_id,")
        || line.starts_with(b"address,duid,valid_lifetime,")
}

impl Columns {
    fn of(line: &[u8]) -> Self {
        let find = |name: &[u8]| line.split(|&b| b == b',').position(|column| column == name);
        Self {
            mac: find(b"hwaddr"),
            lifetime: find(b"valid_lifetime"),
            expire: find(b"expire"),
            name: find(b"hostname"),
            state: find(b"state"),
        }
    }
}

/// `192.168.1.23,02:00:5e:00:53:17,,4000,1449248400,1,0,0,laptop.example.org.,0,,0`.
fn kea(line: &[u8], columns: &Columns, place: Place) -> Option<Lease> {
    let parts: Vec<&[u8]> = line.split(|&b| b == b',').take(32).collect();
    let part = |column: Option<usize>| parts.get(column?).copied();
    let number = |column| text(part(column)?)?.parse::<i64>().ok().filter(|n| *n < 1 << 40);
    // 1: declined, the address was in use by somebody unknown.
    if part(columns.state) == Some(b"1") {
        return None;
    }
    let until = number(columns.expire)?;
    let lifetime = number(columns.lifetime)?;
    // A lease without end has a lifetime of all ones.
    let endless = lifetime >= i64::from(u32::MAX);
    let name = part(columns.name).map(lossy).unwrap_or_default();
    let name = name.trim_end_matches('.').replace("&#x2c", ",");
    Some(Lease {
        ip: ip(parts.first()?)?,
        mac: mac(part(columns.mac)?)?,
        name: (!name.is_empty()).then_some(name),
        from: (!endless).then(|| Time::from_secs(until.saturating_sub(lifetime.max(0)))),
        until: (!endless).then(|| Time::from_secs(until)),
        place,
    })
}

/// The n-th word.
fn word(line: &[u8], n: usize) -> Option<&[u8]> {
    line.split(|b| b.is_ascii_whitespace()).filter(|w| !w.is_empty()).nth(n)
}

fn text(word: &[u8]) -> Option<&str> {
    std::str::from_utf8(word).ok()
}

fn lossy(word: &[u8]) -> String {
    let cut = word.get(..word.len().min(255)).unwrap_or_default();
    heloscope_model::octets::lossy_text(cut).0.into_owned()
}

fn ip(word: &[u8]) -> Option<IpAddr> {
    text(word)?.parse().ok()
}

/// A link-layer address in lower case with colons; dnsmasq may put the hardware type in front
/// ("06-02:00:...").
pub(crate) fn mac(word: &[u8]) -> Option<String> {
    let word = text(word)?;
    let word = word
        .split_once('-')
        .filter(|(t, rest)| t.len() == 2 && rest.contains(':'))
        .map_or(word, |(_, r)| r);
    let lower = word.to_ascii_lowercase().replace('-', ":");
    let parts: Vec<&str> = lower.split(':').collect();
    let right = parts.len() == 6
        && parts
            .iter()
            .all(|p| matches!(p.len(), 1..=2) && p.bytes().all(|b| b.is_ascii_hexdigit()));
    right.then(|| parts.iter().map(|p| format!("{p:0>2}")).collect::<Vec<_>>().join(":"))
}

#[cfg(test)]
mod tests;

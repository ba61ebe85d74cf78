//! DHCP leases: `dnsmasq.leases`, ISC `dhcpd.leases`, and the DHCPACK lines that both servers
//! write to the system log.

use crate::facts::Lease;
use crate::lines;
use crate::logline;
use crate::stamp::{self, Clock};
use heloscope_model::{Place, SourceId, Time};
use std::net::IpAddr;

/// Leases taken from one file.
const MOST: usize = 1_000_000;

/// Whether a text holds leases of either server.
pub(crate) fn recognise(text: &[u8]) -> bool {
    let mut seen = 0;
    let mut found = 0;
    for (_, line) in lines::of(text).take(200) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") || line.starts_with(b"duid ") {
            continue;
        }
        if line.starts_with(b"lease ") && line.ends_with(b"{") {
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
    let mut open: Option<Lease> = None;
    for (offset, line) in lines::of(text) {
        let place = Place::byte(source, base + offset);
        let line = line.trim_ascii();
        if let Some(lease) = &mut open {
            if line.starts_with(b"}") {
                found.extend(open.take());
            } else {
                isc_statement(lease, line);
            }
        } else if let Some(rest) = line.strip_prefix(b"lease ") {
            let ip = word(rest, 0).and_then(ip);
            open = ip.map(|ip| Lease {
                ip,
                mac: String::new(),
                name: None,
                from: None,
                until: None,
                place,
            });
        } else if let Some(mut lease) = dnsmasq(line) {
            lease.place = place;
            found.push(lease);
        }
        if found.len() >= MOST {
            break;
        }
    }
    // A file cut inside a lease: what was said of it still holds.
    found.extend(open);
    found.retain(|l| !l.mac.is_empty());
    found
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
    // dnsmasq writes 0 for a lease without end.
    let until = (expires > 0).then(|| Time::from_secs(expires));
    Some(Lease { ip, mac, name, from: None, until, place: Place::whole(SourceId(0)) })
}

/// One statement of an ISC lease: "starts 5 2015/12/04 13:00:00;".
fn isc_statement(lease: &mut Lease, line: &[u8]) {
    let line = line.strip_suffix(b";").unwrap_or(line);
    match word(line, 0) {
        Some(b"starts") => lease.from = isc_time(line),
        Some(b"ends") => lease.until = isc_time(line),
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

/// ISC writes UTC: "5 2015/12/04 13:00:00" or "epoch 1449234000; # ...".
fn isc_time(line: &[u8]) -> Option<Time> {
    if word(line, 1)? == b"epoch" {
        let digits = text(word(line, 2)?)?.trim_end_matches(';');
        return digits.parse().ok().map(Time::from_secs);
    }
    let date = text(word(line, 2)?)?.replace('/', "-");
    let clock = text(word(line, 3)?)?;
    let stamp = stamp::iso(format!("{date}T{clock}Z").as_bytes())?;
    Some(Clock::new(jiff::tz::TimeZone::UTC, 1970).time(&stamp))
}

/// The lease a DHCPACK line of a system log tells of:
/// `DHCPACK(eth1) 192.168.1.23 02:..:01 laptop` (dnsmasq),
/// `DHCPACK on 192.168.1.23 to 02:..:01 (laptop) via eth1` (ISC).
pub(crate) fn ack(line: &[u8], place: Place, clock: &mut Clock) -> Option<Lease> {
    let parts = logline::syslog(line)?;
    let rest = parts.message.strip_prefix(b"DHCPACK")?;
    let (ip, mac, name) = if rest.starts_with(b"(") {
        (ip(word(rest, 1)?)?, mac(word(rest, 2)?)?, word(rest, 3).map(lossy))
    } else {
        let name = word(rest, 4).filter(|n| n.starts_with(b"("));
        let name = name.map(|n| lossy(n).trim_matches(['(', ')']).to_owned());
        (ip(word(rest, 1)?)?, mac(word(rest, 3)?)?, name)
    };
    let from = Some(clock.time(&parts.stamp));
    Some(Lease { ip, mac, name, from, until: None, place })
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dnsmasq_leases() {
        let text = b"1449248400 02:00:5E:00:53:01 192.168.1.23 laptop 01:02:00:5e:00:53:01\n0 02:00:5e:00:53:02 192.168.1.24 * *\nduid 00:01\n1449248400 1234 2001:db8::5 x 00:01\n";
        assert!(recognise(text));
        let found = read(text, SourceId(1), 10);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].mac, "02:00:5e:00:53:01");
        assert_eq!(found[0].name.as_deref(), Some("laptop"));
        assert_eq!(found[0].until.unwrap().rfc3339(), "2015-12-04T17:00:00Z");
        assert_eq!((found[1].name.as_deref(), found[1].until), (None, None));
        assert_eq!(found[1].place, Place::byte(SourceId(1), 10 + 70));
    }

    #[test]
    fn isc_leases() {
        let text = b"# comment\nlease 192.168.1.23 {\n  starts 5 2015/12/04 13:00:00;\n  ends epoch 1449248400; # x\n  hardware ethernet 02:00:5e:00:53:01;\n  client-hostname \"laptop\";\n}\nlease 192.168.1.24 {\n  starts 5 2015/12/04 14:00:00;\n  ends never;\n  hardware ethernet 2:0:5e:0:53:2;\n";
        assert!(recognise(text));
        let found = read(text, SourceId(0), 0);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].from.unwrap().rfc3339(), "2015-12-04T13:00:00Z");
        assert_eq!(found[0].until.unwrap().rfc3339(), "2015-12-04T17:00:00Z");
        assert_eq!(found[0].name.as_deref(), Some("laptop"));
        assert_eq!((found[1].mac.as_str(), found[1].until), ("02:00:5e:00:53:02", None));
    }

    #[test]
    fn acks() {
        let mut clock = Clock::new(jiff::tz::TimeZone::UTC, 2015);
        let place = Place::byte(SourceId(0), 0);
        let one = ack(b"Dec  4 14:30:00 gw dnsmasq-dhcp[5]: DHCPACK(eth1) 192.168.1.2 02:00:00:00:00:01 laptop", place, &mut clock).unwrap();
        let two = ack(b"Dec  4 14:30:00 gw dhcpd[5]: DHCPACK on 192.168.1.2 to 02:00:00:00:00:01 (laptop) via eth1", place, &mut clock).unwrap();
        assert_eq!(one, two);
        assert_eq!(one.from.unwrap().rfc3339(), "2015-12-04T14:30:00Z");
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut all = b"lease 192.168.1.23 {\n".to_vec();
            all.extend(text.bytes());
            all.extend(bytes);
            read(&all, SourceId(0), 0);
            recognise(&all);
        }
    }
}

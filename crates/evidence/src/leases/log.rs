//! The leases that DHCP servers tell of in the system log.

use super::{ip, lossy, mac, word};
use crate::facts::Lease;
use crate::logline;
use crate::stamp::Clock;
use heloscope_model::Place;
use memchr::memmem;

const KEA: &[u8] = b"DHCP4_LEASE_ALLOC [";

/// Whether a line may be one; cheap.
pub(crate) fn is_ack(line: &[u8]) -> bool {
    memmem::find(line, b"DHCPACK").is_some() || memmem::find(line, KEA).is_some()
}

/// The lease a line tells of:
/// `DHCPACK(eth1) 192.168.1.23 02:..:01 laptop` (dnsmasq),
/// `DHCPACK on 192.168.1.23 to 02:..:01 (laptop) via eth1` (ISC),
/// `DHCP4_LEASE_ALLOC [hwtype=1 02:..:01], ...: lease 192.168.1.23 has been allocated for 4000 seconds` (Kea).
pub(crate) fn ack(line: &[u8], place: Place, clock: &mut Clock) -> Option<Lease> {
    let parts = logline::syslog(line)?;
    let (ip, mac, name, seconds) = match parts.message.strip_prefix(b"DHCPACK") {
        Some(rest) if rest.starts_with(b"(") => {
            (ip(word(rest, 1)?)?, mac(word(rest, 2)?)?, word(rest, 3).map(lossy), None)
        }
        Some(rest) => {
            let name = word(rest, 4).filter(|n| n.starts_with(b"("));
            let name = name.map(|n| lossy(n).trim_matches(['(', ')']).to_owned());
            (ip(word(rest, 1)?)?, mac(word(rest, 3)?)?, name, None)
        }
        None => {
            let at = memmem::find(line, KEA)?;
            let rest = line.get(at + KEA.len()..)?;
            let close = memchr::memchr(b']', rest)?;
            let mac = mac(word(rest.get(..close)?, 1)?)?;
            let at = memmem::find(rest, b": lease ")?;
            let rest = rest.get(at + 8..)?;
            let seconds = word(rest, 5).and_then(crate::stamp::number);
            (ip(word(rest, 0)?)?, mac, None, seconds)
        }
    };
    let from = clock.time(&parts.stamp);
    let until = seconds.map(|seconds| from.plus_secs(f64::from(seconds)));
    Some(Lease { ip, mac, name, from: Some(from), until, place })
}

//! A packet from its network header on -> the TCP segment, or the UDP datagram, in it (RFC 791, 8200, 9293, 768). Later fragments, other
//! protocols, IPv6 with extension headers and what is cut inside a header give none. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) sequence: u32,
    pub(crate) acknowledged: u32,
    pub(crate) flags: u8,
    /// Bytes that it carries by its headers, here or cut off.
    pub(crate) length: u32,
    /// Those that are here.
    pub(crate) payload: &'a [u8],
}

/// The TCP segment of a packet.
pub(crate) fn tcp(packet: &[u8]) -> Option<Segment<'_>> {
    let Inner { protocol: 6, from, to, length, bytes } = inner(packet)? else { return None };
    let &[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags, ..] =
        bytes.first_chunk::<20>()?;
    let header = usize::from(offset >> 4).max(5) * 4;
    Some(Segment {
        from: SocketAddr::new(from, u16::from_be_bytes([s0, s1])),
        to: SocketAddr::new(to, u16::from_be_bytes([d0, d1])),
        sequence: u32::from_be_bytes([q0, q1, q2, q3]),
        acknowledged: u32::from_be_bytes([a0, a1, a2, a3]),
        flags,
        length: u32::try_from(length.saturating_sub(header)).unwrap_or_default(),
        payload: bytes.get(header..).unwrap_or_default(),
    })
}

/// What a UDP datagram of a packet carries, as far as it is there, with its ports.
pub(crate) fn udp(packet: &[u8]) -> Option<(u16, u16, &[u8])> {
    let Inner { protocol: 17, bytes, .. } = inner(packet)? else { return None };
    let (&[s0, s1, d0, d1, ..], payload) = bytes.split_first_chunk::<8>()?;
    Some((u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]), payload))
}

/// What an IP packet carries.
struct Inner<'a> {
    protocol: u8,
    from: IpAddr,
    to: IpAddr,
    /// How long it is by the header.
    length: usize,
    bytes: &'a [u8],
}

fn inner(packet: &[u8]) -> Option<Inner<'_>> {
    match packet.first()? >> 4 {
        4 => {
            let header: &[u8; 20] = packet.first_chunk()?;
            let &[first, _, l0, l1, _, _, f0, f1, _, protocol, _, _, ..] = header;
            let start = usize::from(first & 15) * 4;
            if start < 20 || u16::from_be_bytes([f0, f1]) & 0x1fff != 0 {
                return None;
            }
            // What stands behind the packet is padding; 0 is a packet larger than can be said.
            let total = usize::from(u16::from_be_bytes([l0, l1]));
            let total = if total == 0 { packet.len() } else { total };
            Some(Inner {
                protocol,
                from: Ipv4Addr::from(*header.get(12..)?.first_chunk::<4>()?).into(),
                to: Ipv4Addr::from(*header.get(16..)?.first_chunk::<4>()?).into(),
                length: total.checked_sub(start)?,
                bytes: packet.get(start..total.min(packet.len()))?,
            })
        }
        6 => {
            let (header, bytes) = packet.split_first_chunk::<40>()?;
            let &[_, _, _, _, l0, l1, protocol, ..] = header;
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let length = if length == 0 { bytes.len() } else { length };
            Some(Inner {
                protocol,
                from: Ipv6Addr::from(*header.get(8..)?.first_chunk::<16>()?).into(),
                to: Ipv6Addr::from(*header.get(24..)?.first_chunk::<16>()?).into(),
                length,
                bytes: bytes.get(..length.min(bytes.len()))?,
            })
        }
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A packet of this segment, its payload left off.
    pub(crate) fn packet(segment: &Segment<'_>) -> Vec<u8> {
        let mut tcp = [segment.from.port().to_be_bytes(), segment.to.port().to_be_bytes()].concat();
        tcp.extend(segment.sequence.to_be_bytes());
        tcp.extend(segment.acknowledged.to_be_bytes());
        tcp.extend([0x50, segment.flags, 0, 0, 0, 0, 0, 0]);
        let length = u16::try_from(segment.length + 20).unwrap();
        let mut bytes = match (segment.from.ip(), segment.to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                let total = (length + 20).to_be_bytes();
                let mut bytes = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, 6, 0, 0];
                bytes.extend(from.octets());
                bytes.extend(to.octets());
                bytes
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                let length = length.to_be_bytes();
                let mut bytes = vec![0x60, 0, 0, 0, length[0], length[1], 6, 64];
                bytes.extend(from.octets());
                bytes.extend(to.octets());
                bytes
            }
            _ => panic!("one family"),
        };
        bytes.extend(tcp);
        bytes
    }

    #[test]
    fn headers_alone_say_how_much_was_carried() {
        for (from, to) in
            [("192.0.2.1:40001", "192.0.2.25:25"), ("[2001:db8::1]:40001", "[2001:db8::25]:25")]
        {
            let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
            let segment = Segment {
                from,
                to,
                sequence: u32::MAX,
                acknowledged: 7,
                flags: FIN | ACK,
                length: 900,
                payload: b"",
            };
            assert_eq!(tcp(&packet(&segment)), Some(segment));
        }
    }

    #[test]
    fn a_later_fragment_has_no_header() {
        let (from, to) = ("192.0.2.1:1".parse().unwrap(), "192.0.2.2:25".parse().unwrap());
        let segment =
            Segment { from, to, sequence: 0, acknowledged: 0, flags: SYN, length: 0, payload: b"" };
        let mut bytes = packet(&segment);
        bytes[7] = 1;
        assert_eq!(tcp(&bytes), None);
    }

    proptest! {
        #[test]
        fn never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..120), first in prop::sample::select(vec![0x45_u8, 0x4f, 0x60]), protocol in prop::sample::select(vec![6_u8, 17])) {
            let _ = (tcp(&bytes), udp(&bytes));
            if let Some(byte) = bytes.first_mut() { *byte = first; }
            for at in [6, 9] {
                if let Some(byte) = bytes.get_mut(at) { *byte = protocol; }
            }
            let _ = (tcp(&bytes), udp(&bytes));
        }
    }
}

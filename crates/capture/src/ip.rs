//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers, as far as TCP needs them: options and extension
//! headers are stepped over, fragments are told apart, the packet's true length is kept beside
//! what the capture kept of it.
//!
//! Everything that is not TCP or a piece of it is `None` at once: most frames end here.

use crate::wire::{be16, be32};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The number of TCP among IP protocols.
const TCP: u8 = 6;
/// Extension headers followed in one packet.
const EXTENSIONS: usize = 16;
/// Packets in packets followed (4in4, 6in4, 4in6, GRE).
const TUNNELS: usize = 3;

/// A TCP segment's envelope, or a fragment of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ip<'a> {
    pub(crate) src: IpAddr,
    pub(crate) dst: IpAddr,
    /// Time to live, or hop limit.
    pub(crate) ttl: u8,
    /// IPv4's don't-fragment.
    pub(crate) df: bool,
    /// What was kept of the payload.
    pub(crate) payload: &'a [u8],
    /// Bytes of the payload on the wire; never less than kept.
    pub(crate) len: usize,
    /// Set where this is a piece.
    pub(crate) fragment: Option<Fragment>,
}

/// Which piece of which packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    pub(crate) id: u32,
    /// In units of eight bytes.
    pub(crate) offset: u16,
    pub(crate) more: bool,
}

/// The envelope of a TCP segment.
#[inline]
pub(crate) fn tcp_envelope(packet: &[u8]) -> Option<Ip<'_>> {
    descend(packet, TUNNELS)
}

#[inline]
fn descend(packet: &[u8], depth: usize) -> Option<Ip<'_>> {
    match packet.first()? >> 4 {
        4 => v4(packet, depth),
        6 => v6(packet, depth),
        _ => None,
    }
}

#[inline]
fn v4(packet: &[u8], depth: usize) -> Option<Ip<'_>> {
    let head: &[u8; 20] = packet.first_chunk()?;
    let protocol = head[9];
    if protocol != TCP {
        return tunnelled(protocol, packet.get(header_len(head[0])..)?, depth);
    }
    let ihl = header_len(head[0]);
    let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let kept = packet.get(ihl..)?;
    let (payload, len) = measured(kept, total, ihl)?;
    let flags = u16::from_be_bytes([head[6], head[7]]);
    let fragment = (flags & 0x3fff != 0).then(|| Fragment {
        id: u32::from(u16::from_be_bytes([head[4], head[5]])),
        offset: flags & 0x1fff,
        more: flags & 0x2000 != 0,
    });
    Some(Ip {
        src: IpAddr::V4(Ipv4Addr::new(head[12], head[13], head[14], head[15])),
        dst: IpAddr::V4(Ipv4Addr::new(head[16], head[17], head[18], head[19])),
        ttl: head[8],
        df: flags & 0x4000 != 0,
        payload,
        len,
        fragment,
    })
}

fn header_len(first: u8) -> usize {
    usize::from(first & 0x0f).max(5) * 4
}

/// The payload without padding, and its length on the wire. A length of zero is what segmentation
/// offload leaves in the header of a packet that was never so large on the wire.
#[inline]
fn measured(kept: &[u8], total: usize, header: usize) -> Option<(&[u8], usize)> {
    if total == 0 {
        return Some((kept, kept.len()));
    }
    let len = total.checked_sub(header)?;
    Some((kept.get(..len.min(kept.len()))?, len))
}

fn v6(packet: &[u8], depth: usize) -> Option<Ip<'_>> {
    let head: &[u8; 40] = packet.first_chunk()?;
    let total = usize::from(u16::from_be_bytes([head[4], head[5]]));
    let (mut payload, mut len) = measured(packet.get(40..)?, total, 0)?;
    let mut next = head[6];
    let mut fragment = None;
    for _ in 0..EXTENSIONS {
        let step = match next {
            TCP => {
                let src: [u8; 16] = *head.get(8..)?.first_chunk()?;
                let dst: [u8; 16] = *head.get(24..)?.first_chunk()?;
                return Some(Ip {
                    src: IpAddr::V6(Ipv6Addr::from(src)),
                    dst: IpAddr::V6(Ipv6Addr::from(dst)),
                    ttl: head[7],
                    df: false,
                    payload,
                    len,
                    fragment,
                });
            }
            // Hop-by-hop, routing, destination options, mobility, HIP, shim6.
            0 | 43 | 60 | 135 | 139 | 140 => (usize::from(*payload.get(1)?) + 1) * 8,
            // Authentication header.
            51 => (usize::from(*payload.get(1)?) + 2) * 4,
            44 => {
                let place = be16(payload, 2)?;
                // An "atomic" fragment (RFC 6946) is the whole packet.
                if place & 0xfff9 != 0 {
                    fragment = Some(Fragment {
                        id: be32(payload, 4)?,
                        offset: place >> 3,
                        more: place & 1 != 0,
                    });
                }
                8
            }
            other => return tunnelled(other, payload, depth),
        };
        next = *payload.first()?;
        payload = payload.get(step..)?;
        len = len.checked_sub(step)?;
        // Headers behind the fragment header belong to the reassembled packet.
        if fragment.is_some() && next != TCP {
            return None;
        }
    }
    None
}

/// IP in IP (RFC 2003, 4213) and plain GRE (RFC 2784).
fn tunnelled(protocol: u8, payload: &[u8], depth: usize) -> Option<Ip<'_>> {
    let depth = depth.checked_sub(1)?;
    match protocol {
        4 | 41 => descend(payload, depth),
        47 => {
            let flags = be16(payload, 0)?;
            if !matches!(be16(payload, 2)?, 0x0800 | 0x86dd) || flags & 0x7 != 0 {
                return None;
            }
            // Checksum, key and sequence number each add four bytes.
            let extra = [0x8000, 0x2000, 0x1000].iter().filter(|&bit| flags & bit != 0).count();
            descend(payload.get(4 + 4 * extra..)?, depth)
        }
        _ => None,
    }
}

//! From a captured frame to the IP packet in it: Ethernet with any number of VLAN tags, PPPoE,
//! MPLS, Linux cooked captures (SLL, SLL2), raw IP, BSD loopback, PPP, NFLOG.
//!
//! Out: the bytes from the IP header on, and the sender's hardware address where the link has
//! one. Frames that carry anything else are `None`.

use crate::wire::{be16, u16_at};

/// Link type of a frame whose interface the file does not describe.
pub(crate) const UNKNOWN: u16 = u16::MAX;

/// The IP packet of a frame and who sent the frame.
#[derive(Clone, Copy)]
pub(crate) struct Carried<'a> {
    /// From the IP header on; link-layer padding may follow the packet.
    pub(crate) ip: &'a [u8],
    /// The sender's six-byte hardware address.
    pub(crate) mac: Option<&'a [u8; 6]>,
}

/// The IP packet that a frame carries.
#[inline]
pub(crate) fn carried(link: u16, frame: &[u8]) -> Option<Carried<'_>> {
    match link {
        1 => {
            let mac = frame.get(6..)?.first_chunk();
            ether(be16(frame, 12)?, frame.get(14..)?).map(|ip| Carried { ip, mac })
        }
        113 => {
            let mac = (be16(frame, 4)? == 6).then(|| frame.get(6..)?.first_chunk()).flatten();
            ether(be16(frame, 14)?, frame.get(16..)?).map(|ip| Carried { ip, mac })
        }
        276 => {
            let mac = (*frame.get(11)? == 6).then(|| frame.get(12..)?.first_chunk()).flatten();
            ether(be16(frame, 0)?, frame.get(20..)?).map(|ip| Carried { ip, mac })
        }
        12 | 14 | 101 | 228 | 229 => raw(frame),
        // The family's number differs between systems and byte orders; IP says its version itself.
        0 | 108 => raw(frame.get(4..)?),
        9 | 50 | 204 => ppp(frame),
        51 => pppoe(frame),
        239 => nflog(frame),
        _ => None,
    }
}

/// Whether [`carried`] can look into frames of this link type.
pub(crate) fn known(link: u16) -> bool {
    matches!(link, 0 | 1 | 9 | 12 | 14 | 50 | 51 | 101 | 108 | 113 | 204 | 228 | 229 | 239 | 276)
}

/// The link type's name, for people.
pub(crate) fn name(link: u16) -> String {
    match link {
        0 => "BSD loopback".to_owned(),
        1 => "Ethernet".to_owned(),
        9 | 50 | 204 => "PPP".to_owned(),
        12 | 14 | 101 | 228 | 229 => "raw IP".to_owned(),
        51 => "PPPoE".to_owned(),
        108 => "OpenBSD loopback".to_owned(),
        113 => "Linux cooked".to_owned(),
        239 => "NFLOG".to_owned(),
        276 => "Linux cooked v2".to_owned(),
        UNKNOWN => "an interface the file does not describe".to_owned(),
        other => format!("link type {other}"),
    }
}

/// By EtherType, through VLAN tags, PPPoE and MPLS.
#[inline]
fn ether(mut kind: u16, mut rest: &[u8]) -> Option<&[u8]> {
    // Every turn takes at least four bytes of the frame, so this ends.
    loop {
        match kind {
            0x0800 | 0x86dd => return Some(rest),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                kind = be16(rest, 2)?;
                rest = rest.get(4..)?;
            }
            0x8864 => return pppoe(rest).map(|c| c.ip),
            0x8847 | 0x8848 => {
                let bottom = *rest.get(2)? & 1 != 0;
                rest = rest.get(4..)?;
                if bottom {
                    return raw(rest).map(|c| c.ip);
                }
            }
            _ => return None,
        }
    }
}

fn raw(ip: &[u8]) -> Option<Carried<'_>> {
    matches!(ip.first()? >> 4, 4 | 6).then_some(Carried { ip, mac: None })
}

/// PPPoE session (RFC 2516): six bytes, then PPP without its framing.
fn pppoe(frame: &[u8]) -> Option<Carried<'_>> {
    // Version and type 1, code 0: session data.
    match frame.first_chunk()? {
        [0x11, 0] => ppp(frame.get(6..)?),
        _ => None,
    }
}

/// PPP (RFC 1661): address and control may be left out, the protocol may be one byte.
fn ppp(frame: &[u8]) -> Option<Carried<'_>> {
    let mut rest = frame;
    // 204 puts a direction byte (0 or 1) in front; no protocol number begins so.
    if let [0 | 1, 0xff, 0x03, ..] = rest {
        rest = rest.get(1..)?;
    }
    // HDLC framing (0f 00) of serial lines carries an EtherType.
    if let [0x0f | 0x8f, 0x00, ..] = rest {
        return ether(be16(rest, 2)?, rest.get(4..)?).map(|ip| Carried { ip, mac: None });
    }
    if let [0xff, 0x03, ..] = rest {
        rest = rest.get(2..)?;
    }
    match rest {
        [0x00, 0x21 | 0x57, ip @ ..] | [0x21 | 0x57, ip @ ..] => raw(ip),
        _ => None,
    }
}

/// Packets logged by netfilter: a header of four bytes, then typed fields in host order.
fn nflog(frame: &[u8]) -> Option<Carried<'_>> {
    let mut rest = frame.get(4..)?;
    // The file says nothing of the host's order; its length fields do (a length is small).
    loop {
        let (mut len, mut kind) = (u16_at(rest, 0, false)?, u16_at(rest, 2, false)?);
        if kind > 0xff {
            (len, kind) = (len.swap_bytes(), kind.swap_bytes());
        }
        let len = usize::from(len);
        if kind == 9 {
            return raw(rest.get(4..len)?);
        }
        if len < 4 {
            return None;
        }
        rest = rest.get(len.next_multiple_of(4)..)?;
    }
}

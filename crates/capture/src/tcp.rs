//! A TCP header (RFC 9293): ports, numbers, flags, and the payload with its length on the wire.

use crate::ip::Ip;
use crate::wire::be16;
use heloscope_model::Octets;
use heloscope_model::session::Syn;

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;

/// One segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) src_port: u16,
    pub(crate) dst_port: u16,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    /// Option bytes kept.
    pub(crate) options: &'a [u8],
    /// Payload bytes kept.
    pub(crate) payload: &'a [u8],
    /// Payload bytes on the wire; never less than kept.
    pub(crate) len: u32,
}

impl Segment<'_> {
    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// The segment in an IP payload of which `kept` bytes of `len` are there.
#[inline]
pub(crate) fn segment(kept: &[u8], len: usize) -> Option<Segment<'_>> {
    let head: &[u8; 20] = kept.first_chunk()?;
    let header = usize::from(head[12] >> 4) * 4;
    if header < 20 {
        return None;
    }
    let len = u32::try_from(len.checked_sub(header)?).ok()?;
    Some(Segment {
        src_port: u16::from_be_bytes([head[0], head[1]]),
        dst_port: u16::from_be_bytes([head[2], head[3]]),
        seq: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
        ack: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
        flags: head[13],
        window: u16::from_be_bytes([head[14], head[15]]),
        options: kept.get(20..header.min(kept.len())).unwrap_or_default(),
        payload: kept.get(header..).unwrap_or_default(),
        len,
    })
}

/// The facts of a SYN that tell TCP stacks apart.
pub(crate) fn syn_facts(ip: &Ip<'_>, segment: &Segment<'_>) -> Syn {
    let mut kinds = Vec::new();
    let (mut mss, mut scale) = (None, None);
    let mut rest = segment.options;
    while let Some(&kind) = rest.first() {
        if kinds.len() == 20 {
            break;
        }
        kinds.push(kind);
        match kind {
            // End of options: what follows is padding.
            0 => break,
            1 => rest = rest.get(1..).unwrap_or_default(),
            _ => {
                let Some(len @ 2..) = rest.get(1).map(|&l| usize::from(l)) else { break };
                let Some(option) = rest.get(..len) else { break };
                match kind {
                    2 if len == 4 => mss = be16(option, 2),
                    3 if len == 3 => scale = option.get(2).copied(),
                    _ => {}
                }
                rest = rest.get(len..).unwrap_or_default();
            }
        }
    }
    Syn { ttl: ip.ttl, window: segment.window, mss, scale, options: Octets::new(&kinds), df: ip.df }
}

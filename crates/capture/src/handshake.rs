//! A handshake remembered: the SYN of a connection on a port where mail is not expected, and its
//! answer, kept for a while in case the connection turns out to be SMTP.

use crate::flow::Packet;
use crate::pair::End;
use crate::tcp::{self, Segment};
use heloscope_model::Time;

/// A remembered SYN and its answer.
pub(crate) struct Handshake {
    pub(crate) syn: Remembered,
    pub(crate) answer: Option<Remembered>,
}

/// A packet without payload, as much of it as a flow wants to see.
pub(crate) struct Remembered {
    pub(crate) at: Time,
    pub(crate) number: u64,
    pub(crate) from: End,
    pub(crate) ttl: u8,
    pub(crate) df: bool,
    pub(crate) mac: Option<[u8; 6]>,
    /// The TCP header, at most 60 bytes.
    pub(crate) header: [u8; 60],
    pub(crate) len: usize,
}

impl Remembered {
    pub(crate) fn of(packet: &Packet<'_>) -> Option<Self> {
        let kept = packet.ip.payload;
        let len = kept.len().min(60);
        let mut header = [0; 60];
        header.get_mut(..len)?.copy_from_slice(kept.get(..len)?);
        Some(Self {
            at: packet.at,
            number: packet.number,
            from: packet.from,
            ttl: packet.ip.ttl,
            df: packet.ip.df,
            mac: packet.mac.copied(),
            header,
            len,
        })
    }

    pub(crate) fn segment(&self) -> Option<Segment<'_>> {
        let header = self.header.get(..self.len)?;
        let bytes = usize::from(*header.get(12)? >> 4) * 4;
        // A SYN without payload: the header is all there is.
        tcp::segment(header.get(..bytes.min(self.len))?, bytes)
    }
}

//! IP fragments put together again (RFC 791, RFC 8200 section 4.5).
//!
//! In: pieces of TCP packets. Out: the whole payload once every piece is there. Few packets of
//! honest mail are fragmented, so the room is small: packets waiting, pieces of one packet and
//! seconds waited are bounded, and what does not fit is forgotten. A packet whose pieces
//! contradict each other is given up.

use crate::ip::{Fragment, Ip};
use crate::recent::Recent;
use etherparse::defrag::IpDefragBuf;
use etherparse::{IpFragOffset, IpNumber};
use heloscope_model::Time;
use std::net::IpAddr;

/// Packets waiting for their missing pieces (at most 64 KiB each).
const WAITING: usize = 256;
/// Pieces of one packet: 64 KiB in pieces of the smallest MTU that IPv4 allows come to this.
const PIECES: u32 = 1400;
/// Seconds after which pieces with the same id belong to another packet.
const PATIENCE: f64 = 30.0;

type Key = (IpAddr, IpAddr, u32);

struct Waiting {
    since: Time,
    pieces: u32,
    buffer: IpDefragBuf,
}

/// The packets waiting.
pub(crate) struct Fragments {
    waiting: Recent<Key, Waiting>,
}

impl Fragments {
    pub(crate) fn new() -> Self {
        Self { waiting: Recent::new(WAITING) }
    }

    /// Takes a piece; gives the payload where it was the last one missing.
    pub(crate) fn put(&mut self, at: Time, ip: &Ip<'_>, piece: Fragment) -> Option<Vec<u8>> {
        // A piece cut by the snapshot length leaves a hole that nothing fills.
        if ip.payload.len() < ip.len {
            return None;
        }
        let key = (ip.src, ip.dst, piece.id);
        let fresh = || Waiting {
            since: at,
            pieces: 0,
            buffer: IpDefragBuf::new(IpNumber::TCP, Vec::new(), Vec::new()),
        };
        if !self.waiting.get_mut(&key).is_some_and(|w| at.since(w.since).abs() <= PATIENCE) {
            self.waiting.put(key, fresh());
        }
        let waiting = self.waiting.get_mut(&key)?;
        waiting.pieces += 1;
        let offset = IpFragOffset::try_new(piece.offset).ok()?;
        let added = waiting.buffer.add(offset, piece.more, ip.payload);
        if added.is_err() || waiting.pieces > PIECES {
            self.waiting.take(&key);
            return None;
        }
        if !waiting.buffer.is_complete() {
            return None;
        }
        let (payload, _) = self.waiting.take(&key)?.buffer.take_bufs();
        Some(payload)
    }
}

//! The lines of `ngrep`: a packet's head, then its payload, every unprintable byte a dot.
//!
//! ```text
//! T 2026/11/24 14:31:07.123456 192.0.2.1:50112 -> 198.51.100.7:25 [AP]
//!   EHLO [127.0.0.1]..                       (or with -W byline: EHLO [127.0.0.1].)
//! ```
//!
//! No sequence numbers are printed: packets count in the order they stand.

use super::tcpdump::{date, time_of_day};
use super::{Dated, Packet};
use crate::pair::{Key, Pair};
use crate::recent::Recent;
use crate::tcp;
use std::net::SocketAddr;

/// Connections whose bytes are counted.
const CONNECTIONS: usize = 65_536;

/// A packet's head.
pub(super) fn head(line: &str) -> Option<Packet> {
    let mut words = line.strip_prefix("T ")?.split_whitespace();
    let mut packet = Packet::default();
    let mut word = words.next()?;
    if let Some(days) = date(word) {
        let (secs, nanos) = time_of_day(words.next()?)?;
        packet.stamp = Some((days * 86_400 + secs, nanos));
        packet.dated = Dated::Local;
        word = words.next()?;
    }
    let src: SocketAddr = word.parse().ok()?;
    (words.next()? == "->").then_some(())?;
    packet.ends = Some((src, words.next()?.parse().ok()?));
    let flags = words.next()?.strip_prefix('[')?.strip_suffix(']')?;
    for flag in flags.bytes() {
        packet.flags |= match flag {
            b'S' => tcp::SYN,
            b'A' => tcp::ACK,
            b'F' => tcp::FIN,
            b'R' => tcp::RST,
            _ => 0,
        };
    }
    Some(packet)
}

/// A line of payload.
pub(super) fn body(packet: &mut Packet, line: &str) {
    let line = line.strip_prefix("  ").unwrap_or(line);
    // Marks between packets.
    if line.is_empty() || line.bytes().all(|b| b == b'#') {
        return;
    }
    match line.strip_suffix('.') {
        // By line: the dot is the CR, the LF was printed. In one piece: both are dots.
        Some(text) => {
            for part in text.strip_suffix('.').unwrap_or(text).split("..") {
                packet.payload.extend(part.bytes());
                packet.payload.extend(b"\r\n");
            }
        }
        None => packet.payload.extend(line.bytes()),
    }
}

pub(super) fn close(packet: &mut Packet) {
    packet.len = u32::try_from(packet.payload.len()).ok();
}

/// Sequence numbers by counting.
pub(super) struct Numbers {
    next: Recent<Key, Pair<u32>>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { next: Recent::new(CONNECTIONS) }
    }
}

impl Numbers {
    pub(super) fn number(&mut self, packet: &mut Packet) {
        let Some((src, dst)) = packet.ends else { return };
        let (key, from) = Key::of((src.ip(), src.port()), (dst.ip(), dst.port()));
        if self.next.get_mut(&key).is_none() {
            self.next.put(key, Pair { a: 1, b: 1 });
        }
        let Some(next) = self.next.get_mut(&key) else { return };
        packet.seq = Some(*next.of(from));
        packet.ack = Some(*next.of(from.other()));
        let counts = u32::from(packet.flags & (tcp::SYN | tcp::FIN) != 0);
        let step = packet.len.unwrap_or(0).wrapping_add(counts);
        *next.of_mut(from) = next.of(from).wrapping_add(step);
    }
}

//! When a flow stops waiting: for a handshake that the capture may not have, for bytes that were
//! acknowledged and do not come, for retransmissions of bytes that nobody acknowledged, and when
//! too much waits. What is given up becomes a gap.

use super::Flow;
use crate::Options;
use crate::pair::End;
use crate::stream::Stream;
use heloscope_model::Time;

/// Packets after which a connection whose beginning was not seen is taken as it is.
const SETTLE_PACKETS: u32 = 16;
/// Seconds for the same.
const SETTLE_SECONDS: f64 = 1.0;
/// Packets to wait for bytes that the other side acknowledged but the capture does not have.
const LOST_PACKETS: u32 = 48;
/// Seconds for the same.
const LOST_SECONDS: f64 = 2.0;
/// Seconds to wait for a retransmission of bytes that nobody acknowledged.
const STALE_SECONDS: f64 = 60.0;
/// Pieces held of one direction, however small.
const PIECES: usize = 1024;

impl Flow {
    /// Stops waiting where waiting has become pointless.
    #[inline]
    pub(super) fn patience(&mut self, at: Time, options: &Options, pressed: bool) {
        let limit = options.reorder_bytes;
        if !self.decided {
            let full = self.held_bytes() > limit || self.pieces() > PIECES || pressed;
            let long = self.packets >= SETTLE_PACKETS
                || at.since(self.start).abs() >= SETTLE_SECONDS && self.packets > 1;
            if full || long {
                self.decide();
            }
            if !self.settled {
                return;
            }
        }
        if self.streams.a.holds_nothing() && self.streams.b.holds_nothing() {
            self.waiting = None;
            return;
        }
        if self.moved {
            self.waiting = None;
            self.moved = false;
        }
        let (since, packets) = self.waiting.get_or_insert((at, 0));
        *packets += 1;
        let (packets, waited) = (*packets, at.since(*since));
        let full = |s: &Stream| s.held_bytes > limit || s.pieces() > PIECES;
        if pressed || full(&self.streams.a) || full(&self.streams.b) {
            while (pressed || full(&self.streams.a) || full(&self.streams.b)) && self.force() {}
        } else if packets >= LOST_PACKETS || waited >= LOST_SECONDS {
            while self.lost() && self.force() {}
        }
        if waited >= STALE_SECONDS {
            self.stale();
        }
    }

    /// Whether what is missing was acknowledged: then it was on the wire and is not in the capture.
    fn lost(&self) -> bool {
        let lost = |end| {
            let stream = self.streams.of(end);
            stream.head().is_some_and(|(offset, piece)| {
                if offset > stream.next {
                    stream.acked().is_some_and(|acked| acked >= offset)
                } else {
                    !self.satisfied(end, piece.needs)
                }
            })
        };
        lost(End::A) || lost(End::B)
    }

    /// A hole that nobody filled and nobody acknowledged for a minute: where the other side is
    /// in the capture it never got what is behind the hole either.
    fn stale(&mut self) {
        for end in [End::A, End::B] {
            let heard = self.streams.of(end.other()).seen;
            let stream = self.streams.of_mut(end);
            let hole = stream.head().is_some_and(|(offset, _)| offset > stream.next);
            if hole && heard {
                stream.discard();
            } else {
                while self.streams.of(end).head().is_some() && self.force() {}
            }
        }
        self.waiting = None;
    }

    /// Gives up the hole before the piece seen first, or hands that piece on although the other
    /// side is not as far. False where nothing waits.
    pub(super) fn force(&mut self) -> bool {
        let order = |end| self.streams.of(end).head().map(|(_, piece)| piece.order);
        let end = match (order(End::A), order(End::B)) {
            (None, None) => return false,
            (Some(a), Some(b)) if b < a => End::B,
            (Some(_), _) => End::A,
            (None, _) => End::B,
        };
        let stream = self.streams.of(end);
        let Some((offset, piece)) = stream.head() else { return false };
        let (at, needs) = (piece.at, piece.needs);
        if offset > stream.next {
            self.skip(end, at, offset, false);
        } else if !self.satisfied(end, needs) {
            let other = self.streams.of(end.other());
            let wanted = needs.and_then(|ack| other.offset(ack)).unwrap_or(0);
            let wanted = u64::try_from(wanted).unwrap_or(0);
            match other.head() {
                // Each waits for the other: the acknowledgements make no sense.
                Some((head, _)) if head <= other.next => self.hand_on(end),
                Some((head, _)) if head <= wanted => self.skip(end.other(), at, head, false),
                _ => self.skip(end.other(), at, wanted, true),
            }
        } else {
            self.hand_on(end);
        }
        self.drive();
        true
    }

    pub(super) fn skip(&mut self, end: End, at: Time, to: u64, revocable: bool) {
        let gap = self.streams.of_mut(end).skip_to(to, revocable);
        let side = self.side(end);
        self.talk.gap(side, at, gap);
    }
}

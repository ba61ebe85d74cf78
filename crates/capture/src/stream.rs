//! One direction of a TCP connection put back in order.
//!
//! In: segments with their sequence numbers, in any order. Out: pieces by offset from the first
//! byte, each byte once; of bytes sent twice the copy seen first counts. Numbers wrap. Nothing
//! is given up here: when to stop waiting for what is missing is decided by the `flow`, which
//! sees both directions.
//!
//! ```text
//!   anchor          next              held
//!     |── given out ──|··· hole ···[piece]··[piece]
//! ```

use heloscope_model::Time;
use std::collections::BTreeMap;

/// A segment's payload that waits for its turn.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) at: Time,
    /// Place in the order of arrival of the connection's packets.
    pub(crate) order: u64,
    /// What its sender had got from the other side by then (the acknowledgement number).
    pub(crate) needs: Option<u32>,
    /// Bytes on the wire; the capture may have kept fewer.
    pub(crate) len: u64,
    pub(crate) data: Box<[u8]>,
}

/// One direction.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Sequence number of the first payload byte.
    anchor: Option<u32>,
    /// Lowest sequence number seen, as long as there is no anchor.
    lowest: Option<u32>,
    /// Offset of the byte due next.
    pub(crate) next: u64,
    /// Pieces beyond `next`, never overlapping.
    held: BTreeMap<u64, Piece>,
    /// Pieces that came before the anchor was known.
    loose: Vec<(u32, Piece)>,
    /// Bytes in `held` and `loose`.
    pub(crate) held_bytes: usize,
    /// Sequence number behind the last byte, where a FIN told it.
    fin: Option<u32>,
    /// First and highest number that the other side acknowledged.
    first_ack: Option<u32>,
    acked: Option<u32>,
    /// Whether the capture has any packet of this direction.
    pub(crate) seen: bool,
    /// A stretch given up only because the other side acknowledged it. Should it come after
    /// all (or should the acknowledgement have been a lie), it is taken.
    revocable: std::ops::Range<u64>,
}

impl Stream {
    /// Notes that a packet of this direction was seen.
    pub(crate) fn see(&mut self, seq: u32) {
        self.seen = true;
        if self.anchor.is_none() && self.lowest.is_none_or(|l| before(seq, l)) {
            self.lowest = Some(seq);
        }
    }

    /// The other side acknowledged up to here.
    pub(crate) fn acknowledge(&mut self, ack: u32) {
        self.first_ack.get_or_insert(ack);
        if self.acked.is_none_or(|a| before(a, ack)) {
            self.acked = Some(ack);
        }
    }

    /// The stream ends here.
    pub(crate) fn finish_at(&mut self, seq: u32) {
        self.fin.get_or_insert(seq);
    }

    pub(crate) fn anchored(&self) -> bool {
        self.anchor.is_some()
    }

    /// Sets the first byte's number, where it is not yet known.
    pub(crate) fn anchor_at(&mut self, seq: u32) {
        if self.anchor.is_some() {
            return;
        }
        self.anchor = Some(seq);
        for (seq, piece) in std::mem::take(&mut self.loose) {
            self.held_bytes -= piece.data.len();
            self.hold(seq, piece);
        }
    }

    /// Sets the first byte's number to the lowest seen: the recording began mid-stream.
    pub(crate) fn anchor_at_lowest(&mut self) {
        if let Some(lowest) = self.lowest {
            self.anchor_at(lowest);
        }
    }

    /// The offset of a sequence number; negative before the first byte.
    #[inline]
    pub(crate) fn offset(&self, seq: u32) -> Option<i64> {
        // The low half of the offset due next, as a sequence number: what is near it in the
        // wrapping sense is near it in the stream.
        let due = self.anchor?.wrapping_add(self.next as u32);
        Some(self.next as i64 + i64::from(seq.wrapping_sub(due) as i32))
    }

    /// The offset up to which the other side has everything, a FIN among it.
    pub(crate) fn acked(&self) -> Option<u64> {
        u64::try_from(self.offset(self.acked?)?).ok()
    }

    /// The offset at which a FIN stands.
    pub(crate) fn fin(&self) -> Option<u64> {
        u64::try_from(self.offset(self.fin?)?).ok()
    }

    /// Whether all was given out, up to and with the FIN.
    pub(crate) fn complete(&self) -> bool {
        self.held.is_empty() && self.loose.is_empty() && self.fin() == Some(self.next)
    }

    /// Whether everything before a number of the other side's acknowledgement was given out.
    #[inline]
    pub(crate) fn reached(&self, ack: u32) -> bool {
        let Some(offset) = self.offset(ack) else { return true };
        let fin = u64::from(self.fin() == Some(self.next));
        offset <= (self.next + fin) as i64
    }

    pub(crate) fn holds_nothing(&self) -> bool {
        self.held.is_empty() && self.loose.is_empty()
    }

    pub(crate) fn pieces(&self) -> usize {
        self.held.len() + self.loose.len()
    }

    /// Payload of the piece seen first, where the stream is not anchored yet.
    pub(crate) fn first_loose(&self) -> Option<&[u8]> {
        let lowest = self.loose.iter().reduce(|a, b| if before(b.0, a.0) { b } else { a });
        lowest.map(|(_, piece)| &*piece.data)
    }

    /// The piece that stands first among those waiting.
    pub(crate) fn head(&self) -> Option<(u64, &Piece)> {
        self.held.first_key_value().map(|(&offset, piece)| (offset, piece))
    }

    /// Takes the first piece; the caller has made sure that it is due.
    pub(crate) fn pop(&mut self) -> Option<Piece> {
        let (offset, piece) = self.held.pop_first()?;
        self.held_bytes -= piece.data.len();
        self.next = self.next.max(offset + piece.len);
        Some(piece)
    }

    /// Notes that bytes due next were handed on without being held.
    pub(crate) fn advance(&mut self, len: u64) {
        self.next += len;
    }

    /// Gives up what is missing before `offset`; the length of the hole. Revocable where only
    /// an acknowledgement speaks for it.
    pub(crate) fn skip_to(&mut self, offset: u64, revocable: bool) -> u64 {
        let gap = offset.saturating_sub(self.next);
        if revocable {
            self.revocable = self.next..offset;
        }
        self.next = self.next.max(offset);
        gap
    }

    /// Forgets what waits: nobody ever acknowledged it.
    pub(crate) fn discard(&mut self) {
        self.held.clear();
        self.held_bytes = self.loose.iter().map(|(_, p)| p.data.len()).sum();
    }

    /// Where a segment falls into a stretch given up for an acknowledgement alone: the part of
    /// it to hand on now.
    pub(crate) fn revoke<'d>(&mut self, seq: u32, data: &'d [u8], len: u64) -> Option<&'d [u8]> {
        let offset = u64::try_from(self.offset(seq)?).ok()?;
        if !self.revocable.contains(&offset) {
            return None;
        }
        let end = (offset + len).min(self.revocable.end);
        self.revocable.start = end;
        let kept = usize::try_from(end - offset).unwrap_or(usize::MAX).min(data.len());
        data.get(..kept)
    }

    /// Payload bytes of this direction, those missing from the capture among them.
    pub(crate) fn bytes(&self) -> u64 {
        match (self.anchor.or(self.first_ack), self.acked) {
            (Some(first), Some(last)) if !self.seen => u64::from(last.wrapping_sub(first)),
            _ => self.next - (self.revocable.end - self.revocable.start).min(self.next),
        }
    }

    /// Keeps a piece until its turn: those of its bytes that are neither given out nor held.
    pub(crate) fn hold(&mut self, seq: u32, piece: Piece) {
        let Some(offset) = self.offset(seq) else {
            self.held_bytes += piece.data.len();
            self.loose.push((seq, piece));
            return;
        };
        let end = offset.saturating_add_unsigned(piece.len);
        let (Ok(mut cursor), Ok(end)) =
            (u64::try_from(offset.max(self.next as i64)), u64::try_from(end))
        else {
            return;
        };
        while cursor < end {
            let covering = self.held.range(..=cursor).next_back();
            if let Some((&start, held)) = covering
                && start + held.len > cursor
            {
                cursor = start + held.len;
                continue;
            }
            let until = self.held.range(cursor..).next().map_or(end, |(&start, _)| start.min(end));
            // `cursor` is at or behind `offset`, both below 2^63.
            let from = usize::try_from(cursor as i64 - offset).unwrap_or(usize::MAX);
            let to = usize::try_from(until as i64 - offset).unwrap_or(usize::MAX);
            let data: Box<[u8]> =
                piece.data.get(from..to.min(piece.data.len())).unwrap_or_default().into();
            self.held_bytes += data.len();
            let Piece { at, order, needs, .. } = piece;
            self.held.insert(cursor, Piece { at, order, needs, len: until - cursor, data });
            cursor = until;
        }
    }
}

/// Whether `a` comes before `b` among wrapping sequence numbers.
fn before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(data: &[u8]) -> Piece {
        Piece {
            at: Time::default(),
            order: 0,
            needs: None,
            len: data.len() as u64,
            data: data.into(),
        }
    }

    fn drain(stream: &mut Stream) -> Vec<u8> {
        let mut out = Vec::new();
        while stream.head().is_some_and(|(offset, _)| offset <= stream.next) {
            out.extend_from_slice(&stream.pop().unwrap().data);
        }
        out
    }

    #[test]
    fn the_first_copy_counts_where_pieces_overlap() {
        let mut stream = Stream::default();
        stream.anchor_at(u32::MAX - 3);
        let seq = |offset: u32| (u32::MAX - 3).wrapping_add(offset);
        stream.hold(seq(4), piece(b"EFGH"));
        stream.hold(seq(10), piece(b"KL"));
        stream.hold(seq(2), piece(b"cdefghijklmn"));
        assert_eq!(stream.held_bytes, 12);
        assert_eq!(drain(&mut stream), b"");
        stream.hold(seq(0), piece(b"abXX"));
        assert_eq!(drain(&mut stream), b"abcdEFGHijKLmn");
        assert_eq!((stream.held_bytes, stream.next), (0, 14));
        // All of it again: nothing new.
        stream.hold(seq(0), piece(b"abcdefghijklmn"));
        assert!(stream.holds_nothing());
    }

    #[test]
    fn a_stretch_given_up_for_an_acknowledgement_is_taken_when_it_comes() {
        let mut stream = Stream::default();
        stream.see(100);
        stream.anchor_at(100);
        stream.acknowledge(110);
        assert_eq!(stream.skip_to(10, true), 10);
        assert_eq!(stream.revoke(103, b"defgh", 5), Some(&b"defgh"[..]));
        assert_eq!(stream.revoke(103, b"defgh", 5), None);
        assert_eq!(stream.bytes(), 8);
    }
}

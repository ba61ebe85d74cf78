//! One TCP connection: two streams, joined in the order of cause and effect.
//!
//! In: the packets of both directions as the capture has them: reordered, repeated, cut, some
//! missing, perhaps only one side. Out: both sides' bytes to a [`Talk`], each byte once, and no
//! byte before what its sender had already received (its acknowledgement number tells): a reply
//! never overtakes its command because the capture mixed them up.
//!
//! ```text
//!  unsettled ── SYN and SYN+ACK, or enough seen ──> settled ── in order: straight to the talk
//!      (pieces wait loosely)                           │        else: held until due
//!                                                      └─ hole: given up when the peer
//!                                                         acknowledged it and it still does not
//!                                                         come, or too much waits behind it
//! ```

mod patience;

use crate::Options;
use crate::ip::Ip;
use crate::pair::{End, Key, Pair};
use crate::screen;
use crate::stream::{Piece, Stream};
use crate::talk::{Reason, Talk};
use crate::tcp::{self, Segment};
use heloscope_model::session::{EndState, Session, Syn};
use heloscope_model::{Place, SourceId, Time};
use heloscope_smtp::{Opens, Side, opens_smtp};

/// A packet of the connection.
#[derive(Clone, Copy)]
pub(crate) struct Packet<'a> {
    pub(crate) at: Time,
    pub(crate) number: u64,
    pub(crate) from: End,
    pub(crate) ip: &'a Ip<'a>,
    pub(crate) mac: Option<&'a [u8; 6]>,
    pub(crate) segment: &'a Segment<'a>,
}

/// One connection.
pub(crate) struct Flow {
    pub(crate) key: Key,
    first_frame: u64,
    start: Time,
    end: Time,
    packets: u32,
    orders: u64,
    streams: Pair<Stream>,
    client: Option<End>,
    settled: bool,
    /// Enough was seen to believe that a direction not seen by now is not in the capture.
    decided: bool,
    talk: Talk,
    /// Initial sequence numbers, where a SYN told them.
    isn: Pair<Option<u32>>,
    syn: Option<Syn>,
    /// Hardware address of each end's packets, from the highest time to live seen with it: the
    /// point nearest to the sender.
    macs: Pair<Option<(u8, [u8; 6])>>,
    pub(crate) reset: bool,
    /// Since when, and for how many packets, something has been waiting.
    waiting: Option<(Time, u32)>,
    moved: bool,
}

/// What stands of a connection that ended.
pub(crate) struct Ended {
    pub(crate) session: Session,
    /// Whether the talk was SMTP, or the port says so.
    pub(crate) convinced: bool,
    /// Whether the connection was established or any payload seen.
    pub(crate) established: bool,
}

impl Flow {
    pub(crate) fn new(key: Key, at: Time, number: u64, options: &Options, reason: Reason) -> Self {
        Self {
            key,
            first_frame: number,
            start: at,
            end: at,
            packets: 0,
            orders: 0,
            streams: Pair::default(),
            client: None,
            settled: false,
            decided: false,
            talk: Talk::new(&options.limits, reason),
            isn: Pair::default(),
            syn: None,
            macs: Pair::default(),
            reset: false,
            waiting: None,
            moved: false,
        }
    }

    /// Says which end is the client, where content told it before any SYN did.
    pub(crate) fn presume_client(&mut self, end: End) {
        self.client.get_or_insert(end);
    }

    /// The next packet in the capture's order. `pressed` where memory is short: nothing waits then.
    pub(crate) fn packet(&mut self, packet: &Packet<'_>, options: &Options, pressed: bool) {
        let Packet { at, from, segment, .. } = *packet;
        self.packets = self.packets.saturating_add(1);
        self.start = self.start.min(at);
        self.end = self.end.max(at);
        self.note_sender(packet);
        self.handshake(packet);
        let first = segment.seq.wrapping_add(u32::from(segment.has(tcp::SYN)));
        if segment.has(tcp::RST) {
            self.reset(from, first);
            // Some stacks explain a reset in its payload; it is no part of the stream.
            return;
        }
        let to = from.other();
        if segment.has(tcp::ACK) {
            self.streams.of_mut(to).acknowledge(segment.ack);
        }
        let stream = self.streams.of_mut(from);
        stream.see(first);
        if self.settled && !stream.anchored() {
            stream.anchor_at(first);
        }
        if segment.has(tcp::FIN) {
            stream.finish_at(first.wrapping_add(segment.len));
        }
        if segment.len > 0 {
            self.payload(packet, first);
        }
        self.patience(at, options, pressed);
    }

    fn note_sender(&mut self, packet: &Packet<'_>) {
        let Some(&mac) = packet.mac else { return };
        let known = self.macs.of_mut(packet.from);
        if known.is_none_or(|(ttl, _)| ttl < packet.ip.ttl) {
            *known = Some((packet.ip.ttl, mac));
        }
    }

    fn handshake(&mut self, packet: &Packet<'_>) {
        let Packet { from, segment, ip, .. } = *packet;
        if !segment.has(tcp::SYN) || segment.has(tcp::RST) {
            return;
        }
        let first = segment.seq.wrapping_add(1);
        self.isn.of_mut(from).get_or_insert(segment.seq);
        self.streams.of_mut(from).anchor_at(first);
        if segment.has(tcp::ACK) {
            let client = from.other();
            self.isn.of_mut(client).get_or_insert(segment.ack.wrapping_sub(1));
            self.streams.of_mut(client).anchor_at(segment.ack);
            if !self.settled {
                self.client = Some(client);
            }
        } else {
            if !self.settled {
                self.client = Some(from);
            }
            // The same SYN seen at two points: the one nearer to its sender tells more.
            if self.client == Some(from) && self.syn.as_ref().is_none_or(|s| s.ttl < ip.ttl) {
                self.syn = Some(tcp::syn_facts(ip, segment));
            }
        }
        if self.streams.a.anchored() && self.streams.b.anchored() {
            self.settle();
        }
    }

    fn reset(&mut self, from: End, seq: u32) {
        let stream = self.streams.of(from);
        // A reset far from where the stream stands is forged or belongs to another connection.
        let near = match stream.offset(seq) {
            Some(offset) => (offset - stream.next as i64).abs() < 1 << 20,
            None => true,
        };
        // The answer to a refused SYN has number 0.
        self.reset |= near || seq == 0;
    }

    #[inline]
    fn payload(&mut self, packet: &Packet<'_>, first: u32) {
        let Packet { at, from, segment, .. } = *packet;
        let needs = segment.has(tcp::ACK).then_some(segment.ack);
        let len = u64::from(segment.len);
        let stream = self.streams.of_mut(from);
        if let Some(late) = stream.revoke(first, segment.payload, len) {
            self.say(from, at, late, late.len() as u64);
        }
        let stream = self.streams.of(from);
        let in_order = self.settled
            && stream.holds_nothing()
            && self.streams.of(from.other()).holds_nothing()
            && self.satisfied(from, needs);
        if in_order && let Some(offset) = stream.offset(first) {
            let behind = stream.next as i64 - offset;
            if behind >= len as i64 {
                // Seen before: a retransmission, or a keep-alive probe.
                return;
            }
            if let Ok(behind) = usize::try_from(behind) {
                let fresh = segment.payload.get(behind..).unwrap_or_default();
                let len = len - behind as u64;
                self.streams.of_mut(from).advance(len);
                self.say(from, at, fresh, len);
                return;
            }
        }
        self.orders += 1;
        let piece = Piece { at, order: self.orders, needs, len, data: segment.payload.into() };
        self.streams.of_mut(from).hold(first, piece);
        self.drive();
    }

    /// Hands on bytes of one end, and tells of those that the capture cut off.
    #[inline]
    fn say(&mut self, from: End, at: Time, bytes: &[u8], len: u64) {
        let side = self.side(from);
        self.moved = true;
        self.talk.feed(side, at, bytes);
        self.talk.gap(side, at, len - (bytes.len() as u64).min(len));
    }

    fn side(&self, end: End) -> Side {
        if self.client == Some(end) { Side::Client } else { Side::Server }
    }

    /// Whether the other direction has got as far as the sender of a piece had.
    fn satisfied(&self, from: End, needs: Option<u32>) -> bool {
        let other = self.streams.of(from.other());
        (self.decided && !other.seen) || needs.is_none_or(|ack| other.reached(ack))
    }

    /// Hands on all that is due.
    fn drive(&mut self) {
        while self.settled
            && let Some(end) = self.due()
        {
            self.hand_on(end);
        }
    }

    /// The end whose next piece can be handed on; where both can, the one seen first.
    fn due(&self) -> Option<End> {
        let order = |end| {
            let stream = self.streams.of(end);
            let (offset, piece) = stream.head()?;
            (offset <= stream.next && self.satisfied(end, piece.needs)).then_some(piece.order)
        };
        match (order(End::A), order(End::B)) {
            (Some(a), Some(b)) if b < a => Some(End::B),
            (Some(_), _) => Some(End::A),
            (None, b) => b.map(|_| End::B),
        }
    }

    fn hand_on(&mut self, end: End) {
        if let Some(piece) = self.streams.of_mut(end).pop() {
            self.say(end, piece.at, &piece.data, piece.len);
        }
    }

    /// What was not seen by now is not in the capture.
    fn decide(&mut self) {
        self.decided = true;
        self.settle();
        self.drive();
    }

    /// Decides which end is the client and where the streams begin, with what is known.
    fn settle(&mut self) {
        if self.settled {
            return;
        }
        self.settled = true;
        let handshake = self.isn.a.is_some() || self.isn.b.is_some();
        let client = self.client.unwrap_or_else(|| self.likely_client());
        self.client = Some(client);
        // A greeting at the head of the server's part: hardly anything can be missing.
        let greeted = self.streams.of(client.other()).first_loose().is_some_and(|said| {
            said.starts_with(b"220") && opens_smtp(Side::Server, said) != Opens::No
        });
        if !handshake && !greeted {
            self.talk.midstream();
        }
        self.streams.a.anchor_at_lowest();
        self.streams.b.anchor_at_lowest();
        self.drive();
    }

    /// Without a SYN: what either end says first tells most, then the lower port serves.
    fn likely_client(&self) -> End {
        for end in [End::A, End::B] {
            match self.streams.of(end).first_loose().and_then(screen::opening) {
                Some(Side::Client) => return end,
                Some(Side::Server) => return end.other(),
                None => {}
            }
        }
        let port = |end| self.key.address(end).port();
        if port(End::A) < port(End::B) { End::B } else { End::A }
    }

    /// About how many bytes the connection holds, waiting payload not counted.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Self>() + self.talk.weight()
    }

    pub(crate) fn held_bytes(&self) -> usize {
        self.streams.a.held_bytes + self.streams.b.held_bytes
    }

    fn pieces(&self) -> usize {
        self.streams.a.pieces().max(self.streams.b.pieces())
    }

    /// Both sides closed and everything was handed on.
    pub(crate) fn closed(&self) -> bool {
        self.settled && self.streams.a.complete() && self.streams.b.complete()
    }

    /// Whether the content showed that this is not SMTP.
    pub(crate) fn refused(&self) -> bool {
        self.talk.refused
    }

    /// When its last packet came.
    pub(crate) fn last(&self) -> Time {
        self.end
    }

    /// Initial sequence numbers of client and server, where both are known.
    pub(crate) fn sequence(&self) -> Option<(u32, u32)> {
        let client = self.client?;
        Some(((*self.isn.of(client))?, (*self.isn.of(client.other()))?))
    }

    /// Initial sequence numbers of both ends, as far as known.
    pub(crate) fn numbers(&self) -> Pair<Option<u32>> {
        self.isn
    }

    /// Whether a SYN belongs to another connection on the same addresses and ports.
    pub(crate) fn succeeded_by(&self, from: End, segment: &Segment<'_>) -> bool {
        if !segment.has(tcp::SYN) || segment.has(tcp::RST) {
            return false;
        }
        let stream = self.streams.of(from);
        match (self.isn.of(from), stream.offset(segment.seq.wrapping_add(1))) {
            (Some(isn), _) => *isn != segment.seq,
            // Begun mid-stream: a SYN a little before what was seen came late.
            (None, Some(offset)) => !(-(1 << 16)..=0).contains(&offset),
            (None, None) => false,
        }
    }

    /// The end. `why` stands where neither QUIT, FIN nor RST was seen.
    pub(crate) fn finish(mut self, source: SourceId, why: EndState) -> Ended {
        self.decide();
        while self.force() {}
        let end_at = self.end;
        for end in [End::A, End::B] {
            let stream = self.streams.of(end);
            let fin = stream.fin();
            // A FIN is acknowledged as if it were a byte, also one that the capture lost.
            let acked = stream.acked().map(|acked| acked.saturating_sub(1));
            let until = fin.or(acked).unwrap_or(0);
            if stream.seen && stream.anchored() && until > stream.next {
                self.skip(end, end_at, until, fin.is_none());
            }
        }
        let client = self.client.unwrap_or(End::A);
        let server = client.other();
        let bytes = (self.streams.of(client).bytes(), self.streams.of(server).bytes());
        let fins = self.streams.a.fin().is_some() || self.streams.b.fin().is_some();
        let end_state = if self.talk.quit_said() {
            EndState::Quit
        } else if self.reset {
            EndState::Reset
        } else if fins {
            EndState::Close
        } else {
            why
        };
        let convinced = self.talk.convinced();
        let sequence = (*self.isn.of(client), *self.isn.of(server));
        let handshake = self.streams.of(server).seen && sequence.1.is_some();
        let (dialogue, proxy) = self.talk.finish();
        let session = Session {
            place: Place::frame(source, self.first_frame),
            start: self.start,
            end: self.end,
            client: self.key.address(client),
            server: self.key.address(server),
            inside: None,
            client_mac: (*self.macs.of(client)).map(|(_, mac)| mac),
            syn: self.syn,
            sequence,
            proxy,
            dialogue,
            bytes,
            end_state,
        };
        Ended { established: handshake || bytes != (0, 0), session, convinced }
    }
}

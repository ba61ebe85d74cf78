//! From frames to sessions: which frames matter, which connection they belong to, and when a
//! connection is over.
//!
//! In: frames in the capture's order. Out: each SMTP session once. Traffic on other ports is
//! let go after a few comparisons; its SYNs are remembered for a while, so that a connection
//! taken up for its content still has its beginning. Every store is bounded.

use crate::container::Frame;
use crate::flow::{Flow, Packet};
use crate::fragments::Fragments;
use crate::handshake::{Handshake, Remembered};
use crate::ip::{self, Ip};
use crate::pair::{End, Key, Pair};
use crate::ports::Ports;
use crate::recent::Recent;
use crate::table::{Slot, Table};
use crate::talk::Reason;
use crate::tcp::{self, Segment};
use crate::twins::Twins;
use crate::{Attempt, Options, link, screen};
use heloscope_model::session::EndState;
use heloscope_model::{Session, SourceId, Time};
use heloscope_smtp::Side;
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

/// Handshakes remembered of ports where mail is not expected.
const HANDSHAKES: usize = 16_384;
/// Connections remembered after their end, so that their late packets begin no new one.
const ENDED: usize = 65_536;
/// Seconds in which packets may still come after a reset.
const LINGER: f64 = 2.0;
/// Payload held of all connections together; beyond that nothing waits for its turn.
const HELD: usize = 64 << 20;

/// Bytes of all dialogues under way together; beyond that the ones idle longest are ended.
const DIALOGUES: usize = 96 << 20;
/// Clients and servers of unanswered attempts that are told apart.
const ATTEMPTS: usize = 4096;

/// The connections of a capture.
pub(crate) struct Tracker<'o> {
    source: SourceId,
    options: &'o Options,
    on: &'o mut dyn FnMut(Session),
    expected: Ports,
    /// Ports of connections that were taken up for their content.
    taken_up: Ports,
    handshakes: Recent<Key, Handshake>,
    table: Table,
    /// When connections ended, and the initial numbers they had.
    ended: Recent<Key, (Time, Pair<Option<u32>>)>,
    /// Connections that were reset, in that order.
    lingering: VecDeque<(Time, Slot, Key)>,
    fragments: Fragments,
    twins: Twins,
    held: usize,
    /// Bytes of all dialogues under way.
    weight: usize,
    now: Time,
    /// Sessions given out.
    pub(crate) sessions: u64,
    /// Connections ended early because there were too many, or too much was said in them.
    pub(crate) evicted: u64,
    /// Attempts that nobody answered, by client address and server.
    pub(crate) attempts: BTreeMap<(IpAddr, SocketAddr), Attempt>,
}

impl<'o> Tracker<'o> {
    pub(crate) fn new(
        source: SourceId,
        options: &'o Options,
        on: &'o mut dyn FnMut(Session),
    ) -> Self {
        Self {
            source,
            options,
            on,
            expected: Ports::new(&options.ports),
            taken_up: Ports::new(&[]),
            handshakes: Recent::new(HANDSHAKES),
            table: Table::new(),
            ended: Recent::new(ENDED),
            lingering: VecDeque::new(),
            fragments: Fragments::new(),
            twins: Twins::default(),
            held: 0,
            weight: 0,
            attempts: BTreeMap::new(),
            now: Time::default(),
            sessions: 0,
            evicted: 0,
        }
    }

    /// The next frame.
    #[inline]
    pub(crate) fn frame(&mut self, frame: &Frame<'_>) {
        let Some(carried) = link::carried(frame.link, frame.data) else { return };
        let Some(ip) = ip::tcp_envelope(carried.ip) else { return };
        if ip.fragment.is_some() {
            self.fragment(frame, &ip, carried.mac);
            return;
        }
        if let Some(segment) = tcp::segment(ip.payload, ip.len) {
            self.segment(frame, &ip, carried.mac, &segment);
        }
    }

    #[cold]
    fn fragment(&mut self, frame: &Frame<'_>, ip: &Ip<'_>, mac: Option<&[u8; 6]>) {
        let Some(piece) = ip.fragment else { return };
        if let Some(whole) = self.fragments.put(frame.at, ip, piece)
            && let Some(segment) = tcp::segment(&whole, whole.len())
        {
            self.segment(frame, ip, mac, &segment);
        }
    }

    /// The next segment, where whoever read it has taken it out of its frame already.
    #[inline]
    pub(crate) fn segment(
        &mut self,
        frame: &Frame<'_>,
        ip: &Ip<'_>,
        mac: Option<&[u8; 6]>,
        segment: &Segment<'_>,
    ) {
        let (src, dst) = (segment.src_port, segment.dst_port);
        let expected = self.expected.has(src) || self.expected.has(dst);
        let taken_up = self.taken_up.has(src) && self.taken_up.has(dst);
        if !expected && !taken_up {
            let opens = || screen::opening(segment.payload).is_some();
            if !segment.has(tcp::SYN) && (segment.payload.is_empty() || !opens()) {
                return;
            }
        }
        let (key, from) = Key::of((ip.src, src), (ip.dst, dst));
        let packet = Packet { at: frame.at, number: frame.number, from, ip, mac, segment };
        self.packet(key, &packet, expected);
    }

    fn packet(&mut self, key: Key, packet: &Packet<'_>, expected: bool) {
        self.now = packet.at;
        self.give_up_idle();
        let segment = packet.segment;
        let mut found = self.table.find(&key);
        if let Some(slot) = found
            && self.table.flow(slot).is_some_and(|f| f.succeeded_by(packet.from, segment))
        {
            self.finish(slot, EndState::Timeout);
            found = None;
        }
        let slot = match found {
            Some(slot) => slot,
            None => match self.begin(key, packet, expected) {
                Some(slot) => slot,
                None => return,
            },
        };
        self.follow(slot, packet);
    }

    /// Takes up a connection, where its packet is reason enough.
    fn begin(&mut self, key: Key, packet: &Packet<'_>, expected: bool) -> Option<Slot> {
        let segment = packet.segment;
        let opening = segment.has(tcp::SYN) && !segment.has(tcp::RST);
        if let Some((at, isn)) = self.ended.get_mut(&key) {
            let again = opening && *isn.of(packet.from) != Some(segment.seq);
            let idle = f64::from(self.options.idle_s);
            if !again && packet.at.since(*at).abs() <= idle {
                return None;
            }
            self.ended.take(&key);
        }
        if expected {
            // A bare acknowledgement or a reset of a connection not seen is no beginning.
            if !opening && segment.len == 0 {
                return None;
            }
            let slot = self.insert(key, packet, Reason::Port);
            let server = |end| self.expected.has(key.address(end).port());
            if server(End::A) != server(End::B) {
                let client = if server(End::A) { End::B } else { End::A };
                self.table.touch(slot)?.presume_client(client);
            }
            return Some(slot);
        }
        if opening && segment.payload.is_empty() {
            self.remember(key, packet);
            return None;
        }
        let side = screen::opening(segment.payload)?;
        let first = |r: &Remembered| {
            r.from != packet.from
                || r.segment().is_none_or(|s| s.seq.wrapping_add(1) == segment.seq)
        };
        if let Some(known) = self.handshakes.get_mut(&key)
            && !(first(&known.syn) && known.answer.as_ref().is_none_or(first))
        {
            // Not the first payload of its side: something that looks like SMTP within another
            // protocol.
            return None;
        }
        let handshake = self.handshakes.take(&key);
        let slot = self.insert(key, packet, Reason::Content { begun: handshake.is_some() });
        let client = if side == Side::Client { packet.from } else { packet.from.other() };
        self.table.touch(slot)?.presume_client(client);
        for end in [End::A, End::B] {
            self.taken_up.add(key.address(end).port());
        }
        if let Some(Handshake { syn, answer }) = handshake {
            self.replay(slot, packet, &syn);
            if let Some(answer) = answer {
                self.replay(slot, packet, &answer);
            }
        }
        Some(slot)
    }

    fn insert(&mut self, key: Key, packet: &Packet<'_>, reason: Reason) -> Slot {
        while self.table.len() >= self.options.flows.max(1)
            && let Some(oldest) = self.table.oldest()
        {
            self.evicted += 1;
            self.finish(oldest, EndState::Timeout);
        }
        let flow = Flow::new(key, packet.at, packet.number, self.options, reason);
        self.weight += flow.weight();
        self.table.insert(flow)
    }

    fn follow(&mut self, slot: Slot, packet: &Packet<'_>) {
        let pressed = self.held > HELD;
        let Some(flow) = self.table.touch(slot) else { return };
        let known = flow.sequence();
        let was_reset = flow.reset;
        self.held -= flow.held_bytes().min(self.held);
        self.weight -= flow.weight().min(self.weight);
        flow.packet(packet, self.options, pressed);
        self.held += flow.held_bytes();
        self.weight += flow.weight();
        let (closed, refused, key) = (flow.closed(), flow.refused(), flow.key);
        if flow.reset && !was_reset {
            self.lingering.push_back((packet.at, slot, key));
        }
        if known.is_none()
            && let Some(sequence) = flow.sequence()
        {
            self.twins.begin(sequence);
        }
        if closed || refused {
            self.finish(slot, EndState::Close);
        }
        while self.weight > DIALOGUES
            && let Some(oldest) = self.table.oldest()
        {
            self.evicted += 1;
            self.finish(oldest, EndState::Timeout);
        }
    }

    fn remember(&mut self, key: Key, packet: &Packet<'_>) {
        let Some(remembered) = Remembered::of(packet) else { return };
        if packet.segment.has(tcp::ACK) {
            if let Some(handshake) = self.handshakes.get_mut(&key) {
                handshake.answer.get_or_insert(remembered);
            }
        } else {
            self.handshakes.put(key, Handshake { syn: remembered, answer: None });
        }
    }

    fn replay(&mut self, slot: Slot, now: &Packet<'_>, earlier: &Remembered) {
        let Some(segment) = earlier.segment() else { return };
        let ip = Ip {
            ttl: earlier.ttl,
            df: earlier.df,
            payload: &[],
            len: 0,
            fragment: None,
            ..*now.ip
        };
        let packet = Packet {
            at: earlier.at,
            number: earlier.number,
            from: earlier.from,
            ip: &ip,
            mac: earlier.mac.as_ref(),
            segment: &segment,
        };
        self.follow(slot, &packet);
    }

    /// Ends the connections that nothing more is to be expected of.
    fn give_up_idle(&mut self) {
        while let Some(&(at, slot, key)) = self.lingering.front() {
            if self.now.since(at) < LINGER && self.lingering.len() <= self.options.flows {
                break;
            }
            self.lingering.pop_front();
            // The slot may have been given to another connection since.
            if self.table.flow(slot).is_some_and(|flow| flow.key == key && flow.reset) {
                self.finish(slot, EndState::Reset);
            }
        }
        let idle = f64::from(self.options.idle_s);
        while let Some(slot) = self.table.oldest()
            && let Some(flow) = self.table.flow(slot)
            && self.now.since(flow.last()) > idle
        {
            self.finish(slot, EndState::Timeout);
        }
    }

    fn finish(&mut self, slot: Slot, why: EndState) {
        let Some(flow) = self.table.remove(slot) else { return };
        let key = flow.key;
        self.held -= flow.held_bytes().min(self.held);
        let weight = flow.weight();
        self.weight -= weight.min(self.weight);
        if !(self.expected.has(key.address(End::A).port())
            || self.expected.has(key.address(End::B).port()))
        {
            for end in [End::A, End::B] {
                self.taken_up.remove(key.address(end).port());
            }
        }
        let sequence = flow.sequence();
        // One that was given up may go on; what it says then is a session begun mid-stream.
        if why != EndState::Timeout {
            self.ended.put(key, (flow.last(), flow.numbers()));
        }
        let ended = flow.finish(self.source, why);
        if !ended.established {
            self.attempt(&ended.session);
        }
        let session = (ended.convinced && ended.established).then_some(ended.session);
        let out = match sequence {
            Some(sequence) => self.twins.end(sequence, session, weight),
            None => session.into_iter().collect(),
        };
        for session in out {
            self.sessions += 1;
            (self.on)(session);
        }
    }

    /// Notes a SYN to a mail port that led to nothing.
    fn attempt(&mut self, session: &Session) {
        if session.syn.is_none() {
            return;
        }
        let refused = session.end_state == EndState::Reset;
        let key = (session.client.ip(), session.server);
        if let Some(attempt) = self.attempts.get_mut(&key) {
            attempt.count += 1;
            attempt.refused |= refused;
            attempt.last = attempt.last.max(session.start);
        } else if self.attempts.len() < ATTEMPTS {
            let attempt = Attempt {
                place: session.place,
                first: session.start,
                last: session.start,
                client: session.client,
                server: session.server,
                client_mac: session.client_mac,
                count: 1,
                refused,
            };
            self.attempts.insert(key, attempt);
        }
    }

    /// The end of the capture: what is still open is given out as cut off.
    pub(crate) fn end(&mut self) {
        let idle = f64::from(self.options.idle_s);
        while let Some(slot) = self.table.oldest()
            && let Some(flow) = self.table.flow(slot)
        {
            let quiet = self.now.since(flow.last()) > idle;
            self.finish(slot, if quiet { EndState::Timeout } else { EndState::Truncated });
        }
    }
}

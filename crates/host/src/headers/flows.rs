//! Headers of mail connections, as they come -> what was tried from inside and what became of it. Pure: the time comes in.
//!
//! ```text
//!            SYN from inside            SYN-ACK               a moment later              both FINs, or an RST
//!  nothing ------------------> trying ----------> answered --------------------> open ------------------------> over
//!                                |  RST, or silence    |  RST without ACK: never meant, or not its own address
//!                                v                     v
//!                             refused, no answer    aborted
//! ```
//!
//! A SYN-ACK alone begins nothing: anyone outside can send one. The same SYN again (repeated, on a bridge and its port, before and after address
//! translation) is the same connection: both numbers that begin it agree. Bounded: so many that try, of one link address so many of
//! them, so many that are open; and what failed is told only so often. Whoever gives way unheard is counted.

use crate::packets::Origin;
use crate::packets::segment::{ACK, FIN, RST, SYN, Segment};
use heloscope_model::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Connections that try at a time, and of one link address: one machine's flood leaves room for the others.
const TRYING: usize = 8192;
const TRYING_OF_ONE: usize = 1024;
/// Connections whose end is awaited; the oldest gives way, and is told without an end.
const OPEN: usize = 16_384;
/// Failed attempts that are told, in so many seconds.
const FAILED: u32 = 500;
const FAILED_IN: f64 = 10.0;
/// Seconds that a connection tries: Linux gives up after 127.
const PATIENCE: f64 = 130.0;
/// Seconds after which an answer was meant: a machine that did not ask refuses it at once.
const MOMENT: f64 = 1.0;
/// Seconds that the other side's end is awaited, and that an open connection is remembered.
const CLOSING: f64 = 120.0;
const REMEMBERED: f64 = 86_400.0;

/// What the flows told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    /// A connection was tried, and this came of it.
    Tried(Tried),
    /// An open one is over.
    Ended {
        /// Which.
        number: u64,
        /// When.
        end: Time,
        /// Bytes of the server.
        received: u64,
        /// Bytes of the client.
        sent: u64,
    },
}

/// A connection that was tried.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tried {
    /// Names it: the microsecond it began in, or the next that is free.
    pub(super) number: u64,
    pub(super) start: Time,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    /// How it leaves, where that was heard and differs.
    pub(super) translated: Option<SocketAddr>,
    pub(super) origin: Origin,
    pub(super) outcome: Fate,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Both sides agreed.
    Open,
    /// Refused.
    Refused,
    /// No answer.
    Unanswered,
    /// The client did not want the answer.
    Aborted,
    /// The watching ended before that was known.
    Unknown,
}

/// Before everything.
const FIRST: Time = Time::from_nanos(i64::MIN);

type Key = (SocketAddr, SocketAddr);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Trying,
    Answered,
    Open,
    Closing,
}

/// The connections that are followed.
#[derive(Debug)]
pub(super) struct Flows {
    ports: BTreeSet<u16>,
    flows: BTreeMap<Key, Flow>,
    /// By stage, and within it the oldest first.
    turns: BTreeMap<(Stage, Time, u64), Key>,
    /// How many are at each.
    counts: [usize; 4],
    /// Of those that try: by link address, and by what address translation leaves as it was.
    of_one: BTreeMap<Option<[u8; 6]>, BTreeSet<(Time, u64)>>,
    untranslated: BTreeMap<(SocketAddr, u32), Key>,
    last: u64,
    failed: u32,
    failed_since: Option<Time>,
    /// How many went untold, and when the first of them began.
    lost: (u64, Option<Time>),
}

#[derive(Debug)]
struct Flow {
    number: u64,
    start: Time,
    stage: Stage,
    since: Time,
    origin: Origin,
    translated: Option<SocketAddr>,
    /// The number each side began with.
    client: u32,
    server: u32,
    /// Bytes by each side's own end, and as the other acknowledged them.
    sent: Option<u32>,
    received: Option<u32>,
    acknowledged: (u32, u32),
}

impl Flows {
    pub(super) fn new(ports: &[u16]) -> Self {
        Self {
            ports: ports.iter().copied().collect(),
            flows: BTreeMap::new(),
            turns: BTreeMap::new(),
            counts: [0; 4],
            of_one: BTreeMap::new(),
            untranslated: BTreeMap::new(),
            last: 0,
            failed: 0,
            failed_since: None,
            lost: (0, None),
        }
    }

    /// Takes a segment; `own` are this host's addresses.
    pub(super) fn take(
        &mut self,
        segment: &Segment<'_>,
        origin: Origin,
        own: &BTreeSet<std::net::IpAddr>,
        now: Time,
    ) -> Vec<Told> {
        let mut told = Vec::new();
        if segment.flags & (SYN | ACK) == SYN {
            if self.ports.contains(&segment.to.port()) {
                self.begins(segment, origin, own, now, &mut told);
            }
            return told;
        }
        let (forth, back) = ((segment.from, segment.to), (segment.to, segment.from));
        if self.flows.contains_key(&forth) {
            self.of_client(forth, segment, now, &mut told);
        } else if self.flows.contains_key(&back) {
            self.of_server(back, segment, now, &mut told);
        }
        told
    }

    /// Those whose time has come.
    pub(super) fn tick(&mut self, now: Time) -> Vec<Told> {
        let mut told = Vec::new();
        for (stage, patience) in [
            (Stage::Trying, PATIENCE),
            (Stage::Answered, MOMENT),
            (Stage::Open, REMEMBERED),
            (Stage::Closing, CLOSING),
        ] {
            while let Some((since, key)) = self.oldest(stage)
                // A clock that was set back makes nobody wait for it.
                && !(0.0..patience).contains(&now.since(since))
            {
                match stage {
                    Stage::Trying => self.fails(key, Fate::Unanswered, now, &mut told),
                    Stage::Answered => self.opens(key, now, &mut told),
                    Stage::Open => drop(self.remove(key)),
                    Stage::Closing => self.ends(key, since, &mut told),
                }
            }
        }
        told
    }

    /// The watching ends: what is known of those under way.
    pub(super) fn stop(&mut self, now: Time) -> Vec<Told> {
        let mut told = Vec::new();
        while let Some((_, key)) = self.oldest(Stage::Answered) {
            self.opens(key, now, &mut told);
        }
        while let Some((_, key)) = self.oldest(Stage::Trying) {
            self.fails(key, Fate::Unknown, now, &mut told);
        }
        while let Some((since, key)) = self.oldest(Stage::Closing) {
            self.ends(key, since, &mut told);
        }
        told
    }

    /// How many were not told since this was last asked, and when the first of them began.
    pub(super) fn lost(&mut self) -> (u64, Option<Time>) {
        std::mem::take(&mut self.lost)
    }

    fn loses(&mut self, flow: &Flow) {
        let (count, since) = &mut self.lost;
        *count += 1;
        *since = Some(since.map_or(flow.start, |since| since.min(flow.start)));
    }

    fn begins(
        &mut self,
        segment: &Segment<'_>,
        origin: Origin,
        own: &BTreeSet<std::net::IpAddr>,
        now: Time,
        told: &mut Vec<Told>,
    ) {
        let key = (segment.from, segment.to);
        if let Some(flow) = self.flows.get_mut(&key) {
            if flow.client == segment.sequence {
                // Upwards from a port to its bridge, from a trunk to its VLAN: the last one routes it.
                if !origin.leaving && flow.stage == Stage::Trying && flow.origin.mac == origin.mac {
                    flow.origin = origin;
                }
                return;
            }
            if origin.leaving {
                return;
            }
            // The same ports once more: the connection before is over.
            self.ends_somehow(key, now, told);
        }
        if origin.leaving {
            let inside = self.untranslated.get(&(segment.to, segment.sequence));
            if let Some(flow) = inside.and_then(|inside| self.flows.get_mut(inside)) {
                flow.translated.get_or_insert(segment.from);
            }
            return;
        }
        // What is for this host, or claims to be from it, passes through nothing.
        let nobody = segment.from.ip().is_unspecified() || segment.from.ip().is_multicast();
        if nobody || own.contains(&segment.to.ip()) || own.contains(&segment.from.ip()) {
            return;
        }
        let of_one = self.of_one.get(&origin.mac);
        let crowded = of_one.filter(|of_one| of_one.len() >= TRYING_OF_ONE);
        let crowded = crowded.and_then(|of_one| of_one.first());
        let gives_way = match crowded {
            Some(&(since, number)) => self.turns.get(&(Stage::Trying, since, number)).copied(),
            None if self.count(Stage::Trying) >= TRYING => {
                self.oldest(Stage::Trying).map(|(_, key)| key)
            }
            None => None,
        };
        if let Some(flow) = gives_way.and_then(|key| self.remove(key)) {
            self.loses(&flow);
        }
        self.last = u64::try_from(now.nanos() / 1000).unwrap_or_default().max(self.last + 1);
        let flow = Flow {
            number: self.last,
            start: now,
            stage: Stage::Trying,
            since: now,
            origin,
            translated: None,
            client: segment.sequence,
            server: 0,
            sent: None,
            received: None,
            acknowledged: (0, 0),
        };
        self.insert(key, flow);
    }

    fn of_client(&mut self, key: Key, segment: &Segment<'_>, now: Time, told: &mut Vec<Told>) {
        let Some(flow) = self.flows.get_mut(&key) else { return };
        let sent = segment.sequence.wrapping_sub(flow.client).wrapping_sub(1);
        if segment.flags & ACK != 0 {
            flow.acknowledged.1 = segment.acknowledged.wrapping_sub(flow.server).wrapping_sub(1);
        }
        let (stage, bare) = (flow.stage, segment.flags & ACK == 0);
        if segment.flags & RST != 0 {
            match stage {
                Stage::Trying => self.fails(key, Fate::Unanswered, now, told),
                // So a kernel refuses an answer to a SYN that it never sent; programs reset otherwise.
                Stage::Answered if bare && sent == 0 => self.fails(key, Fate::Aborted, now, told),
                _ => {
                    flow.sent.get_or_insert(sent);
                    self.over(key, now, told);
                }
            }
        } else if segment.flags & FIN != 0 && stage != Stage::Trying {
            flow.sent = Some(sent.wrapping_add(segment.length));
            self.closes(key, now, told);
        }
    }

    fn of_server(&mut self, key: Key, segment: &Segment<'_>, now: Time, told: &mut Vec<Told>) {
        let Some(flow) = self.flows.get_mut(&key) else { return };
        let heard = segment.acknowledged.wrapping_sub(flow.client).wrapping_sub(1);
        if flow.stage == Stage::Trying {
            // Whoever answers knows with which number it was asked.
            if segment.flags & ACK == 0 || heard != 0 {
                return;
            }
            if segment.flags & RST != 0 {
                self.fails(key, Fate::Refused, now, told);
            } else if segment.flags & SYN != 0 {
                flow.server = segment.sequence;
                if self.count(Stage::Answered) >= TRYING
                    && let Some((_, oldest)) = self.oldest(Stage::Answered)
                {
                    self.opens(oldest, now, told);
                }
                self.turn(key, Stage::Answered, now);
            }
            return;
        }
        if segment.flags & SYN != 0 {
            return;
        }
        if segment.flags & ACK != 0 {
            flow.acknowledged.0 = heard;
        }
        let received = segment.sequence.wrapping_sub(flow.server).wrapping_sub(1);
        if segment.flags & RST != 0 {
            flow.received.get_or_insert(received);
            self.over(key, now, told);
        } else if segment.flags & FIN != 0 {
            flow.received = Some(received.wrapping_add(segment.length));
            self.closes(key, now, told);
        }
    }

    /// One side has said its last.
    fn closes(&mut self, key: Key, now: Time, told: &mut Vec<Told>) {
        let Some(flow) = self.flows.get(&key) else { return };
        if flow.sent.is_some() && flow.received.is_some() {
            self.over(key, now, told);
        } else if flow.stage != Stage::Closing {
            if flow.stage == Stage::Answered {
                self.opens(key, now, told);
            }
            if self.count(Stage::Closing) >= OPEN
                && let Some((since, oldest)) = self.oldest(Stage::Closing)
            {
                self.ends(oldest, since, told);
            }
            self.turn(key, Stage::Closing, now);
        }
    }

    fn over(&mut self, key: Key, now: Time, told: &mut Vec<Told>) {
        if self.flows.get(&key).is_some_and(|flow| flow.stage == Stage::Answered) {
            self.opens(key, now, told);
        }
        self.ends(key, now, told);
    }

    /// Another begins in its place: what is known of it.
    fn ends_somehow(&mut self, key: Key, now: Time, told: &mut Vec<Told>) {
        match self.flows.get(&key).map(|flow| (flow.stage, flow.since)) {
            Some((Stage::Trying, _)) => self.fails(key, Fate::Unanswered, now, told),
            Some((Stage::Answered, _)) => {
                self.opens(key, now, told);
                self.remove(key);
            }
            Some((Stage::Closing, since)) => self.ends(key, since, told),
            Some((Stage::Open, _)) | None => drop(self.remove(key)),
        }
    }

    fn opens(&mut self, key: Key, now: Time, told: &mut Vec<Told>) {
        let Some(flow) = self.flows.get(&key) else { return };
        told.push(Told::Tried(flow.told(key, Fate::Open)));
        if self.count(Stage::Open) >= OPEN
            && let Some((_, oldest)) = self.oldest(Stage::Open)
        {
            self.remove(oldest);
        }
        self.turn(key, Stage::Open, now);
    }

    /// An attempt that came to nothing; of very many only some are told.
    fn fails(&mut self, key: Key, fate: Fate, now: Time, told: &mut Vec<Told>) {
        let Some(flow) = self.remove(key) else { return };
        let since = *self.failed_since.get_or_insert(now);
        if !(0.0..FAILED_IN).contains(&now.since(since)) {
            (self.failed, self.failed_since) = (0, Some(now));
        }
        self.failed = self.failed.saturating_add(1);
        if self.failed <= FAILED {
            told.push(Told::Tried(flow.told(key, fate)));
        } else {
            self.loses(&flow);
        }
    }

    fn ends(&mut self, key: Key, end: Time, told: &mut Vec<Told>) {
        let Some(flow) = self.remove(key) else { return };
        let bytes = |own: Option<u32>, acknowledged: u32| {
            // A number from nowhere (a forged reset) counts for nothing.
            let bytes = own.unwrap_or(acknowledged);
            if bytes > u32::MAX / 2 { 0 } else { u64::from(bytes) }
        };
        told.push(Told::Ended {
            number: flow.number,
            end,
            received: bytes(flow.received, flow.acknowledged.1),
            sent: bytes(flow.sent, flow.acknowledged.0),
        });
    }

    fn oldest(&self, stage: Stage) -> Option<(Time, Key)> {
        let (&(at, since, _), &key) = self.turns.range((stage, FIRST, 0)..).next()?;
        (at == stage).then_some((since, key))
    }

    fn count(&self, stage: Stage) -> usize {
        self.counts.get(stage as usize).copied().unwrap_or_default()
    }

    fn turn(&mut self, key: Key, stage: Stage, now: Time) {
        if let Some(mut flow) = self.remove(key) {
            (flow.stage, flow.since) = (stage, now);
            self.insert(key, flow);
        }
    }

    fn insert(&mut self, key: Key, flow: Flow) {
        let turn = (flow.stage, flow.since, flow.number);
        self.turns.insert(turn, key);
        if let Some(count) = self.counts.get_mut(flow.stage as usize) {
            *count += 1;
        }
        if flow.stage == Stage::Trying {
            self.of_one.entry(flow.origin.mac).or_default().insert((flow.since, flow.number));
            self.untranslated.insert((key.1, flow.client), key);
        }
        self.flows.insert(key, flow);
    }

    fn remove(&mut self, key: Key) -> Option<Flow> {
        let flow = self.flows.remove(&key)?;
        self.turns.remove(&(flow.stage, flow.since, flow.number));
        if let Some(count) = self.counts.get_mut(flow.stage as usize) {
            *count = count.saturating_sub(1);
        }
        if flow.stage == Stage::Trying {
            if let Some(of_one) = self.of_one.get_mut(&flow.origin.mac) {
                of_one.remove(&(flow.since, flow.number));
                if of_one.is_empty() {
                    self.of_one.remove(&flow.origin.mac);
                }
            }
            if self.untranslated.get(&(key.1, flow.client)) == Some(&key) {
                self.untranslated.remove(&(key.1, flow.client));
            }
        }
        Some(flow)
    }
}

impl Flow {
    fn told(&self, (client, server): Key, outcome: Fate) -> Tried {
        Tried {
            number: self.number,
            start: self.start,
            client,
            server,
            translated: self.translated,
            origin: self.origin,
            outcome,
        }
    }
}

#[cfg(test)]
mod tests;

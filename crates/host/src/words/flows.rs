//! Packets of mail connections, as they come -> what was said on each. Pure: the time comes in.
//!
//! A connection is followed from its SYN; one that was there before is not. Each side's bytes go to the session machine in
//! order; what is missing (a body that the filter kept back, a lost packet, one out of order) is told it as a gap, what
//! comes twice (loopback shows each packet coming and going) is passed over. Bounded: so many connections, so many bytes a side.

use crate::connection::text;
use crate::packets::segment::{self, ACK, FIN, RST, SYN, Segment};
use heloscope_model::session::{Command, Dialogue, Verb};
use heloscope_model::{Octets, Time};
use heloscope_smtp::{Limits, Machine, Side};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// Connections followed at a time; the one that began first gives way.
const MOST: usize = 2048;
/// Bytes of each side that are read.
const BYTES: usize = 8192;
/// Seconds of silence after which a connection is given up.
const IDLE: f64 = 330.0;
/// Recipients and answers told of a connection.
const TOLD: usize = 32;

/// What was said on a connection.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spoken {
    /// Until when.
    #[serde(serialize_with = "crate::connection::utc")]
    pub time: Time,
    /// Who asked.
    pub client: SocketAddr,
    /// Who answered.
    pub server: SocketAddr,
    /// Whether the connection is over; else it is told again.
    pub over: bool,
    /// The server's greeting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub banner: Option<String>,
    /// The name that the client gave itself, with the verb before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub helo: Option<String>,
    /// TLS began: what came then is not known.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tls: bool,
    /// Senders, as hashes unless allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mail: Vec<String>,
    /// Recipients.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rcpt: Vec<String>,
    /// The server's answers to whole mails, the queue id among their words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<String>,
}

/// The connections that are heard.
#[derive(Debug)]
pub(super) struct Flows {
    ports: BTreeSet<u16>,
    addresses: bool,
    flows: BTreeMap<(SocketAddr, SocketAddr), Flow>,
}

struct Flow {
    machine: Machine,
    client: Stream,
    server: Stream,
    last: Time,
    /// STARTTLS was said; the next 220 begins it.
    asked: bool,
    tls: bool,
    told: bool,
    /// What the client said first, kept for the early word.
    first: Vec<u8>,
}

impl std::fmt::Debug for Flow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flow").field("last", &self.last).finish_non_exhaustive()
    }
}

/// One side: where its next byte is.
#[derive(Clone, Copy, Default)]
struct Stream {
    next: Option<u32>,
    fed: usize,
    over: bool,
}

impl Flows {
    pub(super) fn new(ports: &[u16], addresses: bool) -> Self {
        Self { ports: ports.iter().copied().collect(), addresses, flows: BTreeMap::new() }
    }

    /// Takes a packet from its network header on.
    pub(super) fn packet(&mut self, packet: &[u8], now: Time) -> Vec<Spoken> {
        let Some(segment) = segment::tcp(packet) else { return Vec::new() };
        let asks = self.ports.contains(&segment.to.port());
        let (side, key) = match (asks, self.ports.contains(&segment.from.port())) {
            // Between two such ports nobody can tell; the SYN's direction does.
            (true, true) if self.flows.contains_key(&(segment.to, segment.from)) => {
                (Side::Server, (segment.to, segment.from))
            }
            (true, _) => (Side::Client, (segment.from, segment.to)),
            (false, true) => (Side::Server, (segment.to, segment.from)),
            (false, false) => return Vec::new(),
        };
        let mut spoken = Vec::new();
        if segment.flags & (SYN | ACK) == SYN && side == Side::Client {
            let begins = segment.sequence.wrapping_add(1);
            let again = self.flows.get(&key).is_some_and(|flow| flow.client.next == Some(begins));
            if !again {
                // The same ports once more: the connection before is over.
                spoken.extend(self.end(key));
                if self.flows.len() >= MOST
                    && let Some(&oldest) =
                        self.flows.iter().min_by_key(|(_, flow)| flow.last).map(|(key, _)| key)
                {
                    spoken.extend(self.end(oldest));
                }
                self.flows.insert(key, Flow::new(begins, now));
            }
            return spoken;
        }
        let Some(flow) = self.flows.get_mut(&key) else { return spoken };
        flow.last = now;
        let early = flow.take(side, &segment, now);
        if segment.flags & RST != 0 || flow.client.over && flow.server.over {
            spoken.extend(self.end(key));
        } else if early && let Some(flow) = self.flows.get_mut(&key) {
            flow.told = true;
            let helo = first_line(&flow.first);
            spoken.push(Spoken { helo: Some(helo), ..empty(key, now) });
        }
        spoken
    }

    /// Those that have been silent too long.
    pub(super) fn idle(&mut self, now: Time) -> Vec<Spoken> {
        let silent = |flow: &Flow| now.since(flow.last) > IDLE;
        let keys: Vec<_> =
            self.flows.iter().filter(|(_, flow)| silent(flow)).map(|(key, _)| *key).collect();
        keys.into_iter().filter_map(|key| self.end(key)).collect()
    }

    fn end(&mut self, key: (SocketAddr, SocketAddr)) -> Option<Spoken> {
        let flow = self.flows.remove(&key)?;
        // A connection on which nobody said anything tells nothing.
        (flow.client.fed + flow.server.fed > 0).then(|| {
            let dialogue = flow.machine.finish();
            let told = Spoken { over: true, tls: flow.tls, ..empty(key, flow.last) };
            self.told(&dialogue, told)
        })
    }

    fn told(&self, dialogue: &Dialogue, told: Spoken) -> Spoken {
        let path = |command: &Command| self.address(&command.path());
        let of = |verb| dialogue.commands.iter().filter(move |c| c.verb == verb).take(TOLD);
        let answers = dialogue.messages.iter().take(TOLD).filter_map(|message| {
            let reply = dialogue.replies.get(usize::try_from(message.reply?).ok()?)?;
            Some(format!("{} {}", reply.code, text(reply.text.as_bytes())))
        });
        Spoken {
            banner: dialogue.greeting.as_ref().map(|reply| text(reply.text.as_bytes())),
            helo: dialogue
                .helo()
                .map(|(verb, name)| format!("{verb} {}", text(name.as_bytes())).to_owned()),
            tls: told.tls || dialogue.tls.is_some(),
            mail: of(Verb::Mail).map(path).collect(),
            rcpt: of(Verb::Rcpt).map(path).collect(),
            answers: answers.collect(),
            ..told
        }
    }

    /// An address, or what tells it from others and not what it is.
    fn address(&self, address: &Octets) -> String {
        if self.addresses || address.is_empty() {
            return format!("<{}>", text(address.as_bytes()));
        }
        let hash = Sha256::digest(address.as_bytes().to_ascii_lowercase());
        let hex: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }
}

impl Flow {
    fn new(begins: u32, now: Time) -> Self {
        let limits =
            Limits { lines: 64, line_bytes: 512, messages: TOLD, recipients: 1, header_bytes: 0 };
        Self {
            machine: Machine::new(&limits),
            client: Stream { next: Some(begins), ..Stream::default() },
            server: Stream::default(),
            last: now,
            asked: false,
            tls: false,
            told: false,
            first: Vec::new(),
        }
    }

    /// Takes a segment of one side; whether the client has just said who it is.
    fn take(&mut self, side: Side, segment: &Segment<'_>, now: Time) -> bool {
        let stream = match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        };
        let begins = segment.flags & SYN != 0;
        if begins {
            stream.next = Some(segment.sequence.wrapping_add(1));
            return false;
        }
        stream.over |= segment.flags & (FIN | RST) != 0;
        let next = stream.next.unwrap_or(segment.sequence);
        // Distances modulo 2^32: behind what is expected is what was heard already.
        let ahead = segment.sequence.wrapping_sub(next).cast_signed();
        let (missing, skip) = match u32::try_from(ahead) {
            Ok(missing) => (missing, 0),
            Err(_) => (0, usize::try_from(ahead.unsigned_abs()).unwrap_or(usize::MAX)),
        };
        let Some(fresh) = segment.payload.get(skip..).filter(|fresh| !fresh.is_empty()) else {
            return false;
        };
        let length = u32::try_from(fresh.len()).unwrap_or_default();
        stream.next = Some(next.wrapping_add(missing).wrapping_add(length));
        let heard = stream.fed;
        stream.fed = heard.saturating_add(fresh.len());
        // A record of TLS, from its first byte or after STARTTLS.
        self.tls |= heard == 0 && side == Side::Client && fresh.first() == Some(&0x16);
        self.tls |= self.asked && side == Side::Server && fresh.starts_with(b"220");
        if self.tls || heard >= BYTES {
            return false;
        }
        if missing > 0 {
            self.machine.gap(side, now, u64::from(missing));
        }
        self.machine.feed(side, now, fresh);
        if side == Side::Server {
            return false;
        }
        let command = fresh.trim_ascii_end();
        self.asked = command.eq_ignore_ascii_case(b"STARTTLS");
        if self.told || self.first.len() > 512 {
            return false;
        }
        self.first.extend(fresh.iter().take(600));
        self.first.contains(&b'\n')
    }
}

fn empty((client, server): (SocketAddr, SocketAddr), time: Time) -> Spoken {
    Spoken {
        time,
        client,
        server,
        over: false,
        banner: None,
        helo: None,
        tls: false,
        mail: Vec::new(),
        rcpt: Vec::new(),
        answers: Vec::new(),
    }
}

fn first_line(bytes: &[u8]) -> String {
    let line = bytes.split(|&b| b == b'\n').next().unwrap_or_default();
    text(line.trim_ascii_end())
}

#[cfg(test)]
mod tests;

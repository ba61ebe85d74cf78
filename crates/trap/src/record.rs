//! What is kept of one session: both sides' bytes, read by the machine that also reads captures,
//! so that a trap's session and a captured one are the same thing.
//!
//! In: bytes as they come and go, and the facts of the connection. Out: a [`Sighting`].

use crate::conversation::Body;
use crate::limits::Limits;
use crate::traps::Traps;
use heloscope_model::session::{EndState, Syn, Verb};
use heloscope_model::sighting::{ClientHello, Receiver};
use heloscope_model::{Place, Session, Sighting, SourceId, Time};
use heloscope_smtp::{Machine, Side};
use std::net::SocketAddr;

/// One session under way.
pub struct Record {
    machine: Machine,
    start: Time,
    last: Time,
    /// Who speaks, as far as known.
    pub seen: Seen,
    /// Payload bytes of both sides, as they went over the wire.
    bytes: (u64, u64),
    hello: Option<ClientHello>,
    /// Bytes handed to the machine.
    fed: u64,
}

/// The facts of a connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The client: what the load balancer says where there is one.
    pub client: SocketAddr,
    /// The address it spoke to.
    pub server: SocketAddr,
    /// Its SYN, where the system saved it, and no load balancer stands before us.
    pub syn: Option<Syn>,
}

impl Record {
    /// A session that begins now.
    pub fn new(limits: &Limits, seen: Seen, now: Time) -> Self {
        Self {
            machine: Machine::new(&limits.of_dialogue()),
            start: now,
            last: now,
            seen,
            bytes: (0, 0),
            hello: None,
            fed: 0,
        }
    }

    /// The client said this (in clear text).
    pub fn heard(&mut self, now: Time, bytes: &[u8]) {
        self.feed(Side::Client, now, bytes);
    }

    /// The server says this (in clear text).
    pub fn said(&mut self, now: Time, bytes: &[u8]) {
        self.feed(Side::Server, now, bytes);
    }

    fn feed(&mut self, side: Side, now: Time, bytes: &[u8]) {
        self.last = self.last.max(now);
        self.fed = self.fed.saturating_add(bytes.len() as u64);
        let counted = match side {
            Side::Client => &mut self.bytes.0,
            Side::Server => &mut self.bytes.1,
        };
        *counted = counted.saturating_add(bytes.len() as u64);
        self.machine.feed(side, now, bytes);
    }

    /// The handshake is done; what is fed from here on is the clear text under TLS.
    pub fn tls_opened(&mut self, hello: Option<ClientHello>) {
        self.machine.tls_opened(hello.as_ref().and_then(|hello| hello.server_name.clone()));
        self.hello = hello;
    }

    /// The handshake failed behind this hello.
    pub fn tls_failed(&mut self, hello: Option<ClientHello>) {
        self.hello = hello;
    }

    /// About how many bytes the record holds.
    pub fn weight(&self) -> usize {
        self.machine.weight(self.fed)
    }

    /// Whether QUIT was said.
    pub fn quit_said(&self) -> bool {
        self.machine.quit_said()
    }

    /// The session is over. `tls`: bytes of both sides under TLS, as they went over the wire,
    /// and how many of them were clear text.
    pub fn finish(mut self, end: End<'_>) -> Sighting {
        if let Some(tls) = end.tls {
            self.machine.tls_bytes(tls.wire.0, tls.wire.1);
            self.bytes.0 = (self.bytes.0 + tls.wire.0).saturating_sub(tls.clear.0);
            self.bytes.1 = (self.bytes.1 + tls.wire.1).saturating_sub(tls.clear.1);
        }
        let proxy = self.machine.proxied();
        let dialogue = self.machine.finish();
        let taken = dialogue.commands.iter().filter(|command| {
            let reply = dialogue.reply(command.reply);
            command.verb == Verb::Rcpt && reply.is_some_and(|reply| reply.is_positive())
        });
        let recipients: Vec<_> = taken.map(|command| command.path()).collect();
        let traps = end.traps.hits(recipients.iter());
        let trap_login = end.traps.login(dialogue.auth.iter().filter_map(|a| a.user.as_ref()));
        let session = Session {
            place: Place::whole(SourceId(0)),
            start: self.start,
            end: self.last.max(end.at),
            client: self.seen.client,
            server: self.seen.server,
            inside: None,
            client_mac: None,
            syn: self.seen.syn,
            sequence: (None, None),
            proxy,
            dialogue,
            bytes: self.bytes,
            end_state: end.state,
        };
        Sighting {
            sensor: end.sensor.to_owned(),
            receiver: end.receiver.clone(),
            session,
            traps,
            trap_login,
            hello: self.hello,
            bodies: end.bodies.into_iter().map(|body| body.shingles).collect(),
        }
    }
}

/// How a session ended, and what the sensor knows besides.
pub struct End<'a> {
    /// When.
    pub at: Time,
    /// How.
    pub state: EndState,
    /// What went under TLS, where it was spoken.
    pub tls: Option<TlsBytes>,
    /// The bodies of its messages.
    pub bodies: Vec<Body>,
    /// The sensor's name.
    pub sensor: &'a str,
    /// Who was spoken to.
    pub receiver: &'a Receiver,
    /// Which recipients are traps.
    pub traps: &'a Traps,
}

/// Bytes of a session under TLS, of the client and of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsBytes {
    /// As they went over the wire.
    pub wire: (u64, u64),
    /// As they were fed.
    pub clear: (u64, u64),
}

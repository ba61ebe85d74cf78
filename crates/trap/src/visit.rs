//! One connection, from accept to the sighting: the rim around [`Conversation`] and [`Record`].
//!
//! ```text
//!  PROXY header (from trusted networks) ─> proxy handshake (on the proxy's socket)
//!      ─> Say / Listen / Secure, until Close or the client is gone ─> sink
//! ```
//!
//! What is read is recorded before it is answered, so that "spoke before it was answered" is as it
//! was on the wire. A session that said nothing and was told nothing but the greeting is a
//! sighting too; one that was refused at the door is only counted.

use crate::clock::Clock;
use crate::conversation::{Conversation, Step, Why, farewell};
use crate::limits::{Pass, Refusal};
use crate::proxy::{Handshake, Turn};
use crate::proxy_header::{self, Header, Named};
use crate::record::{End, Record, Seen, TlsBytes};
use crate::sensor::Shared;
use crate::wire::Wire;
use heloscope_model::session::EndState;
use heloscope_model::{Sighting, Time};
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

/// Which of the sensor's sockets the client came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// SMTP.
    Mail,
    /// The proxy.
    Proxy,
}

/// How long a load balancer may take for its header.
const HEADER_WAIT: Duration = Duration::from_secs(5);
/// How long a client may take for its proxy handshake.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(60);
/// How long a closed connection is read on, so that the last reply is not lost in a reset.
const LINGER: Duration = Duration::from_secs(2);

/// Bytes that a record may hold in any case: an ordinary mail's holds less.
const SHARE: usize = 16 << 10;

/// A connection that was let in.
pub(crate) struct Visit {
    pub(crate) wire: Wire,
    pub(crate) door: Door,
    pub(crate) seen: Seen,
    /// It comes from a load balancer that names the client first.
    pub(crate) balanced: bool,
    pub(crate) place: Place,
    pub(crate) shared: Arc<Shared>,
    /// We closed, and the client may not have read the last reply.
    pub(crate) lingers: bool,
}

/// A place at the gate, and bytes of the common store for records; given back when dropped.
pub(crate) struct Place {
    pub(crate) pass: Option<Pass>,
    pub(crate) held: usize,
    pub(crate) shared: Arc<Shared>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.records.fetch_sub(self.held, Relaxed);
        if let Some(pass) = self.pass.take() {
            self.shared.gate().leave(pass);
        }
    }
}

impl Place {
    /// Takes note of what the record holds; false where all of them hold too much, and this one more
    /// than its share: who says little is not ended for those who say much.
    fn hold(&mut self, weight: usize) -> bool {
        let all = if weight >= self.held {
            let more = weight - self.held;
            self.shared.records.fetch_add(more, Relaxed) + more
        } else {
            self.shared.records.fetch_sub(self.held - weight, Relaxed) - (self.held - weight)
        };
        self.held = weight;
        all <= self.shared.rules.limits.record_bytes || weight <= SHARE
    }
}

/// How the client's side ended, where it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    Closed,
    Reset,
}

impl Visit {
    /// Runs the connection to its end and hands over what was seen.
    pub(crate) async fn run(mut self) {
        let clock = Clock::begin();
        let mut first = Vec::new();
        if self.balanced
            && let Err(refusal) = self.name_client(&mut first).await
        {
            self.shared.counts.refused(refusal);
            if refusal != Refusal::NoProxyHeader {
                let line = farewell(&self.shared.rules.personality.name, Some(refusal));
                let bye = async {
                    self.wire.write(format!("{line}\r\n").as_bytes()).await?;
                    self.wire.shutdown().await
                };
                let _ = timeout(LINGER, bye).await;
            }
            return;
        }
        let limits = &self.shared.rules.limits;
        let mut record = Record::new(limits, self.seen.clone(), clock.now());
        if !first.is_empty() {
            record.heard(clock.now(), &first);
        }
        let (state, bodies, tls) = match self.door {
            Door::Mail => self.talk(&clock, &mut record, first).await,
            Door::Proxy => match self.shake_hands(&clock, &mut record, first).await {
                Ok(rest) => self.talk(&clock, &mut record, rest).await,
                Err(state) => (state, Vec::new(), None),
            },
        };
        let at = clock.now();
        self.keep_bodies(&bodies, at).await;
        let shared = self.shared.clone();
        let sighting = record.finish(End {
            at,
            state,
            tls,
            bodies,
            sensor: &shared.sensor,
            receiver: &shared.receiver,
            traps: &shared.traps,
        });
        shared.hand_over(sighting).await;
        if self.lingers {
            self.linger().await;
        }
    }

    /// Reads the load balancer's header and takes the client's name from it.
    async fn name_client(&mut self, first: &mut Vec<u8>) -> Result<(), Refusal> {
        let until = Instant::now() + HEADER_WAIT;
        let (used, named) = loop {
            match proxy_header::read(first) {
                Header::Whole(used, named) => break (used, named),
                Header::Bad => return Err(Refusal::NoProxyHeader),
                Header::More => {}
            }
            match timeout_at(until, self.wire.read(|bytes| first.extend_from_slice(bytes))).await {
                Ok(Ok(1..)) => {}
                _ => return Err(Refusal::NoProxyHeader),
            }
        };
        first.drain(..used);
        if let Named::Client(client, server) = named {
            self.seen.client = client;
            self.seen.server = server;
            // The SYN is the load balancer's.
            self.seen.syn = None;
        }
        let Some(pass) = self.place.pass.take() else { return Ok(()) };
        let named = self.shared.gate().name(pass, self.seen.client.ip());
        match named {
            Ok(pass) => {
                self.place.pass = Some(pass);
                Ok(())
            }
            Err((pass, refusal)) => {
                self.place.pass = Some(pass);
                Err(refusal)
            }
        }
    }

    /// The handshake before SMTP on the proxy's socket: what came behind it, or how it ended.
    async fn shake_hands(
        &mut self,
        clock: &Clock,
        record: &mut Record,
        mut waiting: Vec<u8>,
    ) -> Result<Vec<u8>, EndState> {
        let mut handshake = Handshake::default();
        let until = Instant::now() + HANDSHAKE_WAIT;
        loop {
            let (used, answer, granted) = match handshake.next(&waiting) {
                Turn::Say(used, answer) => (used, answer, Some(false)),
                Turn::Granted(used, answer) => (used, answer, Some(true)),
                Turn::Refused(answer) => (0, answer, None),
                Turn::More => {
                    let read = self.wire.read(|bytes| {
                        record.heard(clock.now(), bytes);
                        waiting.extend_from_slice(bytes);
                    });
                    match timeout_at(until, read).await {
                        Ok(Ok(0)) => return Err(EndState::Close),
                        Ok(Ok(_)) => continue,
                        Ok(Err(error)) => return Err(end_of(&error)),
                        Err(_) => {
                            self.shared.counts.refused(Refusal::Idle);
                            return Err(EndState::Timeout);
                        }
                    }
                }
            };
            waiting.drain(..used);
            record.said(clock.now(), &answer);
            let written = timeout_at(until, self.wire.write(&answer)).await;
            match (granted, written) {
                (Some(true), Ok(Ok(()))) => return Ok(waiting),
                (Some(false), Ok(Ok(()))) => {}
                (None, _) => {
                    self.shared.counts.refused(Refusal::NotToMail);
                    self.close().await;
                    return Err(EndState::Close);
                }
                (_, Ok(Err(error))) => return Err(end_of(&error)),
                (_, Err(_)) => return Err(EndState::Timeout),
            }
        }
    }

    /// The SMTP session. Bodies and what went under TLS come with its end.
    async fn talk(
        &mut self,
        clock: &Clock,
        record: &mut Record,
        first: Vec<u8>,
    ) -> (EndState, Vec<crate::conversation::Body>, Option<TlsBytes>) {
        let shared = self.shared.clone();
        let now = clock.now();
        let id = shared.next_id.fetch_add(1, Relaxed);
        let mut conversation =
            Conversation::new(shared.rules.clone(), self.seen.client.ip(), id, now);
        conversation.hear(now, &first);
        drop(first);
        let mut stopping = pin!(shared.shutdown.cancelled());
        let mut stopped = false;
        let mut alarm = pin!(sleep_until(clock.instant(now)));
        let mut tls: Option<TlsBytes> = None;
        let mut heard = 0u64;

        let state = loop {
            let now = clock.now();
            match conversation.next(now) {
                Step::Say(bytes) => {
                    record.said(now, &bytes);
                    if let Some(tls) = &mut tls {
                        tls.clear.1 += bytes.len() as u64;
                    }
                    let idle = Duration::from_secs_f64(shared.rules.limits.idle_s.clamp(0.0, 1e6));
                    match timeout(idle, self.wire.write(&bytes)).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => break end_of(&error),
                        Err(_) => {
                            shared.counts.refused(Refusal::Idle);
                            break EndState::Timeout;
                        }
                    }
                }
                Step::Listen(until) => {
                    let until = clock.instant(until);
                    // An alarm that rings too early only asks again; moving it back costs more.
                    if alarm.is_elapsed() || alarm.deadline() > until {
                        alarm.as_mut().reset(until);
                    }
                    let full = shared.sink_is_full();
                    conversation.set_full(full);
                    let listens = conversation.listens();
                    let read = self.wire.read(|bytes| {
                        let now = clock.now();
                        record.heard(now, bytes);
                        if let Some(tls) = &mut tls {
                            tls.clear.0 += bytes.len() as u64;
                        }
                        heard += bytes.len() as u64;
                        conversation.hear(now, bytes);
                    });
                    let gone = tokio::select! {
                        biased;
                        read = read, if listens => match read {
                            Ok(0) => Some(Gone::Closed),
                            Ok(_) => None,
                            Err(error) => Some(gone_by(&error)),
                        },
                        () = &mut alarm => None,
                        () = &mut stopping, if !stopped => {
                            stopped = true;
                            conversation.stop(clock.now(), Why::Stopped);
                            None
                        }
                    };
                    match gone {
                        Some(Gone::Reset) => break EndState::Reset,
                        Some(Gone::Closed) => {
                            break if record.quit_said() {
                                EndState::Quit
                            } else {
                                EndState::Close
                            };
                        }
                        None => {}
                    }
                    if !self.place.hold(record.weight()) {
                        conversation.stop(clock.now(), Why::Refused(Refusal::Records));
                    }
                }
                Step::Secure => {
                    let until = clock.instant(now.plus_secs(shared.rules.limits.idle_s));
                    match self.take_up_tls(&shared, record, until).await {
                        Ok(()) => {
                            tls = Some(TlsBytes::default());
                            conversation.secured(clock.now());
                        }
                        Err(state) => break state,
                    }
                }
                Step::Close(why) => {
                    if let Why::Refused(refusal) = why {
                        shared.counts.refused(refusal);
                    }
                    if why != Why::Quit {
                        self.close().await;
                    }
                    break match why {
                        Why::Quit => EndState::Quit,
                        Why::Refused(Refusal::Time | Refusal::Idle) => EndState::Timeout,
                        Why::Refused(_) => EndState::Close,
                        Why::Stopped => EndState::Truncated,
                    };
                }
            }
        };
        if let (Some(tls), Some(wire)) = (&mut tls, self.wire.tls_bytes()) {
            tls.wire = wire;
        }
        if matches!(self.wire, Wire::Secure(_)) {
            let _ = timeout(LINGER, self.wire.shutdown()).await;
        }
        shared.counts.bytes.fetch_add(heard, Relaxed);
        shared.counts.messages.fetch_add(u64::from(conversation.messages()), Relaxed);
        (state, conversation.take_bodies(), tls)
    }

    async fn take_up_tls(
        &mut self,
        shared: &Shared,
        record: &mut Record,
        until: Instant,
    ) -> Result<(), EndState> {
        let Some(config) = shared.tls.clone() else { return Err(EndState::Close) };
        let shaken = timeout_at(until, self.wire.secure(config)).await;
        let (hello, outcome) = match shaken {
            Ok(shaken) => shaken,
            Err(_) => {
                shared.counts.refused(Refusal::Idle);
                return Err(EndState::Timeout);
            }
        };
        match outcome {
            Ok(()) => {
                shared.counts.handshakes.fetch_add(1, Relaxed);
                record.tls_opened(hello);
                Ok(())
            }
            Err(error) => {
                shared.counts.refused(Refusal::Handshake);
                record.tls_failed(hello);
                Err(end_of(&error))
            }
        }
    }

    /// Says that nothing more comes from us.
    async fn close(&mut self) {
        self.lingers = true;
        let _ = timeout(LINGER, self.wire.shutdown()).await;
    }

    /// Reads on for a little, so that the client gets the last reply and no reset before it.
    async fn linger(&mut self) {
        let quiet = async {
            let mut room = 1 << 20;
            while room > 0 {
                match self.wire.read(|_| {}).await? {
                    0 => break,
                    len => room -= len.min(room),
                }
            }
            io::Result::Ok(())
        };
        let _ = timeout(LINGER, quiet).await;
    }

    async fn keep_bodies(&self, bodies: &[crate::conversation::Body], at: Time) {
        let Some(spool) = &self.shared.bodies else { return };
        let session = self.shared.next_id.fetch_add(1, Relaxed);
        for (body, number) in bodies.iter().zip(1..) {
            if body.content.is_empty() {
                continue;
            }
            let name = format!("{}-{session}-{number}", at.secs());
            let (spool, content) = (spool.clone(), body.content.clone());
            let written = tokio::task::spawn_blocking(move || spool.keep(&name, &content)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "a body could not be kept");
            }
        }
    }
}

impl Shared {
    /// Gives a sighting to the sink; waits while it takes nothing, so that nothing is lost.
    async fn hand_over(&self, sighting: Sighting) {
        let sighting = match self.sink.try_send(sighting) {
            Ok(()) => None,
            Err(tokio::sync::mpsc::error::TrySendError::Full(sighting)) => Some(sighting),
            Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => {
                tracing::error!("a session was seen, and nobody takes it: the sink is closed");
                return;
            }
        };
        if let Some(sighting) = sighting {
            self.waiting.fetch_add(1, Relaxed);
            let sent = self.sink.send(sighting).await;
            self.waiting.fetch_sub(1, Relaxed);
            if sent.is_err() {
                tracing::error!("a session was seen, and nobody takes it: the sink is closed");
                return;
            }
        }
        self.counts.sessions.fetch_add(1, Relaxed);
    }
}

fn gone_by(error: &io::Error) -> Gone {
    // A peer that closes TLS without saying so is closed, not reset.
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Gone::Reset,
        _ => Gone::Closed,
    }
}

fn end_of(error: &io::Error) -> EndState {
    match gone_by(error) {
        Gone::Reset => EndState::Reset,
        Gone::Closed => EndState::Close,
    }
}

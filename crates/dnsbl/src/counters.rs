//! What was answered and what befell the sockets, counted once each; read by metrics at any time.

use crate::answer::{Outcome, Transport};
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start.
#[derive(Default)]
pub struct Counters {
    udp: [AtomicU64; Outcome::ALL.len()],
    tcp: [AtomicU64; Outcome::ALL.len()],
    events: [AtomicU64; Event::ALL.len()],
}

/// What befell a socket or a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A datagram could not be read.
    UdpUnread,
    /// A response could not be sent at once; nobody waits for it.
    UdpUnsent,
    /// A connection was taken.
    TcpAccepted,
    /// A connection could not be taken (often: no file descriptors left).
    TcpNotAccepted,
    /// Turned away: too many connections in all.
    TcpFull,
    /// Turned away: too many of one client.
    TcpClientFull,
    /// Closed: no whole question in time.
    TcpIdle,
    /// Closed: did not take its answers in time.
    TcpStuck,
    /// Closed: a question longer than any can be.
    TcpTooLong,
    /// Closed or reset by the peer.
    TcpClosed,
}

impl Event {
    /// All of them.
    pub const ALL: [Event; 10] = [
        Event::UdpUnread,
        Event::UdpUnsent,
        Event::TcpAccepted,
        Event::TcpNotAccepted,
        Event::TcpFull,
        Event::TcpClientFull,
        Event::TcpIdle,
        Event::TcpStuck,
        Event::TcpTooLong,
        Event::TcpClosed,
    ];

    /// Its word in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Event::UdpUnread => "udp-unread",
            Event::UdpUnsent => "udp-unsent",
            Event::TcpAccepted => "tcp-accepted",
            Event::TcpNotAccepted => "tcp-not-accepted",
            Event::TcpFull => "tcp-full",
            Event::TcpClientFull => "tcp-client-full",
            Event::TcpIdle => "tcp-idle",
            Event::TcpStuck => "tcp-stuck",
            Event::TcpTooLong => "tcp-too-long",
            Event::TcpClosed => "tcp-closed",
        }
    }
}

impl Counters {
    /// Requests by transport and outcome.
    pub fn answers(&self) -> impl Iterator<Item = (Transport, Outcome, u64)> {
        let of = |transport, counts: &[AtomicU64; Outcome::ALL.len()]| {
            let counts: Vec<u64> = counts.iter().map(|c| c.load(Ordering::Relaxed)).collect();
            Outcome::ALL.into_iter().zip(counts).map(move |(outcome, n)| (transport, outcome, n))
        };
        of(Transport::Udp, &self.udp).chain(of(Transport::Tcp, &self.tcp))
    }

    /// Events.
    pub fn events(&self) -> impl Iterator<Item = (Event, u64)> {
        Event::ALL.into_iter().zip(self.events.iter().map(|c| c.load(Ordering::Relaxed)))
    }

    /// One outcome's count.
    pub fn answered(&self, transport: Transport, outcome: Outcome) -> u64 {
        self.place(transport, outcome).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// One event's count.
    pub fn happened(&self, event: Event) -> u64 {
        self.events.get(event as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    pub(crate) fn answer(&self, transport: Transport, outcome: Outcome) {
        if let Some(count) = self.place(transport, outcome) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn event(&self, event: Event) {
        if let Some(count) = self.events.get(event as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn place(&self, transport: Transport, outcome: Outcome) -> Option<&AtomicU64> {
        match transport {
            Transport::Udp => self.udp.get(outcome as usize),
            Transport::Tcp => self.tcp.get(outcome as usize),
        }
    }
}

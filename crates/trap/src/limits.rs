//! How much is taken from one session, from one address and from all together.
//!
//! In: connections that come and go, and what they hold. Out: leave to come in, or the
//! [`Refusal`], counted once by whoever asked. An IPv6 network of 64 bits counts as one address.
//! Pure: the rim keeps the [`Gate`] behind a lock.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// The bounds of a sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Sessions at a time.
    pub sessions: usize,
    /// Sessions at a time from one address (IPv6: from one /64).
    pub sessions_per_address: usize,
    /// Bytes that the records of all sessions under way may hold together.
    pub record_bytes: usize,
    /// Seconds of one session.
    pub session_s: f64,
    /// Seconds in which the client says nothing (RFC 5321 4.5.3.2.7 asks for five minutes).
    pub idle_s: f64,
    /// Bytes of one session.
    pub session_bytes: u64,
    /// Bytes of one session outside of messages.
    pub command_bytes: u64,
    /// Commands of one session.
    pub commands: u32,
    /// Commands refused in one session.
    pub errors: u32,
    /// Bytes of one command line; beyond, it is refused.
    pub line_bytes: usize,
    /// Recipients of one message; beyond, they are put off.
    pub recipients: u32,
    /// Bytes of one message.
    pub message_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sessions: 16_384,
            sessions_per_address: 50,
            record_bytes: 256 << 20,
            session_s: 1800.0,
            idle_s: 300.0,
            session_bytes: 64 << 20,
            command_bytes: 64 << 10,
            commands: 1000,
            errors: 20,
            line_bytes: 2048,
            recipients: 1000,
            message_bytes: 10 << 20,
        }
    }
}

impl Limits {
    /// How much of a dialogue is kept: all that the other limits let in.
    pub(crate) fn of_dialogue(&self) -> heloscope_smtp::Limits {
        let lines = usize::try_from(self.commands).unwrap_or(usize::MAX).saturating_add(64);
        let recipients = usize::try_from(self.recipients).unwrap_or(usize::MAX);
        heloscope_smtp::Limits {
            lines,
            line_bytes: 1024,
            messages: MESSAGES,
            recipients,
            header_bytes: 8192,
        }
    }
}

/// Messages of one session that are kept; the rest is counted.
pub(crate) const MESSAGES: usize = 64;

/// Why a connection or a session was not let go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// More sessions than fit.
    Sessions,
    /// More sessions from this address than fit.
    SessionsOfAddress,
    /// The records of all sessions hold too much.
    Records,
    /// What is seen cannot be kept: the sink takes nothing.
    SinkFull,
    /// No more connections can be accepted: the process has no file descriptors left.
    Descriptors,
    /// A trusted load balancer sent no PROXY header.
    NoProxyHeader,
    /// The proxy was asked for something else than a mail server.
    NotToMail,
    /// The bytes are no SMTP.
    NotSmtp,
    /// The session has said too much.
    Bytes,
    /// Too many commands.
    Commands,
    /// Too many commands refused.
    Errors,
    /// The session took too long.
    Time,
    /// Nothing was said for too long.
    Idle,
    /// The TLS handshake failed.
    Handshake,
}

impl Refusal {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 14] = [
        Self::Sessions,
        Self::SessionsOfAddress,
        Self::Records,
        Self::SinkFull,
        Self::Descriptors,
        Self::NoProxyHeader,
        Self::NotToMail,
        Self::NotSmtp,
        Self::Bytes,
        Self::Commands,
        Self::Errors,
        Self::Time,
        Self::Idle,
        Self::Handshake,
    ];

    /// Its word in metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sessions => "sessions",
            Self::SessionsOfAddress => "sessions-of-address",
            Self::Records => "records",
            Self::SinkFull => "sink-full",
            Self::Descriptors => "descriptors",
            Self::NoProxyHeader => "no-proxy-header",
            Self::NotToMail => "not-to-mail",
            Self::NotSmtp => "not-smtp",
            Self::Bytes => "bytes",
            Self::Commands => "commands",
            Self::Errors => "errors",
            Self::Time => "time",
            Self::Idle => "idle",
            Self::Handshake => "handshake",
        }
    }
}

/// Counts who is in.
#[derive(Debug)]
pub struct Gate {
    sessions: usize,
    per_address: usize,
    inside: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A place inside, to be handed back with [`Gate::leave`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a place that is not handed back stays taken"]
pub struct Pass(Option<IpAddr>);

impl Gate {
    /// Nobody is in.
    pub fn new(limits: &Limits) -> Self {
        Self {
            sessions: limits.sessions,
            per_address: limits.sessions_per_address,
            inside: 0,
            by_address: HashMap::new(),
        }
    }

    /// Lets a connection in. Without an address (a load balancer's, which will name the client)
    /// only the number of all counts.
    pub fn enter(&mut self, address: Option<IpAddr>) -> Result<Pass, Refusal> {
        if self.inside >= self.sessions {
            return Err(Refusal::Sessions);
        }
        let pass = Pass(None);
        self.inside += 1;
        match address {
            None => Ok(pass),
            Some(address) => self.name(pass, address).map_err(|(pass, refusal)| {
                self.leave(pass);
                refusal
            }),
        }
    }

    /// The load balancer has named the client. Refused, the place is handed back to the caller.
    pub fn name(&mut self, pass: Pass, address: IpAddr) -> Result<Pass, (Pass, Refusal)> {
        let key = counted_as(address);
        let from_here = self.by_address.entry(key).or_default();
        if *from_here >= self.per_address {
            return Err((pass, Refusal::SessionsOfAddress));
        }
        *from_here += 1;
        Ok(Pass(Some(key)))
    }

    /// Hands a place back.
    pub fn leave(&mut self, pass: Pass) {
        self.inside = self.inside.saturating_sub(1);
        if let Some(key) = pass.0
            && let Some(from_here) = self.by_address.get_mut(&key)
        {
            *from_here = from_here.saturating_sub(1);
            if *from_here == 0 {
                self.by_address.remove(&key);
            }
        }
    }

    /// How many are in.
    pub fn inside(&self) -> usize {
        self.inside
    }
}

/// The address itself, or the /64 it stands in.
fn counted_as(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(sessions: usize, sessions_per_address: usize) -> Gate {
        Gate::new(&Limits { sessions, sessions_per_address, ..Limits::default() })
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_cannot_take_all_places() {
        let mut gate = gate(4, 2);
        let first = gate.enter(Some(ip("192.0.2.1"))).unwrap();
        let _second = gate.enter(Some(ip("::ffff:192.0.2.1"))).unwrap();
        assert_eq!(gate.enter(Some(ip("192.0.2.1"))), Err(Refusal::SessionsOfAddress));
        assert_eq!(gate.inside(), 2);
        let _other = gate.enter(Some(ip("192.0.2.2"))).unwrap();
        let _balanced = gate.enter(None).unwrap();
        assert_eq!(gate.enter(Some(ip("192.0.2.3"))), Err(Refusal::Sessions));
        gate.leave(first);
        let _again = gate.enter(Some(ip("192.0.2.1"))).unwrap();
    }

    #[test]
    fn a_network_of_64_bits_is_one_address() {
        let mut gate = gate(10, 1);
        let pass = gate.enter(Some(ip("2001:db8:1:2::1"))).unwrap();
        assert_eq!(gate.enter(Some(ip("2001:db8:1:2:ffff::2"))), Err(Refusal::SessionsOfAddress));
        let _next = gate.enter(Some(ip("2001:db8:1:3::1"))).unwrap();
        gate.leave(pass);
        let _after = gate.enter(Some(ip("2001:db8:1:2::9"))).unwrap();
    }

    #[test]
    fn a_client_named_later_counts_from_then() {
        let mut gate = gate(10, 1);
        let (one, two) = (gate.enter(None).unwrap(), gate.enter(None).unwrap());
        let _one = gate.name(one, ip("192.0.2.1")).unwrap();
        let (two, refusal) = gate.name(two, ip("192.0.2.1")).unwrap_err();
        assert_eq!(refusal, Refusal::SessionsOfAddress);
        gate.leave(two);
        assert_eq!((gate.inside(), gate.by_address.len()), (1, 1));
    }

    #[test]
    fn each_refusal_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = Refusal::ALL.map(Refusal::word).into();
        assert_eq!(words.len(), Refusal::ALL.len());
        assert!(Refusal::ALL.iter().enumerate().all(|(at, refusal)| *refusal as usize == at));
    }
}

//! A session as a sensor of the list took it: the session, who was spoken to, and what only the
//! sensor knows (which recipients are traps, what TLS began with, what the bodies were like).
//!
//! Made by `trap`, and by `heloscope feed` from captures and logs; judged by `detect`. The
//! recipients that are traps never leave the operator's view.

use crate::{Octets, Session};
use std::net::IpAddr;

/// One session at one sensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// The sensor's name, as the operator gave it.
    pub sensor: String,
    /// Who was spoken to.
    pub receiver: Receiver,
    /// What was said.
    pub session: Session,
    /// The recipients that are traps, in the order they were named.
    pub traps: Vec<TrapHit>,
    /// Whether it tried to log in as somebody who never was. Such names are no recipients: what comes of
    /// trying one says nothing of the traps.
    pub trap_login: bool,
    /// How TLS began, where it did.
    pub hello: Option<ClientHello>,
    /// What the bodies were like, one a kept message.
    pub bodies: Vec<Shingles>,
}

/// The names and addresses that a sensor goes by.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Receiver {
    /// Its own name, as it says in the greeting, and those it takes mail for.
    pub names: Vec<String>,
    /// Its addresses, also those in front of a load balancer.
    pub addresses: Vec<IpAddr>,
}

/// A recipient that nobody should be writing to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrapHit {
    /// As said in RCPT TO.
    pub recipient: Octets,
    /// Why nobody should.
    pub kind: TrapKind,
}

/// What kind of trap an address is. It is a weight, not a family of detectors: typo and recycled
/// traps never list.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum TrapKind {
    /// Never was anybody's address.
    NeverUsed,
    /// Was somebody's once, and refused mail for a year.
    Recycled,
    /// One slip of a finger away from a large provider's domain.
    Typo,
}

impl TrapKind {
    /// Its public word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::NeverUsed => "never-used",
            Self::Recycled => "recycled",
            Self::Typo => "typo",
        }
    }
}

/// What a ClientHello tells apart: libraries, as JA4 reads it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct ClientHello {
    /// The highest version offered.
    pub version: u16,
    /// Cipher suites in order, GREASE left out.
    pub ciphers: Vec<u16>,
    /// Extension types in order, GREASE left out.
    pub extensions: Vec<u16>,
    /// Signature algorithms in order.
    pub signature_algorithms: Vec<u16>,
    /// Whether a server name was sent, and it.
    pub server_name: Option<Octets>,
    /// The first protocol offered by ALPN.
    pub alpn: Option<Octets>,
}

/// The smallest hashes of a body's word sequences: two bodies that share many say the same
/// (Broder's min-wise sampling). The words themselves cannot be had back.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Shingles(pub Vec<u64>);

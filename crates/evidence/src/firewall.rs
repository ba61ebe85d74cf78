//! Firewalls: dumps of rules -> [`RuleSet`]s, and the answer to "may this user, or a machine behind
//! this host, reach that port?", found by walking the rules in order.
//!
//! Unknown is never "allowed": a match that is not understood, or a table that was not handed
//! over, makes the answer [`Answer::Unknown`] unless what is known settles it.

use heloscope_model::Place;
use std::net::IpAddr;

/// The rules of one dump: `iptables-save` or `iptables -L` (one family), `nft list ruleset` (all).
#[derive(Clone, Debug, Default)]
pub struct RuleSet {}

/// Which protocol family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Whose connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A program of this host that runs under a user: number, or name where only that is known.
    User(User),
    /// Any program of this host, whoever runs it.
    Anyone,
    /// A machine behind this host; by its address where one is meant.
    Forwarded(Option<IpAddr>),
}

/// A user as a rule or a question names him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// By number.
    Id(u32),
    /// By name.
    Name(String),
}

/// What is asked: may `origin` open a new TCP connection to `port` somewhere outside?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Whose connection.
    pub origin: Origin,
    /// Over which protocol.
    pub family: Family,
    /// The destination's port.
    pub port: u16,
}

/// The answer, with the rule (or the chain's policy) that settles it.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It goes out.
    Allowed(Vec<Place>),
    /// It is dropped or rejected.
    Denied(Vec<Place>),
    /// It cannot be said, and why.
    Unknown(String, Vec<Place>),
}

/// Something in the rules that its owner would want to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// `shadowed`, `owner-never-sees-forwarded`, `ipv6-open`, ….
    pub rule: &'static str,
    /// One sentence for a person.
    pub says: String,
    /// The rules.
    pub places: Vec<Place>,
}

/// Answers from all rule sets of one host together: a packet must pass every one of them.
pub fn ask(_sets: &[RuleSet], _question: &Question) -> Answer {
    Answer::Unknown("no firewall was handed over".to_owned(), Vec::new())
}

/// What stands out, for a mail port.
pub fn findings(_sets: &[RuleSet], _port: u16) -> Vec<Finding> {
    Vec::new()
}

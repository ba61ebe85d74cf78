//! What a detector says of a session, the owner's words and the operator's apart by type.
//!
//! An [`OwnerText`] can only be made here, from a finding and the case it was found in: a text
//! that holds an address of the envelope, a trap or a log-in name is replaced by a sentence that
//! holds none. There is no way from an [`OperatorText`] to an [`OwnerText`].

use crate::case::Case;
use serde::{Serialize, Serializer};
use std::fmt;

/// What a detector says of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detection {
    /// Its id (`helo-loopback-private`).
    pub detector: &'static str,
    /// Its version.
    pub version: u32,
    /// A lists on one hit, B needs more, C supports, X exonerates.
    pub class: char,
    /// Several rules of one family count once.
    pub family: &'static str,
    /// What it saw, one sentence for the owner of the address.
    #[serde(rename = "evidence")]
    pub owner: OwnerText,
    /// What it saw, for the operator of the list. It never goes into the JSON of a session.
    #[serde(skip)]
    pub operator: OperatorText,
    /// Which sessions an exoneration covers (class X), never a whole address.
    #[serde(skip)]
    pub covers: Option<Covers>,
}

/// Families of what stands in messages: it survives being passed on, so it says nothing of the client.
const MESSAGE_FAMILIES: [&str; 3] = ["message", "header", "body"];

impl Detection {
    /// Whether it accuses the way a client sends (class A or B), not what it sends.
    pub(crate) fn speaks_of_sending(&self) -> bool {
        matches!(self.class, 'A' | 'B') && !MESSAGE_FAMILIES.contains(&self.family)
    }
}

/// The sessions of one speaker: same HELO, same manner, same TCP stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, serde::Deserialize)]
pub struct Covers {
    /// The HELO's argument in lower case, printable; empty where none was said.
    pub helo: String,
    /// The manner of its commands ([`crate::Dialect::manner`]).
    pub manner: String,
    /// Its stack ([`crate::stack::signature`]); none where the SYN was not seen.
    pub stack: Option<String>,
}

/// One sentence for the owner: nothing of recipients, traps or the envelope.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OwnerText(String);

/// One sentence for the operator alone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OperatorText(String);

impl OwnerText {
    pub(crate) fn new(text: String, case: &Case<'_>) -> Self {
        if case.names_somebody(&text) {
            return Self("what it said held an address of the envelope, which is kept back".into());
        }
        Self(text)
    }

    /// The sentence.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl OperatorText {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The sentence.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OwnerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OwnerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl Serialize for OwnerText {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

// Deliberately neither Display nor Serialize: whoever shows it says `operator.as_str()`.
impl fmt::Debug for OperatorText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(for the operator)")
    }
}

//! What the ledger says of an address, in three views that are three types, so that a trap's
//! address cannot reach the public by a slip: [`PublicListing`] for everybody, [`OwnerListing`] for
//! whoever proved that the address is his, [`OperatorListing`] for the list's own desk.

use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Which sublist: the codes of the composite zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sublist {
    /// 127.0.0.3: trap hits alone.
    Traps,
    /// 127.0.0.4: bots, proxies and planted mailers.
    Bots,
}

/// What a HELO was like; all that the public sees of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeloClass {
    /// None was said.
    None,
    /// A loopback or private address in brackets, or bare.
    LocalLiteral,
    /// A public address in brackets, or bare.
    Literal,
    /// `localhost`, with or without a domain.
    Localhost,
    /// A name without a dot.
    Dotless,
    /// A host name.
    Name,
    /// Not a name or an address at all.
    Invalid,
}

/// A time that is told with its tolerance: the true one lies within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The middle.
    pub time: Time,
    /// Seconds either way; 0 is exact.
    pub tolerance_s: u32,
}

/// A listing as everybody may see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublicListing {
    /// The address, or the /64.
    pub prefix: IpNet,
    /// Its sublist.
    pub sublist: Sublist,
    /// Listed since.
    pub since: Time,
    /// Last detection, quantised.
    pub last: Told,
    /// When it ends if nothing comes.
    pub expires: Time,
    /// Ids of the detectors, most telling first.
    pub detectors: Vec<String>,
    /// What the HELO was like.
    pub helo: HeloClass,
    /// One sentence.
    pub reason: String,
    /// How often it was listed, this time included.
    pub times_listed: u32,
    /// Whether it rests on the operator's word alone, and on no detector's.
    pub by_hand: bool,
}

/// A listing as its owner may see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnerListing {
    /// What everybody sees.
    pub public: PublicListing,
    /// What was seen, newest first, at most 50.
    pub seen: Vec<OwnerEvidence>,
}

/// One session that counted, for the owner: enough to find the line or frame of his own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerEvidence {
    /// Exact.
    pub at: Time,
    /// The client's address and port.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// The HELO as said, printable.
    pub helo: Option<String>,
    /// What each detector saw, a sentence each, nothing of recipients or traps.
    pub seen: Vec<String>,
}

/// A listing as the operator sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatorListing {
    /// What the owner sees.
    pub owner: OwnerListing,
    /// What was seen, newest first, at most 50.
    pub seen: Vec<OperatorEvidence>,
}

/// One session that counted, for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorEvidence {
    /// Exact.
    pub at: Time,
    /// The sensor.
    pub sensor: String,
    /// The traps hit, as said, and their kinds.
    pub traps: Vec<(String, TrapKind)>,
    /// Detector, version, class and what it saw.
    pub seen: Vec<(String, u32, char, String)>,
    /// The session as `heloscope sessions` prints it, one line of JSON.
    pub session: String,
}

/// What is left of an address when its listings are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// What happened.
    pub event: PastEvent,
    /// When, quantised.
    pub time: Time,
    /// The reason then.
    pub reason: String,
    /// Of a listing that ended: its last detection, as it was told.
    pub last: Option<Told>,
}

/// What can happen to a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PastEvent {
    /// It was listed.
    Listed,
    /// Nothing came, and it ran out.
    Expired,
    /// Its owner asked, and it was granted.
    Removed,
    /// He asked, and it was refused.
    Refused,
    /// The operator took it out.
    Withdrawn,
    /// The detector that listed it was recalled.
    Recalled,
    /// The address was exempted.
    Exempted,
}

impl PastEvent {
    /// Its public word, as the API and the commands give it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Expired => "expired",
            Self::Removed => "removed",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Recalled => "recalled",
            Self::Exempted => "exempted",
        }
    }
}

/// What a request to remove is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Removal {
    /// Removed; DNS follows at once.
    Granted,
    /// It still sends, or a lock-out runs.
    Refused {
        /// For a person.
        reason: String,
        /// Ask again after so many seconds without a new detection.
        retry_after_s: u64,
    },
    /// There is nothing to remove.
    NotListed,
}

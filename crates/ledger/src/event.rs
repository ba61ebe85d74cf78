//! What can happen to the list. Nothing else changes it, and time enters by nothing else: every
//! event carries its instant, also the mere passing of time ([`Event::Ticked`]).
//!
//! In: what sensors and people say ([`Detected`], as given to the ledger). Out: [`Event`]s, which is
//! what the fold sees and what a snapshot's replay repeats. A detection's texts (HELO, recipients, the
//! session) are no part of its event: they stand in the erasable payload (`seal`).
//! Refused: nothing here; bounds on sizes are put on by [`Detected::bounded`].

use crate::HeloClass;
use heloscope_model::Time;
use heloscope_model::sighting::TrapKind;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// The longest text of one field that is kept, in bytes.
const TEXT: usize = 1024;
/// The longest session line that is kept, in bytes.
const SESSION: usize = 64 * 1024;
/// The most rules and traps of one session that are kept.
const ITEMS: usize = 64;

/// One session that detectors saw something in, as a sensor reports it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detected {
    /// The client.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// When the session was.
    pub at: Time,
    /// When the report arrived here.
    pub arrived: Time,
    /// Which sensor.
    pub sensor: String,
    /// What was seen, most telling first.
    pub rules: Vec<Rule>,
    /// The traps that were written to, as said in RCPT TO.
    pub traps: Vec<(String, TrapKind)>,
    /// The HELO as said, printable.
    pub helo: Option<String>,
    /// What the public is told of it.
    pub helo_class: HeloClass,
    /// A hash of HELO, dialect and TCP stack together: what a real mail server's veto covers.
    pub key: u64,
    /// A hash of the dialect alone: what several addresses of one /64 must share.
    pub dialect: u64,
    /// The session as `heloscope sessions` prints it, one line of JSON.
    pub session: String,
}

/// One detector's word on one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The detector's id.
    pub detector: String,
    /// Its version.
    pub version: u32,
    /// A lists on one hit, B needs more, C supports, X exonerates.
    pub class: char,
    /// Several rules of one family count once.
    pub family: String,
    /// What it saw, for the owner: nothing of recipients or traps.
    pub owner: String,
    /// What it saw, for the operator.
    pub operator: String,
}

impl Detected {
    /// The same with every text and list cut to what is kept, and the address in its plain form.
    pub fn bounded(mut self) -> Self {
        self.address = self.address.to_canonical();
        self.rules.truncate(ITEMS);
        self.traps.truncate(ITEMS);
        cut(&mut self.sensor, TEXT);
        cut(&mut self.session, SESSION);
        if let Some(helo) = &mut self.helo {
            cut(helo, TEXT);
        }
        for rule in &mut self.rules {
            for text in [&mut rule.detector, &mut rule.family, &mut rule.owner, &mut rule.operator]
            {
                cut(text, TEXT);
            }
        }
        for (recipient, _) in &mut self.traps {
            cut(recipient, TEXT);
        }
        self
    }
}

fn cut(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}

/// Who asks that an address be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// Anybody, by the form.
    Anybody,
    /// Who proved that the address is his.
    Owner,
    /// The list's operator, for somebody who wrote to him: always granted.
    Operator,
}

/// Something that happened, in the order of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A session was reported.
    Detected(Facts),
    /// Time passed: what is due is published, what ran out expires.
    Ticked {
        /// The clock.
        #[serde(with = "nanos")]
        at: Time,
    },
    /// Somebody asked that an address be removed.
    RemovalAsked {
        /// When.
        #[serde(with = "nanos")]
        at: Time,
        /// Which.
        address: IpAddr,
        /// Who.
        by: Asked,
    },
    /// Addresses that cannot be listed from now on.
    Exempted {
        /// When.
        #[serde(with = "nanos")]
        at: Time,
        /// Which.
        prefix: IpNet,
        /// Why, for the operator.
        why: String,
        /// For how long; none is for good.
        #[serde(with = "nanos::option")]
        until: Option<Time>,
    },
    /// They can be listed again.
    Unexempted {
        /// When.
        #[serde(with = "nanos")]
        at: Time,
        /// Which, as it was exempted.
        prefix: IpNet,
    },
    /// Everything that a detector's version listed is taken back, and its word is nothing any more.
    Recalled {
        /// When.
        #[serde(with = "nanos")]
        at: Time,
        /// What is recalled.
        recall: Recall,
        /// What went wrong, published.
        incident: String,
    },
    /// The operator takes addresses out.
    Withdrawn {
        /// When.
        #[serde(with = "nanos")]
        at: Time,
        /// Which.
        prefix: IpNet,
        /// Why, published.
        why: String,
    },
    /// A detector counts no more until it is resumed.
    Paused {
        /// When.
        #[serde(with = "nanos")]
        at: Time,
        /// Its id.
        detector: String,
        /// Why.
        why: String,
    },
    /// It counts again.
    Resumed {
        /// When.
        #[serde(with = "nanos")]
        at: Time,
        /// Its id.
        detector: String,
    },
    /// Everything about these addresses is forgotten, in the list and in its records.
    Erased {
        /// When.
        #[serde(with = "nanos")]
        at: Time,
        /// Which.
        prefix: IpNet,
    },
    /// The operator lists an address, or a /64, by his own word.
    Added {
        /// When.
        #[serde(with = "nanos")]
        at: Time,
        /// Which.
        prefix: IpNet,
        /// Why, published.
        why: String,
        /// When it was seen doing so; none is now.
        #[serde(with = "nanos::option")]
        seen: Option<Time>,
        /// For how long; none is a first term.
        #[serde(with = "nanos::option")]
        until: Option<Time>,
    },
}

/// A detector's word that is nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Recall {
    /// Its id.
    pub detector: String,
    /// Its version.
    pub version: u32,
    /// Sessions from here on; none is from the first.
    #[serde(with = "nanos::option")]
    pub from: Option<Time>,
    /// And before here; none is for good.
    #[serde(with = "nanos::option")]
    pub to: Option<Time>,
}

impl Recall {
    /// Whether it takes back what was said of a session at an instant.
    pub(crate) fn covers(&self, at: Time) -> bool {
        self.from.is_none_or(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

impl Event {
    /// Its instant: of a detection, when its report arrived.
    pub fn at(&self) -> Time {
        match self {
            Self::Detected(facts) => facts.arrived,
            Self::Ticked { at }
            | Self::RemovalAsked { at, .. }
            | Self::Exempted { at, .. }
            | Self::Unexempted { at, .. }
            | Self::Recalled { at, .. }
            | Self::Withdrawn { at, .. }
            | Self::Paused { at, .. }
            | Self::Resumed { at, .. }
            | Self::Erased { at, .. }
            | Self::Added { at, .. } => *at,
        }
    }

    /// The addresses that it speaks of: personal data, where there are any.
    pub fn prefix(&self) -> Option<IpNet> {
        match self {
            Self::Detected(facts) => Some(facts.address.into()),
            Self::RemovalAsked { address, .. } => Some((*address).into()),
            Self::Exempted { prefix, .. }
            | Self::Unexempted { prefix, .. }
            | Self::Withdrawn { prefix, .. }
            | Self::Erased { prefix, .. }
            | Self::Added { prefix, .. } => Some(*prefix),
            Self::Ticked { .. }
            | Self::Recalled { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. } => None,
        }
    }
}

/// What the fold needs of a detection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The client.
    pub address: IpAddr,
    /// When the session was.
    #[serde(with = "nanos")]
    pub at: Time,
    /// When its report arrived.
    #[serde(with = "nanos")]
    pub arrived: Time,
    /// Which sensor.
    pub sensor: String,
    /// What was seen.
    pub rules: Vec<RuleFacts>,
    /// The traps hit: what kind, and a keyed hash that tells one from another.
    pub traps: Vec<(TrapKind, u64)>,
    /// What the HELO was like.
    pub helo: HeloClass,
    /// What a veto covers.
    pub key: u64,
    /// The dialect.
    pub dialect: u64,
}

/// One rule without its words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleFacts {
    /// The detector's id.
    pub detector: String,
    /// Its version.
    pub version: u32,
    /// A, B, C or X.
    pub class: char,
    /// Its family.
    pub family: String,
}

/// A [`Time`] as its nanoseconds: nine bytes at most, where text takes thirty.
pub(crate) mod nanos {
    use heloscope_model::Time;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(time: &Time, s: S) -> Result<S::Ok, S::Error> {
        time.nanos().serialize(s)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Time, D::Error> {
        i64::deserialize(d).map(Time::from_nanos)
    }

    pub(crate) mod option {
        use super::{Deserialize, Deserializer, Serialize, Serializer, Time};

        pub(crate) fn serialize<S: Serializer>(t: &Option<Time>, s: S) -> Result<S::Ok, S::Error> {
            t.map(Time::nanos).serialize(s)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
            d: D,
        ) -> Result<Option<Time>, D::Error> {
            Ok(Option::<i64>::deserialize(d)?.map(Time::from_nanos))
        }
    }
}

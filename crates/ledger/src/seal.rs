//! An event as it is recorded: what the chain commits to, and what can be erased.
//!
//! The chain holds nothing of any address: of an event that speaks of one it holds a commitment,
//! SHA-256 of a random salt and the text, one for each view of a detection (public, owner, operator). The
//! texts and salts are the [`Payload`]. Without the salt a commitment tells nothing, so erasing the
//! payload forgets the address while the chain stays whole; with it anybody can check that the text
//! is the one that was recorded. Events of no address stand in the chain in the open.

use crate::event::{Detected, Event, Facts, RuleFacts, nanos};
use crate::{HeloClass, OperatorEvidence, OwnerEvidence, Told};
use heloscope_model::Time;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;

/// A commitment, or the hash of a chain.
pub type Hash = [u8; 32];

/// What the chain holds of one event. The order of the variants is the format.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Chained {
    /// An event that speaks of no address.
    Open(Event),
    /// Commitments to the texts of one that does.
    Sealed(Vec<Hash>),
    /// The same of an erasure, with the events whose texts it erased.
    Erasure(Vec<Hash>, Vec<u64>),
}

impl Chained {
    /// What the chain's hash is made of, behind the hash before it.
    pub fn bytes(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_allocvec(self)
    }
}

/// The texts and salts of one event, in the order of its commitments: of a detection the public's,
/// the owner's and the operator's; of any other the operator's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    texts: Vec<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Text {
    salt: [u8; 16],
    bytes: Vec<u8>,
}

/// What everybody may be shown of one session, to hold against its commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicSession {
    /// The client.
    pub address: IpAddr,
    /// The time told.
    #[serde(with = "nanos")]
    pub time: Time,
    /// Its tolerance.
    pub tolerance_s: u32,
    /// What the HELO was like.
    pub helo: HeloClass,
    /// Ids of the detectors.
    pub detectors: Vec<String>,
}

/// The operator's text: the event itself, and what he may see beside it.
#[derive(Serialize, Deserialize)]
struct OperatorText {
    event: Event,
    evidence: Option<OperatorEvidence>,
}

/// Gives salts.
pub(crate) type Salt<'a> = &'a mut dyn FnMut() -> [u8; 16];

impl Payload {
    /// Seals a detection.
    pub(crate) fn of_detection(
        detected: Detected,
        facts: &Facts,
        told: Told,
        salt: Salt<'_>,
    ) -> Result<Self, postcard::Error> {
        let public = PublicSession {
            address: facts.address,
            time: told.time,
            tolerance_s: told.tolerance_s,
            helo: facts.helo,
            detectors: facts.rules.iter().map(|r| r.detector.clone()).collect(),
        };
        let Detected { address, port, at, sensor, rules, traps, helo, session, .. } = detected;
        let said = rules.iter().filter(|r| !r.owner.is_empty());
        let seen = said.map(|r| r.owner.clone()).collect();
        let owner = OwnerEvidence { at, address, port, helo, seen };
        let seen =
            rules.into_iter().map(|r| (r.detector, r.version, r.class, r.operator)).collect();
        let evidence = Some(OperatorEvidence { at, sensor, traps, seen, session });
        let operator = OperatorText { event: Event::Detected(facts.clone()), evidence };
        let bytes = [
            postcard::to_allocvec(&public)?,
            postcard::to_allocvec(&owner)?,
            postcard::to_allocvec(&operator)?,
        ];
        Ok(Self { texts: bytes.map(|bytes| Text { salt: salt(), bytes }).into() })
    }

    /// Seals any other event.
    pub(crate) fn of_event(event: &Event, salt: Salt<'_>) -> Result<Self, postcard::Error> {
        let text = OperatorText { event: event.clone(), evidence: None };
        Ok(Self { texts: vec![Text { salt: salt(), bytes: postcard::to_allocvec(&text)? }] })
    }

    /// What the chain holds of it.
    pub fn commitments(&self) -> Vec<Hash> {
        let commit = |text: &Text| {
            let mut hash = Sha256::new();
            hash.update(text.salt);
            hash.update(&text.bytes);
            hash.finalize().into()
        };
        self.texts.iter().map(commit).collect()
    }

    /// The salt and the bytes of what the public may see of a detection: their hash, one after the other, is
    /// the first commitment.
    pub fn public_text(&self) -> Option<(&[u8], &[u8])> {
        let [public, _, _] = self.texts.as_slice() else { return None };
        Some((&public.salt, &public.bytes))
    }

    /// The event.
    pub fn event(&self) -> Option<Event> {
        self.operator_text().map(|text| text.event)
    }

    /// What the public may see, of a detection.
    pub fn public(&self) -> Option<PublicSession> {
        let [public, _, _] = self.texts.as_slice() else { return None };
        postcard::from_bytes(&public.bytes).ok()
    }

    /// What the owner may see, of a detection.
    pub fn owner(&self) -> Option<OwnerEvidence> {
        let [_, owner, _] = self.texts.as_slice() else { return None };
        postcard::from_bytes(&owner.bytes).ok()
    }

    /// What the operator may see, of a detection.
    pub fn operator(&self) -> Option<OperatorEvidence> {
        self.operator_text()?.evidence
    }

    fn operator_text(&self) -> Option<OperatorText> {
        postcard::from_bytes(&self.texts.last()?.bytes).ok()
    }
}

/// What the fold needs of a report. Traps are told apart by a hash under the list's key.
pub(crate) fn facts(detected: &Detected, trap: impl Fn(&str) -> u64) -> Facts {
    let rule = |r: &crate::Rule| RuleFacts {
        detector: r.detector.clone(),
        version: r.version,
        class: r.class,
        family: r.family.clone(),
    };
    Facts {
        address: detected.address,
        at: detected.at,
        arrived: detected.arrived,
        sensor: detected.sensor.clone(),
        rules: detected.rules.iter().map(rule).collect(),
        traps: detected.traps.iter().map(|(recipient, kind)| (*kind, trap(recipient))).collect(),
        helo: detected.helo_class,
        key: detected.key,
        dialect: detected.dialect,
    }
}

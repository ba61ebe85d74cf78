//! Where sessions are judged: a sighting in, what the ledger is told of it out.
//!
//! A session in which nothing was seen and no trap was hit is not reported: the list keeps no record
//! of who merely came by. That a trap was hit is told apart from the rules: it is a weight of the
//! policy's, and a rule's name is public, a trap is not.

use super::config::Detect;
use heloscope_detect::{Covers, Detection, Dialect, Dialects, Surroundings, judge_sighting};
use heloscope_ledger::policy::TRAP_FAMILY;
use heloscope_ledger::{Detected, HeloClass, Rule};
use heloscope_model::{Sighting, Time};
use sha2::{Digest, Sha256};

/// The judge of one process.
pub(crate) struct Station {
    off: Vec<String>,
    shadow: Vec<String>,
}

impl Station {
    pub(crate) fn new(detect: &Detect) -> Self {
        Self { off: detect.off.clone(), shadow: detect.shadow.clone() }
    }

    /// What the ledger is to know, if anything.
    pub(crate) fn judge(&self, sighting: &Sighting, arrived: Time) -> Option<Detected> {
        let session = &sighting.session;
        let (around, dialects) = (Surroundings::default(), Dialects::default());
        let mut detections = judge_sighting(sighting, &around, &dialects);
        detections.retain(|d| !self.off.iter().any(|off| off == d.detector));
        let line =
            serde_json::to_string(&heloscope_model::session::json::line(session, &detections))
                .unwrap_or_default();
        for silent in detections.iter().filter(|d| self.is_shadowed(d)) {
            tracing::info!(detector = silent.detector, client = %session.client, "seen in the shadow");
        }
        detections.retain(|d| !self.is_shadowed(d));
        if detections.is_empty() && sighting.traps.is_empty() {
            return None;
        }
        let helo = session.helo().map(|(_, argument)| argument);
        let speaker = Covers::of(session);
        let stack = speaker.stack.as_deref().unwrap_or_default();
        Some(Detected {
            address: session.client.ip(),
            port: session.client.port(),
            at: session.end,
            arrived,
            sensor: sighting.sensor.clone(),
            rules: detections.into_iter().filter(|d| d.family != TRAP_FAMILY).map(rule).collect(),
            traps: sighting
                .traps
                .iter()
                .map(|hit| (hit.recipient.text().0.into_owned(), hit.kind))
                .collect(),
            helo_class: HeloClass::of(helo.as_ref().map(|h| h.as_bytes())),
            key: hash(&[&speaker.helo, &speaker.manner, stack]),
            dialect: hash(&[&Dialect::of(session).to_string()]),
            helo: helo.map(|h| printable(&h.text().0)),
            session: line,
        })
    }

    fn is_shadowed(&self, detection: &Detection) -> bool {
        self.shadow.iter().any(|id| id == detection.detector)
    }
}

fn rule(detection: Detection) -> Rule {
    Rule {
        detector: detection.detector.to_owned(),
        version: detection.version,
        class: detection.class,
        family: detection.family.to_owned(),
        owner: detection.owner.as_str().to_owned(),
        operator: detection.operator.as_str().to_owned(),
    }
}

/// A stranger's words without what would move a reader's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The same parts give the same number, on every machine and in every version.
fn hash(parts: &[&str]) -> u64 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let bytes: [u8; 32] = digest.finalize().into();
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;

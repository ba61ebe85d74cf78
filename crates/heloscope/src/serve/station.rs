//! Where sessions are judged: a sighting in, what the ledger is told of it out.
//!
//! A session in which nothing was seen and no trap was hit is not reported: the list keeps no record
//! of who merely came by. What the owner is told names nobody that the session wrote to: a detector's
//! sentence that does is withheld from him, because one of them may be a trap.

use super::config::Detect;
use heloscope_detect::{Detection, dialect, judge};
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
        let mut detections = judge(session);
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
        let hidden = envelope(sighting);
        let helo = session.helo().map(|(_, argument)| argument);
        let dialect = dialect(session);
        let stack = session.syn.as_ref().map(|syn| {
            format!("{} {:?} {:?} {:?}", syn.window, syn.mss, syn.scale, syn.options.as_bytes())
        });
        let said = helo.as_ref().map(|h| h.as_bytes()).unwrap_or_default();
        Some(Detected {
            address: session.client.ip(),
            port: session.client.port(),
            at: session.end,
            arrived,
            sensor: sighting.sensor.clone(),
            rules: detections.into_iter().map(|d| rule(d, &hidden)).collect(),
            traps: sighting
                .traps
                .iter()
                .map(|hit| (hit.recipient.text().0.into_owned(), hit.kind))
                .collect(),
            helo_class: HeloClass::of(helo.as_ref().map(|h| h.as_bytes())),
            key: hash(&[said, dialect.as_bytes(), stack.unwrap_or_default().as_bytes()]),
            dialect: hash(&[dialect.as_bytes()]),
            helo: helo.map(|h| printable(&h.text().0)),
            session: line,
        })
    }

    fn is_shadowed(&self, detection: &Detection) -> bool {
        self.shadow.iter().any(|id| id == detection.detector)
    }
}

fn rule(detection: Detection, hidden: &[String]) -> Rule {
    let lower = detection.evidence.to_lowercase();
    let names = hidden.iter().any(|address| lower.contains(address.as_str()));
    Rule {
        detector: detection.detector.to_owned(),
        version: detection.version,
        class: detection.class,
        family: detection.family.to_owned(),
        owner: match names {
            true => "what it said names an address, which is not shown".to_owned(),
            false => detection.evidence.clone(),
        },
        operator: detection.evidence,
    }
}

/// The addresses of the envelope and the traps, in lower case.
fn envelope(sighting: &Sighting) -> Vec<String> {
    let session = &sighting.session;
    let tried = session.mail_from().into_iter().chain(session.rcpt_to());
    let traps = sighting.traps.iter().map(|hit| hit.recipient.clone());
    let texts = tried.chain(traps).map(|address| address.text().0.to_lowercase());
    texts.filter(|address| !address.is_empty()).collect()
}

/// A stranger's words without what would move a reader's cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The same parts give the same number, on every machine and in every version.
fn hash(parts: &[&[u8]]) -> u64 {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let bytes: [u8; 32] = digest.finalize().into();
    bytes.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;

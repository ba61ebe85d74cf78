//! Where sessions are judged: a sighting in, what the ledger is told of it out.
//!
//! A session in which nothing was seen and no trap was hit is not reported: the ledger has no record
//! of who merely came by, only the address's history has, for a month. That a trap was hit is told apart from the rules: it is a weight of the
//! policy's, and a rule's name is public, a trap is not.

use super::config::Detect;
use super::histories::{Histories, Memory};
use super::origin;
use anyhow::{Context, Result};
use heloscope_detect::panel::{Mode, Pause, PauseCause};
use heloscope_detect::{Covers, Detection, Dialect, Dialects, Panel, Surroundings, judge_sighting};
use heloscope_ledger::policy::TRAP_FAMILY;
use heloscope_ledger::{Detected, HeloClass, Rule};
use heloscope_model::{Sighting, Time};
use ipnet::IpNet;
use sha2::{Digest, Sha256};

/// The judge of one process.
pub(crate) struct Station {
    dialects: Dialects,
    panel: Panel,
    canaries: Vec<IpNet>,
    /// What is remembered of each address.
    pub(crate) histories: Histories,
}

/// What comes of one session.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Judged {
    /// What the ledger is to know, if anything.
    pub(crate) detected: Option<Detected>,
    /// Detectors that stopped counting with it, and why, for the ledger to keep.
    pub(crate) paused: Vec<(String, String)>,
}

impl Station {
    pub(crate) fn new(detect: &Detect, dialects: Dialects, histories: Histories) -> Result<Self> {
        let mut panel = Panel::default();
        for (ids, mode) in [(&detect.shadow, Mode::Shadow), (&detect.off, Mode::Off)] {
            for id in ids {
                panel.switch(id, mode).context("[detect]")?;
            }
        }
        Ok(Self { dialects, panel, canaries: detect.canaries.clone(), histories })
    }

    /// Follows what the ledger keeps of pauses: the operator's word, also from before a restart.
    pub(crate) fn follow(&mut self, paused: &[(String, String)]) {
        for detector in heloscope_detect::CATALOGUE {
            let kept = paused.iter().any(|(id, _)| id == detector.id);
            match (kept, self.panel.pause(detector.id).is_some()) {
                (true, false) => self.panel.restore(Pause {
                    detector: detector.id,
                    at: Time::from_secs(0),
                    cause: PauseCause::Operator,
                }),
                // The catalogue's own id is known.
                (false, true) => drop(self.panel.resume(detector.id)),
                _ => {}
            }
        }
    }

    /// Judges a session and remembers it.
    pub(crate) fn judge(
        &mut self,
        sighting: &Sighting,
        mut around: Surroundings,
        arrived: Time,
    ) -> Judged {
        let session = &sighting.session;
        let Memory { history, reported } = self.histories.of(session.client.ip());
        around.history = history;
        let detections = judge_sighting(sighting, &around, &self.dialects);
        let line =
            serde_json::to_string(&heloscope_model::session::json::line(session, &detections))
                .unwrap_or_default();
        let origin = origin::of(session.client.ip(), &around, &self.canaries);
        let ruled = self.panel.rule(session.end, origin, detections);
        for silent in &ruled.shadowed {
            tracing::info!(detector = silent.detector, client = %session.client, "seen in the shadow");
        }
        let detected = detected(sighting, ruled.counted, reported, line, arrived);
        self.histories.note(sighting, detected.is_some());
        let why = |pause: &Pause| (pause.detector.to_owned(), pause.cause.to_string());
        Judged { detected, paused: ruled.paused.iter().map(why).collect() }
    }
}

/// What the ledger is told: nothing of who merely came by, and what speaks for an address only where something
/// spoke against it before.
fn detected(
    sighting: &Sighting,
    detections: Vec<Detection>,
    reported: bool,
    line: String,
    arrived: Time,
) -> Option<Detected> {
    let session = &sighting.session;
    let rules: Vec<Detection> =
        detections.into_iter().filter(|d| d.family != TRAP_FAMILY).collect();
    let accused = rules.iter().any(|d| d.class != 'X') || !sighting.traps.is_empty();
    if !accused && (rules.is_empty() || !reported) {
        return None;
    }
    let helo = session.helo().map(|(_, argument)| argument);
    let speaker = Covers::of(session);
    let stack = speaker.stack.as_deref().unwrap_or_default();
    let hits = sighting.traps.iter();
    Some(Detected {
        address: session.client.ip(),
        port: session.client.port(),
        at: session.end,
        arrived,
        sensor: sighting.sensor.clone(),
        rules: rules.into_iter().map(rule).collect(),
        traps: hits.map(|hit| (hit.recipient.text().0.into_owned(), hit.kind)).collect(),
        helo_class: HeloClass::of(helo.as_ref().map(|h| h.as_bytes())),
        key: hash(&[&speaker.helo, &speaker.manner, stack]),
        dialect: hash(&[&Dialect::of(session).to_string()]),
        helo: helo.map(|h| printable(&h.text().0)),
        session: line,
    })
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
pub(crate) mod tests;

//! What the ledger is told of a session: the one way from `detect` to `ledger`, for `serve`, `feed` and
//! `bench/detect` alike.
//!
//! In: a session at a sensor, its detections, and whether anything spoke against its address before. Out: a
//! [`Detected`], or nothing of who merely came by. That a trap was hit is told apart from the rules: it is a
//! weight of the policy's, and a rule's name is public, a trap is not. Pure; who calls it keeps the history.

use heloscope_detect::{Covers, Detection, Dialect, Dialects, Surroundings, judge_sighting};
use heloscope_ledger::policy::TRAP_FAMILY;
use heloscope_ledger::{Detected, HeloClass, Rule};
use heloscope_model::{Session, Sighting, Time};
use sha2::{Digest, Sha256};

/// Which detectors judge, and what they know of dialects, where none pauses itself: `serve` has a
/// [`heloscope_detect::Panel`] instead.
#[derive(Clone, Debug, Default)]
pub struct Reporter {
    /// Detectors that do not run.
    pub off: Vec<String>,
    /// Detectors that run and count for nothing.
    pub shadow: Vec<String>,
    /// The known dialects.
    pub dialects: Dialects,
}

/// What was made of one session.
#[derive(Clone, Debug)]
pub struct Reported {
    /// What counts.
    pub counted: Vec<Detection>,
    /// What the ledger is to know, if anything.
    pub told: Option<Detected>,
}

impl Reporter {
    /// Judges one session, which arrived here at that time; `reported` where something spoke against its
    /// address before.
    pub fn judge(
        &self,
        sighting: &Sighting,
        around: &Surroundings,
        reported: bool,
        arrived: Time,
    ) -> Reported {
        let mut detections = judge_sighting(sighting, around, &self.dialects);
        detections.retain(|d| !self.off.iter().any(|off| off == d.detector));
        let line = line(&sighting.session, &detections);
        detections.retain(|d| !self.shadow.iter().any(|shadow| shadow == d.detector));
        let told = detected(sighting, detections.clone(), reported, line, arrived);
        Reported { counted: detections, told }
    }
}

/// The session and all its detections as `heloscope sessions` prints them.
pub fn line(session: &Session, detections: &[Detection]) -> String {
    serde_json::to_string(&heloscope_model::session::json::line(session, detections))
        .unwrap_or_default()
}

/// What the ledger is told: nothing of who merely came by, and what speaks for an address only where something
/// spoke against it before.
pub fn detected(
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

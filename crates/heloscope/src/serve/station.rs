//! Where sessions are judged: a sighting in, what the ledger is told of it out.
//!
//! A session in which nothing was seen and no trap was hit is not reported: the ledger has no record
//! of who merely came by, only the address's history has, for a month. That a trap was hit is told apart from the rules: it is a weight of the
//! policy's, and a rule's name is public, a trap is not.

use super::config::Detect;
use super::histories::{Histories, Memory};
use super::origin;
use anyhow::{Context, Result};
use heloscope::report;
use heloscope_detect::panel::{Mode, Pause, PauseCause};
use heloscope_detect::{Dialects, Panel, Surroundings, judge_sighting};
use heloscope_ledger::Detected;
use heloscope_model::{Sighting, Time};
use ipnet::IpNet;
use std::sync::Arc;

/// The judge of one process.
pub(crate) struct Station {
    dialects: Dialects,
    panel: Panel,
    canaries: Vec<IpNet>,
    histories: Arc<Histories>,
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
    pub(crate) fn new(
        detect: &Detect,
        dialects: Dialects,
        histories: Arc<Histories>,
    ) -> Result<Self> {
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
        let line = report::line(session, &detections);
        let origin = origin::of(session.client.ip(), &around, &self.canaries);
        let ruled = self.panel.rule(session.end, origin, detections);
        for silent in &ruled.shadowed {
            tracing::info!(detector = silent.detector, client = %session.client, "seen in the shadow");
        }
        let detected = report::detected(sighting, ruled.counted, reported, line, arrived);
        self.histories.note(sighting, detected.is_some());
        let why = |pause: &Pause| (pause.detector.to_owned(), pause.cause.to_string());
        Judged { detected, paused: ruled.paused.iter().map(why).collect() }
    }
}

#[cfg(test)]
pub(crate) mod tests;

//! The thread that judges: sessions and what surrounds them in, the ledger told, one sync of its disk for
//! all that waited together. A full disk ends nothing; a detector that pauses itself is said and recorded.

use super::clock;
use super::histories::Histories;
use super::station::Station;
use super::surroundings::Surrounded;
use anyhow::{Context, Result};
use heloscope_ledger::{Detected, Ledger};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Sessions judged and recorded together: one sync of the disk for all of them.
const BATCH: usize = 256;
/// How often addresses' histories are written for the next run.
const REMEMBER_S: f64 = 600.0;
/// How long a ledger that cannot write is left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// Who judges.
pub(crate) struct Judge {
    ledger: Ledger,
    station: Station,
    histories: Arc<Histories>,
    /// Pauses that the ledger could not write yet.
    pauses: Vec<(String, String)>,
}

impl Judge {
    pub(crate) fn new(ledger: Ledger, station: Station, histories: Arc<Histories>) -> Self {
        Self { ledger, station, histories, pauses: Vec::new() }
    }

    /// Judges what sensors saw until they are gone. While the disk is full it tries
    /// again, what comes waits in the sink, and when that is full the trap refuses new work with 421.
    pub(crate) fn sit(
        &mut self,
        stop: &CancellationToken,
        mut sightings: mpsc::Receiver<Surrounded>,
    ) -> Result<()> {
        let (mut batch, mut saved) = (Vec::with_capacity(BATCH), clock::now());
        while sightings.blocking_recv_many(&mut batch, BATCH) > 0 {
            let mut paused = self.ledger.paused();
            paused.extend_from_slice(&self.pauses);
            self.station.follow(&paused);
            let mut judged = Vec::with_capacity(batch.len());
            for (sighting, around) in batch.drain(..) {
                let one = self.station.judge(&sighting, around, clock::now());
                judged.extend(one.detected);
                for (detector, why) in one.paused {
                    tracing::error!("{detector} has paused itself: {why}");
                    self.pauses.push((detector, why));
                }
            }
            self.record(stop, judged)?;
            let ledger = &self.ledger;
            self.pauses.retain(|(id, why)| ledger.pause(id, why, clock::now()).is_err());
            if clock::now().since(saved) >= REMEMBER_S {
                self.save();
                saved = clock::now();
            }
        }
        self.save();
        Ok(())
    }

    fn record(&self, stop: &CancellationToken, mut judged: Vec<Detected>) -> Result<()> {
        let mut said = false;
        while let Err(error) = self.ledger.detected_all(&mut judged) {
            if stop.is_cancelled() || matches!(error, heloscope_ledger::Error::Stopped(_)) {
                let lost = judged.len();
                return Err(error).context(format!("{lost} sessions could not be recorded"));
            }
            if !std::mem::replace(&mut said, true) {
                tracing::error!(
                    "{error}: {} sessions wait, what is listed is still published",
                    judged.len()
                );
            }
            std::thread::sleep(AGAIN);
        }
        Ok(())
    }

    /// Histories only support a judgement: a disk that is full now costs them nothing but a later try.
    fn save(&self) {
        if let Err(error) = self.histories.save(clock::now()) {
            tracing::warn!("{error:#}: addresses' histories are kept in memory until it works");
        }
    }
}

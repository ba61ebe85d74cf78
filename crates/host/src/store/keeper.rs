//! What is noted -> the store, a second's lines at a time, through a disk that fills.
//!
//! ```text
//!  good --append fails--> away: lines wait, the oldest go when too many --opened again, a second later--> good, "lost" noted
//! ```
//!
//! The first failure is told to the caller, and when it is over; in between the record is tried again each second.

use super::{Retention, Store, StoreError, line};
use crate::Noted;
use heloscope_model::Time;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Seconds that lines are gathered, and that a disk is left alone after it refused.
const GATHERED: f64 = 1.0;
/// Bytes that are kept at once, and that wait at most.
const BATCH: usize = 1 << 20;
const WAITING: usize = 8 << 20;

/// Keeps what is noted.
#[derive(Debug)]
pub struct Keeper {
    folder: PathBuf,
    retention: Retention,
    /// None while the disk refuses.
    store: Option<Store>,
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    /// When it was last tried.
    tried: Time,
    /// Lines that went, and since when.
    lost: Option<(u64, Time)>,
    said: bool,
}

/// What the caller is to say aloud.
#[derive(Debug)]
pub enum Kept {
    /// As it should be.
    Well,
    /// The record can no longer be written; said once.
    Away(StoreError),
    /// It can again; so many lines went meanwhile.
    Again(u64),
}

impl Keeper {
    /// Opens the record, or begins one.
    pub fn open(folder: &Path, retention: Retention, now: Time) -> Result<Self, StoreError> {
        Ok(Self {
            store: Some(Store::open(folder, retention)?),
            folder: folder.to_owned(),
            retention,
            waiting: VecDeque::new(),
            bytes: 0,
            tried: now,
            lost: None,
            said: false,
        })
    }

    /// Takes what was noted; written when it is time, or much.
    pub fn take(&mut self, noted: &[Noted], now: Time) -> Kept {
        for line in noted.iter().filter_map(line) {
            self.bytes += line.len();
            self.waiting.push_back(line);
        }
        let since = now.since(self.tried);
        let due = !(0.0..GATHERED).contains(&since);
        if !due && (self.bytes < BATCH || self.store.is_none()) {
            self.bound(now);
            return Kept::Well;
        }
        self.flush(now)
    }

    /// Writes what waits.
    pub fn flush(&mut self, now: Time) -> Kept {
        self.tried = now;
        match self.write(now) {
            Ok(()) if std::mem::take(&mut self.said) => {
                let lost = self.lost.take().map_or(0, |(lines, _)| lines);
                Kept::Again(lost)
            }
            Ok(()) => Kept::Well,
            Err(error) => {
                // A journal that failed once takes no more; what was acknowledged is found again.
                self.store = None;
                self.bound(now);
                match std::mem::replace(&mut self.said, true) {
                    false => Kept::Away(error),
                    true => Kept::Well,
                }
            }
        }
    }

    fn write(&mut self, now: Time) -> Result<(), StoreError> {
        let store = match &mut self.store {
            Some(store) => store,
            None => self.store.insert(Store::open(&self.folder, self.retention)?),
        };
        let mut lines = Vec::from(std::mem::take(&mut self.waiting));
        if let Some((events, since)) = self.lost {
            lines.splice(0..0, line(&Noted::Lost { events, since, time: now }));
        }
        if let Err(error) = store.append_lines(&lines, now) {
            if self.lost.is_some() {
                lines.drain(..1);
            }
            self.waiting = lines.into();
            return Err(error);
        }
        self.bytes = 0;
        Ok(())
    }

    /// The oldest go when too many wait.
    fn bound(&mut self, now: Time) {
        while self.bytes > WAITING
            && let Some(line) = self.waiting.pop_front()
        {
            self.bytes -= line.len();
            self.lost.get_or_insert((0, now)).0 += 1;
        }
    }
}

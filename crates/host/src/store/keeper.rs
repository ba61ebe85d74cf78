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
    waiting: Lines,
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
            waiting: Lines::default(),
            tried: now,
            lost: None,
            said: false,
        })
    }

    /// Takes what was noted; written when it is time, or much.
    pub fn take(&mut self, noted: &[Noted], now: Time) -> Kept {
        noted.iter().for_each(|noted| self.waiting.push(noted));
        let since = now.since(self.tried);
        let due = !(0.0..GATHERED).contains(&since);
        if !due && (self.waiting.bytes() < BATCH || self.store.is_none()) {
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
        let lost = self.lost.map(|(events, since)| Noted::Lost { events, since, time: now });
        let lost = lost.as_ref().and_then(line);
        let lines: Vec<&[u8]> = lost.as_deref().into_iter().chain(self.waiting.all()).collect();
        store.append_lines(&lines, now)?;
        self.waiting.clear();
        Ok(())
    }

    /// The oldest go when too many wait.
    fn bound(&mut self, now: Time) {
        while self.waiting.bytes() > WAITING && self.waiting.forget_oldest() {
            self.lost.get_or_insert((0, now)).0 += 1;
        }
    }
}

/// Lines behind one another in one piece of memory: a piece for each costs more than what is written in it.
#[derive(Debug, Default)]
struct Lines {
    bytes: Vec<u8>,
    /// Where those before it end that are forgotten.
    begin: usize,
    ends: VecDeque<usize>,
}

impl Lines {
    fn push(&mut self, noted: &Noted) {
        let before = self.bytes.len();
        if serde_json::to_writer(&mut self.bytes, noted).is_err() {
            // A value of plain fields always has its JSON.
            self.bytes.truncate(before);
            return;
        }
        self.bytes.push(b'\n');
        self.ends.push_back(self.bytes.len());
    }

    fn bytes(&self) -> usize {
        self.bytes.len() - self.begin
    }

    fn all(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(self.begin).chain(self.ends.iter().copied());
        begins.zip(&self.ends).filter_map(|(begin, end)| self.bytes.get(begin..*end))
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(end) = self.ends.pop_front() else { return false };
        self.begin = end;
        if self.begin > self.bytes.len() / 2 {
            self.bytes.drain(..self.begin);
            self.ends.iter_mut().for_each(|end| *end -= self.begin);
            self.begin = 0;
        }
        true
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.begin = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_go_and_the_others_stay_whole() {
        let noted = |n| Noted::Stopped { time: Time::from_secs(n) };
        let mut lines = Lines::default();
        (0..100).for_each(|n| lines.push(&noted(n)));
        let each = lines.bytes() / 100;
        for _ in 0..90 {
            assert!(lines.forget_oldest());
        }
        assert_eq!(lines.bytes(), 10 * each);
        lines.push(&noted(100));
        let wanted: Vec<_> = (90..=100).filter_map(|n| line(&noted(n))).collect();
        assert_eq!(lines.all().collect::<Vec<_>>(), wanted);
        lines.clear();
        assert!(!lines.forget_oldest() && lines.all().next().is_none());
    }
}

//! When a log has lines: first, last, stretches without one, steps back. Parts add up exactly.

use heloscope_model::Time;

/// A pause shorter than this is never a gap.
const SHORTEST_GAP: i64 = 3600;
/// Longest pauses kept.
const KEPT: usize = 64;
/// A step back by less is the jitter of several writers.
const JITTER: i64 = 60;

/// What is known of a log's stamps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stretches {
    first: Option<Time>,
    last: Option<Time>,
    opening: Option<Time>,
    latest: Option<Time>,
    latest_secs: i64,
    backwards: u64,
    /// How many pauses were of 2^n seconds.
    pauses: [u64; 32],
    longest: Vec<(i64, Time, Time)>,
}

impl Stretches {
    /// The next line's stamp.
    #[inline]
    pub(crate) fn see(&mut self, time: Time) {
        if self.latest == Some(time) {
            return;
        }
        self.step(time);
    }

    fn step(&mut self, time: Time) {
        let secs = time.secs();
        match self.latest {
            None => {
                self.opening = Some(time);
                self.first = Some(time);
                self.last = Some(time);
            }
            Some(before) => {
                self.first = self.first.min(Some(time));
                self.last = self.last.max(Some(time));
                let pause = secs - self.latest_secs;
                if pause < -JITTER {
                    self.backwards += 1;
                } else if pause > 0 {
                    self.pause(pause, before, time);
                }
            }
        }
        self.latest = Some(time);
        self.latest_secs = secs;
    }

    fn pause(&mut self, secs: i64, from: Time, to: Time) {
        let size = 63 - secs.leading_zeros() as usize;
        if let Some(count) = self.pauses.get_mut(size) {
            *count += 1;
        }
        if secs >= SHORTEST_GAP {
            self.keep((secs, from, to));
        }
    }

    fn keep(&mut self, pause: (i64, Time, Time)) {
        let at = self.longest.partition_point(|p| (p.0, pause.1) > (pause.0, p.1));
        self.longest.insert(at, pause);
        self.longest.truncate(KEPT);
    }

    /// Adds a later part of the log.
    pub(crate) fn add(&mut self, later: Stretches) {
        let Some(opening) = later.opening else { return };
        if self.latest.is_none() {
            *self = later;
            return;
        }
        self.see(opening);
        self.first = self.first.min(later.first);
        self.last = self.last.max(later.last);
        self.latest = later.latest;
        self.latest_secs = later.latest_secs;
        self.backwards += later.backwards;
        for (sum, n) in self.pauses.iter_mut().zip(later.pauses) {
            *sum += n;
        }
        for pause in later.longest {
            self.keep(pause);
        }
    }

    /// Earliest stamp.
    pub(crate) fn first(&self) -> Option<Time> {
        self.first
    }

    /// Latest stamp.
    pub(crate) fn last(&self) -> Option<Time> {
        self.last
    }

    /// Times the stamps stepped back.
    pub(crate) fn backwards(&self) -> u64 {
        self.backwards
    }

    /// Pauses of an hour or more that are four times as long as all but one in a thousand, in
    /// order of time.
    pub(crate) fn gaps(&self) -> Vec<(Time, Time)> {
        let all: u64 = self.pauses.iter().sum();
        let mut rare = all / 1000 + 1;
        let mut usual = 0;
        for (size, &count) in self.pauses.iter().enumerate().rev() {
            if count >= rare {
                usual = size;
                break;
            }
            rare -= count;
        }
        let usual = 1i64 << (usual + 1);
        let mut gaps: Vec<_> = self
            .longest
            .iter()
            .filter(|(secs, ..)| *secs >= usual.saturating_mul(4))
            .map(|&(_, from, to)| (from, to))
            .collect();
        gaps.sort();
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(of: impl Iterator<Item = i64>) -> Stretches {
        let mut seen = Stretches::default();
        of.for_each(|m| seen.see(Time::from_secs(m * 60)));
        seen
    }

    #[test]
    fn a_pause_far_longer_than_usual_is_a_gap() {
        let seen = minutes((0..3000).chain(3600..6000));
        assert_eq!(seen.gaps(), [(Time::from_secs(2999 * 60), Time::from_secs(3600 * 60))]);
        let sparse = minutes((0..200).map(|n| n * 700));
        assert!(sparse.gaps().is_empty(), "a log that pauses for half a day as a rule");
    }

    #[test]
    fn parts_add_up() {
        let whole = minutes((0..30).chain(300..330).chain(100..130));
        let mut parts = minutes(0..30);
        parts.add(Stretches::default());
        parts.add(minutes(300..330));
        parts.add(minutes(100..130));
        assert_eq!(format!("{whole:?}"), format!("{parts:?}"));
        assert_eq!(whole.backwards(), 1);
    }
}

//! The instants that need explaining: starts of sessions without a line, and mails that local
//! programs handed in. Web requests are held against them.

use heloscope_model::Time;

/// Instants kept; with more of them, chance alone would make every request near to one.
const KEPT: usize = 50_000;

/// Sorted instants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instants {
    /// When, and whether it is a session (else a local mail).
    sorted: Vec<(Time, bool)>,
}

impl Instants {
    pub(crate) fn new(
        sessions: impl Iterator<Item = Time>,
        mails: impl Iterator<Item = Time>,
    ) -> Self {
        let mut sorted: Vec<_> =
            sessions.map(|t| (t, true)).chain(mails.map(|t| (t, false))).take(KEPT).collect();
        sorted.sort_unstable();
        Self { sorted }
    }

    /// Indexes of the instants within so many seconds of another.
    pub(crate) fn near(&self, at: Time, secs: f64) -> std::ops::Range<usize> {
        let from = self.sorted.partition_point(|(t, _)| *t < at.plus_secs(-secs));
        let to = self.sorted.partition_point(|(t, _)| *t <= at.plus_secs(secs));
        from..to.max(from)
    }

    /// One instant.
    pub(crate) fn get(&self, index: usize) -> Option<(Time, bool)> {
        self.sorted.get(index).copied()
    }

    /// How many are sessions (or else mails).
    pub(crate) fn count(&self, sessions: bool) -> usize {
        self.sorted.iter().filter(|(_, s)| *s == sessions).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_includes_both_edges() {
        let at = |s| Time::from_secs(s);
        let instants = Instants::new([at(10), at(20), at(30)].into_iter(), std::iter::empty());
        assert_eq!(instants.near(at(20), 10.0), 0..3);
        assert_eq!(instants.near(at(20), 9.0), 1..2);
        assert_eq!(instants.near(at(100), 5.0), 3..3);
    }
}

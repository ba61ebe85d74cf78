//! The instants that need explaining: starts of sessions without a line, and mails that local
//! programs handed in. Web requests are held against them.

use heloscope_model::Time;

/// Instants kept; with more of them, chance alone would make every request near to one.
const KEPT: usize = 50_000;

/// Sorted instants.
#[derive(Clone, Debug, Default)]
pub(crate) struct Instants {
    sorted: Vec<(Time, Instant, u32)>,
}

/// What happened then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Instant {
    /// A session without a line began.
    Session,
    /// A program of this user id handed in a mail.
    Mail(u32),
    /// A process that holds connections to mail servers, or lies oddly, was started.
    Started(u32),
}

impl Instants {
    pub(crate) fn new(
        sessions: impl Iterator<Item = Time>,
        mails: impl Iterator<Item = (Time, u32, u32)>,
        starts: impl Iterator<Item = (Time, u32)>,
    ) -> Self {
        let mut sorted: Vec<_> = sessions
            .map(|t| (t, Instant::Session, 1))
            .chain(starts.map(|(t, pid)| (t, Instant::Started(pid), 1)))
            .chain(mails.map(|(t, uid, people)| (t, Instant::Mail(uid), people)))
            .take(KEPT)
            .collect();
        sorted.sort_unstable();
        Self { sorted }
    }

    /// Indexes of the instants within so many seconds of another.
    pub(crate) fn near(&self, at: Time, secs: f64) -> std::ops::Range<usize> {
        let from = self.sorted.partition_point(|(t, ..)| *t < at.plus_secs(-secs));
        let to = self.sorted.partition_point(|(t, ..)| *t <= at.plus_secs(secs));
        from..to.max(from)
    }

    /// What happened at one of them.
    pub(crate) fn what(&self, index: usize) -> Option<Instant> {
        self.sorted.get(index).map(|(_, what, _)| *what)
    }

    /// When one of them happened.
    pub(crate) fn at(&self, index: usize) -> Option<Time> {
        self.sorted.get(index).map(|(at, ..)| *at)
    }

    /// To how many people elsewhere the mail of one of them went; 1 for what is no mail.
    pub(crate) fn people(&self, index: usize) -> u32 {
        self.sorted.get(index).map_or(0, |(.., people)| *people)
    }

    /// When those of one kind happened.
    pub(crate) fn times(&self, what: Instant) -> impl Iterator<Item = Time> + '_ {
        self.sorted.iter().filter(move |(_, w, _)| *w == what).map(|(t, ..)| *t)
    }

    /// How many of one kind.
    pub(crate) fn count(&self, what: Instant) -> usize {
        self.sorted.iter().filter(|(_, w, _)| *w == what).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_includes_both_edges() {
        let at = |s| Time::from_secs(s);
        let instants = Instants::new(
            [at(10), at(20), at(30)].into_iter(),
            std::iter::empty(),
            std::iter::empty(),
        );
        assert_eq!(instants.near(at(20), 10.0), 0..3);
        assert_eq!(instants.near(at(20), 9.0), 1..2);
        assert_eq!(instants.near(at(100), 5.0), 3..3);
    }
}

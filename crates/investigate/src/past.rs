//! The sessions past the mail server, from its own machine: found once, weighed by every class that
//! explains them. Where the recorder saw who opened one, it is nobody else's.

use crate::case::{Case, frames};
use crate::process::ProcessRef;
use crate::seen::Seen;
use crate::weight::{About, Weighing};
use heloscope_model::{Time, Window};

/// They, and in which ways they are not the mail server's.
#[derive(Default)]
pub(crate) struct Past<'a> {
    pub(crate) sessions: Vec<&'a Seen>,
    /// Of each session, the first of its ways.
    ways: Vec<Option<String>>,
}

impl<'a> Past<'a> {
    pub(crate) fn new(found: Vec<(&'a Seen, Vec<String>)>) -> Self {
        let (sessions, ways) =
            found.into_iter().map(|(seen, ways)| (seen, ways.into_iter().next())).unzip();
        Self { sessions, ways }
    }

    /// Those that can be somebody's: the recorder saw him open them, or nobody saw who did.
    pub(crate) fn of(&self, is_his: impl Fn(&ProcessRef) -> bool) -> Self {
        let can_be = |seen: &Seen| {
            let noted = seen.process.as_ref().filter(|p| p.opener.is_some());
            noted.is_none_or(&is_his)
        };
        let ways = self.ways.iter().cloned();
        let (sessions, ways) =
            self.sessions.iter().copied().zip(ways).filter(|(seen, _)| can_be(seen)).unzip();
        Self { sessions, ways }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    pub(crate) fn first(&self) -> Option<Time> {
        self.sessions.iter().map(|s| s.start).min()
    }

    pub(crate) fn last(&self) -> Option<Time> {
        self.sessions.iter().map(|s| s.start).max()
    }

    /// The notices whose time holds one of them.
    pub(crate) fn notices(&self, case: &Case<'_>) -> Vec<usize> {
        let stretches: Vec<Window> = self.sessions.iter().map(|s| s.stretch()).collect();
        case.notices_of(&stretches)
    }

    /// That the mail server did not make them.
    pub(crate) fn not_the_mail_servers(&self, weighing: &mut Weighing) {
        if let Some(way) = self.ways.iter().flatten().next() {
            weighing.add(
                About::Culprit,
                2.0,
                format!("it is not the mail server: {way}"),
                frames(self.sessions.iter().copied()).into_iter().take(1),
            );
        }
    }
}

//! The sessions past the mail server, from its own machine: found once, weighed by every class that
//! explains them.

use crate::case::{Case, frames};
use crate::seen::Seen;
use crate::weight::{About, Weighing};
use heloscope_model::{Time, Window};

/// They, and in which ways they are not the mail server's.
#[derive(Default)]
pub(crate) struct Past<'a> {
    pub(crate) sessions: Vec<&'a Seen>,
    way: Option<String>,
}

impl<'a> Past<'a> {
    pub(crate) fn new(found: Vec<(&'a Seen, Vec<String>)>) -> Self {
        let way = found.iter().flat_map(|(_, ways)| ways).next().cloned();
        Self { sessions: found.into_iter().map(|(seen, _)| seen).collect(), way }
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
        if let Some(way) = &self.way {
            weighing.add(
                About::Culprit,
                2.0,
                format!("it is not the mail server: {way}"),
                frames(self.sessions.iter().copied()).into_iter().take(1),
            );
        }
    }
}

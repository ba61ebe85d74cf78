//! How things stand, as the page, the terminal and the metrics show it (`heloscope.watch/1`).

use crate::alert::{Alert, Rule, Summary};
use crate::event::QueueSize;
use crate::rates::Who;
use crate::rules::list_changed::Known;
use crate::session::Session;
use crate::settings::Settings;
use crate::shown::shown;
use crate::standing::Standing;
use heloscope_evidence::ListState;
use heloscope_model::Time;
use serde::Serialize;

/// Programs that are shown.
const MOST_PROGRAMS: usize = 30;

/// Everything that can be looked at.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Status {
    /// When it was so.
    pub time: Time,
    /// This host's name.
    pub host: String,
    /// The mail server of this host.
    pub mta: String,
    /// What cannot be seen, and what went wrong with saying.
    pub blind: Vec<String>,
    /// Alerts that are open, the newest first.
    pub open: Vec<Alert>,
    /// Alerts that are over, the newest first.
    pub closed: Vec<Alert>,
    /// The last connections, the newest first.
    pub sessions: Vec<Session>,
    /// Programs that connected to mail servers.
    pub programs: Vec<Program>,
    /// Who sent most in 24 hours.
    pub senders: Vec<Sender>,
    /// What the lists say.
    pub lists: Vec<Known>,
    /// The mails that wait.
    pub queue: Option<QueueSize>,
    /// Recipients of each of the last 24 hours.
    pub by_hour: Vec<u64>,
    /// The day so far.
    pub day: Summary,
    /// The stamp of the mail log's last line.
    pub last_line: Option<Time>,
    /// When the recorder last noted something.
    pub last_noted: Option<Time>,
    /// How many alerts each rule has raised.
    pub raised: Vec<(Rule, u64)>,
    /// Programs that the mail log proved to be the MTA's.
    pub learnt: Vec<(String, u32)>,
}

/// A program that connected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Program {
    /// The script or file.
    pub what: String,
    /// Its user.
    pub uid: u32,
    /// How it stands to the MTA.
    pub standing: Standing,
    /// Connections.
    pub connections: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// The first.
    pub first: Time,
    /// The last.
    pub last: Time,
}

impl Program {
    pub(crate) fn new(session: &Session) -> Self {
        Self {
            what: session.culprit(),
            uid: session.uid,
            standing: session.standing.clone(),
            connections: 0,
            bytes: 0,
            first: session.start,
            last: session.start,
        }
    }

    pub(crate) fn seen(&mut self, session: &Session) {
        // One that was waited for is judged a second time.
        if self.standing != Standing::Waiting || session.standing == Standing::Waiting {
            self.connections += 1;
        }
        self.standing = session.standing.clone();
        self.uid = session.uid;
        self.last = self.last.max(session.start);
    }
}

/// Who sends.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sender {
    /// For people.
    pub who: String,
    /// In 24 hours.
    pub sent: u64,
    /// The most of any day before.
    pub usual: u64,
}

impl Status {
    pub(crate) fn programs<'a>(
        all: impl Iterator<Item = (&'a String, &'a Program)>,
    ) -> Vec<Program> {
        let mut programs: Vec<_> = all.map(|(_, program)| program.clone()).collect();
        programs.sort_by(|a, b| {
            (b.standing.is_bad(), b.last, &a.what).cmp(&(a.standing.is_bad(), a.last, &b.what))
        });
        programs.truncate(MOST_PROGRAMS);
        programs
    }

    pub(crate) fn senders(most: &[(&Who, u64, u64)], settings: &Settings) -> Vec<Sender> {
        let words = |who: &Who| match who {
            Who::Uid(uid) => format!("user {}", settings.user(*uid)),
            who => who.words(),
        };
        most.iter()
            .map(|(who, sent, usual)| Sender { who: words(who), sent: *sent, usual: *usual })
            .collect()
    }

    pub(crate) fn lists_not_clean<'a>(lists: impl Iterator<Item = &'a Known>) -> Vec<String> {
        lists
            .filter(|known| known.last.state != ListState::Clean)
            .map(|known| {
                let last = &known.last;
                format!("{}: {} is {}", shown(&last.list), last.address, last.state.word())
            })
            .collect()
    }
}

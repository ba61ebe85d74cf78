//! Which deliveries went over TLS. Postfix logs `Untrusted TLS connection established to
//! h[ip]:25` without a queue id, from the process that then delivers: process and relay join it.
//!
//! The first mail a process delivers after such a line owns it; a further one does only over the
//! same, reused connection (`conn_use=`). A part of a log that meets a process for the first
//! time leaves the question to the whole ([`Mark::Open`]), which asks the same table in order.

use crate::queue_id::Key;
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// Processes remembered; pids come again, so forgetting all of them now and then does no harm.
const MOST_PROCESSES: usize = 65_536;

/// Connections by process.
pub(crate) struct Tls {
    /// `None`: known to have none.
    processes: HashMap<u64, Option<Connection>, FixedState>,
    part: Option<Part>,
}

/// What a part leaves open.
#[derive(Default)]
struct Part {
    questions: Vec<Question>,
    /// Of processes not seen to open a connection here: the mail of their first own connection.
    owners: HashMap<u64, Option<Key>, FixedState>,
}

#[derive(Clone, Copy)]
struct Connection {
    relay: u64,
    owner: Option<Key>,
}

#[derive(Clone, Copy)]
struct Question {
    process: u64,
    relay: u64,
    mail: Key,
    reused: bool,
}

/// An answer, or the number of an open question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Known(bool),
    Open(u32),
}

impl Tls {
    pub(crate) fn whole() -> Self {
        Self { processes: HashMap::default(), part: None }
    }

    pub(crate) fn part() -> Self {
        Self { processes: HashMap::default(), part: Some(Part::default()) }
    }

    /// A process set up TLS with a relay.
    pub(crate) fn opened(&mut self, process: u64, relay: u64) {
        self.processes.insert(process, Some(Connection { relay, owner: None }));
    }

    /// Whether a delivery went over TLS.
    pub(crate) fn delivered(&mut self, process: u64, relay: u64, mail: Key, reused: bool) -> Mark {
        match self.processes.get_mut(&process) {
            Some(Some(connection)) => {
                let owner = *connection.owner.get_or_insert(mail);
                if owner != mail && !reused {
                    self.processes.insert(process, None);
                    return Mark::Known(false);
                }
                Mark::Known(connection.relay == relay)
            }
            Some(None) => Mark::Known(false),
            None => match &mut self.part {
                None => Mark::Known(false),
                Some(part) => {
                    if !reused {
                        let owner = part.owners.entry(process).or_default();
                        if *owner.get_or_insert(mail) != mail {
                            self.processes.insert(process, None);
                            return Mark::Known(false);
                        }
                    }
                    part.questions.push(Question { process, relay, mail, reused });
                    Mark::Open(u32::try_from(part.questions.len() - 1).unwrap_or(u32::MAX))
                }
            },
        }
    }

    /// Answers a later part's questions in order and takes over what it knows.
    pub(crate) fn join(&mut self, later: Tls) -> Vec<bool> {
        let questions = later.part.map(|part| part.questions).unwrap_or_default();
        let answers = questions
            .iter()
            .map(|q| self.delivered(q.process, q.relay, q.mail, q.reused) == Mark::Known(true))
            .collect();
        for (process, known) in later.processes {
            match known {
                Some(_) => self.processes.insert(process, known),
                None => self.processes.remove(&process).flatten().map(Some),
            };
        }
        answers
    }

    /// Keeps the table small. Called between blocks.
    pub(crate) fn checkpoint(&mut self) {
        if self.processes.len() > MOST_PROCESSES {
            self.processes.clear();
        }
    }
}

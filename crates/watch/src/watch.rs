//! The core: events in, alerts out. No I/O, no clock, no randomness: the same events at the same times give the same
//! words. All that it remembers is bounded.
//!
//! ```text
//!  recorder ─> Session ─> standing ─┬─> rules ─> Book ─> Say
//!  mail log ─> mails ─> rates ──────┤
//!  queue, lists, HELOs ─────────────┘
//! ```

use crate::alert::{Rule, Say, Summary};
use crate::book::Book;
use crate::event::{Event, Heard, QueueSize, own_time};
use crate::mails::{Mails, Sent};
use crate::rates::{Rates, Who};
use crate::recent::Recent;
use crate::rules::{
    Desk, bounce_names_a_list, fix_undone, foreign_exe, foreign_helo, list_changed, past_the_mta,
    queue_growth, rate,
};
use crate::session::{Session, Sessions};
use crate::settings::Settings;
use crate::standing::{Learnt, Standing, judge};
use crate::status::{Program, Status};
use heloscope_host::forwarded::Passing;
use heloscope_host::{Connection, Noted};
use heloscope_maillog::live::{Entry, Said};
use heloscope_maillog::mail::Status as Outcome;
use heloscope_model::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Seconds in which a line of the mail log may explain a program that nobody knows.
const PATIENCE: f64 = 3.0;
/// Programs whose volumes are shown.
const MOST_PROGRAMS: usize = 500;

/// Everything that is known.
#[derive(Debug)]
pub struct Watch {
    settings: Settings,
    own: BTreeSet<IpAddr>,
    now: Time,
    sessions: Sessions,
    mails: Mails,
    programs: Recent<String, Program>,
    queue: Option<QueueSize>,
    last_line: Option<Time>,
    last_noted: Option<Time>,
    kept: Kept,
}

/// What outlives a restart.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    pub(crate) book: Book,
    rates: Rates,
    above: rate::Above,
    queue: queue_growth::Past,
    lists: list_changed::Lists,
    names: foreign_helo::Names,
    learnt: Learnt,
    day: Summary,
}

impl Watch {
    /// A host of which nothing is known yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            own: BTreeSet::new(),
            now: Time::default(),
            sessions: Sessions::default(),
            mails: Mails::default(),
            programs: Recent::of_most(MOST_PROGRAMS),
            queue: None,
            last_line: None,
            last_noted: None,
            kept: Kept::default(),
        }
    }

    /// With what an earlier run kept ([`Watch::keep`]); what cannot be read is begun anew, and said.
    pub fn with_kept(mut self, kept: &[u8]) -> (Self, Option<serde_json::Error>) {
        match serde_json::from_slice::<Kept>(kept) {
            Ok(kept) => {
                let Kept { rates, lists, .. } = kept;
                self.kept = Kept { rates: rates.bounded(), lists: lists.bounded(), ..kept };
                (self, None)
            }
            Err(error) => (self, Some(error)),
        }
    }

    /// What must outlive a restart, as bytes.
    pub fn keep(&self) -> Vec<u8> {
        // A value of plain fields always has its JSON.
        serde_json::to_vec(&self.kept).unwrap_or_default()
    }

    /// Takes what happened; what is to be said of it. `now` is when it became known, and never goes back.
    pub fn take(&mut self, now: Time, event: Event) -> Vec<Say> {
        self.now = self.now.max(now);
        let at = own_time(&event).unwrap_or(self.now).min(self.now);
        let mut summary = None;
        match event {
            Event::Noted(noted) => self.noted(noted),
            Event::Log(entry) => self.line(&entry, at),
            Event::Queue(size) => {
                self.queue = Some(size);
                let (mut desk, kept) = self.desk();
                queue_growth::counted(&mut desk, kept.queue, size);
            }
            Event::List(answer) => {
                let (mut desk, kept) = self.desk();
                list_changed::answered(&mut desk, kept.lists, answer);
            }
            Event::Heard(heard) => self.heard(&heard),
            Event::Addresses(own) => self.own = own,
            Event::SummaryDue => summary = Some(Say::Summary(self.day())),
            Event::Tick => self.tick(),
        }
        let mut said = self.kept.book.said();
        let raised = said.iter().filter(|say| matches!(say, Say::Raised(_))).count();
        self.kept.day.raised += raised as u64;
        said.extend(summary);
        said
    }

    fn desk(&mut self) -> (Desk<'_>, Rest<'_>) {
        let kept = &mut self.kept;
        let desk = Desk { settings: &self.settings, book: &mut kept.book, now: self.now };
        let rest = Rest {
            rates: &mut kept.rates,
            above: &mut kept.above,
            queue: &mut kept.queue,
            lists: &mut kept.lists,
            names: &mut kept.names,
        };
        (desk, rest)
    }

    /// A HELO was heard.
    fn heard(&mut self, heard: &Heard) {
        let meant = |s: &Session| s.client == Some(heard.client) && s.server == heard.server;
        let session = self.sessions.find(meant).map(|session| {
            session.helo = Some(heard.helo.clone());
            session.clone()
        });
        let (mut desk, kept) = self.desk();
        foreign_helo::heard(&mut desk, kept.names, heard, session.as_ref());
    }

    fn noted(&mut self, noted: Noted) {
        match noted {
            Noted::Connection(connection) => self.connection(*connection),
            Noted::Ended(ended) => {
                let found = self.sessions.find(|s| s.socket == ended.socket && s.end.is_none());
                if let Some(session) = found {
                    session.end = Some(ended.end);
                    session.sent = ended.sent;
                    if let Some(program) = self.programs.get_mut(&session.culprit()) {
                        program.bytes = program.bytes.saturating_add(ended.sent);
                    }
                    let session = session.clone();
                    self.over(&session);
                }
            }
            Noted::Passing { time, passing } => self.passing(time, &passing),
            Noted::Words(spoken) => {
                // The name behind its verb; what strangers say to the mail server here is theirs.
                let name = spoken.helo.as_deref().and_then(|said| said.split_once(' '));
                let (client, server) = (spoken.client, spoken.server);
                let is_ours = self
                    .sessions
                    .find(|s| s.client == Some(client) && s.server == server)
                    .is_some();
                if let Some((_, name)) = name.filter(|_| is_ours) {
                    self.heard(&Heard { client, server, helo: name.to_owned() });
                }
            }
            Noted::Lost { events, .. } => self.kept.day.lost += events,
            // When and how it was watched is for the record.
            Noted::Began { .. } | Noted::Watching { .. } | Noted::Stopped { .. } => {}
            // A router's own recorder; here connection tracking tells.
            Noted::Heard(_) | Noted::Lease(_) => {}
        }
        self.last_noted = Some(self.now);
    }

    fn connection(&mut self, connection: Connection) {
        let mut session = Session::new(connection);
        session.standing = judge(&session, &self.settings, &self.kept.learnt, &self.own);
        let (mut desk, _) = self.desk();
        fix_undone::session(&mut desk, &session);
        if session.standing == Standing::Local {
            // It went nowhere: the MTA of this host takes it, and its log tells the rest.
            return self.remember(session);
        }
        self.judged(&session);
        self.remember(session);
    }

    fn remember(&mut self, session: Session) {
        // One whose end was not seen in a thousand others is counted as it is.
        if let Some(oldest) = self.sessions.push(session).filter(|oldest| oldest.end.is_none()) {
            self.over(&oldest);
        }
    }

    /// A connection is over, and its standing is clear: past the MTA it counts as a recipient, if it may have brought a mail.
    fn over(&mut self, session: &Session) {
        if !session.standing.is_bad() || !session.may_have_mailed() {
            return;
        }
        let (mut desk, kept) = self.desk();
        for who in [Who::Script(session.culprit()), Who::Host] {
            let profile = kept.rates.add(&who, session.start.min(desk.now), 1);
            rate::sent(&mut desk, kept.above, &who, profile);
        }
    }

    /// A connection whose standing is clear, or is waited for.
    fn judged(&mut self, session: &Session) {
        let day = &mut self.kept.day;
        match &session.standing {
            Standing::Mta => day.by_the_mta += 1,
            Standing::Allowed(_) => day.allowed += 1,
            Standing::Foreign | Standing::Past => day.past_the_mta += 1,
            Standing::Local | Standing::Waiting => {}
        }
        let program = self.programs.entry(&session.culprit(), || Program::new(session));
        program.seen(session);
        if !session.standing.is_bad() {
            return;
        }
        let (mut desk, _) = self.desk();
        match session.standing {
            Standing::Foreign => foreign_exe::seen(&mut desk, session),
            _ => past_the_mta::seen(&mut desk, session),
        }
        if session.end.is_some() {
            self.over(session);
        }
    }

    fn passing(&mut self, time: Time, passing: &Passing) {
        self.kept.day.passing += 1;
        let (mut desk, _) = self.desk();
        past_the_mta::passing(&mut desk, time, passing);
        fix_undone::passing(&mut desk, time, passing);
    }

    fn line(&mut self, entry: &Entry, at: Time) {
        self.last_line = Some(entry.time);
        let sent = self.mails.line(entry, &self.own, self.settings.count_local);
        match &entry.said {
            Said::Taken { id, ip, account, .. } => {
                let id = id.as_ref().map_or_else(|| "without a queue id".into(), |id| id.text().0);
                let account = account.as_ref().map(|account| account.text().0);
                let (mut desk, _) = self.desk();
                fix_undone::taken(&mut desk, entry.time, &id, account.as_deref(), *ip);
            }
            Said::Delivered(delivered) => {
                let (mut desk, kept) = self.desk();
                bounce_names_a_list::refused(&mut desk, kept.names, entry.time, delivered);
                match delivered.status {
                    Outcome::Deferred => self.kept.day.deferred += 1,
                    Outcome::Bounced | Outcome::Expired => self.kept.day.bounced += 1,
                    Outcome::Sent | Outcome::Other => {}
                }
                let id = delivered.id.text().0.into_owned();
                self.explain(entry, delivered.relay_ip, delivered.relay_port, &id);
            }
            Said::Attempt { id, relay, port, .. } => {
                let id = id.as_ref().map_or_else(String::new, |id| id.text().0.into_owned());
                self.explain(entry, *relay, *port, &id);
            }
            _ => {}
        }
        if let Some(sent) = sent {
            self.sent(&sent, at);
        }
    }

    fn sent(&mut self, sent: &Sent, at: Time) {
        let (mut desk, kept) = self.desk();
        let host = (!sent.known).then_some(Who::Host);
        for who in host.iter().chain(&sent.who) {
            let profile = kept.rates.add(who, at, sent.many);
            rate::sent(&mut desk, kept.above, who, profile);
        }
        if !sent.known {
            self.kept.day.sent += sent.many;
        }
    }

    /// A line of the mail log names a process and a server: the connection is explained.
    fn explain(&mut self, line: &Entry, relay: Option<IpAddr>, port: Option<u16>, id: &str) {
        let (Some(pid), Some(relay)) = (line.pid, relay) else { return };
        let meant = |s: &Session| {
            s.pid == pid
                && s.server.ip().to_canonical() == relay.to_canonical()
                && port.is_none_or(|port| port == s.server.port())
        };
        // One process opens many, one after the other: the oldest that has no line yet, or the one it uses again.
        let unexplained = |s: &Session| {
            meant(s) && s.explained.is_none() && (-1.0..600.0).contains(&line.time.since(s.start))
        };
        let Some(session) = self.sessions.oldest_or_newest(unexplained, meant) else { return };
        session.explained.get_or_insert_with(|| id.to_owned());
        let was = session.standing.clone();
        if !matches!(was, Standing::Waiting | Standing::Past) {
            return;
        }
        if self.kept.learnt.learn(session) {
            session.standing = Standing::Mta;
            let session = session.clone();
            let (mut desk, _) = self.desk();
            past_the_mta::explained(&mut desk, &session);
            self.judged(&session);
        }
    }

    fn tick(&mut self) {
        let (now, own) = (self.now, &self.own);
        let mut due = Vec::new();
        for session in self.sessions.iter_mut() {
            if session.standing == Standing::Waiting && now.since(session.start) > PATIENCE {
                let again = judge(session, &self.settings, &self.kept.learnt, own);
                session.standing = if again == Standing::Waiting { Standing::Past } else { again };
                due.push(session.clone());
            }
        }
        for session in due {
            self.judged(&session);
        }
        let (mut desk, kept) = self.desk();
        rate::tick(&mut desk, kept.above, kept.rates);
        desk.book.quiet(now);
    }

    /// The day so far; a new one begins.
    fn day(&mut self) -> Summary {
        let mut day = std::mem::take(&mut self.kept.day);
        self.kept.day.since = Some(self.now);
        let most = self.kept.rates.most(self.now, 10);
        day.most = most.iter().map(|(who, sum, _)| (who.words(), *sum)).collect();
        day.open = self.kept.book.open().map(|alert| alert.summary.clone()).collect();
        day.lists = Status::lists_not_clean(self.kept.lists.iter());
        day
    }

    /// How things stand, for whoever looks.
    pub fn status(&self) -> Status {
        Status {
            time: self.now,
            mta: self.settings.mta.name.clone(),
            queue: self.queue,
            last_line: self.last_line,
            last_noted: self.last_noted,
            by_hour: self.kept.rates.host(self.now),
            day: self.kept.day.clone(),
            open: self.kept.book.open().cloned().collect(),
            closed: self.kept.book.closed().take(20).cloned().collect(),
            raised: Rule::ALL
                .map(|rule| (rule, self.kept.book.raised().get(&rule).copied().unwrap_or(0)))
                .into(),
            sessions: self.sessions.iter().take(100).cloned().collect(),
            programs: Status::programs(self.programs.iter()),
            senders: Status::senders(&self.kept.rates.most(self.now, 20), &self.settings),
            lists: self.kept.lists.iter().cloned().collect(),
            learnt: self.kept.learnt.iter().cloned().collect(),
            ..Status::default()
        }
    }
}

/// What rules keep between events.
struct Rest<'a> {
    rates: &'a mut Rates,
    above: &'a mut rate::Above,
    queue: &'a mut queue_growth::Past,
    lists: &'a mut list_changed::Lists,
    names: &'a mut foreign_helo::Names,
}

#[cfg(test)]
mod tests;

//! The chain: lines of a rotated set to mails, logins, rejects, attempts, links.
//!
//! A mail opens with the line that names its origin (`client=`, `uid=`) or, where the log does not
//! have it, with its first line; it is given out at `removed`, when its id is used again, when
//! cleanup drops it, or at the end. Too many open mails: the longest untouched half is given out
//! incomplete.

mod open;

use crate::books::{self, Books, Ending, Pace};
use crate::event::{self, Action, Bearing, Event, Tie, refusal};
use crate::mail::{Attempt, Link, LinkKind, Login, Origin, Reject};
use crate::queue_id::Key;
use crate::scan::{Follow, Line, Scanner};
use crate::service::{Service, fingerprint};
use crate::table::{Found, Op, Table, What};
use crate::tls::{Mark, Tls};
use crate::{Calendar, Report, Sink};
use heloscope_model::{Octets, Place, SourceId};
use open::Open;
use std::io::Read;

/// Most mails kept open.
const MOST_OPEN: usize = 131_072;
/// Most deliveries kept of open mails, together.
const MOST_OPEN_DELIVERIES: usize = 400_000;

/// The chain over the files of one rotated set, which are given in order of time.
pub struct Chain {
    mails: Mails,
    pace: Pace,
}

impl Chain {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self {
            mails: Mails::new(Table::whole(), Tls::whole(), SourceId(0)),
            pace: Pace { threads: 1, block: books::BLOCK },
        }
    }

    /// Follow blocks of a log on so many threads beside the caller's. The result is the same.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.pace.threads = threads.clamp(1, 64);
        self
    }

    /// One file of the set (decompressed). Queue ids still open stay so for the next file. The
    /// end of a log with BSD stamps is looked for in its first 64 MB.
    pub fn read(
        &mut self,
        source: SourceId,
        input: &mut dyn Read,
        calendar: &Calendar,
        sink: &mut dyn Sink,
    ) -> Report {
        self.follow(source, input, calendar, None, sink)
    }

    /// As [`Chain::read`], for a log whose last stamp's month and day are known ([`crate::peek`]),
    /// so that `last_year` counts back over New Year in a log of any size.
    pub fn read_ending(
        &mut self,
        source: SourceId,
        input: &mut dyn Read,
        calendar: &Calendar,
        last: (u8, u8),
        sink: &mut dyn Sink,
    ) -> Report {
        self.follow(source, input, calendar, Some(last), sink)
    }

    fn follow(
        &mut self,
        source: SourceId,
        input: &mut dyn Read,
        calendar: &Calendar,
        ending: Option<Ending>,
        sink: &mut dyn Sink,
    ) -> Report {
        self.mails.source = source;
        let mut give_out = |mails: &mut Mails| mails.give_out(sink);
        books::read_log(&mut self.mails, input, calendar, ending, self.pace, &mut give_out)
    }

    /// The end of the set: gives out what is still open, in order of first line.
    pub fn finish(self, sink: &mut dyn Sink) {
        let mut rest: Vec<_> = self.mails.table.into_records().collect();
        rest.sort_by_key(|(key, open)| (open.mail.first, open.mail.place, *key));
        for (_, open) in rest {
            sink.mail(open.mail);
        }
    }
}

impl Default for Chain {
    fn default() -> Self {
        Self::new()
    }
}

/// Something to give out, and the line it became known at.
struct Known {
    at: u64,
    what: Given,
}

#[allow(clippy::large_enum_variant)] // they live for one block; a box each costs more
enum Given {
    Mail(Box<Open>),
    Login(Login),
    Reject(Reject),
    Attempt(Attempt),
    Link(Link),
}

/// The books of a chain.
pub(crate) struct Mails {
    table: Table<Box<Open>>,
    tls: Tls,
    source: SourceId,
    known: Vec<Known>,
    serial: u32,
    /// Deliveries of open mails.
    deliveries: usize,
    /// In a part: (question of `tls`, mail's number, delivery).
    unanswered: Vec<(u32, u32, usize)>,
}

impl Mails {
    fn new(table: Table<Box<Open>>, tls: Tls, source: SourceId) -> Self {
        Self {
            table,
            tls,
            source,
            known: Vec::new(),
            serial: 0,
            deliveries: 0,
            unanswered: Vec::new(),
        }
    }

    fn give_out(&mut self, sink: &mut dyn Sink) {
        for known in self.known.drain(..) {
            match known.what {
                Given::Mail(open) => sink.mail(open.mail),
                Given::Login(login) => sink.login(login),
                Given::Reject(reject) => sink.reject(reject),
                Given::Attempt(attempt) => sink.attempt(attempt),
                Given::Link(link) => sink.link(link),
            }
        }
    }

    fn tell(&mut self, at: u64, what: Given) {
        self.known.push(Known { at, what });
    }

    /// Gives a mail out.
    fn close(&mut self, at: u64, open: Box<Open>) {
        self.deliveries = self.deliveries.saturating_sub(open.mail.deliveries.len());
        self.known.push(Known { at, what: Given::Mail(open) });
    }

    fn open(&mut self, line: &Line<'_>, id: &[u8], origin: Origin) -> Box<Open> {
        self.serial = self.serial.wrapping_add(1);
        Box::new(Open::new(line, id, origin, self.place(line), self.serial))
    }

    fn place(&self, line: &Line<'_>) -> Place {
        Place::byte(self.source, line.at)
    }

    /// What a line says by itself, whatever is known of its mail.
    fn by_itself(&mut self, line: &Line<'_>, event: &Event<'_>, link: Option<Tie<'_>>) {
        let (time, place) = (line.time, self.place(line));
        match event {
            Event::Client(client) => {
                if let Some(account) = client.account {
                    let end = event::client_endpoint(client.client);
                    let login = Login {
                        time,
                        place,
                        account: Some(account.into()),
                        ip: end.ip,
                        name: end.name.into(),
                        method: client.method.into(),
                        success: true,
                        service: line.tag.name.into(),
                    };
                    self.tell(line.at, Given::Login(login));
                }
            }
            Event::Login(sign_in) => {
                let service =
                    if sign_in.service.is_empty() { line.tag.name } else { sign_in.service };
                let login = Login {
                    time,
                    place,
                    account: sign_in.account.map(Octets::from),
                    ip: sign_in.client.ip,
                    name: sign_in.client.name.into(),
                    method: sign_in.method.into(),
                    success: sign_in.success,
                    service: service.into(),
                };
                self.tell(line.at, Given::Login(login));
            }
            Event::Action(action) if action.kind() == b"reject" => {
                let reject = rejection(line, action, place);
                self.tell(line.at, Given::Reject(reject));
            }
            Event::Attempt { id, relay, text } => {
                let attempt = Attempt {
                    time,
                    place,
                    host: line.host.into(),
                    instance: line.tag.instance.into(),
                    queue_id: id.map(Octets::from),
                    pid: line.pid,
                    relay_name: relay.name.into(),
                    relay_ip: relay.ip,
                    port: relay.port,
                    text: (*text).into(),
                };
                self.tell(line.at, Given::Attempt(attempt));
            }
            Event::Tls { relay } => self.tls.opened(line.process(), fingerprint(relay)),
            _ => {}
        }
        if let Some((parent, child, kind)) = link {
            let link = Link {
                time,
                place,
                host: line.host.into(),
                instance: line.tag.instance.into(),
                parent: parent.into(),
                child: child.into(),
                kind,
            };
            self.tell(line.at, Given::Link(link));
        }
    }

    /// What a line says of its mail.
    fn of_mail(&mut self, line: &Line<'_>, event: &Event<'_>, mark: Option<Mark>) {
        let Some((id, bearing)) = event.mail() else { return };
        let key = Key::new(line.scope, id);
        match bearing {
            Bearing::Starts => {
                let origin = open::origin(event, line);
                let mut fresh = self.open(line, id, origin);
                fresh.began(event);
                if let Some(old) = self.table.start(key, fresh, line.at) {
                    self.close(line.at, old);
                }
            }
            Bearing::Continues => match self.table.find(key) {
                Found::Earlier => {
                    let mark = stored(mark);
                    self.table.leave(line.at, What::Line { time: line.time, mark });
                }
                Found::Here(open) if !open.is_another(event) => {
                    self.deliveries += usize::from(open.takes(event));
                    let answer = open.add(line, event, mark, self.source);
                    if let (Some(Mark::Open(question)), Some(delivery)) = (mark, answer) {
                        self.unanswered.push((question, open.serial, delivery));
                    }
                }
                Found::Here(_) | Found::Absent => {
                    let mut fresh = self.open(line, id, Origin::Unknown);
                    self.deliveries += usize::from(fresh.takes(event));
                    let answer = fresh.add(line, event, mark, self.source);
                    if let (Some(Mark::Open(question)), Some(delivery)) = (mark, answer) {
                        self.unanswered.push((question, fresh.serial, delivery));
                    }
                    if let Some(old) = self.table.put(key, fresh) {
                        self.close(line.at, old);
                    }
                }
            },
            Bearing::Ends => match self.table.end(key) {
                (Some(mut open), _) => {
                    open.add(line, event, mark, self.source);
                    open.mail.complete = true;
                    self.close(line.at, open);
                }
                (None, true) => {
                    let mark = stored(mark);
                    self.table.leave(line.at, What::Line { time: line.time, mark });
                }
                (None, false) => {}
            },
        }
    }

    /// What a line says of another mail, its child.
    fn of_child(&mut self, line: &Line<'_>, event: &Event<'_>, link: Option<Tie<'_>>) {
        let Some((parent, child, kind)) = link else { return };
        if matches!(kind, LinkKind::Requeued) || matches!(event, Event::Client(_)) {
            return; // the child's own line: it took its parent when it opened
        }
        match self.table.peek(Key::new(line.scope, child)) {
            Found::Here(open) => open.came_of(parent, kind),
            Found::Earlier => self.table.leave(line.at, What::Link { time: line.time }),
            Found::Absent => {}
        }
    }

    /// Gives out the longest untouched half of what is open.
    fn evict(&mut self, at: u64) {
        let mut by_age: Vec<_> =
            self.table.records().map(|(key, open)| (open.mail.last, *key)).collect();
        by_age.sort_unstable();
        by_age.truncate(by_age.len() / 2 + 1);
        for (_, key) in by_age {
            if let Some(open) = self.table.take(key) {
                self.close(at, open);
            }
        }
    }
}

/// A mark as a number that fits an [`Op`].
fn stored(mark: Option<Mark>) -> u32 {
    match mark {
        None | Some(Mark::Known(false)) => 0,
        Some(Mark::Known(true)) => 1,
        Some(Mark::Open(question)) => question.saturating_add(2),
    }
}

fn rejection(line: &Line<'_>, action: &Action<'_>, place: Place) -> Reject {
    let refused = refusal(action.rest);
    Reject {
        time: line.time,
        place,
        ip: refused.client.ip,
        stage: refused.stage.into(),
        text: refused.text.into(),
        from: refused.from.map(Octets::from),
        to: refused.to.map(Octets::from),
        helo: refused.helo.map(Octets::from),
        account: refused.account.map(Octets::from),
    }
}

impl Follow for Mails {
    #[inline]
    fn line(&mut self, line: &Line<'_>, event: &Event<'_>) {
        if matches!(event, Event::Noted | Event::Strange) {
            return;
        }
        let link = event.link();
        self.by_itself(line, event, link);
        if line.repeated {
            return; // a line of a mail is never written twice
        }
        let mark = match event {
            Event::Delivered(d) if line.tag.service == Service::Agent => {
                let key = Key::new(line.scope, d.id);
                let relay = fingerprint(d.relay);
                Some(self.tls.delivered(line.process(), relay, key, d.conn_use() > 1))
            }
            _ => None,
        };
        self.of_mail(line, event, mark);
        self.of_child(line, event, link);
    }
}

impl Books for Mails {
    type Part = Self;

    fn worker(&self) -> Self {
        Self::new(Table::part(), Tls::part(), self.source)
    }

    fn part(&mut self) -> Self {
        let fresh = self.worker();
        std::mem::replace(self, fresh)
    }

    fn absorb(&mut self, _worker: Self) {}

    fn join(&mut self, mut part: Self, block: &[u8], at: u64, replayer: &mut Scanner) {
        let answers = self.tls.join(std::mem::replace(&mut part.tls, Tls::whole()));
        part.answer(&answers);
        let ops = part.table.take_ops();
        let mut known = part.known.into_iter().peekable();
        for op in ops {
            while let Some(next) = known.next_if(|next| next.at <= op.at) {
                self.take_over(next);
            }
            match op.what {
                What::Start(key) => {
                    if let Some(old) = self.table.take(key) {
                        self.close(op.at, old);
                    }
                }
                What::Line { .. } | What::Link { .. } => {
                    let from = usize::try_from(op.at - at).unwrap_or(usize::MAX);
                    let rest = block.get(from..).unwrap_or_default();
                    let line = rest.split(|&b| b == b'\n').next().unwrap_or_default();
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    let mut replay = Replay { mails: self, op, answers: &answers };
                    replayer.line(line, op.at, b"", &mut replay);
                }
            }
        }
        for next in known {
            self.take_over(next);
        }
        for (key, open) in part.table.into_records() {
            self.deliveries += open.mail.deliveries.len();
            self.table.put(key, open);
        }
    }

    fn checkpoint(&mut self) {
        if self.table.is_part() {
            return; // the whole keeps the bounds, at the same lines as without workers
        }
        self.tls.checkpoint();
        if self.table.len() > MOST_OPEN || self.deliveries > MOST_OPEN_DELIVERIES {
            let at = self.known.last().map_or(0, |known| known.at);
            self.evict(at);
        }
    }
}

impl Mails {
    fn take_over(&mut self, known: Known) {
        self.known.push(known);
    }

    /// Sets what the whole knows of this part's connections.
    fn answer(&mut self, answers: &[bool]) {
        let mut over_tls: Vec<(u32, usize)> = self
            .unanswered
            .iter()
            .filter(|(question, ..)| answers.get(*question as usize) == Some(&true))
            .map(|&(_, serial, delivery)| (serial, delivery))
            .collect();
        if over_tls.is_empty() {
            return;
        }
        over_tls.sort_unstable();
        let set = |open: &mut Open| {
            let serial = open.serial;
            let from = over_tls.partition_point(|(s, _)| *s < serial);
            for (_, delivery) in over_tls.iter().skip(from).take_while(|(s, _)| *s == serial) {
                if let Some(delivery) = open.mail.deliveries.get_mut(*delivery) {
                    delivery.tls = true;
                }
            }
        };
        for known in &mut self.known {
            if let Given::Mail(open) = &mut known.what {
                set(open);
            }
        }
        for (_, open) in self.table.records() {
            set(open);
        }
    }
}

/// Follows one line again that a part left.
struct Replay<'a> {
    mails: &'a mut Mails,
    op: Op,
    answers: &'a [bool],
}

impl Follow for Replay<'_> {
    fn line(&mut self, line: &Line<'_>, event: &Event<'_>) {
        match self.op.what {
            What::Line { time, mark } => {
                let mark = match mark {
                    0 => false,
                    1 => true,
                    question => self.answers.get(question as usize - 2) == Some(&true),
                };
                let line = Line { time, ..*line };
                self.mails.of_mail(&line, event, Some(Mark::Known(mark)));
            }
            What::Link { time } => {
                self.mails.of_child(&Line { time, ..*line }, event, event.link());
            }
            What::Start(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;

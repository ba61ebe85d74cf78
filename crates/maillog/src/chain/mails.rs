//! The books of a chain: each line to what it says by itself, of its mail, and of the mail that
//! came of that one.

use super::open::{self, Open};
use crate::Sink;
use crate::event::{self, Action, Bearing, Event, Tie, refusal};
use crate::mail::{Attempt, Link, LinkKind, Login, Origin, Reject};
use crate::queue_id::Key;
use crate::scan::{Follow, Line};
use crate::service::{Service, fingerprint};
use crate::table::{Found, Table, What};
use crate::tls::{Mark, Tls};
use heloscope_model::{Octets, Place, SourceId};

/// Most mails kept open.
pub(super) const MOST_OPEN: usize = 131_072;
/// Most deliveries kept of open mails, together.
pub(super) const MOST_OPEN_DELIVERIES: usize = 400_000;

/// Something to give out, and the line it became known at.
pub(super) struct Known {
    pub(super) at: u64,
    pub(super) what: Given,
}

#[allow(clippy::large_enum_variant)] // they live for one block; a box each costs more
pub(super) enum Given {
    Mail(Box<Open>),
    Login(Login),
    Reject(Reject),
    Attempt(Attempt),
    Link(Link),
}

/// The books of a chain.
pub(super) struct Mails {
    pub(super) table: Table<Box<Open>>,
    pub(super) tls: Tls,
    pub(super) source: SourceId,
    pub(super) known: Vec<Known>,
    serial: u32,
    /// Deliveries of open mails.
    pub(super) deliveries: usize,
    /// In a part: (question of `tls`, mail's number, delivery).
    pub(super) unanswered: Vec<(u32, u32, usize)>,
}

impl Mails {
    pub(super) fn whole() -> Self {
        Self::new(Table::whole(), Tls::whole(), SourceId(0))
    }

    pub(super) fn new(table: Table<Box<Open>>, tls: Tls, source: SourceId) -> Self {
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

    pub(super) fn give_out(&mut self, sink: &mut dyn Sink) {
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

    /// What is still open, in order of first line.
    pub(super) fn into_open(self) -> impl Iterator<Item = Box<Open>> {
        let mut rest: Vec<_> = self.table.into_records().collect();
        rest.sort_by_key(|(key, open)| (open.mail.first, open.mail.place, *key));
        rest.into_iter().map(|(_, open)| open)
    }

    fn tell(&mut self, at: u64, what: Given) {
        self.known.push(Known { at, what });
    }

    /// Gives a mail out.
    pub(super) fn close(&mut self, at: u64, open: Box<Open>) {
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
    pub(super) fn of_mail(&mut self, line: &Line<'_>, event: &Event<'_>, mark: Option<Mark>) {
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
    pub(super) fn of_child(&mut self, line: &Line<'_>, event: &Event<'_>, link: Option<Tie<'_>>) {
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
    pub(super) fn evict(&mut self, at: u64) {
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

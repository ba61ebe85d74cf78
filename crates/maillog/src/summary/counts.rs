//! Counting events. See [`super::Messages`] for what each count means; the rules are pflogsumm's,
//! the exceptions go to [`super::Beyond`].

use super::names::{Distinct, NOBODY, Names, lower_domain};
use super::{Beyond, Bytes, FORMAT, Messages, Summary, TOP, Top};
use crate::books::Books;
use crate::event::{Action, Bearing, Client, Delivered, Event, without_port};
use crate::queue_id::Key;
use crate::scan::{Follow, Line, Scanner};
use crate::service::{Service, Tag};
use crate::table::{Found, Op, Table, What};
use heloscope_model::Time;

/// Most mails kept open.
const MOST_OPEN: usize = 400_000;

/// Why pflogsumm passes a line over.
const REASONS: [&str; 6] = [
    "lines of an instance that is not called postfix (pflogsumm needs --syslog-name)",
    "lines of a service pflogsumm does not know (submissions/smtpd, 10025/smtpd)",
    "delivery lines with fields pflogsumm does not know (tls=), or recipients without <>",
    "refusals of milters and proxy filters logged by smtpd",
    "cleanup actions on other things than header, body and END-OF-MESSAGE",
    "lines logged as repeated",
];
const INSTANCE: usize = 0;
const SERVICE: usize = 1;
const FIELDS: usize = 2;
const FILTERS: usize = 3;
const CLEANUP: usize = 4;
const REPEATED: usize = 5;

/// An open mail.
#[derive(Clone, Copy)]
struct Record {
    size: u64,
    origin: [u32; 3],
    /// Domains last delivered to.
    domains: [u32; 4],
    /// Came from a client or program, and qmgr has not said its size yet.
    fresh: bool,
    sized: bool,
    deferred: bool,
    /// Deferred in a line that pflogsumm counts.
    deferred_there: bool,
}

const UNKNOWN: Record = Record {
    size: 0,
    origin: [NOBODY; 3],
    domains: [NOBODY; 4],
    fresh: false,
    sized: false,
    deferred: false,
    deferred_there: false,
};

const ACCOUNT: usize = 0;
const CLIENT: usize = 1;
const UID: usize = 2;
const SENDER: usize = 3;
const DOMAIN: usize = 4;

/// The books of a summary.
pub(super) struct Counts {
    table: Table<Record>,
    messages: Messages,
    bytes: Bytes,
    beyond: Messages,
    /// Messages deferred in a line that pflogsumm counts.
    deferred_there: u64,
    reasons: [u64; 6],
    names: [Names; 5],
    senders: Distinct,
    recipients: Distinct,
    buffer: Vec<u8>,
}

/// What a worker hands over: records with the names they point to.
pub(super) struct Part {
    ops: Vec<Op>,
    open: Vec<(Key, Record, [Option<Box<[u8]>>; 7])>,
}

impl Counts {
    pub(super) fn new() -> Self {
        Self::with(Table::whole())
    }

    fn with(table: Table<Record>) -> Self {
        Self {
            table,
            messages: Messages::default(),
            bytes: Bytes::default(),
            beyond: Messages::default(),
            deferred_there: 0,
            reasons: [0; 6],
            names: Default::default(),
            senders: Distinct::default(),
            recipients: Distinct::default(),
            buffer: Vec::new(),
        }
    }

    pub(super) fn summary(&self, first: Option<Time>, last: Option<Time>) -> Summary {
        let [account, client, uid, sender, recipient_domain] =
            self.names.each_ref().map(|names| names.top(TOP));
        let reasons = REASONS.into_iter().zip(self.reasons).filter(|(_, count)| *count > 0);
        let mut beyond = self.beyond;
        beyond.deferred = self.messages.deferred - self.deferred_there;
        let forgot = self.names.iter().any(|names| names.forgot);
        Summary {
            format: FORMAT,
            first,
            last,
            messages: self.messages,
            bytes: self.bytes,
            senders: self.senders.count(),
            recipients: self.recipients.count(),
            top: Top { account, client, uid, sender, recipient_domain },
            beyond: Beyond {
                messages: beyond,
                reasons: reasons.collect(),
                estimated: forgot || self.senders.estimated() || self.recipients.estimated(),
            },
        }
    }

    /// Adds one to a count; with a reason, also to what pflogsumm does not count.
    fn count(&mut self, reason: Option<usize>, which: impl Fn(&mut Messages) -> &mut u64) {
        *which(&mut self.messages) += 1;
        if let Some(reason) = reason {
            *which(&mut self.beyond) += 1;
            if let Some(count) = self.reasons.get_mut(reason) {
                *count += 1;
            }
        }
    }

    /// What a line counts for by itself.
    fn by_itself(&mut self, line: &Line<'_>, event: &Event<'_>) {
        match event {
            Event::Client(client) if !line.repeated => {
                let reason = passed_over(&line.tag, true);
                self.count(reason, |m| &mut m.received);
                if client.id.is_none() {
                    self.origin_of_client(client);
                }
            }
            Event::Program { .. } => {
                self.count(passed_over(&line.tag, true), |m| &mut m.received);
            }
            Event::Action(action) => self.action(line, action),
            _ => {}
        }
    }

    fn origin_of_client(&mut self, client: &Client<'_>) -> [u32; 3] {
        let [accounts, clients, ..] = &mut self.names;
        let mut origin = [NOBODY; 3];
        let index = clients.index(without_port(client.client));
        clients.add(index, 1, 0);
        origin[CLIENT] = index;
        if let Some(account) = client.account {
            let index = accounts.index(account);
            accounts.add(index, 1, 0);
            origin[ACCOUNT] = index;
        }
        origin
    }

    fn origin_of_program(&mut self, uid: u32) -> [u32; 3] {
        let mut origin = [NOBODY; 3];
        let [_, _, uids, ..] = &mut self.names;
        let index = uids.index(uid.to_string().as_bytes());
        uids.add(index, 1, 0);
        origin[UID] = index;
        origin
    }

    fn action(&mut self, line: &Line<'_>, action: &Action<'_>) {
        let which: fn(&mut Messages) -> &mut u64 = match action.kind() {
            b"reject" => |m| &mut m.rejected,
            b"hold" => |m| &mut m.held,
            b"discard" => |m| &mut m.discarded,
            _ => return,
        };
        let mut reason = passed_over(&line.tag, line.tag.service != Service::Cleanup);
        if line.tag.service == Service::Cleanup {
            let starts: [&[u8]; 3] = [b"header ", b"body ", b"END-OF-MESSAGE "];
            if !starts.iter().any(|start| action.rest.starts_with(start)) {
                reason = reason.or(Some(CLEANUP));
            }
        } else if action.word.contains(&b'-') {
            reason = reason.or(Some(FILTERS));
        }
        if line.repeated {
            reason = reason.or(Some(REPEATED));
        }
        self.count(reason, which);
    }

    /// What a line counts for as one of its mail.
    fn of_mail(&mut self, line: &Line<'_>, event: &Event<'_>) {
        let Some((id, bearing)) = event.mail() else { return };
        let key = Key::new(line.scope, id);
        match bearing {
            Bearing::Starts => {
                let origin = match event {
                    Event::Client(client) => self.origin_of_client(client),
                    Event::Program { uid, .. } => self.origin_of_program(*uid),
                    _ => return,
                };
                self.table.start(key, Record { origin, fresh: true, ..UNKNOWN }, line.at);
            }
            Bearing::Continues => match event {
                Event::Queued { .. } | Event::Delivered(_) => {
                    let mut record = match self.table.find(key) {
                        Found::Here(record) => *record,
                        Found::Absent => UNKNOWN,
                        Found::Earlier => {
                            let what = What::Line { time: line.time, mark: 0 };
                            return self.table.leave(line.at, what);
                        }
                    };
                    match event {
                        Event::Queued { from, size, recipients, .. } => {
                            self.queued(&mut record, from, *size, *recipients);
                        }
                        Event::Delivered(d) => self.delivered(&mut record, line, d),
                        _ => {}
                    }
                    self.table.put(key, record);
                }
                _ => {}
            },
            Bearing::Ends => {
                if let (None, true) = self.table.end(key) {
                    self.table.leave(line.at, What::Line { time: line.time, mark: 0 });
                }
            }
        }
    }

    fn queued(&mut self, record: &mut Record, from: &[u8], size: u64, recipients: u32) {
        if record.sized {
            return; // active again after a deferral
        }
        record.sized = size > 0;
        record.size = size;
        if !std::mem::take(&mut record.fresh) {
            return; // made by the MTA itself, or received before the log starts
        }
        self.bytes.received += size;
        let (sender, _) = lower_domain(from, &mut self.buffer);
        self.senders.add(sender);
        let recipients = u64::from(recipients);
        for (names, index) in self.names.iter_mut().zip(record.origin) {
            names.add(index, 0, recipients);
        }
        let [_, _, _, senders, _] = &mut self.names;
        let index = senders.index(if sender.is_empty() { b"<>" } else { sender });
        senders.add(index, 1, recipients);
    }

    fn delivered(&mut self, record: &mut Record, line: &Line<'_>, d: &Delivered<'_>) {
        let mut reason = passed_over(&line.tag, false);
        if !d.plain {
            reason = reason.or(Some(FIELDS));
        }
        match d.word {
            b"sent" if d.forwarded() => self.count(reason, |m| &mut m.forwarded),
            b"sent" => {
                self.count(reason, |m| &mut m.delivered);
                self.bytes.delivered += record.size;
                let (recipient, domain) = lower_domain(d.to, &mut self.buffer);
                self.recipients.add(recipient);
                let [.., domains] = &mut self.names;
                let index = domains.index(domain);
                let again = record.domains.contains(&index);
                domains.add(index, u64::from(!again), 1);
                if !again {
                    record.domains.rotate_right(1);
                    record.domains[0] = index;
                }
            }
            b"deferred" => {
                self.count(reason, |m| &mut m.deferrals);
                if !std::mem::replace(&mut record.deferred, true) {
                    self.messages.deferred += 1;
                }
                if reason.is_none() && !std::mem::replace(&mut record.deferred_there, true) {
                    self.deferred_there += 1;
                }
            }
            b"bounced" => self.count(reason, |m| &mut m.bounced),
            _ => {}
        }
    }
}

/// Why pflogsumm passes lines of this tag over; `by_name` where it asks for smtpd or postscreen.
#[inline]
fn passed_over(tag: &Tag<'_>, by_name: bool) -> Option<usize> {
    if tag.instance != b"postfix" {
        return Some(INSTANCE);
    }
    let name = tag.name;
    if !by_name || !name.contains(&b'/') {
        return None;
    }
    let plain = name.strip_prefix(b"submission/").or_else(|| name.strip_prefix(b"smtps/"));
    if plain.is_some_and(|plain| !plain.contains(&b'/')) { None } else { Some(SERVICE) }
}

impl Follow for Counts {
    #[inline]
    fn line(&mut self, line: &Line<'_>, event: &Event<'_>) {
        if matches!(event, Event::Noted | Event::Strange) {
            return;
        }
        self.by_itself(line, event);
        if !line.repeated {
            self.of_mail(line, event);
        }
    }
}

impl Books for Counts {
    type Part = Part;

    fn worker(&self) -> Self {
        Self::with(Table::part())
    }

    fn part(&mut self) -> Part {
        let mut table = std::mem::replace(&mut self.table, Table::part());
        let ops = table.take_ops();
        let open = table.into_records().map(|(key, record)| {
            let [accounts, clients, uids, _, domains] = &self.names;
            let kinds = [accounts, clients, uids, domains, domains, domains, domains];
            let indexes = record.origin.iter().chain(&record.domains);
            let mut own = [const { None }; 7];
            for ((slot, names), index) in own.iter_mut().zip(kinds).zip(indexes) {
                *slot = names.name(*index).map(Box::from);
            }
            (key, record, own)
        });
        let open = open.collect();
        Part { ops, open }
    }

    fn join(&mut self, part: Part, block: &[u8], at: u64, replayer: &mut Scanner) {
        for op in part.ops {
            match op.what {
                What::Start(key) => {
                    self.table.take(key);
                }
                What::Line { .. } | What::Link { .. } => {
                    let from = usize::try_from(op.at - at).unwrap_or(usize::MAX);
                    let rest = block.get(from..).unwrap_or_default();
                    let line = rest.split(|&b| b == b'\n').next().unwrap_or_default();
                    let line = line.strip_suffix(b"\r").unwrap_or(line);
                    replayer.line(line, op.at, b"", &mut Replay { counts: self });
                }
            }
        }
        for (key, mut record, own) in part.open {
            let indexes = record.origin.iter_mut().chain(&mut record.domains);
            let kinds = [ACCOUNT, CLIENT, UID, DOMAIN, DOMAIN, DOMAIN, DOMAIN];
            for ((index, kind), name) in indexes.zip(kinds).zip(own) {
                let names = self.names.get_mut(kind);
                *index = names.zip(name).map_or(NOBODY, |(names, name)| names.index(&name));
            }
            self.table.put(key, record);
        }
    }

    fn absorb(&mut self, worker: Self) {
        add(&mut self.messages, &worker.messages);
        self.deferred_there += worker.deferred_there;
        add(&mut self.beyond, &worker.beyond);
        self.bytes.received += worker.bytes.received;
        self.bytes.delivered += worker.bytes.delivered;
        for (sum, n) in self.reasons.iter_mut().zip(worker.reasons) {
            *sum += n;
        }
        for (names, own) in self.names.iter_mut().zip(worker.names) {
            names.absorb(own);
        }
        self.senders.absorb(worker.senders);
        self.recipients.absorb(worker.recipients);
    }

    fn checkpoint(&mut self) {
        for (kind, names) in self.names.iter_mut().enumerate() {
            let Some(moved) = names.shrink() else { continue };
            let to = |index: &mut u32| *index = moved.get(*index as usize).copied().unwrap_or(NOBODY);
            for (_, record) in self.table.records() {
                match kind {
                    DOMAIN => record.domains.iter_mut().for_each(to),
                    SENDER => {}
                    _ => record.origin.get_mut(kind).into_iter().for_each(to),
                }
            }
        }
        if self.table.len() > MOST_OPEN && !self.table.is_part() {
            self.table = Table::whole(); // a log of nothing but beginnings
        }
    }
}

fn add(sum: &mut Messages, more: &Messages) {
    sum.received += more.received;
    sum.delivered += more.delivered;
    sum.forwarded += more.forwarded;
    sum.deferred += more.deferred;
    sum.deferrals += more.deferrals;
    sum.bounced += more.bounced;
    sum.rejected += more.rejected;
    sum.held += more.held;
    sum.discarded += more.discarded;
}

/// Follows one line again that a part left.
struct Replay<'a> {
    counts: &'a mut Counts,
}

impl Follow for Replay<'_> {
    fn line(&mut self, line: &Line<'_>, event: &Event<'_>) {
        self.counts.of_mail(line, event);
    }
}

//! The books of a summary: a small record of each open mail, and the sums.

use super::Summary;
use super::names::NOBODY;
use super::sums::{ACCOUNT, CLIENT, DOMAIN, Record, SENDER, Sums, UID, UNKNOWN};
use crate::books::Books;
use crate::event::{Bearing, Event};
use crate::queue_id::Key;
use crate::scan::{Follow, Line, Scanner};
use crate::table::{Found, Op, Table, What};
use heloscope_model::Time;

/// Most mails kept open.
const MOST_OPEN: usize = 400_000;

/// The books of a summary.
pub(super) struct Counts {
    table: Table<Record>,
    sums: Sums,
}

/// What a worker hands over: records with the names they point to.
pub(super) struct Part {
    ops: Vec<Op>,
    open: Vec<(Key, Record, OwnNames)>,
}

/// The names of a record's origin and domains.
type OwnNames = [Option<Box<[u8]>>; 7];

impl Counts {
    pub(super) fn new() -> Self {
        Self { table: Table::whole(), sums: Sums::default() }
    }

    pub(super) fn summary(&mut self, first: Option<Time>, last: Option<Time>) -> Summary {
        self.sums.summary(first, last)
    }

    /// What a line counts for as one of its mail.
    fn of_mail(&mut self, line: &Line<'_>, event: &Event<'_>) {
        let Some((id, bearing)) = event.mail() else { return };
        let key = Key::new(line.scope, id);
        match bearing {
            Bearing::Starts => {
                let origin = match event {
                    Event::Client(client) => self.sums.origin_of_client(client),
                    Event::Program { uid, .. } => self.sums.origin_of_program(*uid),
                    _ => return,
                };
                self.table.start(key, Record { origin, fresh: true, ..UNKNOWN }, line.at);
            }
            Bearing::Continues => match event {
                Event::Queued { .. } | Event::Delivered(_) => {
                    let mut fresh = UNKNOWN;
                    let (record, known) = match self.table.find(key) {
                        Found::Here(record) => (record, true),
                        Found::Absent => (&mut fresh, false),
                        Found::Earlier => {
                            let what = What::Line { time: line.time, mark: 0 };
                            return self.table.leave(line.at, what);
                        }
                    };
                    match event {
                        Event::Queued { from, size, recipients, .. } => {
                            self.sums.queued(record, from, *size, *recipients);
                        }
                        Event::Delivered(d) => self.sums.delivered(record, line, d),
                        _ => {}
                    }
                    if !known {
                        self.table.put(key, fresh);
                    }
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
}

impl Follow for Counts {
    #[inline]
    fn line(&mut self, line: &Line<'_>, event: &Event<'_>) {
        if matches!(event, Event::Noted | Event::Strange) {
            return;
        }
        self.sums.by_itself(line, event);
        if !line.repeated {
            self.of_mail(line, event);
        }
    }
}

impl Books for Counts {
    type Part = Part;

    fn worker(&self) -> Self {
        Self { table: Table::part(), sums: Sums::default() }
    }

    fn part(&mut self) -> Part {
        let mut table = std::mem::replace(&mut self.table, Table::part());
        let ops = table.take_ops();
        let open = table.into_records().map(|(key, record)| {
            let [accounts, clients, uids, _, domains] = &self.sums.names;
            let kinds = [accounts, clients, uids, domains, domains, domains, domains];
            let indexes = record.origin.iter().chain(&record.domains);
            let mut own: OwnNames = [const { None }; 7];
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
                let names = self.sums.names.get_mut(kind);
                *index = names.zip(name).map_or(NOBODY, |(names, name)| names.index(&name));
            }
            self.table.put(key, record);
        }
    }

    fn absorb(&mut self, worker: Self) {
        self.sums.absorb(worker.sums);
    }

    fn checkpoint(&mut self) {
        for (kind, names) in self.sums.names.iter_mut().enumerate() {
            let Some(moved) = names.shrink() else { continue };
            let to =
                |index: &mut u32| *index = moved.get(*index as usize).copied().unwrap_or(NOBODY);
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

/// Follows one line again that a part left.
struct Replay<'a> {
    counts: &'a mut Counts,
}

impl Follow for Replay<'_> {
    fn line(&mut self, line: &Line<'_>, event: &Event<'_>) {
        self.counts.of_mail(line, event);
    }
}

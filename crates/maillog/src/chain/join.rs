//! Parts of a chain to the whole: what each gave out, and the lines it left, in order.

use super::mails::{Given, MOST_OPEN, MOST_OPEN_DELIVERIES, Mails};
use super::open::Open;
use crate::books::Books;
use crate::event::Event;
use crate::scan::{Follow, Line, Scanner};
use crate::table::{Op, Table, What};
use crate::tls::{Mark, Tls};

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
                self.known.push(next);
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
            self.known.push(next);
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

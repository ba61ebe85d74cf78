//! queue-growth: far more mails wait than usual. A queue grows when somebody floods it, or when servers refuse
//! this host because it is listed.
//!
//! Proof: the counts and the usual (the median of a week's hours). Over when half of what raised it has gone.

use super::Desk;
use crate::alert::{Rule, Severity};
use crate::book::Telling;
use crate::event::QueueSize;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Hours that are remembered.
const HOURS: usize = 7 * 24;
const SUBJECT: &str = "the mail queue";

/// The queue's past.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Past {
    /// The most of each hour.
    hours: VecDeque<(i64, u64)>,
    /// What it had when it was raised.
    raised_at: Option<u64>,
}

impl Past {
    fn usual(&self, hour: i64) -> u64 {
        let mut before: Vec<u64> =
            self.hours.iter().filter(|(h, _)| *h < hour).map(|(_, n)| *n).collect();
        before.sort_unstable();
        before.get(before.len() / 2).copied().unwrap_or(0)
    }

    fn note(&mut self, hour: i64, many: u64) {
        match self.hours.back_mut() {
            Some((last, most)) if *last >= hour => *most = (*most).max(many),
            _ => self.hours.push_back((hour, many)),
        }
        while self.hours.len() > HOURS {
            self.hours.pop_front();
        }
    }
}

/// The queue was counted.
pub(crate) fn counted(desk: &mut Desk<'_>, past: &mut Past, size: QueueSize) {
    let hour = desk.now.secs().div_euclid(3600);
    let (many, usual) = (size.waiting(), past.usual(hour));
    past.note(hour, many);
    let limits = &desk.settings.limits;
    if let Some(raised_at) = past.raised_at {
        if many <= raised_at / 2 || many <= limits.queue / 2 {
            past.raised_at = None;
            let because = format!("{many} wait now");
            desk.book.over(desk.now, Rule::QueueGrowth, SUBJECT, &because);
        }
        return;
    }
    if many <= limits.queue || many as f64 <= limits.factor * usual as f64 {
        return;
    }
    past.raised_at = Some(many);
    desk.book.raise(desk.now, Rule::QueueGrowth, SUBJECT, None, || Telling {
        severity: Severity::Warning,
        summary: format!("{many} mails wait in the queue; {usual} is usual"),
        proof: vec![format!(
            "active and incoming {}, deferred {}, held {}; limit {}",
            size.active, size.deferred, size.held, limits.queue
        )],
        advice: "See whose they are and why they wait: postqueue -p; heloscope summary /var/log/mail.log.".to_owned(),
    });
}

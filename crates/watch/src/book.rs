//! The book of alerts: each is raised once, counted while it lasts, and closed once.
//!
//! A rule names its subject; the same subject again is the same alert. One that is not seen again for its quiet time is
//! over. Of one rule only so many are open: what comes beyond is one alert of its own, so that a program that
//! renames itself each minute fills no mailbox.

use crate::alert::{Alert, Rule, Say, Severity};
use heloscope_model::Time;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Alerts of one rule that are open at once.
const MOST_OF_A_RULE: usize = 50;
/// Alerts that are over and still shown.
const MOST_CLOSED: usize = 100;
/// Lines of proof.
const MOST_PROOF: usize = 5;
/// The subject of what comes beyond.
const OTHERS: &str = "many others";

/// What a rule tells of an alert.
pub(crate) struct Telling {
    pub(crate) severity: Severity,
    pub(crate) summary: String,
    pub(crate) proof: Vec<String>,
    pub(crate) advice: String,
}

/// An alert that is open.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open {
    alert: Alert,
    /// Not seen for so many seconds, it is over; none where its rule says so itself.
    quiet_s: Option<f64>,
}

/// The alerts.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Book {
    next: u64,
    open: Vec<Open>,
    closed: VecDeque<Alert>,
    raised: BTreeMap<Rule, u64>,
    #[serde(skip)]
    said: Vec<Say>,
}

impl Book {
    /// Something is wrong, or still is: said only where it is new.
    pub(crate) fn raise(
        &mut self,
        now: Time,
        rule: Rule,
        subject: &str,
        quiet_s: Option<f64>,
        tell: impl FnOnce() -> Telling,
    ) {
        let many = self.of(rule).count() >= MOST_OF_A_RULE;
        if let Some(open) = self.find(rule, subject) {
            return again(open, now, tell);
        }
        let subject = if many { OTHERS } else { subject };
        if many && let Some(open) = self.find(rule, subject) {
            return again(open, now, tell);
        }
        let mut telling = tell();
        telling.proof.truncate(MOST_PROOF);
        if many {
            telling.summary = format!(
                "more than {MOST_OF_A_RULE} at once: they are counted here; the last: {}",
                telling.summary
            );
        }
        self.next += 1;
        let alert = Alert {
            id: self.next,
            rule,
            severity: telling.severity,
            subject: subject.to_owned(),
            summary: telling.summary,
            proof: telling.proof,
            advice: telling.advice,
            first: now,
            last: now,
            count: 1,
            resolved: None,
            because: None,
        };
        *self.raised.entry(rule).or_default() += 1;
        self.said.push(Say::Raised(alert.clone()));
        self.open.push(Open { alert, quiet_s });
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self, rule: Rule, subject: &str) -> bool {
        self.of(rule).any(|alert| alert.subject == subject)
    }

    /// It is over.
    pub(crate) fn over(&mut self, now: Time, rule: Rule, subject: &str, because: &str) {
        self.close(now, |open| {
            let same = open.alert.rule == rule && open.alert.subject == subject;
            same.then(|| because.to_owned())
        });
    }

    /// What has not been seen for its quiet time is over.
    pub(crate) fn quiet(&mut self, now: Time) {
        self.close(now, |open| {
            let quiet = open.quiet_s.filter(|quiet| now.since(open.alert.last) >= *quiet)?;
            Some(format!("not seen again for {}", duration(quiet)))
        });
    }

    fn close(&mut self, now: Time, why: impl Fn(&Open) -> Option<String>) {
        if !self.open.iter().any(|open| why(open).is_some()) {
            return;
        }
        for mut open in std::mem::take(&mut self.open) {
            match why(&open) {
                None => self.open.push(open),
                Some(because) => {
                    open.alert.resolved = Some(now);
                    open.alert.because = Some(because);
                    self.said.push(Say::Resolved(open.alert.clone()));
                    self.closed.push_front(open.alert);
                    self.closed.truncate(MOST_CLOSED);
                }
            }
        }
    }

    /// What is to be said, once.
    pub(crate) fn said(&mut self) -> Vec<Say> {
        std::mem::take(&mut self.said)
    }

    /// What is open, the newest first.
    pub(crate) fn open(&self) -> impl DoubleEndedIterator<Item = &Alert> {
        self.open.iter().rev().map(|open| &open.alert)
    }

    /// What is over, the newest first.
    pub(crate) fn closed(&self) -> impl Iterator<Item = &Alert> {
        self.closed.iter()
    }

    /// How many each rule has raised since the beginning.
    pub(crate) fn raised(&self) -> &BTreeMap<Rule, u64> {
        &self.raised
    }

    fn of(&self, rule: Rule) -> impl Iterator<Item = &Alert> {
        self.open.iter().map(|open| &open.alert).filter(move |alert| alert.rule == rule)
    }

    fn find(&mut self, rule: Rule, subject: &str) -> Option<&mut Alert> {
        let mut all = self.open.iter_mut().map(|open| &mut open.alert);
        all.find(|alert| alert.rule == rule && alert.subject == subject)
    }
}

fn again(alert: &mut Alert, now: Time, tell: impl FnOnce() -> Telling) {
    alert.last = alert.last.max(now);
    alert.count = alert.count.saturating_add(1);
    if alert.proof.len() < MOST_PROOF {
        for line in tell().proof {
            if alert.proof.len() < MOST_PROOF && !alert.proof.contains(&line) {
                alert.proof.push(line);
            }
        }
    }
}

/// Seconds in words.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 2.0 * 86_400.0 => format!("{:.0} days", s / 86_400.0),
        s if s >= 2.0 * 3600.0 => format!("{:.0} hours", s / 3600.0),
        s if s >= 120.0 => format!("{:.0} minutes", s / 60.0),
        s => format!("{s:.0} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn telling(word: &str) -> Telling {
        Telling {
            severity: Severity::Alert,
            summary: word.to_owned(),
            proof: vec![word.to_owned()],
            advice: String::new(),
        }
    }

    fn words(said: &[Say]) -> Vec<String> {
        said.iter()
            .map(|say| match say {
                Say::Raised(alert) => format!("+{} {}", alert.id, alert.subject),
                Say::Resolved(alert) => format!("-{} x{}", alert.id, alert.count),
                Say::Summary(_) => "summary".to_owned(),
            })
            .collect()
    }

    #[test]
    fn raised_once_counted_and_closed_once() {
        let mut book = Book::default();
        for second in [0, 5, 9] {
            book.raise(Time::from_secs(second), Rule::Rate, "anna", Some(60.0), || telling("a"));
        }
        book.quiet(Time::from_secs(60));
        assert_eq!(words(&book.said()), ["+1 anna"]);
        book.quiet(Time::from_secs(69));
        book.quiet(Time::from_secs(70));
        assert_eq!(words(&book.said()), ["-1 x3"]);
        assert_eq!(book.open().count(), 0);
    }

    #[test]
    fn what_renames_itself_is_one_alert_in_the_end() {
        let mut book = Book::default();
        for n in 0..1000 {
            book.raise(Time::from_secs(n), Rule::PastTheMta, &n.to_string(), None, || telling("a"));
        }
        assert_eq!(book.said().len(), MOST_OF_A_RULE + 1);
        assert_eq!(book.open().next().unwrap().count, 950);
    }

    #[test]
    fn a_book_that_was_kept_says_nothing_twice() {
        let mut book = Book::default();
        book.raise(Time::from_secs(1), Rule::Rate, "anna", None, || telling("a"));
        let kept = serde_json::to_string(&book).unwrap();
        let mut book: Book = serde_json::from_str(&kept).unwrap();
        book.raise(Time::from_secs(2), Rule::Rate, "anna", None, || telling("a"));
        assert!(book.said().is_empty());
    }
}

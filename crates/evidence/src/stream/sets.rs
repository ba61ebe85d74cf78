//! Mail logs as sets: the files that one host wrote one after the other (rotated, compressed, in
//! whatever order they were found) go through one chain in order of time, because a mail may
//! begin in one and end in the next.
//!
//! Where two files of a host cover the same time, they may hold the same lines (Debian writes
//! mail both to `mail.log` and `syslog`): lines sampled of the one are looked for in the other,
//! and what was read already is not read again.

use super::{Meter, close, input, metered, widen};
use crate::lines::Lines;
use crate::logline::{self, Line};
use crate::opened::Stream;
use crate::plan::Log;
use crate::sources;
use crate::{Evidence, Sink};
use heloscope_maillog as maillog;
use heloscope_model::SourceId;
use std::collections::{BTreeMap, HashSet};
use std::io::Read;

/// Lines sampled of a file that may be a double.
const SAMPLE: usize = 64;

/// What reads the logs of a set, one after the other.
trait Reader {
    /// One log, decompressed; month and day of its last stamp, where known.
    fn log(
        &mut self,
        source: SourceId,
        input: &mut dyn Read,
        calendar: &maillog::Calendar,
        last: Option<(u8, u8)>,
    ) -> maillog::Report;

    /// The next log is of another set.
    fn end_of_set(&mut self) {}
}

/// Streams the mails of every set into a sink.
pub(super) fn read(evidence: &mut Evidence, logs: &[Log], sink: &mut dyn Sink, meter: &Meter<'_>) {
    let mut mails = Mails { chain: maillog::Chain::new(), sink };
    each(evidence, logs, meter, &mut mails);
}

/// The numbers of every set together.
pub(super) fn count(
    evidence: &mut Evidence,
    logs: &[Log],
    threads: usize,
    meter: &Meter<'_>,
) -> maillog::Summary {
    let mut numbers = Numbers(maillog::Summarizer::new().with_threads(threads));
    each(evidence, logs, meter, &mut numbers);
    numbers.0.summary()
}

fn each(evidence: &mut Evidence, logs: &[Log], meter: &Meter<'_>, reader: &mut dyn Reader) {
    let mut sets: BTreeMap<&[u8], Vec<&Log>> = BTreeMap::new();
    for log in logs.iter().filter(|l| l.mail.is_some()) {
        sets.entry(log.ends.host.as_slice()).or_default().push(log);
    }
    for (_, set) in sets {
        let mut done: Vec<&Log> = Vec::new();
        for log in set {
            let Some(source) = log.mail else { continue };
            if let Some(other) =
                done.iter().find(|other| overlap(other, log) && doubles(other, log))
            {
                let path =
                    other.mail.and_then(|id| evidence.path(id)).map(|p| p.display().to_string());
                if let Some(input) = input(evidence, source) {
                    let path = path.unwrap_or_default();
                    sources::note(
                        input,
                        &format!("holds the mail lines of {path} again: read once, there"),
                    );
                }
                continue;
            }
            done.push(log);
            let Some(reading) = &log.reading else { continue };
            let Some(mut stream) = metered(evidence, source, meter) else { continue };
            let calendar =
                maillog::Calendar { zone: reading.zone.clone(), last_year: reading.last_year };
            let last = log.ends.last.map(|last| (last.month, last.day));
            let report = reader.log(source, &mut stream, &calendar, last);
            if let Some(input) = input(evidence, source) {
                input.records = report.understood;
                widen(input, report.first, report.last);
                input.gaps = report.gaps;
                for note in &report.notes {
                    sources::note(input, note);
                }
            }
            close(evidence, source, stream);
        }
        reader.end_of_set();
    }
}

/// Follows queue ids and hands out mails.
struct Mails<'a> {
    chain: maillog::Chain,
    sink: &'a mut dyn Sink,
}

impl Reader for Mails<'_> {
    fn log(
        &mut self,
        source: SourceId,
        input: &mut dyn Read,
        calendar: &maillog::Calendar,
        last: Option<(u8, u8)>,
    ) -> maillog::Report {
        let mut forward = Forward(self.sink);
        match last {
            Some(last) => self.chain.read_ending(source, input, calendar, last, &mut forward),
            None => self.chain.read(source, input, calendar, &mut forward),
        }
    }

    fn end_of_set(&mut self) {
        std::mem::take(&mut self.chain).finish(&mut Forward(self.sink));
    }
}

/// Only counts.
struct Numbers(maillog::Summarizer);

impl Reader for Numbers {
    fn log(
        &mut self,
        _source: SourceId,
        input: &mut dyn Read,
        calendar: &maillog::Calendar,
        last: Option<(u8, u8)>,
    ) -> maillog::Report {
        self.0.read(input, calendar, last)
    }
}

/// Hands the chain's records on.
struct Forward<'a>(&'a mut dyn Sink);

impl maillog::Sink for Forward<'_> {
    fn mail(&mut self, mail: maillog::Mail) {
        self.0.mail(mail);
    }
    fn login(&mut self, login: maillog::Login) {
        self.0.login(login);
    }
    fn reject(&mut self, reject: maillog::Reject) {
        self.0.reject(reject);
    }
    fn attempt(&mut self, attempt: maillog::Attempt) {
        self.0.attempt(attempt);
    }
    fn link(&mut self, link: maillog::Link) {
        self.0.link(link);
    }
}

/// Whether two logs cover a common time of more than a moment.
fn overlap(a: &Log, b: &Log) -> bool {
    match (a.span, b.span) {
        (Some((a_from, a_to)), Some((b_from, b_to))) => {
            let from = a_from.max(b_from);
            let to = a_to.min(b_to);
            to >= from
        }
        _ => false,
    }
}

/// Whether the mail lines of `log` stand in `other` too: nearly all of a sample do.
fn doubles(other: &Log, log: &Log) -> bool {
    let wanted = sample(log, other);
    if wanted.len() < 2 {
        return false;
    }
    let Ok(stream) = Stream::open(&other.body) else { return false };
    let mut lines = Lines::new(stream);
    let mut missing: HashSet<Vec<u8>> = wanted.clone();
    while let Some((_, line)) = lines.next_line() {
        if !missing.is_empty() && missing.remove(line) && missing.is_empty() {
            break;
        }
    }
    missing.len() * 10 <= wanted.len()
}

/// Mail lines of a log, spread over the time it shares with another.
fn sample(log: &Log, other: &Log) -> HashSet<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let Ok(stream) = Stream::open(&log.body) else { return HashSet::new() };
    let (Some(reading), Some((from, to))) = (&log.reading, other.span) else {
        return HashSet::new();
    };
    let mut clock = crate::stamp::Clock::new(reading.zone.clone(), reading.first_year);
    let mut lines = Lines::new(stream);
    let (mut step, mut seen) = (1_u64, 0_u64);
    while let Some((_, line)) = lines.next_line() {
        if memchr::memmem::find(line, b"postfix").is_none()
            || logline::classify(line) != Some(Line::Postfix)
        {
            continue;
        }
        let Some(stamp) = crate::stamp::of_line(line) else { continue };
        let time = clock.time(&stamp);
        if time < from || time > to {
            continue;
        }
        if seen.is_multiple_of(step) {
            found.push(line.to_vec());
        }
        seen += 1;
        // Thin out as the log turns out longer: the sample stays spread over all of it.
        if found.len() >= SAMPLE * 2 {
            let mut index = 0;
            found.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            step *= 2;
        }
    }
    found.into_iter().collect()
}

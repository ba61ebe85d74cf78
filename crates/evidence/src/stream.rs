//! Pass 1: the large kinds, in the order of the contract: captures, connections, auth logs, proxy
//! logs, mail logs, web logs, kept mails; each kind in order of time. Memory holds one buffer a file and what the
//! readers keep; inputs get their records, stamps, gaps and notes.

mod sets;
mod zone;

use crate::opened::{Body, Stream};
use crate::plan;
use crate::sources::{self, Sources};
use crate::stamp::Clock;
use crate::{Evidence, Input, Sink, authlog, connections, messages, proxylog, walk, weblog};
use heloscope_model::{Place, SourceId, Time};
use std::cell::{Cell, RefCell};
use std::io::Read;

/// Tells how far the reading is.
pub(crate) struct Meter<'a> {
    /// Bytes of the files done before this one.
    done: Cell<u64>,
    total: u64,
    tell: RefCell<&'a mut dyn FnMut(u64, u64)>,
}

impl<'a> Meter<'a> {
    fn new(total: u64, tell: &'a mut dyn FnMut(u64, u64)) -> Self {
        Self { done: Cell::new(0), total, tell: RefCell::new(tell) }
    }

    fn at(&self, inside: u64) {
        let done = self.done.get().saturating_add(inside).min(self.total);
        if let Ok(mut tell) = self.tell.try_borrow_mut() {
            tell(done, self.total);
        }
    }

    /// A file is read.
    fn pass(&self, size: u64) {
        self.done.set(self.done.get().saturating_add(size));
        self.at(0);
    }
}

/// A stream that tells the meter each few megabytes.
pub(crate) struct Metered<'a, 'b> {
    pub(crate) stream: Stream,
    meter: &'a Meter<'b>,
    told: u64,
}

impl Read for Metered<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.stream.read(buffer)?;
        let raw = self.stream.raw_bytes();
        if raw > self.told + (4 << 20) {
            self.told = raw;
            self.meter.at(raw);
        }
        Ok(read)
    }
}

/// Reads everything that was planned.
pub(crate) fn run(
    evidence: &mut Evidence,
    sink: &mut dyn Sink,
    progress: &mut dyn FnMut(u64, u64),
) {
    let mut plan = std::mem::take(&mut evidence.plan);
    let meter = Meter::new(total(&plan, &evidence.sources), progress);
    let mut seen = zone::Seen::default();
    for capture in &plan.captures {
        read_capture(evidence, capture, sink, &mut seen, &meter);
    }
    seen.correct(evidence, &mut plan.logs);
    read_connections(evidence, &plan, sink, &meter);
    read_auth(evidence, &plan, sink, &meter);
    read_proxies(evidence, &plan, sink, &meter);
    sets::read(evidence, &plan.logs, sink, &meter);
    for web in &plan.webs {
        read_web(evidence, web, sink, &meter);
    }
    read_mails(evidence, &plan, sink, &meter);
    evidence.plan = plan;
}

/// The numbers of all mail logs that were planned.
pub(crate) fn count(
    evidence: &mut Evidence,
    threads: usize,
    progress: &mut dyn FnMut(u64, u64),
) -> heloscope_maillog::Summary {
    let plan = std::mem::take(&mut evidence.plan);
    let meter = Meter::new(total(&plan, &evidence.sources), progress);
    let summary = sets::count(evidence, &plan.logs, threads, &meter);
    evidence.plan = plan;
    summary
}

/// Bytes on the disk that will be read.
fn total(plan: &plan::Plan, sources: &Sources) -> u64 {
    let size = |id: SourceId| sources.get(id).map_or(0, |s| s.body.size());
    let logs = plan.logs.iter().map(|l| {
        let read = [l.mail, l.connections, l.auth, l.proxy];
        let times = read.iter().filter(|source| source.is_some()).count() as u64;
        l.body.size() * times
    });
    plan.captures.iter().map(|c| size(c.source)).sum::<u64>()
        + logs.sum::<u64>()
        + plan.webs.iter().map(|w| size(w.source)).sum::<u64>()
        + plan.mboxes.iter().map(|m| size(*m)).sum::<u64>()
}

/// A source opened for reading; its input is told if that fails.
fn metered<'a, 'b>(
    evidence: &mut Evidence,
    source: SourceId,
    meter: &'a Meter<'b>,
) -> Option<Metered<'a, 'b>> {
    let body = evidence.sources.get(source)?.body.clone();
    match Stream::open(&body) {
        Ok(stream) => Some(Metered { stream, meter, told: 0 }),
        Err(error) => {
            if let Some(input) = input(evidence, source) {
                sources::note(input, &walk::reason(&error));
            }
            None
        }
    }
}

/// The input a source belongs to.
fn input(evidence: &mut Evidence, source: SourceId) -> Option<&mut Input> {
    let index = evidence.sources.get(source)?.input;
    evidence.inputs.get_mut(index)
}

/// What every reading ends with: the file is done, and what went wrong is said.
fn close(evidence: &mut Evidence, source: SourceId, read: Metered<'_, '_>) {
    let size = evidence.sources.get(source).map_or(0, |s| s.body.size());
    read.meter.pass(size);
    if let (Some(problem), Some(input)) =
        (read.stream.problem().map(str::to_owned), input(evidence, source))
    {
        sources::note(input, &problem);
    }
}

fn widen(input: &mut Input, first: Option<Time>, last: Option<Time>) {
    input.first = [input.first, first].into_iter().flatten().min();
    input.last = [input.last, last].into_iter().flatten().max();
}

fn read_capture(
    evidence: &mut Evidence,
    capture: &plan::Capture,
    sink: &mut dyn Sink,
    seen: &mut zone::Seen,
    meter: &Meter<'_>,
) {
    let source = capture.source;
    let Some(mut stream) = metered(evidence, source, meter) else { return };
    let options = heloscope_capture::Options::default();
    let mut take = |session| {
        seen.note(&session);
        sink.session(session);
    };
    let report = match capture.text {
        Some(clock) => {
            heloscope_capture::text::read(source, &mut stream, &options, clock, &mut take)
        }
        None => heloscope_capture::read(source, &mut stream, &options, &mut take),
    };
    if let Some(input) = input(evidence, source) {
        input.records = report.frames;
        input.first = report.first;
        input.last = report.last;
        let mut what = vec![format!(
            "{} frame{}, {} SMTP session{}",
            report.frames,
            if report.frames == 1 { "" } else { "s" },
            report.sessions,
            if report.sessions == 1 { "" } else { "s" }
        )];
        if !report.interfaces.is_empty() {
            what.push(format!("interface {}", report.interfaces.join(", ")));
        }
        if let Some(filter) = &report.filter {
            what.push(format!("filter {filter}"));
        }
        if let Some(dropped) = report.dropped.filter(|d| *d > 0) {
            what.push(format!("{dropped} frames lost by the capturing program"));
        }
        if report.cut > 0 {
            what.push(format!("{} frames cut short", report.cut));
        }
        input.what = Some(what.join("; "));
        for note in report.problem.iter().chain(&report.notes) {
            sources::note(input, note);
        }
    }
    close(evidence, source, stream);
}

fn read_connections(
    evidence: &mut Evidence,
    plan: &plan::Plan,
    sink: &mut dyn Sink,
    meter: &Meter<'_>,
) {
    for connection in &plan.tables {
        sink.connection(connection.clone());
    }
    for log in &plan.logs {
        let (Some(source), Some(reading)) = (log.connections, &log.reading) else { continue };
        let Some(mut stream) = metered(evidence, source, meter) else { continue };
        let mut clock = Clock::new(reading.zone.clone(), reading.first_year);
        let report =
            connections::netfilter::read(source, &mut stream, &mut clock, &mut |connection| {
                sink.connection(connection);
            });
        if let Some(input) = input(evidence, source) {
            input.records = report.records;
            // The log's ends say what it covers, its firewall lines only where something was logged.
            widen(input, report.first, report.last);
            if let Some(cut) = &report.cut {
                sources::note(input, cut);
            }
        }
        close(evidence, source, stream);
    }
}

fn read_auth(evidence: &mut Evidence, plan: &plan::Plan, sink: &mut dyn Sink, meter: &Meter<'_>) {
    for log in &plan.logs {
        let (Some(source), Some(reading)) = (log.auth, &log.reading) else { continue };
        let Some(mut stream) = metered(evidence, source, meter) else { continue };
        let mut clock = Clock::new(reading.zone.clone(), reading.first_year);
        let report = authlog::read(source, &mut stream, &mut clock, &mut |event| sink.auth(event));
        if let Some(input) = input(evidence, source) {
            input.records = report.records;
            widen(input, report.first, report.last);
            if let Some(cut) = &report.cut {
                sources::note(input, cut);
            }
        }
        close(evidence, source, stream);
    }
}

fn read_proxies(
    evidence: &mut Evidence,
    plan: &plan::Plan,
    sink: &mut dyn Sink,
    meter: &Meter<'_>,
) {
    for log in &plan.logs {
        let (Some(source), Some(reading)) = (log.proxy, &log.reading) else { continue };
        let Some(mut stream) = metered(evidence, source, meter) else { continue };
        let mut clock = Clock::new(reading.zone.clone(), reading.first_year);
        let report =
            proxylog::read(source, &mut stream, &mut clock, &mut |proxied| sink.proxied(proxied));
        if let Some(input) = input(evidence, source) {
            input.records = report.records;
            widen(input, report.first, report.last);
            if let Some(cut) = &report.cut {
                sources::note(input, cut);
            }
        }
        close(evidence, source, stream);
    }
}

fn read_web(evidence: &mut Evidence, web: &plan::Web, sink: &mut dyn Sink, meter: &Meter<'_>) {
    let source = web.source;
    let Some(mut stream) = metered(evidence, source, meter) else { return };
    let report = weblog::read(source, &mut stream, &mut |request| sink.request(request));
    if let Some(input) = input(evidence, source) {
        input.records = report.records;
        input.first = report.first;
        input.last = report.last;
        input.gaps = report.gaps;
        if let Some(at) = report.first_skipped {
            let lines = if report.skipped == 1 { "line is" } else { "lines are" };
            sources::note(
                input,
                &format!("{} {lines} no request, the first at byte {at}", report.skipped),
            );
        }
        if let Some(cut) = &report.cut {
            sources::note(input, cut);
        }
    }
    close(evidence, source, stream);
}

/// Kept mails. Single files are read in order of date, so their headers are read first.
fn read_mails(evidence: &mut Evidence, plan: &plan::Plan, sink: &mut dyn Sink, meter: &Meter<'_>) {
    let mut copies = Vec::new();
    for source in &plan.mails {
        let Some(body) = evidence.sources.get(*source).map(|s| s.body.clone()) else { continue };
        let head = head(&body);
        let copy = messages::read_one(&head, Place::whole(*source));
        let Some(input) = input(evidence, *source) else { continue };
        match copy {
            Some(copy) => {
                input.records += 1;
                widen(input, copy.date, copy.date);
                copies.push(copy);
            }
            None => sources::note(input, "a file without a header section"),
        }
    }
    copies.sort_by_key(|c| (c.date, c.place));
    for copy in copies {
        sink.mail_copy(copy);
    }
    for source in &plan.mboxes {
        let Some(mut stream) = metered(evidence, *source, meter) else { continue };
        let (mut records, mut first, mut last) = (0, None, None);
        let cut = messages::read_mbox(*source, &mut stream, &mut |copy| {
            records += 1;
            first = [first, copy.date].into_iter().flatten().min();
            last = [last, copy.date].into_iter().flatten().max();
            sink.mail_copy(copy);
        });
        if let Some(input) = input(evidence, *source) {
            input.records = records;
            widen(input, first, last);
            if let Some(cut) = cut {
                sources::note(input, &cut);
            }
        }
        close(evidence, *source, stream);
    }
}

/// The first bytes of a mail.
fn head(body: &Body) -> Vec<u8> {
    let mut head = Vec::new();
    if let Ok(stream) = Stream::open(body) {
        let _ = stream.take(messages::HEADER as u64).read_to_end(&mut head);
    }
    head
}

//! Reading a log in blocks, one after the other or several at once, into any kind of books.
//!
//! A log is cut into blocks of whole lines at fixed bytes of the stream. With one thread the
//! books follow the blocks in turn; with more, each block is followed into books of its own by a
//! worker and joined in order, which gives the same books (`table` says how). The year of BSD
//! stamps is settled first: from the log's last stamp, which the caller tells or which is looked
//! for in what is read ahead.

use crate::Calendar;
use crate::Report;
use crate::scan::{Follow, LONGEST_LINE, Scanner, Tally};
use crate::stamp::{self, Clock, Years};
use std::collections::VecDeque;
use std::io::Read;
use std::sync::mpsc;
use std::thread;

/// Bytes of a block, unless a test asks for others.
pub(crate) const BLOCK: usize = 512 << 10;
/// Bytes read ahead to find the last stamp of a log whose end the caller does not tell.
const AHEAD: usize = 64 << 20;
/// Blocks up to this size are looked through line by line for New Years.
const SMALL: usize = 64 << 10;
/// In larger ones a line is looked at every so many bytes.
const SAMPLED: usize = 16 << 10;

/// What is kept while following a log.
pub(crate) trait Books: Follow + Send + Sized {
    /// What a worker hands over after each block.
    type Part: Send;
    /// Empty books for a worker, which follows parts of the same log that are not the first.
    fn worker(&self) -> Self;
    /// Of a worker's books: what the whole must know of the block just followed.
    fn part(&mut self) -> Self::Part;
    /// Adds the next part, whose block starts at `at`.
    fn join(&mut self, part: Self::Part, block: &[u8], at: u64, replayer: &mut Scanner);
    /// Adds what a worker has kept to the end.
    fn absorb(&mut self, worker: Self);
    /// A block is done: keep within bounds.
    fn checkpoint(&mut self);
}

/// The month and day of a log's last stamp.
pub(crate) type Ending = (u8, u8);

/// How a log is read.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Workers; one is none.
    pub(crate) threads: usize,
    /// Bytes of a block.
    pub(crate) block: usize,
}

/// Reads one log into books; `block_done` is called after each block, in order.
pub(crate) fn read_log<B: Books>(
    books: &mut B,
    input: &mut dyn Read,
    calendar: &Calendar,
    ending: Option<Ending>,
    pace: Pace,
    block_done: &mut dyn FnMut(&mut B),
) -> Report {
    let mut blocks = Blocks::new(input, pace.block);
    let wraps = new_years(&mut blocks, ending);
    let clock = Clock::of(calendar, wraps);
    let mut tally = if pace.threads > 1 {
        side_by_side(books, &mut blocks, clock, pace.threads, block_done)
    } else {
        in_turn(books, &mut blocks, clock, block_done)
    };
    for _ in 0..blocks.too_long {
        tally.too_long();
    }
    let mut report = tally.report();
    report.notes.extend(blocks.failure.take());
    report
}

fn in_turn<B: Books>(
    books: &mut B,
    blocks: &mut Blocks<'_>,
    clock: Clock,
    block_done: &mut dyn FnMut(&mut B),
) -> Tally {
    let mut scanner = Scanner::new(clock);
    let mut block = Vec::new();
    while let Some(at) = blocks.next(&mut block) {
        scanner.block(&block, at, books);
        books.checkpoint();
        block_done(books);
    }
    scanner.tally
}

/// A block on its way to a worker, and back with its books.
struct Job {
    block: Vec<u8>,
    at: u64,
    clock: Clock,
}

fn side_by_side<B: Books>(
    books: &mut B,
    blocks: &mut Blocks<'_>,
    clock: Clock,
    threads: usize,
    block_done: &mut dyn FnMut(&mut B),
) -> Tally {
    let mut tally = Tally::default();
    let mut replayer = Scanner::new(clock.clone());
    let mut years = clock.years();
    let mut spare: Vec<Vec<u8>> = Vec::new();
    thread::scope(|scope| {
        let mut workers = Vec::new();
        let mut ends = Vec::new();
        for _ in 0..threads {
            let (give, jobs) = mpsc::sync_channel::<Job>(2);
            let (done, results) = mpsc::channel();
            let mut own = books.worker();
            ends.push(scope.spawn(move || {
                for job in jobs {
                    let mut scanner = Scanner::new(job.clock);
                    scanner.block(&job.block, job.at, &mut own);
                    own.checkpoint();
                    if done.send((job.block, job.at, own.part(), scanner.tally)).is_err() {
                        break;
                    }
                }
                own
            }));
            workers.push((give, results));
        }
        // Jobs go round; results are taken back in the same order.
        let mut under_way: VecDeque<usize> = VecDeque::new();
        let mut next = 0;
        loop {
            let mut block = spare.pop().unwrap_or_default();
            let at = blocks.next(&mut block);
            if let Some(at) = at {
                let clock = clock.with_years(years);
                years = years_after(&block, years);
                let sent = workers.get(next).map(|(give, _)| give.send(Job { block, at, clock }));
                if sent.is_none_or(|sent| sent.is_err()) {
                    break;
                }
                under_way.push_back(next);
                next = (next + 1) % threads;
            }
            while under_way.len() > threads * 2 || (at.is_none() && !under_way.is_empty()) {
                let Some((_, results)) = under_way.pop_front().and_then(|n| workers.get(n)) else {
                    break;
                };
                let Ok((block, at, part, part_tally)) = results.recv() else { break };
                books.join(part, &block, at, &mut replayer);
                tally.add(part_tally);
                books.checkpoint();
                block_done(books);
                spare.push(block);
            }
            if at.is_none() {
                break;
            }
        }
        drop(workers);
        for end in ends {
            match end.join() {
                Ok(own) => books.absorb(own),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    tally
}

/// How many New Years lie between the first and the last stamp of a log.
fn new_years(blocks: &mut Blocks<'_>, ending: Option<Ending>) -> i16 {
    blocks.fill(BLOCK);
    let Some(first) = blocks.ahead.split(|&b| b == b'\n').find_map(month_and_day) else {
        return 0;
    };
    match ending {
        Some(last) => i16::from((last.0, last.1.saturating_add(1)) < first),
        None => {
            blocks.fill(AHEAD);
            let whole = blocks.at_end;
            let wraps = years_after(&blocks.ahead, Years::starting(0)).year;
            if !whole && wraps > 0 {
                blocks.failure = Some(
                    "a New Year within a long log whose end was not known: years may be one late"
                        .into(),
                );
            }
            if whole { wraps } else { 0 }
        }
    }
}

/// The years after a block: every line of a small one; of a large one samples, since half a year
/// of lines does not fit between them.
fn years_after(block: &[u8], mut years: Years) -> Years {
    let mut next = |line: &[u8]| {
        if let Some((month, day)) = month_and_day(line) {
            years.next(month, day);
        }
    };
    if block.len() <= SMALL {
        block.split(|&b| b == b'\n').for_each(next);
        return years;
    }
    let mut at = 0;
    while let Some(rest) = block.get(at..).filter(|rest| !rest.is_empty()) {
        let start =
            if at == 0 { 0 } else { memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n + 1) };
        next(rest.get(start..).unwrap_or_default());
        at += SAMPLED;
    }
    let end = block.strip_suffix(b"\n").unwrap_or(block);
    let last = memchr::memrchr(b'\n', end).map_or(0, |n| n + 1);
    next(end.get(last..).unwrap_or_default());
    years
}

/// Month and day of a line with a BSD stamp, where the scanner's clock sees one too.
fn month_and_day(line: &[u8]) -> Option<(u8, u8)> {
    if line.len() > LONGEST_LINE || line.first() == Some(&b'{') {
        return None;
    }
    let found = stamp::bsd(line).or_else(|| {
        // What follows a stamp with a year is text, whatever it looks like.
        let dated = stamp::rfc3339(line).is_some_and(|(_, rest)| rest.starts_with(b" "));
        if dated { None } else { stamp::bsd(stamp::unprefixed(line).0) }
    });
    found.map(|(stamp, _)| (stamp.month, stamp.day))
}

/// Cuts a stream into blocks of whole lines.
struct Blocks<'a> {
    input: &'a mut dyn Read,
    size: usize,
    /// Read and not given out, from `front` on.
    ahead: Vec<u8>,
    front: usize,
    /// Where it starts in the stream.
    at: u64,
    at_end: bool,
    /// Lines that did not fit into a block.
    too_long: u64,
    /// Why reading stopped early.
    failure: Option<String>,
}

impl<'a> Blocks<'a> {
    fn new(input: &'a mut dyn Read, size: usize) -> Self {
        Self {
            input,
            size,
            ahead: Vec::new(),
            front: 0,
            at: 0,
            at_end: false,
            too_long: 0,
            failure: None,
        }
    }

    /// What is read and not given out.
    fn window(&self) -> &[u8] {
        self.ahead.get(self.front..).unwrap_or_default()
    }

    /// Reads until so many bytes are ahead, or the end.
    fn fill(&mut self, want: usize) {
        let missing = want.saturating_sub(self.window().len());
        if self.at_end || missing == 0 {
            return;
        }
        self.ahead.drain(..self.front);
        self.front = 0;
        self.ahead.reserve(missing.min(self.size)); // the rest as it comes
        let read = (&mut *self.input).take(missing as u64).read_to_end(&mut self.ahead);
        if let Err(error) = read {
            let at = self.at + self.ahead.len() as u64;
            self.failure = Some(format!("reading stopped at byte {at}: {error}"));
        }
        self.at_end = self.ahead.len() < want;
    }

    /// The next block, in place of the one given, and where it starts. `None` at the end.
    fn next(&mut self, block: &mut Vec<u8>) -> Option<u64> {
        loop {
            self.fill(self.size);
            let ahead = self.window();
            if ahead.is_empty() {
                return None;
            }
            let window = ahead.get(..self.size).unwrap_or(ahead);
            let all = self.at_end && window.len() == ahead.len();
            let length = if all { window.len() } else { whole_lines(window) };
            if length == 0 {
                self.skip_line();
                continue;
            }
            let at = self.at;
            self.at += length as u64;
            // The rest starts the next block; what is given out takes the old buffer with it.
            block.clear();
            if self.front == 0 && self.ahead.len() <= self.size {
                block.extend_from_slice(self.ahead.get(length..).unwrap_or_default());
                std::mem::swap(block, &mut self.ahead);
                block.truncate(length);
            } else {
                block.extend_from_slice(self.window().get(..length).unwrap_or_default());
                self.front += length;
            }
            return Some(at);
        }
    }

    /// Drops a line that fills a block by itself.
    fn skip_line(&mut self) {
        self.too_long += 1;
        loop {
            let found = memchr::memchr(b'\n', self.window());
            let length = found.map_or(self.window().len(), |n| n + 1);
            self.at += length as u64;
            self.front += length;
            if found.is_some() || self.at_end {
                return;
            }
            self.fill(self.size);
        }
    }
}

/// The bytes of the whole lines of a block, less the last line, so that a repetition
/// (`last message repeated`) never stands without the line it repeats.
fn whole_lines(ahead: &[u8]) -> usize {
    let Some(last) = memchr::memrchr(b'\n', ahead) else { return 0 };
    let mut end = last;
    for _ in 0..64 {
        let lines = ahead.get(..end).unwrap_or_default();
        let Some(before) = memchr::memrchr(b'\n', lines) else { break };
        let line = lines.get(before + 1..).unwrap_or_default();
        let line = line.get(..LONGEST_LINE).unwrap_or(line);
        if memchr::memmem::find(line, b"last message repeated ").is_none() {
            return before + 1;
        }
        end = before;
    }
    last + 1
}

#[cfg(test)]
mod tests;

//! Blocks of a log to lines with meaning: framing, and what is counted of the log as a log.
//!
//! In: blocks of whole lines and where they start. Out: each line of a service we read, with its
//! [`Event`], to a [`Follow`]er. Framings: BSD syslog, RFC 3339, RFC 5424, a priority, Docker's
//! second stamp, journald's and Docker's JSON, BusyBox's facility word, repeated-message lines.
//! Lines over [`LONGEST_LINE`] are passed over and counted; what fits no framing is counted only.

mod gaps;
mod json;

pub(crate) use gaps::Stretches;

use crate::event::{self, Event};
use crate::field::{after, cut_byte, number};
use crate::service::{Service, Tag, Tags, fingerprint};
use crate::stamp::{self, Clock};
use crate::{Report, field};
use heloscope_model::Time;
use memchr::{memchr, memchr2, memmem};

/// Longer lines are passed over: syslog cuts at 2 to 8 KB.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;
/// Most repetitions of one line that are given out.
const MOST_REPEATS: u64 = 1_000;
/// Host names remembered.
const MOST_HOSTS: usize = 256;

/// One line of a service we read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    pub(crate) time: Time,
    /// Where it starts in its source.
    pub(crate) at: u64,
    pub(crate) host: &'a [u8],
    /// A fingerprint of host and instance.
    pub(crate) scope: u64,
    pub(crate) tag: Tag<'a>,
    pub(crate) pid: Option<u32>,
    /// Not written itself: `last message repeated 3 times`.
    pub(crate) repeated: bool,
}

impl Line<'_> {
    /// The process, told apart by host.
    pub(crate) fn process(&self) -> u64 {
        self.scope
            ^ self.tag.hash
            ^ u64::from(self.pid.unwrap_or(0)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// Takes the lines of a log in order.
pub(crate) trait Follow {
    /// The next line.
    fn line(&mut self, line: &Line<'_>, event: &Event<'_>);
}

/// Reads the blocks of one log.
pub(crate) struct Scanner {
    pub(crate) clock: Clock,
    tags: Tags,
    /// Of the line before; none before the first, since a host's name can be empty.
    host: Option<Vec<u8>>,
    host_hash: u64,
    host_at: usize,
    pub(crate) tally: Tally,
    scratch: Vec<u8>,
}

/// What a log was as a log. Parts of one log add up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    lines: u64,
    understood: u64,
    strange: u64,
    unframed: u64,
    too_long: u64,
    binary: u64,
    hosts: Vec<(Vec<u8>, u64)>,
    pub(crate) times: Stretches,
}

/// A line taken apart.
struct Framed<'a> {
    host: &'a [u8],
    tag: &'a [u8],
    pid: Option<u32>,
    text: &'a [u8],
}

impl Scanner {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            tags: Tags::new(),
            host: None,
            host_hash: 0,
            host_at: 0,
            tally: Tally::default(),
            scratch: Vec::new(),
        }
    }

    /// Reads a block of whole lines that starts at a byte of its source.
    pub(crate) fn block(&mut self, block: &[u8], at: u64, follower: &mut impl Follow) {
        let mut start = 0;
        let mut previous: &[u8] = b"";
        while let Some(rest) = block.get(start..).filter(|rest| !rest.is_empty()) {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or(rest);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                self.line(line, at + start as u64, previous, follower);
                previous = line;
            }
            start += end + 1;
        }
    }

    /// One line; `previous` is the one before it, which a repetition speaks of.
    #[inline]
    pub(crate) fn line(
        &mut self,
        line: &[u8],
        at: u64,
        previous: &[u8],
        follower: &mut impl Follow,
    ) {
        self.tally.lines += 1;
        if line.len() > LONGEST_LINE {
            self.tally.too_long += 1;
            return;
        }
        let Some((time, rest)) = self.clock.read(line) else {
            return self.odd(line, at, follower);
        };
        let rest = if line.first().is_some_and(u8::is_ascii_digit) { inner(rest) } else { rest };
        match framed(rest, self.host()) {
            Some(framed) => self.deliver(time, at, &framed, false, follower),
            None => {
                self.tally.times.see(time);
                self.repetition(time, at, rest, previous, follower);
            }
        }
    }

    /// A framed line: its tag, its event.
    #[inline]
    fn deliver(
        &mut self,
        time: Time,
        at: u64,
        framed: &Framed<'_>,
        repeated: bool,
        follower: &mut impl Follow,
    ) {
        self.tally.times.see(time);
        let tag = self.tags.look_up(framed.tag);
        if tag.service == Service::Foreign {
            return;
        }
        if self.host.as_deref() != Some(framed.host) {
            self.another_host(framed.host);
        }
        if let Some((_, count)) = self.tally.hosts.get_mut(self.host_at) {
            *count += 1;
        }
        let scope = self.host_hash.rotate_left(17) ^ tag.hash;
        let mut line = Line { time, at, host: framed.host, scope, tag, pid: framed.pid, repeated };
        let mut text = framed.text;
        if let Some(rest) = after(text, b"[ID ") {
            text = field::cut(rest, b"] ").map_or(text, |(_, rest)| rest); // Solaris
        }
        let mut times = 1;
        if let Some((n, inside)) = after(text, b"message repeated ")
            .and_then(event::times)
            .and_then(|(n, rest)| Some((n, after(rest, b": [ ")?)))
        {
            // rsyslog's form carries the message.
            text = inside.strip_suffix(b"]").unwrap_or(inside);
            times = n.min(MOST_REPEATS);
            line.repeated = true;
        }
        let event = event::read(&line.tag, text);
        if event == Event::Strange {
            self.tally.strange += 1;
        } else {
            self.tally.understood += 1;
        }
        for _ in 0..times {
            follower.line(&line, &event);
        }
    }

    /// `last message repeated 3 times`: the message before it, so many times again.
    #[cold]
    fn repetition(
        &mut self,
        time: Time,
        at: u64,
        rest: &[u8],
        previous: &[u8],
        follower: &mut impl Follow,
    ) {
        let said = memmem::find(rest, b"last message repeated ")
            .and_then(|found| rest.get(found + 22..))
            .and_then(event::times);
        let Some((n, _)) = said else {
            self.tally.unframed += 1;
            return;
        };
        // Not by the clock, whose year must not go back and forth.
        let before = match stamp::bsd(previous) {
            Some((_, before)) => Some(before),
            None => stamp::rfc3339(previous).and_then(|(_, rest)| after(rest, b" ")),
        };
        let Some(framed) = before.and_then(|before| framed(before, self.host())) else { return };
        for _ in 0..n.min(MOST_REPEATS) {
            self.deliver(time, at, &framed, true, follower);
        }
    }

    /// A line that does not start with a stamp.
    #[cold]
    fn odd(&mut self, line: &[u8], at: u64, follower: &mut impl Follow) {
        if line.first() == Some(&b'{') {
            let mut scratch = std::mem::take(&mut self.scratch);
            if let Some((time, rest)) = json::read(line, &mut scratch, &mut self.clock)
                && let Some(framed) = framed(rest, self.host())
            {
                self.deliver(time, at, &framed, false, follower);
            } else {
                self.tally.unframed += 1;
            }
            self.scratch = scratch;
            return;
        }
        let (text, modern) = stamp::unprefixed(line);
        let read = self.clock.read(text);
        let framed = read.and_then(|(time, rest)| {
            let framed = if modern { rfc5424(rest) } else { framed(inner(rest), self.host()) };
            framed.map(|framed| (time, framed))
        });
        match framed {
            Some((time, framed)) => self.deliver(time, at, &framed, false, follower),
            None => {
                if let Some((time, _)) = read {
                    self.tally.times.see(time);
                }
                self.tally.unframed += 1;
                self.tally.binary += u64::from(memchr(0, line).is_some());
            }
        }
    }

    #[inline]
    fn host(&self) -> &[u8] {
        self.host.as_deref().unwrap_or_default()
    }

    #[cold]
    fn another_host(&mut self, host: &[u8]) {
        self.host = Some(host.to_vec());
        self.host_hash = fingerprint(host);
        let known = self.tally.hosts.iter().position(|(name, _)| name == host);
        self.host_at = known.unwrap_or_else(|| {
            if self.tally.hosts.len() < MOST_HOSTS {
                self.tally.hosts.push((host.to_vec(), 0));
                self.tally.hosts.len() - 1
            } else {
                MOST_HOSTS // none of them
            }
        });
    }
}

/// `host tag[pid]: text`, what follows a stamp. The host of the line before is tried first.
#[inline]
fn framed<'a>(rest: &'a [u8], host: &[u8]) -> Option<Framed<'a>> {
    let (host, rest) = match rest.strip_prefix(host).and_then(|r| r.strip_prefix(b" ")) {
        Some(tail) if !host.is_empty() => (rest.get(..host.len())?, tail),
        _ => cut_byte(rest, b' ')?,
    };
    let end = memchr2(b'[', b':', rest.get(..96).unwrap_or(rest))?;
    let (mut tag, tail) = rest.split_at_checked(end)?;
    if let Some(blank) = memchr(b' ', tag) {
        // BusyBox writes `mail.info` before the tag; anything else is no tag.
        let (facility, name) = tag.split_at_checked(blank)?;
        tag = name.get(1..)?;
        if !facility.contains(&b'.') || tag.contains(&b' ') {
            return None;
        }
    }
    let (pid, tail) = match tail.strip_prefix(b"[") {
        Some(tail) => {
            let (pid, tail) = number(tail)?;
            (u32::try_from(pid).ok(), after(tail, b"]:")?)
        }
        None => (None, tail.get(1..)?),
    };
    Some(Framed { host, tag, pid, text: tail.strip_prefix(b" ").unwrap_or(tail) })
}

/// RFC 5424 after its stamp: `host app procid msgid [data] text`.
fn rfc5424(rest: &[u8]) -> Option<Framed<'_>> {
    let (host, rest) = cut_byte(rest, b' ')?;
    let (tag, rest) = cut_byte(rest, b' ')?;
    let (pid, rest) = cut_byte(rest, b' ')?;
    let (_, rest) = cut_byte(rest, b' ')?;
    let text = match rest.strip_prefix(b"[") {
        Some(data) => field::cut(data, b"] ")?.1,
        None => after(rest, b"- ")?,
    };
    let text = after(text, b"\xef\xbb\xbf").unwrap_or(text);
    Some(Framed { host, tag, pid: event::pid(pid), text })
}

/// What follows the line's own stamp where Docker put one before it.
#[inline]
fn inner(rest: &[u8]) -> &[u8] {
    match rest.first() {
        Some(b'A' | b'D' | b'F' | b'J' | b'M' | b'N' | b'O' | b'S') => {
            stamp::bsd(rest).map_or(rest, |(_, tail)| tail)
        }
        Some(b'1' | b'2') => {
            stamp::rfc3339(rest).and_then(|(_, tail)| after(tail, b" ")).unwrap_or(rest)
        }
        _ => rest,
    }
}

impl Tally {
    /// Adds a later part of the same log.
    pub(crate) fn add(&mut self, later: Tally) {
        self.lines += later.lines;
        self.understood += later.understood;
        self.strange += later.strange;
        self.unframed += later.unframed;
        self.too_long += later.too_long;
        self.binary += later.binary;
        for (host, count) in later.hosts {
            match self.hosts.iter().position(|(name, _)| *name == host) {
                Some(at) => self.hosts.iter_mut().skip(at).take(1).for_each(|(_, n)| *n += count),
                None if self.hosts.len() < MOST_HOSTS => self.hosts.push((host, count)),
                None => {}
            }
        }
        self.times.add(later.times);
    }

    /// Counts a line that was too long to be kept.
    pub(crate) fn too_long(&mut self) {
        self.lines += 1;
        self.too_long += 1;
    }

    /// The report of a log that has been read.
    pub(crate) fn report(mut self) -> Report {
        self.hosts.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
        let mut notes = Vec::new();
        let mut note = |count: u64, what: &str| {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        };
        note(self.too_long, "lines over 64 KB passed over");
        note(self.binary, "lines with NUL bytes passed over");
        note(self.unframed - self.binary.min(self.unframed), "lines without stamp or tag");
        note(self.strange, "lines of the MTA not understood");
        note(self.times.backwards(), "times the stamps step back by more than a minute");
        Report {
            lines: self.lines,
            understood: self.understood,
            first: self.times.first(),
            last: self.times.last(),
            hosts: self
                .hosts
                .iter()
                .filter(|(_, count)| *count > 0)
                .map(|(host, _)| heloscope_model::octets::lossy_text(host).0.into_owned())
                .collect(),
            gaps: self.times.gaps(),
            notes,
        }
    }
}

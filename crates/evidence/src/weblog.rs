//! Access logs of Apache and nginx -> [`Request`]s: common, combined, combined with the virtual
//! host first, with a trailing request time, and JSON lines.
//!
//! [`parse`] looks at a line once, byte by byte and without allocation; lines that are none of
//! these forms are skipped and counted by the caller.

mod json;

use crate::facts::Request;
use crate::lines::Lines;
use crate::stamp::{days, month_number, number, numeric_offset};
use heloscope_model::{Octets, Place, SourceId, Time};
use memchr::{memchr, memchr2};
use std::io::Read;
use std::net::IpAddr;

/// A line taken apart; every part is the line's own bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fields<'a> {
    /// When it was answered.
    pub time: Time,
    /// Seconds east of UTC that the stamp names.
    pub offset: i32,
    /// Client as written.
    pub client: &'a [u8],
    /// Virtual host in front.
    pub host: Option<&'a [u8]>,
    /// Method.
    pub method: &'a [u8],
    /// Target.
    pub target: &'a [u8],
    /// Status.
    pub status: u16,
    /// User agent.
    pub agent: Option<&'a [u8]>,
    /// Seconds it took.
    pub took_s: Option<f32>,
}

/// Seconds without a request that may be a gap, and gaps kept.
const GAP: f64 = 6.0 * 3600.0;
const GAPS: usize = 200;

/// What a reading found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Requests.
    pub records: u64,
    /// Lines that are no request.
    pub skipped: u64,
    /// The byte of the first of these.
    pub first_skipped: Option<u64>,
    /// Earliest stamp.
    pub first: Option<Time>,
    /// Latest stamp.
    pub last: Option<Time>,
    /// Stretches of at least six hours without a request, far longer than usual.
    pub gaps: Vec<(Time, Time)>,
    /// Lines that were cut.
    pub cut: Option<String>,
}

/// Reads a log; every request goes to `on`.
pub fn read(source: SourceId, input: impl Read, on: &mut dyn FnMut(Request)) -> Report {
    let mut report = Report::default();
    let mut lines = Lines::new(input);
    while let Some((offset, line)) = lines.next_line() {
        if line.is_empty() {
            continue;
        }
        let place = Place::byte(source, offset);
        let request = match parse(line) {
            Some(fields) => Some(fields.request(place)),
            None if line.first() == Some(&b'{') => json::parse(line, place),
            None => None,
        };
        match request {
            Some(request) => {
                report.records += 1;
                let time = request.time;
                if let Some(last) = report.last.filter(|last| time.since(*last) >= GAP)
                    && report.gaps.len() < GAPS
                {
                    report.gaps.push((last, time));
                }
                report.first = Some(report.first.map_or(time, |t| t.min(time)));
                report.last = Some(report.last.map_or(time, |t| t.max(time)));
                on(request);
            }
            None => {
                report.skipped += 1;
                report.first_skipped.get_or_insert(offset);
            }
        }
    }
    if let (Some(first), Some(last)) = (report.first, report.last) {
        let usual = last.since(first) / report.records.max(1) as f64;
        report.gaps.retain(|(from, to)| to.since(*from) >= usual * 50.0);
    }
    report.cut = lines.cut_note();
    report
}

/// Whether a line is a request as JSON.
pub(crate) fn is_json(line: &[u8]) -> bool {
    line.first() == Some(&b'{') && json::parse(line, Place::byte(SourceId(0), 0)).is_some()
}

/// The stamp and zone of a request line of either form.
pub(crate) fn stamp_of(line: &[u8]) -> Option<(Time, Option<i32>)> {
    match parse(line) {
        Some(fields) => Some((fields.time, Some(fields.offset))),
        None => json::parse(line, Place::byte(SourceId(0), 0)).map(|r| (r.time, None)),
    }
}

/// Takes a line of the common or combined form apart.
pub fn parse(line: &[u8]) -> Option<Fields<'_>> {
    let bracket = memchr(b'[', line).filter(|at| *at < 1024)?;
    let front = line.get(..bracket)?;
    let (host, client) = front_fields(front)?;
    let (time, offset, after) = clf_stamp(line.get(bracket + 1..)?)?;
    let rest = after.strip_prefix(b" \"")?;
    let (request, rest) = quoted(rest)?;
    let (method, target) = request_line(request);
    let rest = rest.strip_prefix(b" ")?;
    let status = u16::try_from(number(rest.get(..3)?)?).ok()?;
    let rest = rest.get(3..)?;
    // Bytes sent, "-" where none.
    let rest = rest.strip_prefix(b" ").unwrap_or_default();
    let bytes_end = memchr(b' ', rest).unwrap_or(rest.len());
    let rest = rest.get(bytes_end..)?;
    let (agent, rest) = match rest.strip_prefix(b" \"").and_then(quoted) {
        Some((_referer, rest)) => match rest.strip_prefix(b" \"").and_then(quoted) {
            Some((agent, rest)) => (Some(agent), rest),
            None => (None, rest),
        },
        None => (None, rest),
    };
    let agent = agent.filter(|a| *a != b"-");
    Some(Fields { time, offset, client, host, method, target, status, agent, took_s: took(rest) })
}

impl Fields<'_> {
    /// The record.
    fn request(&self, place: Place) -> Request {
        Request {
            time: self.time,
            place,
            client: address(self.client),
            host: self.host.map(Octets::new),
            method: Octets::new(self.method),
            target: Octets::new(self.target),
            status: self.status,
            agent: self.agent.map(Octets::new),
            took_s: self.took_s,
        }
    }
}

/// Client and virtual host of what stands before the stamp: `[vhost] client ident user`.
fn front_fields(front: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let front = front.strip_suffix(b" ")?;
    let first_end = memchr(b' ', front)?;
    let (first, rest) = front.split_at_checked(first_end)?;
    if first.is_empty() {
        return None;
    }
    let mut words = rest.split(|&b| b == b' ').filter(|w| !w.is_empty());
    let second = words.next()?;
    // Three words are client, ident and user; with four or more, the first names the virtual
    // host where the second is an address (a user's name may hold blanks).
    let third = words.next()?;
    let fourth = words.next();
    if fourth.is_some() && address(first).is_none() && (address(second).is_some() || third == b"-")
    {
        let host = match first.iter().rposition(|&b| b == b':') {
            Some(colon) if first.get(colon + 1..).and_then(number).is_some() => {
                first.get(..colon)?
            }
            _ => first,
        };
        return Some((Some(host), second));
    }
    Some((None, first))
}

/// `04/Dec/2015:14:30:00 +0100]` -> time, offset, and what follows the bracket.
pub(crate) fn clf_stamp(text: &[u8]) -> Option<(Time, i32, &[u8])> {
    let [d1, d2, b'/', m @ ..] = text.get(..6)? else { return None };
    let month = u8::try_from(month_number(m)?).ok()?;
    let day = u8::try_from(number(&[*d1, *d2])?).ok().filter(|d| (1..=31).contains(d))?;
    let rest = text.get(6..)?;
    let [b'/', y1, y2, y3, y4, b':', h1, h2, b':', n1, n2, b':', s1, s2, rest @ ..] = rest else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let (hour, minute) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?);
    let second = number(&[*s1, *s2])?.min(59);
    if hour > 23 || minute > 59 {
        return None;
    }
    let (offset, rest) = match rest {
        [b' ', sign @ (b'+' | b'-'), zone @ ..] => {
            let (secs, len) = numeric_offset(zone)?;
            (if *sign == b'-' { -secs } else { secs }, zone.get(len..)?)
        }
        _ => (0, rest),
    };
    let rest = rest.strip_prefix(b"]")?;
    let local =
        days(i64::from(year), month, day) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    Some((Time::from_secs(local - i64::from(offset)), offset, rest))
}

/// What stands before the closing quote, and what follows it. Apache writes `\"` inside.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut from = 0;
    loop {
        let at = from + memchr2(b'"', b'\\', text.get(from..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        from = at + 2;
    }
}

/// Method and target; a request that is no HTTP is all target.
fn request_line(request: &[u8]) -> (&[u8], &[u8]) {
    let Some(blank) = memchr(b' ', request) else { return (b"", request) };
    let (method, rest) = request.split_at_checked(blank).unwrap_or((b"", request));
    if !method.iter().all(|b| b.is_ascii_alphabetic() || *b == b'-' || *b == b'_') {
        return (b"", request);
    }
    let rest = rest.get(1..).unwrap_or_default();
    let target = match memchr::memrchr(b' ', rest) {
        Some(blank) if rest.get(blank + 1..).is_some_and(|v| v.starts_with(b"HTTP")) => {
            rest.get(..blank).unwrap_or(rest)
        }
        _ => rest,
    };
    (method, target)
}

/// The request time behind the agent: seconds with a point (nginx), or Apache's `%D` in
/// microseconds; a small whole number is Apache's `%T` in seconds.
fn took(rest: &[u8]) -> Option<f32> {
    let rest = rest.trim_ascii();
    if rest.is_empty() || rest.len() > 200 {
        return None;
    }
    rest.split(|&b| b == b' ').find_map(|word| {
        let word = word.rsplit(|&b| b == b'=').next()?;
        let word = word.strip_suffix(b"us").or(word.strip_suffix(b"s")).unwrap_or(word);
        if word.is_empty() || !word.iter().all(|b| b.is_ascii_digit() || *b == b'.') {
            return None;
        }
        let value: f32 = std::str::from_utf8(word).ok()?.parse().ok()?;
        Some(if word.contains(&b'.') || value < 100.0 { value } else { value / 1e6 })
    })
}

/// Bytes as an address.
pub(crate) fn address(text: &[u8]) -> Option<IpAddr> {
    if let Some(v4) = v4(text) {
        return Some(v4);
    }
    if text.len() > 64 || !text.contains(&b':') {
        return None;
    }
    std::str::from_utf8(text).ok()?.trim_matches(['[', ']']).parse().ok()
}

/// Four decimal numbers, the common case, without a detour over text.
fn v4(text: &[u8]) -> Option<IpAddr> {
    let mut octets = [0_u8; 4];
    let mut parts = text.split(|&b| b == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 3 {
            return None;
        }
        *octet = u8::try_from(number(part)?).ok()?;
    }
    parts.next().is_none().then(|| IpAddr::from(octets))
}

#[cfg(test)]
mod tests;

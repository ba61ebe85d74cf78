//! A look at a log's two ends, before it is read: is it a mail log, from when to when, and what
//! the year and the zone of its stamps must be.
//!
//! A long queue id holds the second it was made in, in UTC. The line that first names it
//! (`client=`, `uid=`) is written at once, so its stamp less that second is the zone's offset,
//! and the year is the id's. Docker's and RFC 3339's stamps tell offset and year outright.

use crate::event::{self, Event};
use crate::queue_id::long_id_time;
use crate::scan::{Follow, Line, Scanner};
use crate::service::Service;
use crate::stamp::{self, Clock, Stamp, StampKind, Years};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Lines looked at of each end.
const MOST_LINES: usize = 2_000;
/// Farthest offset from UTC that is believed, in seconds.
const FARTHEST: i64 = 15 * 3600;

/// What the two ends of a log say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peek {
    /// How it writes stamps.
    pub kind: StampKind,
    /// The first stamp.
    pub first: Stamp,
    /// The last stamp.
    pub last: Stamp,
    /// Of the lines looked at, how many are of an MTA (or Dovecot).
    pub mta_lines: usize,
    /// Lines looked at.
    pub lines: usize,
    /// What the ids near the start say of the stamps there.
    pub at_first: Option<Inferred>,
    /// What the ids near the end say of the stamps there. Its year is [`crate::Calendar`]'s
    /// `last_year` where the last stamp is not of another one.
    pub at_last: Option<Inferred>,
}

/// Offset and year of stamps that lack them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inferred {
    /// Seconds east of UTC.
    pub offset_s: i32,
    /// The latest year among those stamps.
    pub year: i16,
    /// Lines that agree.
    pub votes: usize,
}

/// Looks at the first and last bytes of a log (as much of each as is at hand: some ten
/// kilobytes; the same bytes twice of a small one). `None`: no mail log. One line in five of an
/// MTA is enough, or ten lines, because a `syslog` or `messages` holds others' too.
pub fn peek(head: &[u8], tail: &[u8]) -> Option<Peek> {
    let head_lines: Vec<_> = lines(head).take(MOST_LINES).collect();
    let mut tail_lines: Vec<_> = lines(tail).collect();
    tail_lines.drain(..tail_lines.len().saturating_sub(MOST_LINES));
    let both = || head_lines.iter().chain(&tail_lines);
    let mut count = Count { mta_lines: 0 };
    let mut scanner = Scanner::new(Clock::new(&TimeZone::UTC, Years::starting(2000)));
    both().for_each(|line| scanner.line(line, 0, b"", &mut count));
    let seen = both().count();
    if count.mta_lines == 0 || (count.mta_lines * 5 < seen && count.mta_lines < 10) {
        return None;
    }
    let (first, kind) = head_lines.iter().chain(&tail_lines).find_map(|l| stamp_of(l))?;
    let (last, _) =
        tail_lines.iter().rev().chain(head_lines.iter().rev()).find_map(|l| stamp_of(l))?;
    Some(Peek {
        kind,
        first,
        last,
        mta_lines: count.mta_lines,
        lines: seen,
        at_first: infer(head_lines.iter().copied()),
        at_last: infer(tail_lines.iter().rev().copied()),
    })
}

/// Offset and year of the stamps of some lines, from the long queue ids made in them.
pub fn infer_offset(log: &[u8]) -> Option<Inferred> {
    infer(lines(log))
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split(|&b| b == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty())
}

/// The stamp of a line that belongs to a log, and its kind.
fn stamp_of(line: &[u8]) -> Option<(Stamp, StampKind)> {
    if line.first() == Some(&b'{') {
        let mut clock = Clock::new(&TimeZone::UTC, Years::starting(2000));
        let mut scratch = Vec::new();
        let (time, _) = crate::scan::json_line(line, &mut scratch, &mut clock)?;
        let text = time.rfc3339();
        return stamp::rfc3339(text.as_bytes()).map(|(stamp, _)| (stamp, StampKind::Json));
    }
    let (text, _) = stamp::unprefixed(line);
    if let Some((stamp, _)) = stamp::bsd(text) {
        return Some((stamp, StampKind::Bsd));
    }
    let (stamp, rest) = stamp::rfc3339(text)?;
    let rest = rest.strip_prefix(b" ")?;
    let twice = stamp::bsd(rest).is_some() || stamp::rfc3339(rest).is_some();
    Some((stamp, if twice { StampKind::Docker } else { StampKind::Rfc3339 }))
}

struct Count {
    mta_lines: usize,
}

impl Follow for Count {
    fn line(&mut self, line: &Line<'_>, event: &Event<'_>) {
        // A tag such as `x/error` alone does not make a mail log.
        let told = !matches!(event, Event::Noted | Event::Strange);
        let postfix = line.tag.instance.starts_with(b"postfix");
        let dovecot = line.tag.service == Service::Dovecot;
        self.mta_lines += usize::from(!line.repeated && (told || postfix || dovecot));
    }
}

/// The offset most lines' stamps have against the ids made in them, if more than half have it.
fn infer<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Inferred> {
    let mut votes: BTreeMap<i32, (usize, i16)> = BTreeMap::new();
    for (offset_s, year) in lines.take(MOST_LINES).filter_map(one_vote) {
        let (count, latest) = votes.entry(offset_s).or_insert((0, year));
        *count += 1;
        *latest = (*latest).max(year);
    }
    let (&offset_s, &(count, year)) = votes.iter().max_by_key(|(_, (count, _))| *count)?;
    let all: usize = votes.values().map(|(count, _)| count).sum();
    (count * 2 > all).then_some(Inferred { offset_s, year, votes: count })
}

fn one_vote(line: &[u8]) -> Option<(i32, i16)> {
    let (text, _) = stamp::unprefixed(line);
    let (stamp, rest) = stamp::bsd(text).or_else(|| {
        // Docker's stamp first: the line's own may still lack year and zone.
        let (_, rest) = stamp::rfc3339(text)?;
        stamp::bsd(rest.strip_prefix(b" ")?)
    })?;
    let id = new_id(rest)?;
    let made = long_id_time(id)?.secs();
    let year = TimeZone::UTC.to_datetime(jiff::Timestamp::from_second(made).ok()?).year();
    // The local year differs from UTC's within hours of New Year.
    [year, year.checked_sub(1)?, year.checked_add(1)?].into_iter().find_map(|year| {
        let ahead = stamp.as_utc(year) - made;
        let quarter = (ahead as f64 / 900.0).round() as i64 * 900;
        let late = ahead - quarter; // the line is written in the second of the id, or just after
        (quarter.abs() <= FARTHEST && (-1..=5).contains(&late))
            .then(|| Some((i32::try_from(quarter).ok()?, year)))
            .flatten()
    })
}

/// The queue id that a line is the first of.
fn new_id(rest: &[u8]) -> Option<&[u8]> {
    let (tag, id, text) = crate::scan::tag_id_text(rest)?;
    let tag = crate::service::classify(tag);
    match event::read(&tag, text) {
        Event::Client(client) => client.id,
        Event::Program { id, .. } => Some(id),
        _ => None,
    }
    .filter(|made| *made == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
Nov 23 22:41:18 mail postfix/smtpd[30171]: connect from localhost[127.0.0.1]:39356
Nov 23 22:41:18 mail postfix/smtpd[30171]: 4jYTB66HcJz1SW8Z: client=localhost[127.0.0.1]:39356
Nov 23 22:41:18 mail postfix/cleanup[30174]: 4jYTB66HcJz1SW8Z: message-id=<75da@example.org>
Nov 23 22:41:19 mail postfix/pickup[30159]: 4jYTB70F2Cz1SW8x: uid=0 from=<www-data@example.org>
Nov 23 23:41:19 mail postfix/qmgr[1]: 4jYTB70F2Cz1SW8x: removed
";

    #[test]
    fn long_ids_tell_zone_and_year() {
        let peek = peek(LOG.as_bytes(), LOG.as_bytes()).unwrap();
        assert_eq!(peek.kind, StampKind::Bsd);
        assert_eq!((peek.first.month, peek.first.day, peek.first.hour), (11, 23, 22));
        assert_eq!((peek.last.hour, peek.last.minute), (23, 41));
        let inferred = peek.at_last.unwrap();
        assert_eq!((inferred.offset_s, inferred.year, inferred.votes), (-5 * 3600, 2026, 2));
        assert_eq!(infer_offset(LOG.as_bytes()), Some(inferred));
    }

    #[test]
    fn short_ids_tell_nothing() {
        let log = b"Nov 24 03:41:41 mail postfix/smtpd[31034]: 96EF098E2D2: client=localhost[127.0.0.1]\n";
        let peek = peek(log, log).unwrap();
        assert_eq!((peek.at_first, peek.mta_lines), (None, 2));
    }

    #[test]
    fn stamps_of_all_kinds() {
        for (line, kind) in [
            (
                "2026-11-24T03:40:01.5+01:00 mx postfix/qmgr[1]: 96EF098E2D2: removed",
                StampKind::Rfc3339,
            ),
            (
                "<22>1 2026-11-24T03:40:01Z mx postfix/qmgr 1 - - 96EF098E2D2: removed",
                StampKind::Rfc3339,
            ),
            (
                "2026-11-24T03:40:01.5Z Nov 24 04:40:01 mx postfix/qmgr[1]: 96EF098E2D2: removed",
                StampKind::Docker,
            ),
            ("<22>Nov 24 04:40:01 mx postfix/qmgr[1]: 96EF098E2D2: removed", StampKind::Bsd),
            (
                r#"{"__REALTIME_TIMESTAMP":"1795491678000000","SYSLOG_IDENTIFIER":"postfix/qmgr","MESSAGE":"96EF098E2D2: removed"}"#,
                StampKind::Json,
            ),
        ] {
            let peek = peek(line.as_bytes(), line.as_bytes()).expect(line);
            assert_eq!(peek.kind, kind, "{line}");
            assert_eq!(peek.first.month, 11);
        }
    }

    #[test]
    fn other_logs_are_none() {
        for log in [
            "",
            "hello\nworld\n",
            "Nov 24 03:41:41 gw sshd[1]: Accepted password for anna from 192.0.2.7\n",
            "192.0.2.7 - - [24/Nov/2026:03:41:41 +0000] \"GET / HTTP/1.1\" 200 5\n",
            "Nov 24 03:41:41 gw kernel: OUT=eth0 DPT=25\n",
        ] {
            assert_eq!(peek(log.as_bytes(), log.as_bytes()), None, "{log}");
        }
    }
}

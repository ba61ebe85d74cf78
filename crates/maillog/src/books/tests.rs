//! Blocks end at line ends; years count back; readers that fail.

use super::*;
use crate::event::Event;
use crate::scan::Line;
use jiff::tz::TimeZone;

/// Books that keep the times of lines.
#[derive(Default)]
struct Times(Vec<String>);

impl Follow for Times {
    fn line(&mut self, line: &Line<'_>, _: &Event<'_>) {
        self.0.push(line.time.rfc3339());
    }
}

impl Books for Times {
    type Part = Vec<String>;
    fn worker(&self) -> Self {
        Self::default()
    }
    fn part(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }
    fn join(&mut self, part: Vec<String>, _: &[u8], _: u64, _: &mut Scanner) {
        self.0.extend(part);
    }
    fn absorb(&mut self, _: Self) {}
    fn checkpoint(&mut self) {}
}

fn read(log: &[u8], ending: Option<Ending>, threads: usize, block: usize) -> (Vec<String>, Report) {
    let mut times = Times::default();
    let calendar = Calendar { zone: TimeZone::UTC, last_year: 2026 };
    let pace = Pace { threads, block };
    let report = read_log(&mut times, &mut &*log, &calendar, ending, pace, &mut |_| {});
    (times.0, report)
}

fn years_log() -> String {
    ["Nov 30", "Dec 31", "Jan  1", "Jun 15", "Dec 31", "Jan  2"]
        .map(|day| format!("{day} 10:00:00 mx postfix/qmgr[1]: AAAAAA1: removed\n"))
        .concat()
}

#[test]
fn years_count_back_from_the_last() {
    let years = ["2024", "2024", "2025", "2025", "2025", "2026"];
    for threads in [1, 2] {
        let (times, report) = read(years_log().as_bytes(), None, threads, 1 << 20);
        let seen: Vec<_> = times.iter().map(|t| &t[..4]).collect();
        assert_eq!(seen, years);
        assert_eq!(report.first.unwrap().rfc3339(), "2024-11-30T10:00:00Z");
        assert_eq!(report.gaps, []);
    }
    // Told the end of a log that crosses one New Year.
    let log = "Dec 31 10:00:00 mx postfix/qmgr[1]: AAAAAA1: removed\nJan  1 10:00:00 mx postfix/qmgr[1]: AAAAAA1: removed\n";
    let (times, _) = read(log.as_bytes(), Some((1, 1)), 1, 1 << 20);
    assert_eq!(times, ["2025-12-31T10:00:00Z", "2026-01-01T10:00:00Z"]);
    let (times, _) = read(log.as_bytes(), Some((12, 31)), 1, 1 << 20);
    assert_eq!(times[0], "2026-12-31T10:00:00Z");
}

#[test]
fn years_are_the_same_in_parts_whatever_the_lines() {
    // Lines shorter than any stamp, and stamps that are text of a line, lie around New Years.
    let mut log = String::new();
    for day in ["Nov 30", "Dec 31", "Jan  1", "Sep  2", "Nov 24", "Jan  1", "Sep  2"].repeat(7) {
        for text in ["", "2026-11-24T03:40:01Z mx |", "{ |"] {
            log += "x\nSep  2 00:3\n";
            log += text;
            log += day;
            log += " 10:00:00 mx postfix/qmgr[1]: AAAAAA1: removed\n";
        }
    }
    let whole = read(log.as_bytes(), None, 1, 1 << 20);
    assert_eq!(whole.0.last().map(|time| &time[..4]), Some("2026"));
    for block in [256, 300, 777, 1024, 2048] {
        assert_eq!(read(log.as_bytes(), None, 2, block), whole, "{block}");
    }
}

#[test]
fn long_lines_are_passed_over_and_noted() {
    let mut log = b"Nov 24 03:00:00 mx postfix/qmgr[1]: AAAAAA1: removed\n".to_vec();
    log.extend(vec![b'x'; 100_000]);
    log.extend(b"\nNov 24 03:00:01 mx postfix/qmgr[1]: AAAAAA2: removed\n");
    log.extend(vec![b'y'; 3_000_000]);
    log.extend(b"\nNov 24 03:00:02 mx postfix/qmgr[1]: AAAAAA3: removed\n");
    log.extend(vec![b'z'; 3_000_000]);
    for threads in [1, 2] {
        let (times, report) = read(&log, None, threads, 1 << 20);
        assert_eq!(times.len(), 3);
        assert_eq!(report.lines, 6);
        assert_eq!(report.notes, ["3 lines over 64 KB passed over"]);
    }
}

#[test]
fn a_reader_that_fails_keeps_what_came_before() {
    struct Fails<'a>(&'a [u8]);
    impl Read for Fails<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.0.is_empty() {
                return Err(std::io::Error::other("corrupt archive"));
            }
            let n = into.len().min(self.0.len()).min(7);
            into[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }
    let log = years_log();
    let mut times = Times::default();
    let calendar = Calendar { zone: TimeZone::UTC, last_year: 2026 };
    let pace = Pace { threads: 1, block: 1 << 20 };
    let mut input = Fails(log.as_bytes());
    let report = read_log(&mut times, &mut input, &calendar, None, pace, &mut |_| {});
    assert_eq!(times.0.len(), 6);
    assert_eq!(report.notes, [format!("reading stopped at byte {}: corrupt archive", log.len())]);
}

#[test]
fn framings() {
    let removed = "AAAAAA1: removed";
    for (line, want) in [
        (format!("Nov 24 03:40:01 mx postfix/qmgr[1]: {removed}"), "2026-11-24T03:40:01Z"),
        (format!("<22>Nov 24 03:40:01 mx postfix/qmgr[1]: {removed}"), "2026-11-24T03:40:01Z"),
        (
            format!("2026-11-24T03:40:01.123456+01:00 mx postfix/qmgr[1]: {removed}"),
            "2026-11-24T02:40:01.123456Z",
        ),
        (
            format!("<22>1 2026-11-24T03:40:01Z mx postfix/qmgr 1 - - {removed}"),
            "2026-11-24T03:40:01Z",
        ),
        (
            format!("<22>1 2026-11-24T03:40:01Z mx postfix/qmgr 1 ID [x a=\"b\"] {removed}"),
            "2026-11-24T03:40:01Z",
        ),
        (
            format!("2026-11-24T08:40:01.5Z Nov 24 03:40:01 mx postfix/qmgr[1]: {removed}"),
            "2026-11-24T08:40:01.500Z",
        ),
        (
            format!(
                "2026-11-24T08:40:01.5Z 2026-11-24T03:40:01-05:00 mx postfix/qmgr[1]: {removed}"
            ),
            "2026-11-24T08:40:01.500Z",
        ),
        (
            format!("postfix-1  | Nov 24 03:40:01 mx postfix/qmgr[1]: {removed}"),
            "2026-11-24T03:40:01Z",
        ),
        (
            format!("Nov 24 03:40:01 mx mail.info postfix/qmgr[1]: {removed}"),
            "2026-11-24T03:40:01Z",
        ),
        (
            format!("Nov 24 03:40:01 mx postfix/qmgr[1]: [ID 197553 mail.info] {removed}"),
            "2026-11-24T03:40:01Z",
        ),
        (
            format!(
                r#"{{"__REALTIME_TIMESTAMP":"1795491601000001","_HOSTNAME":"mx","SYSLOG_IDENTIFIER":"postfix/qmgr","_PID":"1","PRIORITY":"6","MESSAGE":"{removed}"}}"#
            ),
            "2026-11-24T03:40:01.000001Z",
        ),
        (
            format!(
                r#"{{"log":"Nov 24 03:40:01 mx postfix/qmgr[1]: {removed}\n","stream":"stdout","time":"2026-11-24T03:40:01.25Z"}}"#
            ),
            "2026-11-24T03:40:01.250Z",
        ),
    ] {
        let (times, report) = read(line.as_bytes(), None, 1, 1 << 20);
        assert_eq!(times, [want], "{line}");
        assert_eq!(
            (report.understood, report.hosts.as_slice()),
            (1, &["mx".to_string()][..]),
            "{line}"
        );
    }
}

#[test]
fn repeated_messages_are_given_again() {
    let fail = "mx postfix/smtpd[1]: warning: c[192.0.2.1]: SASL LOGIN authentication failed: x";
    let log = format!("Nov 24 03:40:01 {fail}\nNov 24 03:41:01 mx last message repeated 3 times\n");
    let (times, _) = read(log.as_bytes(), None, 1, 1 << 20);
    assert_eq!(times.len(), 4);
    assert_eq!(times[3], "2026-11-24T03:41:01Z");
    let log = "Nov 24 03:40:01 mx postfix/smtpd[1]: message repeated 2 times: [ warning: c[192.0.2.1]: SASL LOGIN authentication failed: x]\n";
    assert_eq!(read(log.as_bytes(), None, 1, 1 << 20).0.len(), 2);
    let flood = format!(
        "Nov 24 03:40:01 {fail}\nNov 24 03:41:01 mx last message repeated 4000000000 times\n"
    );
    assert_eq!(read(flood.as_bytes(), None, 1, 1 << 20).0.len(), 1001);
}

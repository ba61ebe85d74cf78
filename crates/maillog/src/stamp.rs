//! Stamps: BSD (`Nov 24 03:40:01`), RFC 3339, what stands before them (priority, RFC 5424's
//! version, Docker's second stamp), and the instants they mean.
//!
//! A clock turns stamps into [`Time`]s as the lines of one log come by. It remembers the last
//! stamp, hour and date, because neighbours share them: the calendar and the zone are asked once
//! an hour of log. A BSD stamp's year is carried along: a step back of more than half a year
//! (December, then January) is a New Year. What is no stamp is `None`.

use crate::Calendar;
use crate::field::{after, cut_byte, number};
use heloscope_model::Time;
use jiff::{civil, tz::TimeZone};

/// A civil date and time as a stamp gives it, with the year or offset it may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    /// Year, where given.
    pub(crate) year: Option<i16>,
    /// Month, from 1.
    pub(crate) month: u8,
    /// Day of the month, from 1.
    pub(crate) day: u8,
    /// Hour.
    pub(crate) hour: u8,
    /// Minute.
    pub(crate) minute: u8,
    /// Second.
    pub(crate) second: u8,
    /// Nanoseconds.
    pub(crate) nanos: u32,
    /// Offset from UTC in seconds, where given.
    pub(crate) offset_s: Option<i32>,
}

/// Names of months as logs write them.
const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// The BSD stamp a line starts with, and the rest behind the blank that ends it.
pub(crate) fn bsd(line: &[u8]) -> Option<(Stamp, &[u8])> {
    let (name, rest) = line.split_at_checked(3)?;
    let month = MONTHS.iter().position(|m| m.as_slice() == name)? as u8 + 1;
    let rest = after(rest, b" ")?;
    let rest = after(rest, b" ").unwrap_or(rest);
    let (day, rest) = small(rest, 31)?;
    let (hour, minute, second, rest) = clock_time(after(rest, b" ")?)?;
    let rest = after(rest, b" ")?;
    if day == 0 {
        return None;
    }
    let stamp = Stamp { year: None, month, day, hour, minute, second, nanos: 0, offset_s: None };
    Some((stamp, rest))
}

/// The RFC 3339 stamp a line starts with, and the rest behind it (the blank kept).
pub(crate) fn rfc3339(line: &[u8]) -> Option<(Stamp, &[u8])> {
    let (year, rest) = line.split_at_checked(4)?;
    let year = number(year).filter(|(_, rest)| rest.is_empty())?.0;
    let (month, rest) = small(after(rest, b"-")?, 12)?;
    let (day, rest) = small(after(rest, b"-")?, 31)?;
    let rest = after(rest, b"T").or_else(|| after(rest, b" "))?;
    let (hour, minute, second, mut rest) = clock_time(rest)?;
    if month == 0 || day == 0 {
        return None;
    }
    let mut nanos = 0;
    if let Some(fraction) = after(rest, b".").or_else(|| after(rest, b",")) {
        let (digits, tail) = number(fraction)?;
        let places = fraction.len() - tail.len();
        let scale = 10u64.checked_pow(9u32.checked_sub(u32::try_from(places).ok()?)?)?;
        nanos = u32::try_from(digits.checked_mul(scale)?).ok()?;
        rest = tail;
    }
    let mut offset_s = None;
    if let Some(tail) = after(rest, b"Z") {
        (offset_s, rest) = (Some(0), tail);
    } else if let Some((sign @ (b'+' | b'-'), tail)) = rest.split_first() {
        let (hours, tail) = small(tail, 23)?;
        let (minutes, tail) = small(after(tail, b":").unwrap_or(tail), 59)?;
        let seconds = i32::from(hours) * 3600 + i32::from(minutes) * 60;
        offset_s = Some(if *sign == b'-' { -seconds } else { seconds });
        rest = tail;
    }
    let year = Some(i16::try_from(year).ok()?);
    Some((Stamp { year, month, day, hour, minute, second, nanos, offset_s }, rest))
}

/// `03:40:01`; a leap second counts as the one before it.
fn clock_time(text: &[u8]) -> Option<(u8, u8, u8, &[u8])> {
    let (hour, rest) = small(text, 23)?;
    let (minute, rest) = small(after(rest, b":")?, 59)?;
    let (second, rest) = small(after(rest, b":")?, 60)?;
    Some((hour, minute, second.min(59), rest))
}

/// One or two digits that are at most `most`.
fn small(text: &[u8], most: u8) -> Option<(u8, &[u8])> {
    let (&first @ b'0'..=b'9', rest) = text.split_first()? else { return None };
    let mut value = first - b'0';
    let mut rest = rest;
    if let Some((&second @ b'0'..=b'9', tail)) = rest.split_first() {
        value = value * 10 + (second - b'0');
        rest = tail;
    }
    (value <= most).then_some((value, rest))
}

/// What stands before a stamp, dropped: a byte order mark, `<22>`, RFC 5424's version (then
/// true), the service's name and a bar that docker compose writes.
pub(crate) fn unprefixed(line: &[u8]) -> (&[u8], bool) {
    let line = after(line, b"\xef\xbb\xbf").unwrap_or(line);
    if let Some((priority, rest)) = after(line, b"<").and_then(|rest| cut_byte(rest, b'>'))
        && priority.len() <= 3
    {
        return match after(rest, b"1 ") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
    }
    match cut_byte(line.get(..64).unwrap_or(line), b'|') {
        Some((name, _)) if bsd(line).is_none() => {
            let rest = line.get(name.len() + 1..).unwrap_or_default();
            (rest.trim_ascii_start(), false)
        }
        _ => (line, false),
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
fn days(year: i16, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

impl Stamp {
    /// Seconds since 1970 as if the stamp were UTC, in its own year or the one given.
    pub(crate) fn as_utc(&self, year: i16) -> i64 {
        days(self.year.unwrap_or(year), self.month, self.day) * 86_400
            + i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second)
    }
}

/// Turns the stamps of one log into instants.
#[derive(Clone)]
pub(crate) struct Clock {
    zone: TimeZone,
    years: Years,
    last: [u8; 15],
    last_time: Time,
    hour: Option<(i16, u8, u8, u8)>,
    hour_secs: i64,
    hour_even: bool,
}

/// The year of BSD stamps, carried from line to line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Years {
    /// Of the next stamp, if it does not step back.
    pub(crate) year: i16,
    /// Month of the last stamp; 0 before the first.
    month: u8,
}

impl Years {
    /// A log whose first stamp is in this year.
    pub(crate) fn starting(year: i16) -> Self {
        Self { year, month: 0 }
    }

    /// The year of the next stamp in the log.
    pub(crate) fn next(&mut self, month: u8, day: u8) -> i16 {
        // A straggler of the old year, written after the first line of the new one.
        if self.month == 1 && month == 12 && day >= 31 {
            return self.year - 1;
        }
        if self.month > month + 6 {
            self.year += 1;
        }
        self.month = month;
        self.year
    }
}

impl Clock {
    /// A clock for a log that starts so.
    pub(crate) fn new(zone: &TimeZone, years: Years) -> Self {
        Self {
            zone: zone.clone(),
            years,
            last: [0; 15],
            last_time: Time::default(),
            hour: None,
            hour_secs: 0,
            hour_even: false,
        }
    }

    /// For a log that a calendar describes, `wraps` New Years before its end.
    pub(crate) fn of(calendar: &Calendar, wraps: i16) -> Self {
        Self::new(&calendar.zone, Years::starting(calendar.last_year.saturating_sub(wraps)))
    }

    /// The instant of the stamp a line starts with, and the rest (host first). `None`: no stamp.
    #[inline]
    pub(crate) fn read<'a>(&mut self, line: &'a [u8]) -> Option<(Time, &'a [u8])> {
        if let Some((text, rest)) = line.split_first_chunk::<15>()
            && *text == self.last
            && let Some((b' ', rest)) = rest.split_first()
        {
            return Some((self.last_time, rest));
        }
        match line.first()? {
            b'0'..=b'9' => {
                let (stamp, rest) = rfc3339(line)?;
                let time = self.instant(&stamp);
                Some((time, after(rest, b" ")?))
            }
            _ => {
                let (stamp, rest) = bsd(line)?;
                let time = self.instant(&stamp);
                if let Some((text, tail)) = line.split_first_chunk::<15>()
                    && tail.len() == rest.len() + 1
                {
                    (self.last, self.last_time) = (*text, time);
                } else {
                    self.last = [0; 15]; // what is remembered may be of another year now
                }
                Some((time, rest))
            }
        }
    }

    /// The instant a stamp means here.
    pub(crate) fn instant(&mut self, stamp: &Stamp) -> Time {
        let year = match stamp.year {
            Some(year) => year,
            None => self.years.next(stamp.month, stamp.day),
        };
        let secs = match stamp.offset_s {
            Some(offset) => stamp.as_utc(year) - i64::from(offset),
            None => self.local(stamp, year),
        };
        Time::from_nanos(secs.saturating_mul(1_000_000_000).saturating_add(stamp.nanos.into()))
    }

    /// Seconds since 1970 of a stamp without offset. Where the zone changes its offset within an
    /// hour, every stamp asks the zone.
    fn local(&mut self, stamp: &Stamp, year: i16) -> i64 {
        let hour = (year, stamp.month, stamp.day, stamp.hour);
        let within = i64::from(stamp.minute) * 60 + i64::from(stamp.second);
        if self.hour != Some(hour) {
            let first = self.ask(stamp, year, 0, 0);
            let last = self.ask(stamp, year, 59, 59);
            self.hour = Some(hour);
            self.hour_secs = first;
            self.hour_even = last - first == 3599;
        }
        if self.hour_even {
            self.hour_secs + within
        } else {
            self.ask(stamp, year, stamp.minute, stamp.second)
        }
    }

    /// The zone's answer. A date that its year does not have (29 February) is the day after the
    /// month's last.
    fn ask(&self, stamp: &Stamp, year: i16, minute: u8, second: u8) -> i64 {
        let at = |day: u8| {
            let date = civil::Date::new(year, stamp.month as i8, day as i8).ok()?;
            let time = civil::Time::new(stamp.hour as i8, minute as i8, second as i8, 0).ok()?;
            let zoned = self.zone.to_ambiguous_timestamp(date.to_datetime(time));
            Some(zoned.compatible().ok()?.as_second())
        };
        at(stamp.day)
            .or_else(|| Some(at(28)? + i64::from(stamp.day.saturating_sub(28)) * 86_400))
            .unwrap_or_else(|| {
                stamp.as_utc(year) + i64::from(minute) * 60 + i64::from(second)
                    - i64::from(stamp.minute) * 60
                    - i64::from(stamp.second)
            })
    }

    /// Where the years stand, for the next block of the same log.
    pub(crate) fn years(&self) -> Years {
        self.years
    }

    /// The same zone at another place of the log.
    pub(crate) fn with_years(&self, years: Years) -> Self {
        Self::new(&self.zone, years)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(clock: &mut Clock, line: &str) -> String {
        clock.read(line.as_bytes()).map_or("none".into(), |(time, rest)| {
            format!("{time} {}", String::from_utf8_lossy(rest))
        })
    }

    #[test]
    fn stamps_become_instants() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let mut clock = Clock::new(&zone, Years::starting(2015));
        assert_eq!(at(&mut clock, "Dec  4 09:30:00 mx x"), "2015-12-04T14:30:00Z mx x");
        assert_eq!(at(&mut clock, "Dec  4 09:30:00 mx y"), "2015-12-04T14:30:00Z mx y");
        assert_eq!(at(&mut clock, "Dec 4 09:30:01 mx"), "2015-12-04T14:30:01Z mx");
        assert_eq!(at(&mut clock, "Dec 31 23:59:60 mx"), "2016-01-01T04:59:59Z mx");
        assert_eq!(at(&mut clock, "Jan  1 00:00:00 mx"), "2016-01-01T05:00:00Z mx");
        assert_eq!(at(&mut clock, "Dec 31 23:59:59 mx"), "2016-01-01T04:59:59Z mx");
        assert_eq!(at(&mut clock, "Jul  1 00:00:00 mx"), "2016-07-01T04:00:00Z mx");
        assert_eq!(
            at(&mut clock, "2026-11-24T03:40:01.123456-05:00 mx"),
            "2026-11-24T08:40:01.123456Z mx"
        );
        assert_eq!(at(&mut clock, "2026-11-24T03:40:01Z mx"), "2026-11-24T03:40:01Z mx");
        assert_eq!(at(&mut clock, "2026-11-24T03:40:01 mx"), "2026-11-24T08:40:01Z mx");
        for bad in ["", "Nov", "Nov 32 00:00:00 mx", "Nox  1 00:00:00 mx", "2026-13-24T00:00:00Z x"]
        {
            assert_eq!(at(&mut clock, bad), "none", "{bad}");
        }
    }

    #[test]
    fn a_remembered_stamp_does_not_outlive_its_year() {
        let mut clock = Clock::new(&TimeZone::UTC, Years::starting(2024));
        assert_eq!(at(&mut clock, "Nov 24 03:41:41 mx"), "2024-11-24T03:41:41Z mx");
        assert_eq!(at(&mut clock, "Jan 1 00:00:00 mx"), "2025-01-01T00:00:00Z mx");
        assert_eq!(at(&mut clock, "Nov 24 03:41:41 mx"), "2025-11-24T03:41:41Z mx");
    }

    #[test]
    fn the_hour_a_zone_jumps_in_is_asked_line_by_line() {
        let zone = TimeZone::get("Australia/Lord_Howe").unwrap(); // half an hour of summer time
        let mut clock = Clock::new(&zone, Years::starting(2026));
        assert_eq!(at(&mut clock, "Oct  4 01:59:59 mx"), "2026-10-03T15:29:59Z mx");
        assert_eq!(at(&mut clock, "Oct  4 02:30:00 mx"), "2026-10-03T15:30:00Z mx");
    }

    #[test]
    fn a_leap_day_in_a_year_without_one_is_the_day_after() {
        let mut clock = Clock::new(&TimeZone::UTC, Years::starting(2015));
        assert_eq!(at(&mut clock, "Feb 29 01:02:03 mx"), "2015-03-01T01:02:03Z mx");
    }

    #[test]
    fn days_agree_with_the_calendar() {
        for (year, month, day) in [(1970, 1, 1), (2000, 2, 29), (2026, 11, 24), (1969, 12, 31)] {
            let date = civil::date(year, month, day);
            let want = civil::date(1970, 1, 1).until(date).unwrap().get_days();
            assert_eq!(days(year, month as u8, day as u8), i64::from(want));
        }
    }

    #[test]
    fn prefixes_go() {
        assert_eq!(unprefixed(b"<22>Nov"), (&b"Nov"[..], false));
        assert_eq!(unprefixed(b"<22>1 2026"), (&b"2026"[..], true));
        assert_eq!(unprefixed(b"<nonsense"), (&b"<nonsense"[..], false));
    }
}

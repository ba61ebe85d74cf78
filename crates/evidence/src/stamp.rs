//! Stamps of log lines: BSD syslog ("Dec  4 14:30:00"), RFC 3339 and ISO with a blank, the
//! kernel's "[Fri Dec  4 14:30:00 2015]", Docker's stamp in front of another, `<13>` priorities.
//!
//! A [`Stamp`] is what the line says; a [`Clock`] knows what the line leaves out (zone, year) and
//! makes it a time. Years of stamps without one count on from line to line: a log that goes from
//! December to January has reached the next year.

use heloscope_model::Time;
use jiff::tz::TimeZone;

/// What a line says of its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Year, where written.
    pub year: Option<i16>,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// Seconds since midnight.
    pub second: u32,
    /// Nanoseconds.
    pub nanos: u32,
    /// Seconds east of UTC, where written.
    pub offset: Option<i32>,
    /// The byte after it.
    pub end: usize,
}

/// The stamp a line begins with.
pub fn of_line(line: &[u8]) -> Option<Stamp> {
    let skipped = match line {
        [b'<', rest @ ..] => {
            let close = rest.iter().take(5).position(|&b| b == b'>')?;
            // RFC 5424 has a version between priority and stamp.
            let after = rest.get(close + 1..)?;
            close + 2 + if after.starts_with(b"1 ") { 2 } else { 0 }
        }
        [b'[', ..] => 1,
        _ => 0,
    };
    let rest = line.get(skipped..)?;
    let mut stamp = iso(rest).or_else(|| bsd(rest))?;
    stamp.end += skipped;
    if line.first() == Some(&b'[') && line.get(stamp.end) == Some(&b']') {
        stamp.end += 1;
    }
    Some(stamp)
}

/// Docker's second stamp: what the program itself wrote behind the first.
pub fn second(line: &[u8], first: &Stamp) -> Option<Stamp> {
    let rest = line.get(first.end..)?;
    let blanks = rest.iter().take_while(|b| **b == b' ').count();
    let mut stamp = of_line(rest.get(blanks..)?)?;
    stamp.end += first.end + blanks;
    Some(stamp)
}

/// `2015-12-04T14:30:00.123+01:00`, the `T` may be a blank.
pub fn iso(text: &[u8]) -> Option<Stamp> {
    // ulogd of Sophos UTM writes "2015:12:04-14:30:00".
    let ([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T' | b't' | b' ', rest @ ..]
    | [y1, y2, y3, y4, b':', m1, m2, b':', d1, d2, b'-', rest @ ..]) = text
    else {
        return None;
    };
    let year = i16::try_from(number(&[*y1, *y2, *y3, *y4])?).ok()?;
    let (month, day) = (number(&[*m1, *m2])?, number(&[*d1, *d2])?);
    let second = clock(rest)?;
    let mut end = 19;
    let mut nanos = 0;
    if let Some(b'.' | b',') = text.get(end) {
        let digits = text.get(end + 1..)?;
        let len = digits.iter().take_while(|b| b.is_ascii_digit()).count();
        for i in 0..9 {
            let digit = digits.get(i).filter(|_| i < len).map_or(0, |b| u32::from(b - b'0'));
            nanos = nanos * 10 + digit;
        }
        if len > 0 {
            end += 1 + len;
        }
    }
    let mut offset = None;
    match text.get(end) {
        Some(b'Z' | b'z') => {
            offset = Some(0);
            end += 1;
        }
        Some(sign @ (b'+' | b'-')) => {
            if let Some((secs, len)) = numeric_offset(text.get(end + 1..)?) {
                offset = Some(if *sign == b'-' { -secs } else { secs });
                end += 1 + len;
            }
        }
        _ => {}
    }
    build(Some(year), month, day, second, nanos, offset, end)
}

/// `Dec  4 14:30:00`, `Dec 04 14:30:00`, `Dec  4 2015 14:30:00`, `Fri Dec  4 14:30:00 2015`.
fn bsd(text: &[u8]) -> Option<Stamp> {
    let mut at = 0;
    if month_number(text).is_none() {
        // A weekday in front.
        let [a, b, c, b' ', ..] = text else { return None };
        if ![a, b, c].iter().all(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        at = 4;
    }
    let month = month_number(text.get(at..)?)?;
    at += 3;
    let (day, mut at) = blank_number(text, at)?;
    let mut year = None;
    if text.get(at) == Some(&b' ')
        && text.get(at + 5) == Some(&b' ')
        && let Some(written) = text.get(at + 1..at + 5).and_then(number)
    {
        year = i16::try_from(written).ok();
        at += 5;
    }
    if text.get(at) != Some(&b' ') {
        return None;
    }
    let second = clock(text.get(at + 1..)?)?;
    at += 9;
    let mut nanos = 0;
    if text.get(at) == Some(&b'.') {
        let digits = text.get(at + 1..)?;
        let len = digits.iter().take(9).take_while(|b| b.is_ascii_digit()).count();
        for i in 0..9 {
            let digit = digits.get(i).filter(|_| i < len).map_or(0, |b| u32::from(b - b'0'));
            nanos = nanos * 10 + digit;
        }
        at += 1 + len;
    }
    if year.is_none() && text.get(at) == Some(&b' ') {
        let ends = text.get(at + 5).is_none_or(|b| !b.is_ascii_alphanumeric());
        let written = text.get(at + 1..at + 5).and_then(number);
        if let (true, Some(written @ 1980..=2200)) = (ends, written) {
            year = i16::try_from(written).ok();
            at += 5;
        }
    }
    build(year, month, u32::try_from(day).ok()?, second, nanos, None, at)
}

fn build(
    year: Option<i16>,
    month: u32,
    day: u32,
    second: u32,
    nanos: u32,
    offset: Option<i32>,
    end: usize,
) -> Option<Stamp> {
    let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(Stamp {
        year,
        month,
        day,
        second,
        nanos,
        offset,
        end,
    })
}

/// `hh:mm:ss` as seconds since midnight; a leap second is the second before it.
fn clock(text: &[u8]) -> Option<u32> {
    let [h1, h2, b':', m1, m2, b':', s1, s2, ..] = text else { return None };
    let (hour, minute, second) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?, number(&[*s1, *s2])?);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second.min(59))
}

/// `+0100`, `01:00` behind a sign: seconds and length.
pub(crate) fn numeric_offset(text: &[u8]) -> Option<(i32, usize)> {
    let (hours, minutes, len) = match text {
        [h1, h2, b':', m1, m2, ..] => (number(&[*h1, *h2])?, number(&[*m1, *m2])?, 5),
        [h1, h2, m1, m2, ..] => (number(&[*h1, *h2])?, number(&[*m1, *m2])?, 4),
        [h1, h2, ..] => (number(&[*h1, *h2])?, 0, 2),
        _ => return None,
    };
    let secs = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    (hours <= 15 && minutes < 60).then_some((secs, len))
}

/// Digits only, at least one; a number that 32 bits do not hold is none.
pub(crate) fn number(digits: &[u8]) -> Option<u32> {
    let mut value = (!digits.is_empty()).then_some(0_u32)?;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(u32::from(digit - b'0'))?;
    }
    Some(value)
}

/// Blanks and one or two digits.
fn blank_number(text: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let blanks = text.get(at..)?.iter().take(3).take_while(|b| **b == b' ').count();
    if blanks == 0 {
        return None;
    }
    at += blanks;
    let len = text.get(at..)?.iter().take(2).take_while(|b| b.is_ascii_digit()).count();
    let value = number(text.get(at..at + len)?)?;
    (len > 0).then_some((u64::from(value), at + len))
}

/// 1 to 12 of an English month's first three letters.
pub(crate) fn month_number(text: &[u8]) -> Option<u32> {
    Some(match text.get(..3)? {
        b"Jan" => 1,
        b"Feb" => 2,
        b"Mar" => 3,
        b"Apr" => 4,
        b"May" => 5,
        b"Jun" => 6,
        b"Jul" => 7,
        b"Aug" => 8,
        b"Sep" => 9,
        b"Oct" => 10,
        b"Nov" => 11,
        b"Dec" => 12,
        _ => return None,
    })
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
pub(crate) fn days(year: i64, month: u8, day: u8) -> i64 {
    // Years begin in March so that the leap day is their last.
    let (month, day) = (i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// What lines leave out, and where the years stand.
#[derive(Clone, Debug)]
pub struct Clock {
    zone: TimeZone,
    year: i16,
    month: Option<u8>,
    /// The offset found last and the local hours it holds for: zones change on the hour.
    cached: Option<(i64, i64)>,
}

impl Clock {
    /// A log without years whose FIRST stamp lies in `year`, in a zone.
    pub fn new(zone: TimeZone, year: i16) -> Self {
        Self { zone, year, month: None, cached: None }
    }

    /// Makes a stamp a time. Call it in the order of the lines.
    pub fn time(&mut self, stamp: &Stamp) -> Time {
        let year = match stamp.year {
            Some(year) => year,
            None => {
                // From December to January the year is the next; lines a little out of order at
                // New Year go back again.
                match self.month {
                    Some(before) if before >= 10 && stamp.month <= 3 => {
                        self.year = self.year.saturating_add(1);
                    }
                    Some(before) if before <= 3 && stamp.month >= 10 => {
                        self.year = self.year.saturating_sub(1);
                    }
                    _ => {}
                }
                self.month = Some(stamp.month);
                self.year
            }
        };
        let local =
            days(i64::from(year), stamp.month, stamp.day) * 86_400 + i64::from(stamp.second);
        let offset = match stamp.offset {
            Some(offset) => i64::from(offset),
            None => self.offset_at(local),
        };
        Time::from_nanos(
            (local - offset).saturating_mul(1_000_000_000).saturating_add(i64::from(stamp.nanos)),
        )
    }

    /// The zone's offset at a local second.
    fn offset_at(&mut self, local: i64) -> i64 {
        let hour = local.div_euclid(900);
        if let Some((at, offset)) = self.cached
            && at == hour
        {
            return offset;
        }
        let offset = jiff::Timestamp::from_second(local)
            .ok()
            .map(|as_utc| jiff::tz::Offset::UTC.to_datetime(as_utc))
            .and_then(|civil| self.zone.to_timestamp(civil).ok())
            .map_or(0, |stamp| local - stamp.as_second());
        self.cached = Some((hour, offset));
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> String {
        let stamp = of_line(line.as_bytes()).unwrap_or_else(|| panic!("{line}"));
        Clock::new(TimeZone::UTC, 2015).time(&stamp).rfc3339()
    }

    #[test]
    fn forms() {
        assert_eq!(said("Dec  4 14:30:00 mail postfix"), "2015-12-04T14:30:00Z");
        assert_eq!(said("Dec 04 14:30:00.5 mail"), "2015-12-04T14:30:00.500Z");
        assert_eq!(said("<22>Dec  4 14:30:00 mail"), "2015-12-04T14:30:00Z");
        assert_eq!(said("2015-12-04T14:30:00.25+01:00 mail"), "2015-12-04T13:30:00.250Z");
        assert_eq!(said("2015-12-04 14:30:00 mail"), "2015-12-04T14:30:00Z");
        assert_eq!(said("[Fri Dec  4 14:30:00 2009] IN="), "2009-12-04T14:30:00Z");
        assert_eq!(said("Dec  4 2011 14:30:00 fw"), "2011-12-04T14:30:00Z");
        assert_eq!(said("2015:12:04-14:30:00 utm ulogd[1]: x"), "2015-12-04T14:30:00Z");
        assert_eq!(said("<13>1 2015-12-04T14:30:00Z host"), "2015-12-04T14:30:00Z");
        for none in ["", "Dec", "Dez  4 14:30:00", "[1234.5] IN=", "99 12:00:00", "2015-1"] {
            assert_eq!(of_line(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_none() {
        assert_eq!(number(b"4294967295"), Some(u32::MAX));
        assert_eq!(number(b"4294967296"), None);
        assert_eq!(number(b"8123456789012345678901"), None);
        assert_eq!((number(b""), number(b"1a")), (None, None));
    }

    #[test]
    fn docker_writes_two() {
        let line = b"2024-03-01T10:00:00.5Z Mar  1 11:00:00 mail postfix/smtp[1]: x";
        let first = of_line(line).unwrap();
        let second = second(line, &first).unwrap();
        assert_eq!((second.month, second.second, second.year), (3, 39_600, None));
    }

    #[test]
    fn years_count_on_and_zones_have_summers() {
        let new_york = TimeZone::get("America/New_York").unwrap();
        let mut clock = Clock::new(new_york, 2015);
        let mut time = |line: &str| clock.time(&of_line(line.as_bytes()).unwrap()).rfc3339();
        assert_eq!(time("Jul  4 12:00:00 a"), "2015-07-04T16:00:00Z");
        assert_eq!(time("Dec 31 23:00:00 a"), "2016-01-01T04:00:00Z");
        assert_eq!(time("Jan  1 00:00:01 a"), "2016-01-01T05:00:01Z");
        assert_eq!(time("Dec 31 23:59:59 a"), "2016-01-01T04:59:59Z");
        assert_eq!(time("Feb 29 12:00:00 a"), "2016-02-29T17:00:00Z");
    }

    #[test]
    fn a_log_of_endless_new_years_stays_in_range() {
        let mut clock = Clock::new(TimeZone::UTC, i16::MAX - 1);
        for line in ["Dec  1 00:00:00", "Jan  1 00:00:00", "Jun  1 00:00:00"].repeat(3) {
            clock.time(&of_line(line.as_bytes()).unwrap());
        }
        assert_eq!(clock.year, i16::MAX);
    }

    #[test]
    fn days_agree_with_the_calendar() {
        for (y, m, d) in [(1970, 1, 1), (2000, 2, 29), (2016, 3, 1), (2100, 12, 31), (1999, 12, 31)]
        {
            let civil = jiff::civil::Date::new(y, m, d).unwrap().at(0, 0, 0, 0);
            let stamp = jiff::tz::Offset::UTC.to_timestamp(civil).unwrap();
            assert_eq!(days(i64::from(y), m as u8, d as u8), stamp.as_second() / 86_400);
        }
    }
}

//! Stamps as lists and providers write them, with their tolerance and the age some state.
//!
//! A stamp without a zone is taken as UTC: that is what lists mean (they say GMT or UTC nearly
//! always). What cannot be a date is none, never an error.

use super::words::pattern;
use crate::Time;
use regex::Regex;
use std::sync::LazyLock;

/// `2015-12-04 14:30`, `2015:12:04 ~14:30`, `2015/12/04 14:30:05.25`, `2015-12-04T14:30:05+01:00`.
static YEAR_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(\d{4})[-:/.](\d{1,2})[-:/.](\d{1,2})(?:T|,?\s+(?:at\s+)?~?\s*)(\d{1,2}):(\d{2})",
        r"(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*\(?(Z\b|UTC|GMT|(?-i:[A-Z]{2,4}T\b)|[+-]\d{2}:?\d{2}\b)?",
    ))
});

/// `Tue Jul  3 07:05:00 2018 UTC`, `Jul 3 07:05 UTC 2018`.
static CTIME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\s+",
        r"(\d{1,2}),?\s+~?(\d{1,2}):(\d{2})(?::(\d{2}))?\s+(?:((?-i:[A-Z]{3,4})|[+-]\d{4})\s+)?(\d{4})\b(?:\s+(UTC|GMT|[+-]\d{4}))?",
    ))
});

/// `Fri, 04 Dec 2015 14:30:00 +0100` (RFC 5322), `04-Dec-2015 14:30:00 UTC`, `4 December 2015 14:30`.
static DAY_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(\d{1,2})[\s/-]+(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[\s/-]+(\d{4})[\s:,]+(?:at\s+)?~?",
        r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*\(?(UTC|GMT|Z\b|(?-i:[A-Z]{2,4}T\b)|[+-]\d{2}:?\d{2})?",
    ))
});

/// `July 22 2023, 19:35:00 UTC`, `Jul 22nd, 2023 at 19:35`.
static MONTH_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4}),?\s+(?:at\s+)?~?",
        r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*\(?(UTC|GMT|Z\b|(?-i:[A-Z]{2,4}T\b)|[+-]\d{2}:?\d{2})?",
    ))
});

static TOLERANCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\+/-|\+-|give or take|tolerance(?: of|:)?|within)\s*(\d{1,6}|one|a)\s*(second|sec|minute|min|hour)",
    )
});

static AGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\(?\s*(?:,?\s*approximately|about|~)?\s*((?:\d{1,5}\s+(?:day|hour|minute|second)s?(?:,|\s+and)?\s*){1,4})ago",
    )
});

/// A stamp found in a text.
pub(super) struct Found {
    /// When.
    pub(super) time: Time,
    /// The byte it starts at.
    pub(super) start: usize,
    /// The byte after it.
    pub(super) end: usize,
}

/// The first stamp of a text.
pub(super) fn first(text: &str) -> Option<Found> {
    let forms = [
        year_first(text),
        ctime(text),
        named_month(&DAY_FIRST, text, [3, 2, 1]),
        named_month(&MONTH_FIRST, text, [3, 1, 2]),
    ];
    forms.into_iter().flatten().min_by_key(|f| f.start)
}

/// The tolerance stated in a text, in seconds.
pub(super) fn tolerance(text: &str) -> Option<u32> {
    let found = TOLERANCE.captures(text)?;
    let number = found.get(1)?.as_str();
    let number: u32 = number.parse().unwrap_or(1);
    let unit = match found.get(2)?.as_str().to_ascii_lowercase().as_bytes().first() {
        Some(b'h') => 3600,
        Some(b'm') => 60,
        _ => 1,
    };
    number.checked_mul(unit)
}

/// A stated age ("3 days, 3 hours, 59 minutes ago") in seconds.
pub(super) fn age(text: &str) -> Option<f64> {
    let found = AGE.captures(text)?;
    let words = found.get(1)?.as_str().to_ascii_lowercase();
    let mut secs = 0.0;
    let mut number = 0.0;
    for word in words.split([' ', ',']).filter(|w| !w.is_empty()) {
        if let Ok(n) = word.parse::<u32>() {
            number = f64::from(n);
        } else {
            secs += number
                * match word.as_bytes().first() {
                    Some(b'd') => 86_400.0,
                    Some(b'h') => 3_600.0,
                    Some(b'm') => 60.0,
                    Some(b's') => 1.0,
                    _ => 0.0,
                };
            number = 0.0;
        }
    }
    Some(secs)
}

fn year_first(text: &str) -> Option<Found> {
    YEAR_FIRST.captures_iter(text).find_map(|c| {
        let number = |i: usize| c.get(i).map_or(Some(0), |m| m.as_str().parse::<i32>().ok());
        let fraction = c.get(7).map_or("", |m| m.as_str());
        let zone = c.get(8).map_or("", |m| m.as_str());
        let date = (number(1)?, number(2)?, number(3)?);
        let whole = c.get(0)?;
        build(date, (number(4)?, number(5)?, number(6)?), fraction, zone).map(|time| Found {
            time,
            start: whole.start(),
            end: whole.end(),
        })
    })
}

fn ctime(text: &str) -> Option<Found> {
    CTIME.captures_iter(text).find_map(|c| {
        let number = |i: usize| c.get(i).map_or(Some(0), |m| m.as_str().parse::<i32>().ok());
        let month = month(c.get(1)?.as_str())?;
        let zone = c.get(6).or(c.get(8)).map_or("", |m| m.as_str());
        let whole = c.get(0)?;
        build((number(7)?, month, number(2)?), (number(3)?, number(4)?, number(5)?), "", zone)
            .map(|time| Found { time, start: whole.start(), end: whole.end() })
    })
}

/// Forms with a named month and the year before the clock; `order` says which groups hold year,
/// month and day.
fn named_month(form: &Regex, text: &str, order: [usize; 3]) -> Option<Found> {
    let [year, named, day] = order;
    form.captures_iter(text).find_map(|c| {
        let number = |i: usize| c.get(i).map_or(Some(0), |m| m.as_str().parse::<i32>().ok());
        let month = month(c.get(named)?.as_str())?;
        let zone = c.get(7).map_or("", |m| m.as_str());
        let whole = c.get(0)?;
        let clock = (number(4)?, number(5)?, number(6)?);
        build((number(year)?, month, number(day)?), clock, "", zone).map(|time| Found {
            time,
            start: whole.start(),
            end: whole.end(),
        })
    })
}

/// The month of a name of at least three letters.
fn month(name: &str) -> Option<i32> {
    let name = name.get(..3)?.to_ascii_lowercase();
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        .iter()
        .position(|m| *m == name)
        .and_then(|i| i32::try_from(i + 1).ok())
}

/// Puts a stamp together; none where it is no date.
fn build(
    date: (i32, i32, i32),
    clock: (i32, i32, i32),
    fraction: &str,
    zone: &str,
) -> Option<Time> {
    let small = |n: i32| i8::try_from(n).ok();
    let mut nanos = 0_i32;
    for digit in fraction.bytes().chain(std::iter::repeat(b'0')).take(9) {
        nanos = nanos * 10 + i32::from(digit.checked_sub(b'0')?);
    }
    let year = i16::try_from(date.0).ok().filter(|y| (1980..=2200).contains(y))?;
    // A leap second is the second before it, as a log writer's clock would have it.
    let second = small(clock.2.min(59))?;
    let civil = jiff::civil::DateTime::new(
        year,
        small(date.1)?,
        small(date.2)?,
        small(clock.0)?,
        small(clock.1)?,
        second,
        nanos,
    )
    .ok()?;
    let stamp = offset(zone)?.to_timestamp(civil).ok()?;
    Some(Time::from(stamp))
}

/// The offset a zone word means; an unknown abbreviation is none rather than a guess.
fn offset(zone: &str) -> Option<jiff::tz::Offset> {
    let upper = zone.to_ascii_uppercase();
    let hours = match upper.as_str() {
        "" | "Z" | "UTC" | "GMT" | "WET" => 0,
        "CET" | "BST" | "WEST" => 1,
        "CEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "EST" | "CDT" => -5,
        "EDT" => -4,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        numeric => {
            let sign = match numeric.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let digits: String = numeric.chars().filter(char::is_ascii_digit).collect();
            let hours: i32 = digits.get(..2)?.parse().ok()?;
            let minutes: i32 = digits.get(2..4)?.parse().ok()?;
            return jiff::tz::Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok();
        }
    };
    Some(jiff::tz::offset(hours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_lists_write() {
        for (text, want) in [
            ("at 2015:12:04 ~14:30 UTC +/- 15 minutes", "2015-12-04T14:30:00Z"),
            ("at 2015-10-20 00:00 GMT (+/- 30 minutes)", "2015-10-20T00:00:00Z"),
            ("was at Tue Jul 3 07:05:00 2018 UTC +/- 5 minutes", "2018-07-03T07:05:00Z"),
            ("Tue Jul  3 07:05:00 UTC 2018", "2018-07-03T07:05:00Z"),
            ("Date: Fri, 04 Dec 2015 14:30:00 +0100 (CET)", "2015-12-04T13:30:00Z"),
            ("2017-05-16 23:11:19 (GMT - this timestamp", "2017-05-16T23:11:19Z"),
            ("2015-12-04T14:30:05.250-05:00", "2015-12-04T19:30:05.250Z"),
            (
                "The most recent detection was on: July 22 2023, 19:35:00 UTC",
                "2023-07-22T19:35:00Z",
            ),
            ("on 4 December 2015 at 14:30 EST", "2015-12-04T19:30:00Z"),
        ] {
            assert_eq!(first(text).map(|f| f.time.rfc3339()).as_deref(), Some(want), "{text}");
        }
        assert!(first("at 2015-13-41 25:61").is_none());
        assert!(first("call 555-1234 at 10:30").is_none());
    }

    #[test]
    fn tolerance_and_age() {
        assert_eq!(tolerance("+/- 15 minutes"), Some(900));
        assert_eq!(tolerance("accurate to within one second"), Some(1));
        assert_eq!(age("(approximately 3 days, 3 hours, 59 minutes ago)"), Some(273_540.0));
        assert_eq!(age("removed 1 days, 5 hours, 1 minutes ago"), Some(104_460.0));
        assert_eq!(age("years ago"), None);
    }
}

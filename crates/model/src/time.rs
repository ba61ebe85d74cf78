//! Instants and how sure we are of them.
//!
//! A [`Time`] is nanoseconds since 1970-01-01 UTC. What a source cannot say (the fraction of a
//! BSD syslog stamp) is zero, and [`Time::rfc3339`] prints no more digits than there are.
//! A [`Window`] is an instant with a tolerance: what lists publish ("14:30 UTC +/- 15 minutes").

use std::fmt;

/// An instant: nanoseconds since 1970-01-01 00:00 UTC. Holds the years 1678 to 2262.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// Nanoseconds in a second.
const SECOND: i64 = 1_000_000_000;

impl Time {
    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From whole seconds since the epoch; out of range saturates.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(SECOND))
    }

    /// From seconds and microseconds; out of range saturates.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// This instant moved by so many seconds (fractions allowed); saturates.
    pub fn plus_secs(self, secs: f64) -> Self {
        Self(self.0.saturating_add((secs * SECOND as f64) as i64))
    }

    /// `self - other` in seconds.
    pub fn since(self, other: Time) -> f64 {
        self.0.saturating_sub(other.0) as f64 / SECOND as f64
    }

    /// RFC 3339 in UTC with the digits there are: none, or three, six or nine.
    pub fn rfc3339(self) -> String {
        let nanos = self.0.rem_euclid(SECOND);
        let digits = match nanos {
            0 => 0,
            n if n % 1_000_000 == 0 => 3,
            n if n % 1_000 == 0 => 6,
            _ => 9,
        };
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(stamp) => format!("{stamp:.digits$}"),
            Err(_) => format!("@{}", self.0),
        }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.rfc3339())
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let stamp: jiff::Timestamp = text.parse().map_err(serde::de::Error::custom)?;
        Ok(stamp.into())
    }
}

impl From<jiff::Timestamp> for Time {
    fn from(stamp: jiff::Timestamp) -> Self {
        Self(i64::try_from(stamp.as_nanosecond()).unwrap_or(i64::MAX))
    }
}

/// From one instant to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// First instant inside.
    pub from: Time,
    /// Last instant inside.
    pub to: Time,
}

impl Window {
    /// `at` give or take `tolerance_s` seconds.
    pub fn around(at: Time, tolerance_s: f64) -> Self {
        Self { from: at.plus_secs(-tolerance_s), to: at.plus_secs(tolerance_s) }
    }

    /// Whether the instant lies inside.
    pub fn holds(&self, at: Time) -> bool {
        self.from <= at && at <= self.to
    }

    /// Whether the two share an instant.
    pub fn meets(&self, other: &Window) -> bool {
        self.from <= other.to && other.from <= self.to
    }

    /// Widened by so many seconds on both sides.
    pub fn widened(&self, secs: f64) -> Self {
        Self { from: self.from.plus_secs(-secs), to: self.to.plus_secs(secs) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_the_digits_known() {
        assert_eq!(Time::from_secs(0).rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Time::from_micros(1_448_976_600_250_000).rfc3339(), "2015-12-01T13:30:00.250Z");
        assert_eq!(Time::from_nanos(1).rfc3339(), "1970-01-01T00:00:00.000000001Z");
    }

    #[test]
    fn a_window_holds_its_edges() {
        let at = Time::from_secs(1000);
        let window = Window::around(at, 15.0);
        assert!(window.holds(at.plus_secs(15.0)) && window.holds(at.plus_secs(-15.0)));
        assert!(!window.holds(at.plus_secs(15.1)));
    }
}

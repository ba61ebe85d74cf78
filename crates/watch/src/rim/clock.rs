//! The one place that reads the clock; everything else is told the time.

use heloscope_model::Time;
use std::time::{SystemTime, UNIX_EPOCH};

#[allow(clippy::disallowed_methods, reason = "the rim")]
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// The system's time zone.
#[allow(clippy::disallowed_methods, reason = "the rim")]
pub(crate) fn zone() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::system()
}

/// What stamps without a year mean now.
pub(crate) fn calendar(zone: &jiff::tz::TimeZone) -> heloscope_maillog::Calendar {
    let now = jiff::Timestamp::from_nanosecond(i128::from(now().nanos())).unwrap_or_default();
    heloscope_maillog::Calendar { zone: zone.clone(), last_year: zone.to_datetime(now).year() }
}

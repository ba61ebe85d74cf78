//! The lab's one look at the clock. Recordings run in real time and no stamp is rewritten.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::Duration;

/// Now.
#[allow(clippy::disallowed_methods)] // the lab plays in real time; the pure crates never come here
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Seconds from `since` to now.
pub fn seconds_since(since: Timestamp) -> f64 {
    now().duration_since(since).as_secs_f64()
}

/// Sleeps.
pub fn pause(seconds: f64) {
    if seconds > 0.0 {
        std::thread::sleep(Duration::from_secs_f64(seconds));
    }
}

/// `at` as `format` (strftime words) in the named zone.
pub fn show(at: Timestamp, format: &str, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned_datetime(zone).strftime(format).to_string()
}

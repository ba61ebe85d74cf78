//! The one place of the list's binary that reads the clock; everything below is told the time.

use heloscope_model::Time;
use std::time::{SystemTime, UNIX_EPOCH};

#[allow(clippy::disallowed_methods)] // the rim
pub(crate) fn now() -> Time {
    let nanos = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    };
    Time::from_nanos(nanos)
}

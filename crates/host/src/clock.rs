//! The one place of this crate that reads the machine's clocks.

use heloscope_model::Time;
use nix::time::{ClockId, clock_gettime};

/// Now, on the calendar.
pub(crate) fn now() -> Time {
    // This clock is there on every Linux; were it not, the record would say 1970.
    Time::from_nanos(nanos(ClockId::CLOCK_REALTIME).unwrap_or_default())
}

/// The instant this machine started, on the calendar.
pub(crate) fn boot() -> Time {
    let since = nanos(ClockId::CLOCK_BOOTTIME).unwrap_or_default();
    now().plus_secs(-(since as f64) / 1e9)
}

/// Microseconds of the clock that only goes on and does not count sleep; before everything where it cannot be read.
pub(crate) fn monotonic() -> i64 {
    nanos(ClockId::CLOCK_MONOTONIC).map_or(i64::MIN, |nanos| nanos / 1000)
}

/// Nanoseconds of a clock.
pub(crate) fn nanos(clock: ClockId) -> nix::Result<i64> {
    let time = clock_gettime(clock)?;
    Ok(time.tv_sec().saturating_mul(1_000_000_000).saturating_add(time.tv_nsec()))
}

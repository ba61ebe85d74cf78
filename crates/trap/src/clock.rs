//! The sensor's clock: wall time when a session begins, and from then on time that only goes
//! forward. A clock that jumps moves no deadline and makes no session end before it began.

use heloscope_model::Time;
use tokio::time::Instant;

/// The clock of one session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    wall: Time,
    since: Instant,
}

impl Clock {
    /// Begins now.
    #[allow(clippy::disallowed_methods)] // the one place where the sensor reads the time
    pub(crate) fn begin() -> Self {
        let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanos = wall.map_or(0, |wall| i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX));
        Self { wall: Time::from_nanos(nanos), since: Instant::now() }
    }

    /// The time now.
    pub(crate) fn now(&self) -> Time {
        let nanos = i64::try_from(self.since.elapsed().as_nanos()).unwrap_or(i64::MAX);
        Time::from_nanos(self.wall.nanos().saturating_add(nanos))
    }

    /// When the runtime's timers reach a time.
    pub(crate) fn instant(&self, at: Time) -> Instant {
        let nanos = at.nanos().saturating_sub(self.wall.nanos());
        // A century from now is never; adding more could overflow.
        let nanos = u64::try_from(nanos).unwrap_or(0).min(100 * 365 * 86_400 * 1_000_000_000);
        self.since + std::time::Duration::from_nanos(nanos)
    }
}

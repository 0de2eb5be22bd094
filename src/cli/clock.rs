//! The system's clocks, the one place that reads them. It decides nothing about time.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::clock::{Clock, Timestamp, Wait};

/// The time of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

/// From when the steady time is counted: one moment for the whole process.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that all others ask")]
    fn now(&self) -> Timestamp {
        // Before 1970 the same in negative: a clock set wrong must not stand still.
        let milliseconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()),
            Err(before) => i64::try_from(before.duration().as_millis()).map(|milliseconds| -milliseconds),
        };
        Timestamp(milliseconds.unwrap_or(i64::MAX))
    }

    fn steady(&self) -> Duration {
        BEGAN.elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "waiting for a time is what this is for")]
    fn rest(&self, length: Duration) -> Wait {
        Box::pin(tokio::time::sleep(length))
    }
}

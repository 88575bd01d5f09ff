//! The two clocks, read once a turn.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use chat::Time;
use shard::Now;

/// Where the monotonic clock of a shard began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic_ms: self.0.elapsed().as_millis() as u64, wall: Time(wall.as_millis() as u64) }
    }
}

//! The two clocks, read once a turn.

use std::time::{SystemTime, UNIX_EPOCH};

use chat::Time;
use rustix::time::{ClockId, clock_gettime};
use shard::Now;

/// Where the monotonic clock of a shard began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    began_us: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { began_us: monotonic_us() }
    }

    /// The two clocks, and the microseconds that all shards count alike.
    pub(crate) fn now(self) -> (Now, u64) {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let us = monotonic_us();
        let monotonic_ms = us.saturating_sub(self.began_us) / 1000;
        (Now { monotonic_ms, wall: Time(wall.as_millis() as u64) }, us)
    }
}

/// Microseconds that only ever grow, from a moment that is the same for all shards. No system call where the machine shows its clock to programs.
pub fn monotonic_us() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}

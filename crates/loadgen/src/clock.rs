//! The clocks: one that all processes of a machine share, and the processor time of this process.

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Now, on the monotonic clock.
#[inline]
pub fn now_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// The processor time that this process has used so far.
pub fn own_cpu_ns() -> u64 {
    nanoseconds(clock_gettime(ClockId::ProcessCPUTime))
}

/// A span as the system calls want it.
pub fn timespec(span_ns: u64) -> Timespec {
    Timespec { tv_sec: (span_ns / 1_000_000_000) as i64, tv_nsec: (span_ns % 1_000_000_000) as i64 }
}

fn nanoseconds(time: Timespec) -> u64 {
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

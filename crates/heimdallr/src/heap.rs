//! Giving memory back to the machine after a crowd has left.
//!
//! The system's allocator keeps what was freed between things that are still there. It gives it back when asked to, which takes it
//! some milliseconds, so it is asked once for a crowd: when the ebb is over.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use shard::Holdings;

/// Fewer things than this are no crowd.
const CROWD: usize = 1000;

/// How much there is on each shard; written by the shards, read by who looks at the tide.
#[derive(Debug)]
pub(crate) struct Levels(Vec<AtomicUsize>, Vec<AtomicBool>);

/// How much there was, as far as it tells whether a crowd has left.
#[derive(Debug, Default)]
pub(crate) struct Tide {
    high: usize,
    last: usize,
}

impl Levels {
    pub(crate) fn new(shards: usize) -> Self {
        let crowded = std::iter::repeat_with(AtomicBool::default).take(shards).collect();
        Self(std::iter::repeat_with(AtomicUsize::default).take(shards).collect(), crowded)
    }

    pub(crate) fn publish(&self, shard: usize, holdings: Holdings) {
        let things = holdings.streams + holdings.rooms + holdings.history_messages;
        self.0[shard].store(things, Ordering::Relaxed);
        self.1[shard].store(holdings.is_crowded, Ordering::Relaxed);
    }

    /// Whether on some shard more waits than may.
    pub(crate) fn are_crowded(&self) -> bool {
        self.1.iter().any(|crowded| crowded.load(Ordering::Relaxed))
    }

    pub(crate) fn total(&self) -> usize {
        self.0.iter().map(|level| level.load(Ordering::Relaxed)).sum()
    }
}

impl Tide {
    /// Takes the level of the moment. Says whether much has gone since the last time it said so, and nothing more goes.
    pub(crate) fn has_gone_out(&mut self, level: usize) -> bool {
        let ebbs = level < self.last;
        self.last = level;
        self.high = self.high.max(level);
        let gone = self.high - level;
        if ebbs || gone < CROWD.max(self.high / 4) {
            return false;
        }
        self.high = level;
        true
    }
}

/// Has the allocator give back whole pages that nothing is on.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "a call into the C library; docs/decisions/0008")]
pub(crate) fn give_back() {
    // SAFETY: malloc_trim(3) may be called at any time from any thread, takes no pointers and moves nothing.
    unsafe { libc::malloc_trim(0) };
}

/// Other allocators give back what they like when they like.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn give_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(levels: &[usize]) -> Vec<usize> {
        let mut tide = Tide::default();
        let went_out = |(index, level): (usize, &usize)| tide.has_gone_out(*level).then_some(index);
        levels.iter().enumerate().filter_map(went_out).collect()
    }

    #[test]
    fn a_crowd_that_has_left_is_noticed_once_when_the_last_of_it_is_gone() {
        assert_eq!(told(&[0, 15_000, 9_000, 100, 10, 10, 10, 10]), [5]);
    }

    #[test]
    fn the_next_crowd_is_noticed_again() {
        assert_eq!(told(&[4_000, 0, 0, 4_000, 0, 0]), [2, 5]);
    }

    #[test]
    fn a_few_or_a_small_part_are_no_crowd() {
        assert!(told(&[900, 0, 0, 0]).is_empty());
        assert!(told(&[100_000, 80_000, 80_000, 80_000]).is_empty());
    }
}

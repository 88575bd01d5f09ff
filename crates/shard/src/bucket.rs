//! How often something may be done: rates, and the buckets that say whether it is too soon. One number each and no timer: the virtual
//! scheduling of the generic cell rate algorithm (ITU-T I.371). Knows nothing of what is done, nor by whom.

use crate::Now;

/// Ticks of a bucket's clock in a millisecond. It goes round once in 18 hours.
const TICKS_PER_MS: u32 = 64;

/// How often something may be done in the long run, and how much of it at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Ticks that each takes; 0: as often as anybody likes.
    step: u32,
    /// Ticks that may be taken ahead.
    depth: u32,
}

impl Rate {
    /// As often as anybody likes.
    pub const ANY: Self = Self { step: 0, depth: 0 };
    /// The highest rate that there is, a second.
    pub const PER_SECOND_MAX: u32 = 10_000;

    /// So often a second, a little less where that does not divide 64,000; 0: as often as anybody likes. Who has not done it for a while may do it
    /// as often as in so many seconds at once.
    pub fn per_second(times: u32, burst_seconds: u32) -> Self {
        match times.min(Self::PER_SECOND_MAX) {
            0 => Self::ANY,
            times => {
                let step = (1000 * TICKS_PER_MS).div_ceil(times);
                Self { step, depth: step.max(burst_seconds.min(3600) * 1000 * TICKS_PER_MS) }
            }
        }
    }

    /// The part of one shard of so many.
    pub fn shared_by(self, shards: u16) -> Self {
        let step = self.step.saturating_mul(u32::from(shards));
        Self { step, depth: self.depth.max(step) }
    }

    /// Whether it may be done as often as anybody likes.
    pub fn is_any(self) -> bool {
        self.step == 0
    }
}

/// How far somebody is ahead of a rate: the tick at which all that was done would be due at that rate. One that was not taken from for long
/// is as good as a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bucket(u32);

impl Bucket {
    /// How many milliseconds it is too soon for once more; 0: it is not.
    pub(crate) fn wait_ms(self, rate: Rate, now: Now) -> u64 {
        let after = u64::from(self.ahead(rate, now)) + u64::from(rate.step);
        after.saturating_sub(u64::from(rate.depth)).div_ceil(u64::from(TICKS_PER_MS))
    }

    /// It was done once more.
    pub(crate) fn take(&mut self, rate: Rate, now: Now) {
        self.0 = ticks(now).wrapping_add(self.ahead(rate, now)).wrapping_add(rate.step);
    }

    /// Nobody is ever further ahead than a rate is deep: who seems to be has been away for hours.
    fn ahead(self, rate: Rate, now: Now) -> u32 {
        let ahead = self.0.wrapping_sub(ticks(now));
        if ahead > rate.depth { 0 } else { ahead }
    }
}

fn ticks(now: Now) -> u32 {
    (now.monotonic_ms as u32).wrapping_mul(TICKS_PER_MS)
}

#[cfg(test)]
mod tests {
    use chat::Time;

    use super::*;

    fn at(monotonic_ms: u64) -> Now {
        Now { monotonic_ms, wall: Time(0) }
    }

    /// How often it may be done at a moment, one time after the other.
    fn often(bucket: &mut Bucket, rate: Rate, ms: u64) -> u32 {
        let mut times = 0;
        while times < 100_000 && bucket.wait_ms(rate, at(ms)) == 0 {
            bucket.take(rate, at(ms));
            times += 1;
        }
        times
    }

    #[test]
    fn who_comes_new_may_do_as_much_at_once_as_in_the_time_of_a_burst() {
        assert_eq!(often(&mut Bucket::default(), Rate::per_second(20, 5), 77), 100);
        assert_eq!(often(&mut Bucket::default(), Rate::per_second(20, 0), 77), 1);
    }

    #[test]
    fn after_a_burst_it_goes_at_the_rate_whenever_one_asks() {
        let (mut bucket, rate) = (Bucket::default(), Rate::per_second(10, 2));
        often(&mut bucket, rate, 0);
        assert_eq!(bucket.wait_ms(rate, at(0)), 100);
        let told: Vec<u32> = [99, 100, 150, 200, 1000, 9000].map(|ms| often(&mut bucket, rate, ms)).to_vec();
        assert_eq!(told, [0, 1, 0, 1, 8, 20]);
    }

    #[test]
    fn without_a_bound_it_is_never_too_soon() {
        assert_eq!(often(&mut Bucket::default(), Rate::per_second(0, 5), 5), 100_000);
    }

    #[test]
    fn a_rate_is_never_exceeded_however_high() {
        for times in [1, 3, 7, 300, 999, 1001, 7777, 10_000, 20_000] {
            let (mut bucket, rate) = (Bucket::default(), Rate::per_second(times, 1));
            let done: u32 = (0..=10_000).map(|ms| often(&mut bucket, rate, ms)).sum();
            assert!(
                done <= 11 * times && done >= times.min(10_000) * 9,
                "{times}/s: {done} in 10 s and a burst"
            );
        }
    }

    #[test]
    fn who_was_away_while_the_clock_went_round_has_a_burst_at_most_less() {
        let rate = Rate::per_second(100, 5);
        for ms in (0..u64::from(u32::MAX / TICKS_PER_MS) + 10_000).step_by(1_000_003) {
            let mut bucket = Bucket::default();
            often(&mut bucket, rate, 3);
            assert!(bucket.wait_ms(rate, at(3 + ms)) <= 10, "after {ms} ms");
        }
    }

    #[test]
    fn what_shards_share_is_the_rate_together() {
        let rate = Rate::per_second(100, 2).shared_by(4);
        assert_eq!(often(&mut Bucket::default(), rate, 0), 50);
        assert_eq!(often(&mut Bucket::default(), Rate::per_second(1, 1).shared_by(4), 0), 1);
    }
}

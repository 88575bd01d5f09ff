//! Whether a backend is worth asking: one that has failed again and again is left alone for a while, longer each time, and then asked once.

/// Failures in a row after which it is left alone.
const FAILURES_MAX: u32 = 5;
/// For so long at first, and at most.
const FIRST_MS: u64 = 500;
const LONGEST_MS: u64 = 15_000;

/// What is known of a backend.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// Until when it is left alone, and for how long that was.
    open: Option<(u64, u64)>,
    /// How often it was begun to leave it alone.
    openings: u64,
}

impl Breaker {
    /// Whether it may be asked now. Who is let ask while it is left alone is the only one until it has answered.
    pub(super) fn may_ask(&mut self, now_ms: u64) -> bool {
        match &mut self.open {
            None => true,
            Some((until_ms, _)) if *until_ms > now_ms => false,
            Some((until_ms, _)) => {
                *until_ms = now_ms + LONGEST_MS;
                true
            }
        }
    }

    /// It has answered. Says whether it was left alone before.
    pub(super) fn note_answer(&mut self) -> bool {
        self.failures = 0;
        self.open.take().is_some()
    }

    /// It has not answered as it should. Says whether it is left alone from here on.
    pub(super) fn note_failure(&mut self, now_ms: u64) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures < FAILURES_MAX {
            return false;
        }
        let for_ms = self.open.map_or(FIRST_MS, |(_, for_ms)| (for_ms * 2).min(LONGEST_MS));
        let is_new = self.open.replace((now_ms + for_ms, for_ms)).is_none();
        self.openings += u64::from(is_new);
        is_new
    }

    /// How often it was begun to leave it alone.
    pub(super) fn openings(&self) -> u64 {
        self.openings
    }

    /// Whether it is left alone.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken() -> Breaker {
        let mut breaker = Breaker::default();
        for failure in 1..=FAILURES_MAX {
            assert!(breaker.may_ask(0));
            assert_eq!(breaker.note_failure(0), failure == FAILURES_MAX);
        }
        breaker
    }

    #[test]
    fn who_fails_again_and_again_is_left_alone_and_asked_by_one_at_a_time() {
        let mut breaker = broken();
        assert!(!breaker.may_ask(FIRST_MS - 1));
        assert!(breaker.may_ask(FIRST_MS) && !breaker.may_ask(FIRST_MS));
        assert!(!breaker.note_failure(FIRST_MS), "it is left alone already");
        assert!(!breaker.may_ask(3 * FIRST_MS - 1) && breaker.may_ask(3 * FIRST_MS));
        assert!(breaker.note_answer() && breaker.may_ask(3 * FIRST_MS) && !breaker.is_open());
    }

    #[test]
    fn an_answer_now_and_then_is_enough() {
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            (1..FAILURES_MAX).for_each(|_| assert!(!breaker.note_failure(0)));
            assert!(!breaker.note_answer());
        }
    }

    #[test]
    fn it_is_never_left_alone_for_longer_than_the_longest() {
        let mut breaker = broken();
        for _ in 0..100 {
            breaker.note_failure(0);
        }
        assert!(breaker.may_ask(LONGEST_MS));
    }
}

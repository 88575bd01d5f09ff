//! How much a session asks for in a time, and is granted, held against what it may ask for: in an arithmetic of its own, not the server's.

use crate::allowance::Allowance;

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is said, and questions for the time.
    Posts,
    /// What is asked of rooms and for a name.
    Joins,
}

/// What one session has asked for, and was granted.
#[derive(Debug)]
pub(super) struct Pace {
    allowance: Allowance,
    asked: [Purse; 2],
    granted: [Purse; 2],
    /// When it was told to ask again, if it has asked for nothing of the kind since.
    again_ms: [Option<u64>; 2],
    /// It has asked for too much, and until then something may still be late or refused for that.
    eager_until_ms: Option<u64>,
}

/// What may be had at once, in thousandths; less than nothing: it was asked for, and is not due yet.
#[derive(Clone, Copy, Debug)]
struct Purse {
    thousandths: i64,
    at_ms: u64,
}

/// What a session may ask for once.
const ONE: i64 = 1000;
/// What was put off is done so late at most, after whoever asks for too much is refused.
const LATE_MS: u64 = 2000;

impl Pace {
    pub(super) fn new(allowance: Allowance, now_ms: u64) -> Self {
        let full = Purse { thousandths: i64::MAX / 2, at_ms: now_ms };
        Self { allowance, asked: [full; 2], granted: [full; 2], again_ms: [None; 2], eager_until_ms: None }
    }

    /// It asks for something; `is_first`: it has an answer to all that it has asked of the kind before. Says whether that may come too soon.
    pub(super) fn ask(&mut self, kind: Kind, is_first: bool, now_ms: u64) -> bool {
        let Some(rate) = self.rate(kind) else { return self.is_eager(now_ms) };
        if !self.asked[kind as usize].spend(rate, self.most(rate), now_ms) {
            let burst_ms = u64::from(self.allowance.burst_seconds) * 1000;
            self.eager_until_ms = Some(now_ms + self.allowance.patience_ms + burst_ms + LATE_MS);
        }
        let again_ms = self.again_ms[kind as usize].take();
        let is_promised = is_first && again_ms.is_some_and(|again_ms| again_ms <= now_ms);
        self.is_eager(now_ms) && !is_promised
    }

    /// It is granted something. Says whether it may have that by now.
    pub(super) fn grant(&mut self, kind: Kind, now_ms: u64) -> bool {
        let Some(rate) = self.rate(kind) else { return true };
        self.granted[kind as usize].spend(rate, self.most(rate), now_ms)
    }

    /// It is told to ask again after a while. Says whether it may be told to wait so long.
    pub(super) fn refuse(&mut self, kind: Kind, retry_after_ms: u64, now_ms: u64) -> bool {
        self.again_ms[kind as usize] = Some(now_ms + retry_after_ms);
        let Some(rate) = self.rate(kind) else { return false };
        self.asked[kind as usize].thousandths += ONE;
        (1..=1000_u64.div_ceil(rate)).contains(&retry_after_ms)
    }

    /// Nobody was awake for so long.
    pub(super) fn delay(&mut self, ms: u64) {
        self.eager_until_ms = self.eager_until_ms.map(|until_ms| until_ms + ms);
    }

    /// Whether something it has asked for may be late, because it was too much.
    pub(super) fn is_eager(&self, now_ms: u64) -> bool {
        self.eager_until_ms.is_some_and(|until_ms| now_ms <= until_ms)
    }

    /// Whether it has ever asked for too much.
    pub(super) fn was_eager(&self) -> bool {
        self.eager_until_ms.is_some()
    }

    fn rate(&self, kind: Kind) -> Option<u64> {
        let rate = match kind {
            Kind::Posts => self.allowance.posts_per_second,
            Kind::Joins => self.allowance.joins_per_second,
        };
        (rate > 0).then_some(rate.into())
    }

    fn most(&self, rate: u64) -> i64 {
        ONE * (rate * u64::from(self.allowance.burst_seconds)).max(1) as i64
    }
}

impl Purse {
    /// Says whether there was enough.
    fn spend(&mut self, rate: u64, most: i64, now_ms: u64) -> bool {
        let earned = (now_ms - self.at_ms) * rate;
        let had = self.thousandths.saturating_add(earned as i64).min(most);
        *self = Self { thousandths: had - ONE, at_ms: now_ms };
        self.thousandths >= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: Allowance = Allowance {
        posts_per_second: 5,
        joins_per_second: 0,
        burst_seconds: 2,
        patience_ms: 1000,
        refusals_max: 10,
    };

    #[test]
    fn who_asks_for_no_more_than_it_may_never_asks_too_soon() {
        let mut pace = Pace::new(FIVE, 0);
        assert!((0..10).all(|_| !pace.ask(Kind::Posts, false, 100)));
        assert!((1..50).all(|fifth| !pace.ask(Kind::Posts, false, 100 + 200 * fifth)));
        assert!((0..99).all(|_| !pace.ask(Kind::Joins, false, 100)));
        assert!(!pace.was_eager());
    }

    #[test]
    fn one_more_is_too_much_until_all_is_done() {
        let mut pace = Pace::new(FIVE, 0);
        assert!((0..10).all(|_| pace.grant(Kind::Posts, 0) && !pace.ask(Kind::Posts, false, 0)));
        assert!(pace.ask(Kind::Posts, false, 0) && !pace.grant(Kind::Posts, 0));
        assert!(pace.is_eager(5000) && !pace.is_eager(5001));
    }

    #[test]
    fn who_waits_as_long_as_it_is_told_is_not_too_soon() {
        let mut pace = Pace::new(FIVE, 0);
        assert!((0..11).filter(|_| pace.ask(Kind::Posts, false, 0)).count() == 1);
        assert!(pace.refuse(Kind::Posts, 200, 0) && !pace.refuse(Kind::Posts, 201, 0));
        assert!(!pace.ask(Kind::Posts, true, 201));
        assert!(pace.refuse(Kind::Posts, 200, 201) && pace.ask(Kind::Posts, true, 400));
    }
}

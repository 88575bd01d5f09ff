//! How fast clients are told to come back elsewhere: so many a second over all shards, in small batches. Each shard takes the part of every
//! batch that its sessions are of all, so all are done at once and nobody else need be asked. What a batch leaves is not made up for
//! later: nowhere come more at once than one batch beyond what the rate allows.

/// Time from one batch to the next.
pub(crate) const BATCH_MS: u64 = 50;

/// The pace of one shard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    since_ms: u64,
    /// Over all shards; 0: as many as there are.
    per_second: u64,
    /// Sessions of this shard when it began, and of all.
    own: u64,
    all: u64,
    /// The batch that is being told.
    batch: Option<u64>,
    /// How many of it may still be told.
    left: u64,
}

impl Pace {
    pub(crate) fn new(since_ms: u64, per_second: u64, own: u64, all: u64) -> Self {
        assert!(own <= all, "what is here is part of all there is");
        Self { since_ms, per_second, own, all, batch: None, left: 0 }
    }

    /// How many may be told now. `now_ms` never goes back.
    pub(crate) fn left(&mut self, now_ms: u64) -> u64 {
        let batch = now_ms.saturating_sub(self.since_ms) / BATCH_MS;
        if self.batch != Some(batch) {
            self.batch = Some(batch);
            self.left = match self.per_second {
                0 => u64::MAX,
                _ => self.up_to(batch + 1) - self.up_to(batch),
            };
        }
        self.left
    }

    /// One was told.
    pub(crate) fn take(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// There is nobody left who could be told in this batch.
    pub(crate) fn forgo(&mut self) {
        self.left = 0;
    }

    /// When the next batch is due.
    pub(crate) fn next_ms(&self) -> u64 {
        let next = self.batch.map_or(0, |batch| batch + 1);
        self.since_ms + next * BATCH_MS
    }

    /// When all shards have told everybody, if nothing keeps them.
    pub(crate) fn end_ms(&self) -> u64 {
        self.since_ms + self.time_for(self.all)
    }

    /// How long all shards take when so many are left here, and as many of all elsewhere.
    pub(crate) fn time_left_ms(&self, here: u64) -> u64 {
        self.time_for(here * self.all / self.own.max(1))
    }

    fn time_for(&self, sessions: u64) -> u64 {
        (sessions * 1000).checked_div(self.per_second).unwrap_or(0)
    }

    /// How many may have been told here before a batch begins.
    fn up_to(&self, batch: u64) -> u64 {
        let everywhere = self.per_second * batch * BATCH_MS / 1000;
        everywhere * self.own / self.all.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells all sessions of these shards, looking at the clock every so often; says when each was told.
    fn told(per_second: u64, own: &[u64], look_ms: u64) -> Vec<u64> {
        let all = own.iter().sum();
        let mut shards: Vec<(Pace, u64)> =
            own.iter().map(|own| (Pace::new(5000, per_second, *own, all), *own)).collect();
        let mut told = Vec::new();
        let mut now_ms = 5000;
        while shards.iter().any(|(_, here)| *here > 0) {
            for (pace, here) in &mut shards {
                while *here > 0 && pace.left(now_ms) > 0 {
                    pace.take();
                    *here -= 1;
                    told.push(now_ms);
                }
            }
            now_ms += look_ms;
        }
        told
    }

    /// The most that were told in any so long a time.
    fn most_within(told: &[u64], ms: u64) -> usize {
        (0..told.len())
            .map(|first| told.partition_point(|at| *at < told[first] + ms) - first)
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn uneven_shards_keep_the_rate_together_and_are_done_at_once() {
        for own in [&[2000][..], &[1000, 1000], &[1900, 100, 0], &[1, 1999], &[700, 500, 300, 500]] {
            let told = told(500, own, 10);
            assert!(most_within(&told, 1000) <= 500 + 25, "{own:?}: {}", most_within(&told, 1000));
            let took_ms = told.last().expect("somebody was told") - 5000;
            assert!((3800..=4100).contains(&took_ms), "{own:?} took {took_ms} ms");
        }
    }

    #[test]
    fn a_slow_rate_is_kept_however_few_it_is_a_batch() {
        let told = told(3, &[7, 5], 50);
        assert!(most_within(&told, 1000) <= 4, "{told:?}");
        assert!(told.last().expect("somebody was told") - 5000 <= 4500, "{told:?}");
    }

    #[test]
    fn who_was_held_up_does_not_make_up_for_it() {
        let mut pace = Pace::new(0, 1000, 10_000, 10_000);
        assert_eq!(pace.left(0), 50);
        assert_eq!(pace.left(3000), 50);
        (0..50).for_each(|_| pace.take());
        assert_eq!((pace.left(3049), pace.next_ms(), pace.left(3050)), (0, 3050, 50));
        pace.forgo();
        assert_eq!((pace.left(3099), pace.left(3100)), (0, 50));
    }

    #[test]
    fn without_a_rate_all_may_be_told_at_once() {
        let mut pace = Pace::new(9, 0, 3, 5);
        assert_eq!((pace.left(9), pace.end_ms(), pace.time_left_ms(3)), (u64::MAX, 9, 0));
        pace.forgo();
        assert_eq!((pace.left(9), pace.next_ms()), (0, 9 + BATCH_MS));
    }

    #[test]
    fn what_is_left_is_spread_over_the_time_that_it_would_take() {
        let pace = Pace::new(0, 100, 300, 1000);
        assert_eq!((pace.end_ms(), pace.time_left_ms(150)), (10_000, 5000));
    }
}

//! How long things take, counted in buckets that grow with what they count: four to each doubling, so a bucket is at most a quarter wider than where it
//! begins. A histogram is a few hundred bytes, and to count in it is an addition.

use chat::Event;

use crate::Now;
use crate::traces::Traces;

/// The first bucket ends here, in microseconds, and the doublings begin.
const FIRST_US: u64 = 16;
const FIRST_BITS: u32 = FIRST_US.trailing_zeros();
/// Up to 16.8 seconds; what took longer is counted at the end.
const DOUBLINGS: usize = 20;
const PARTS_BITS: u32 = 2;
const PARTS: usize = 1 << PARTS_BITS;
const BOUNDED: usize = 1 + DOUBLINGS * PARTS;

/// Where each bucket ends that ends anywhere, in microseconds: what took as long or longer is in a later one.
pub static LATENCY_BOUNDS_US: [u64; BOUNDED] = bounds();

/// How often something took how long.
#[derive(Clone, Debug)]
pub struct Latencies {
    counts: [u64; BOUNDED + 1],
    sum_us: u64,
}

/// Since when a message is on its way through the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// When the turn began in which it was read, in microseconds on the clock that all shards of the node share; 0: nobody knows.
    pub(crate) us: u64,
    /// By what it is known to who follows it.
    pub(crate) trace: Option<u16>,
}

/// When a shard's turn began, and how long turns take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turn {
    /// When it began, in microseconds on the clock that all shards of the node share; 0: nobody says.
    pub(crate) began_us: u64,
    /// How long the last one took in which something was sent.
    last_us: u64,
    /// Frames sent in this one that were heard in it.
    fresh: u64,
    /// Something was sent in this one.
    has_sent: bool,
}

impl Latencies {
    /// How often something was in each bucket, in the order of [`LATENCY_BOUNDS_US`], and behind them in none that ends.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How long all of it took together, in microseconds.
    pub fn sum_us(&self) -> u64 {
        self.sum_us
    }

    pub(crate) fn add(&mut self, us: u64, times: u64) {
        self.counts[bucket_of(us)] += times;
        self.sum_us += us * times;
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self { counts: [0; BOUNDED + 1], sum_us: 0 }
    }
}

impl Turn {
    pub(crate) fn begin(&mut self, us: u64) {
        *self = Self { began_us: us, fresh: 0, has_sent: false, ..*self };
    }

    /// Something is heard now.
    pub(crate) fn hears(&self) -> Heard {
        Heard { us: self.began_us, trace: None }
    }

    /// Frames were sent of messages heard then. The turn has still to end: what was heard in it is counted when it does, and for what has waited
    /// longer that end is guessed from the turn before.
    pub(crate) fn sent(
        &mut self,
        frames: impl Iterator<Item = (Heard, u64)>,
        latencies: &mut Latencies,
        traces: &mut Traces,
    ) {
        for (heard, frames) in frames {
            self.sent_since(heard.us, frames, latencies);
            if let Some(trace) = heard.trace {
                traces.note_sent(trace, frames);
            }
        }
    }

    fn sent_since(&mut self, heard_us: u64, frames: u64, latencies: &mut Latencies) {
        if heard_us == 0 || frames == 0 {
            return;
        }
        self.has_sent = true;
        if heard_us == self.began_us {
            self.fresh += frames;
        } else {
            latencies.add(self.began_us.saturating_sub(heard_us) + self.last_us, frames);
        }
    }

    /// Since when something is on its way that is told to a room. What a broker has put in order says so by the time of day at which a node took it
    /// in; both clocks are then trusted to tell the same.
    pub(crate) fn since(&self, heard: Heard, event: &Event, now: Now) -> Heard {
        match event {
            Event::Posted(message) if heard.us == 0 && self.began_us > 0 => {
                let under_way_us = now.wall.0.saturating_sub(message.time.0) * 1000;
                Heard { us: self.began_us.saturating_sub(under_way_us).max(1), ..heard }
            }
            _ => heard,
        }
    }

    /// Whether it is wanted to know when the turn ends.
    pub(crate) fn is_timed(&self) -> bool {
        self.has_sent
    }

    pub(crate) fn end(&mut self, us: u64, latencies: &mut Latencies) {
        self.last_us = us.saturating_sub(self.began_us);
        if self.fresh > 0 {
            latencies.add(self.last_us, self.fresh);
        }
        (self.fresh, self.has_sent) = (0, false);
    }
}

/// The bucket of so many microseconds.
pub(crate) fn bucket_of(us: u64) -> usize {
    if us < FIRST_US {
        return 0;
    }
    let doubling = us.ilog2();
    let part = (us >> (doubling - PARTS_BITS)) as usize % PARTS;
    (1 + (doubling - FIRST_BITS) as usize * PARTS + part).min(BOUNDED)
}

const fn bounds() -> [u64; BOUNDED] {
    let mut bounds = [FIRST_US; BOUNDED];
    let mut index = 1;
    while index < BOUNDED {
        let (doubling, part) = ((index - 1) / PARTS, (index - 1) % PARTS);
        bounds[index] = ((PARTS + part + 1) as u64) << (doubling as u32 + FIRST_BITS - PARTS_BITS);
        index += 1;
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_something_took_it_is_below_the_end_of_its_bucket_and_not_below_that_of_the_one_before() {
        let samples = (0..24).flat_map(|bits| [-1, 0, 1, 7].map(|by| (1_i64 << bits) + by));
        for us in samples.map(|us| us.max(0) as u64) {
            let bucket = bucket_of(us);
            assert!(us < LATENCY_BOUNDS_US[bucket], "{us} in {bucket}");
            assert!(bucket == 0 || us >= LATENCY_BOUNDS_US[bucket - 1], "{us} in {bucket}");
        }
        assert_eq!(bucket_of(u64::MAX), BOUNDED);
        assert!(LATENCY_BOUNDS_US.is_sorted() && LATENCY_BOUNDS_US[BOUNDED - 1] == 1 << 24);
    }

    #[test]
    fn what_was_heard_in_the_turn_took_until_its_end() {
        let (mut turn, mut latencies) = (Turn::default(), Latencies::default());
        turn.begin(1000);
        turn.sent_since(1000, 10, &mut latencies);
        turn.sent_since(0, 5, &mut latencies);
        assert!(turn.is_timed());
        turn.end(1100, &mut latencies);
        assert_eq!((latencies.counts[bucket_of(100)], latencies.sum_us()), (10, 1000));
        turn.begin(2000);
        assert!(!turn.is_timed());
    }

    #[test]
    fn what_waited_for_later_turns_took_as_long_as_it_waited_and_about_a_turn() {
        let (mut turn, mut latencies) = (Turn::default(), Latencies::default());
        turn.begin(1000);
        turn.sent_since(1000, 1, &mut latencies);
        turn.end(1100, &mut latencies);
        turn.begin(5000);
        turn.sent_since(1000, 2, &mut latencies);
        turn.end(5100, &mut latencies);
        assert_eq!(latencies.counts[bucket_of(4100)], 2);
        assert_eq!(latencies.counts().iter().sum::<u64>(), 3);
    }
}

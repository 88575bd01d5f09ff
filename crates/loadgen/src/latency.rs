//! Latencies: recorded without allocating, sent between processes as pairs, merged, and read as percentiles.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

const LONGEST_US: u64 = 600_000_000;

/// A record of latencies in microseconds, three significant digits.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

/// A record as pairs of microseconds and how often, for another process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs(Vec<(u64, u64)>);

/// A record in a few numbers, all in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    /// How many latencies it is made of.
    pub count: u64,
    /// The mean.
    pub mean_ms: f64,
    /// Half were at most this.
    pub p50_ms: f64,
    /// 90 % were at most this.
    pub p90_ms: f64,
    /// 99 % were at most this.
    pub p99_ms: f64,
    /// 99.9 % were at most this.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST_US, 3).expect("the bounds are constants that it takes"))
    }
}

impl Latencies {
    /// Records one; what is longer than ten minutes counts as ten minutes.
    #[inline]
    pub fn record_ns(&mut self, latency_ns: u64) {
        self.0.saturating_record((latency_ns / 1000).max(1));
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Everything recorded, for another process.
    pub fn pairs(&self) -> Pairs {
        let recorded = self.0.iter_recorded();
        Pairs(recorded.map(|step| (step.value_iterated_to(), step.count_at_value())).collect())
    }

    /// Adds what another process recorded.
    pub fn absorb(&mut self, pairs: &Pairs) {
        for (latency_us, count) in &pairs.0 {
            self.0.saturating_record_n(*latency_us, *count);
        }
    }

    /// The record in a few numbers; zeros when it is empty.
    pub fn percentiles(&self) -> Percentiles {
        if self.0.is_empty() {
            return Percentiles::default();
        }
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1000.0;
        Percentiles {
            count: self.0.len(),
            mean_ms: self.0.mean() / 1000.0,
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: self.0.max() as f64 / 1000.0,
        }
    }

    /// Points of the curve for a plot: the share of latencies above, from all to one in a hundred thousand, in ms.
    pub fn curve(&self) -> Vec<(f64, f64)> {
        let shares = (0..=50).map(|step| 10f64.powf(-f64::from(step) / 10.0));
        shares.map(|above| (above, self.0.value_at_quantile(1.0 - above) as f64 / 1000.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(latencies_us: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        latencies_us.into_iter().for_each(|latency| latencies.record_ns(latency * 1000));
        latencies
    }

    #[test]
    fn what_two_processes_recorded_merges_into_what_one_would_have() {
        let whole = recorded((1..=10_000).map(|n| n * 7));
        let mut merged = Latencies::default();
        for half in [
            recorded((1..=10_000).step_by(2).map(|n| n * 7)),
            recorded((2..=10_000).step_by(2).map(|n| n * 7)),
        ] {
            let sent = serde_json::to_string(&half.pairs()).expect("pairs are plain numbers");
            merged.absorb(&serde_json::from_str(&sent).expect("it was just written"));
        }
        assert_eq!(merged.pairs(), whole.pairs());
    }

    #[test]
    fn percentiles_are_those_of_the_latencies_to_three_digits() {
        let percentiles = recorded(1..=100_000).percentiles();
        for (read, exact) in
            [(percentiles.p50_ms, 50.0), (percentiles.p99_ms, 99.0), (percentiles.max_ms, 100.0)]
        {
            assert!((read - exact).abs() / exact < 0.002, "{read} is not {exact}");
        }
    }

    #[test]
    fn an_empty_record_has_zeros() {
        assert_eq!(Latencies::default().percentiles(), Percentiles::default());
    }

    #[test]
    fn a_latency_beyond_the_bound_is_kept_as_the_bound() {
        let percentiles = recorded([u64::from(u32::MAX)]).percentiles();
        assert!(percentiles.max_ms >= 600_000.0);
    }
}

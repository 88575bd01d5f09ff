//! What the server says has happened: its metrics, summed over the shards.

use std::collections::BTreeMap;

use crate::programs::Server;

/// Counters of things that went wrong. What a test does not name stays 0.
const TROUBLES: &[&str] =
    &["bad_requests", "cut_streams", "turned_away_streams", "dropped_frames", "refusals", "closes"];

/// Numbers by short names, `sessions` or `closes protocol_error`; those that are 0 are left out.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<String, f64>);

impl Counts {
    /// Reads the text format of Prometheus.
    fn read(text: &str) -> Self {
        let mut counts = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let value: f64 = value.parse().expect("a number");
            if value != 0.0 {
                *counts.0.entry(short(series)).or_default() += value;
            }
        }
        counts
    }

    pub(crate) fn of(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Everything that went wrong.
    pub(crate) fn troubles(&self) -> BTreeMap<&str, u64> {
        let is_trouble = |name: &str| TROUBLES.contains(&name.split(' ').next().unwrap_or_default());
        let troubles = self.0.iter().filter(|(name, _)| is_trouble(name));
        troubles.map(|(name, value)| (name.as_str(), *value as u64)).collect()
    }
}

impl Server {
    pub(crate) fn counts(&self) -> Option<Counts> {
        self.ask("/metrics").map(|(_, text)| Counts::read(&text))
    }
}

/// `heimdallr_closes_total{shard="0",reason="bye"}` is `closes bye`.
fn short(series: &str) -> String {
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let name = name.trim_start_matches("heimdallr_").trim_end_matches("_total");
    let label =
        labels.split([',', '}']).filter_map(|label| label.split_once('=')).find(|(key, _)| *key != "shard");
    label.map_or_else(|| name.to_owned(), |(_, value)| format!("{name} {}", value.trim_matches('"')))
}

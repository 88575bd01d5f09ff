//! The last five minutes of a node, a row a second, so that whoever opens the dashboard sees at once what has been.
//!
//! A row has a value for each column; columns that are split by a label come when their first value is not nothing, and stay. Shards publish when it
//! suits them, about once a second: how fast something grows is told between two of their reports, and goes on until the next.

use std::collections::VecDeque;
use std::fmt::Write as _;

use serde::Serialize;

use crate::metric::{self, Histogram, Metric, Sample};
use crate::vitals::Report;

/// Rows are kept for five minutes.
const ROWS_MAX: usize = 300;
/// From one row to the next.
pub(crate) const STEP_MS: u64 = 1000;

/// What there is one of.
type Read = fn(&Moment<'_>) -> f64;

/// The columns that are always there, in their order.
const COLUMNS: &[(&str, Read)] = &[
    ("streams", |now| now.holds(&metric::STREAMS)),
    ("sessions", |now| now.holds(&metric::SESSIONS)),
    ("rooms", |now| now.holds(&metric::ROOMS)),
    ("posts", |now| now.grows(&metric::POSTS)),
    ("deliveries", |now| now.grows(&metric::DELIVERIES)),
    ("delivery_p50_us", |now| now.share(&metric::DELIVERY, 0.50)),
    ("delivery_p99_us", |now| now.share(&metric::DELIVERY, 0.99)),
    ("lag_p50_us", |now| now.share(&metric::LAG, 0.50)),
    ("lag_p99_us", |now| now.share(&metric::LAG, 0.99)),
    ("queued_bytes", |now| now.holds(&metric::QUEUED_BYTES)),
    ("history_bytes", |now| now.holds(&metric::HISTORY_BYTES)),
    ("memory_bytes", |now| now.memory_bytes.unwrap_or(f64::NAN)),
];

/// Metrics that are split by their label, with how their columns begin, and whether it is told how fast they grow.
const SPLIT: &[(&str, &Metric, bool)] =
    &[("protocol", &metric::PROTOCOL_SESSIONS, false), ("refused", &metric::REFUSALS, true)];

/// The rows, and what the next one is made from.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    columns: Vec<String>,
    rows: VecDeque<(u64, Vec<f64>)>,
    /// The number of the row that comes next.
    next: u64,
    shards: Vec<Course>,
}

/// What a shard reported last, and how that differs from what it had reported before.
#[derive(Debug)]
struct Course {
    last: Report,
    seconds: f64,
    growth: Vec<Sample>,
    durations: Vec<Histogram>,
}

/// How a shard is: what it does, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct ShardState {
    /// Of one core.
    pub(crate) cpu: f64,
    pub(crate) streams: u64,
    pub(crate) sessions: u64,
    pub(crate) rooms: u64,
    /// In a second.
    pub(crate) deliveries: u64,
    pub(crate) queued_bytes: u64,
    pub(crate) history_bytes: u64,
}

/// What a row is made from.
struct Moment<'a> {
    shards: &'a [Course],
    memory_bytes: Option<f64>,
}

impl Recent {
    /// Takes the row of this moment, given what the shards said last and how much memory the process has.
    pub(crate) fn take(&mut self, reports: Vec<Report>, memory_bytes: Option<f64>, wall_ms: u64) {
        if self.shards.len() != reports.len() {
            self.shards = reports.into_iter().map(Course::begin).collect();
            self.columns = COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect();
            self.columns.extend((0..self.shards.len()).map(|shard| format!("cpu:{shard}")));
        } else {
            self.shards.iter_mut().zip(reports).for_each(|(course, report)| course.go_on(report));
        }
        let now = Moment { shards: &self.shards, memory_bytes };
        let mut values: Vec<f64> = COLUMNS.iter().map(|(_, read)| read(&now)).collect();
        values.extend(self.shards.iter().map(|course| course.grows(&metric::SHARD_CPU_US, "") / 1e6));
        for (kind, metric, is_rate) in SPLIT {
            for label in now.labels(metric) {
                let value = if *is_rate { now.grows_by(metric, label) } else { now.holds_by(metric, label) };
                place(&mut self.columns, &mut values, format!("{kind}:{label}"), value);
            }
        }
        self.rows.push_back((wall_ms, values));
        self.next += 1;
        if self.rows.len() > ROWS_MAX {
            self.rows.pop_front();
        }
    }

    /// The latest value of a column.
    pub(crate) fn latest(&self, column: &str) -> Option<f64> {
        let index = self.columns.iter().position(|other| other == column)?;
        self.rows.back()?.1.get(index).copied().filter(|value| value.is_finite())
    }

    /// How each shard is, as it has told last.
    pub(crate) fn shards(&self) -> Vec<ShardState> {
        self.shards.iter().map(Course::state).collect()
    }

    /// Everything from a row on, as JSON without its braces. Who asks from a row that is not kept, or has yet to come, gets all there are.
    pub(crate) fn write(&self, since: u64, out: &mut String) {
        let first = self.next - self.rows.len() as u64;
        let skipped = if (first..=self.next).contains(&since) { since - first } else { 0 };
        write!(out, "\"step_ms\":{STEP_MS},\"next\":{},\"columns\":[", self.next)
            .expect("a string takes any text");
        list(out, &self.columns, |out, name| write!(out, "\"{name}\""));
        out.push_str("],\"rows\":[");
        list(out, self.rows.iter().skip(skipped as usize), |out, (at_ms, values)| {
            write!(out, "[{at_ms}")?;
            values.iter().try_for_each(|value| number(out, *value))?;
            out.write_char(']')
        });
        out.push(']');
    }
}

impl Course {
    fn begin(last: Report) -> Self {
        Self { last, seconds: f64::INFINITY, growth: Vec::new(), durations: Vec::new() }
    }

    fn go_on(&mut self, report: Report) {
        if report.at == self.last.at {
            return;
        }
        let before = std::mem::replace(&mut self.last, report);
        let seconds = self.last.at.saturating_duration_since(before.at).as_secs_f64();
        self.seconds = if before.samples.is_empty() { f64::INFINITY } else { seconds };
        self.growth = grown(&self.last.samples, &before.samples);
        self.durations = self.last.histograms.clone();
        for (now, before) in self.durations.iter_mut().zip(&before.histograms) {
            now.counts.iter_mut().zip(&before.counts).for_each(|(now, before)| *now -= before);
        }
    }

    fn grows(&self, metric: &Metric, label: &str) -> f64 {
        value_of(&self.growth, metric, label) / self.seconds
    }

    fn state(&self) -> ShardState {
        let holds = |metric| value_of(&self.last.samples, metric, "") as u64;
        ShardState {
            cpu: (self.grows(&metric::SHARD_CPU_US, "") / 1e3).round() / 1e3,
            streams: holds(&metric::STREAMS),
            sessions: holds(&metric::SESSIONS),
            rooms: holds(&metric::AUDIENCES),
            deliveries: self.grows(&metric::DELIVERIES, "") as u64,
            queued_bytes: holds(&metric::QUEUED_BYTES),
            history_bytes: holds(&metric::HISTORY_BYTES),
        }
    }
}

impl Moment<'_> {
    fn holds(&self, metric: &Metric) -> f64 {
        self.holds_by(metric, "")
    }

    fn holds_by(&self, metric: &Metric, label: &str) -> f64 {
        self.shards.iter().map(|course| value_of(&course.last.samples, metric, label)).sum()
    }

    fn grows(&self, metric: &Metric) -> f64 {
        self.grows_by(metric, "")
    }

    fn grows_by(&self, metric: &Metric, label: &str) -> f64 {
        self.shards.iter().map(|course| course.grows(metric, label)).sum()
    }

    fn labels(&self, metric: &Metric) -> Vec<&'static str> {
        let first = self.shards.first().map_or(&[][..], |course| &course.last.samples);
        first.iter().filter(|sample| sample.metric == metric).map(|sample| sample.label).collect()
    }

    /// What such a share of all took at most, in microseconds, of what was counted between the last two reports.
    fn share(&self, metric: &Metric, share: f64) -> f64 {
        let of_shard = |course: &'_ Course| course.durations.iter().find(|one| one.metric == metric).cloned();
        let all = self.shards.iter().filter_map(of_shard).reduce(|mut all, one| {
            all.counts.iter_mut().zip(one.counts).for_each(|(all, one)| *all += one);
            all
        });
        all.map_or(f64::NAN, |all| share_us(all.bounds_us, &all.counts, share))
    }
}

/// Where in the buckets such a share of what they count ends; in a bucket it is taken to be spread evenly.
fn share_us(bounds_us: &[u64], counts: &[u64], share: f64) -> f64 {
    let wanted = counts.iter().sum::<u64>() as f64 * share;
    let (mut below, mut from) = (0.0, 0.0);
    for (index, count) in counts.iter().enumerate() {
        let to = bounds_us.get(index).map_or(from, |bound| *bound as f64);
        if *count > 0 && below + *count as f64 >= wanted {
            return from + (to - from) * (wanted - below) / *count as f64;
        }
        (below, from) = (below + *count as f64, to);
    }
    f64::NAN
}

fn grown(now: &[Sample], before: &[Sample]) -> Vec<Sample> {
    let was = |sample: &Sample| value_of(before, sample.metric, sample.label) as u64;
    now.iter().map(|sample| Sample { value: sample.value.saturating_sub(was(sample)), ..*sample }).collect()
}

fn value_of(samples: &[Sample], metric: &Metric, label: &str) -> f64 {
    let is_meant = |sample: &&Sample| std::ptr::eq(sample.metric, metric) && sample.label == label;
    samples.iter().find(is_meant).map_or(0.0, |sample| sample.value as f64)
}

/// Puts a value into its column, which is there from the first on that is not nothing.
fn place(columns: &mut Vec<String>, values: &mut Vec<f64>, column: String, value: f64) {
    let index = columns.iter().position(|other| *other == column);
    if index.is_none() && value == 0.0 {
        return;
    }
    let index = index.unwrap_or_else(|| {
        columns.push(column);
        columns.len() - 1
    });
    values.resize(values.len().max(index + 1), 0.0);
    values[index] = value;
}

fn list<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T) -> std::fmt::Result,
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item).expect("a string takes any text");
    }
}

/// Four digits are more than a plot can show.
fn number(out: &mut String, value: f64) -> std::fmt::Result {
    if !value.is_finite() {
        return out.write_str(",null");
    }
    let digits = if value >= 100.0 || value.fract() == 0.0 { 0 } else { 3 };
    write!(out, ",{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::metric::{DELIVERY, POSTS, PROTOCOL_SESSIONS, REFUSALS, SHARD_CPU_US, STREAMS};

    /// A report after so many seconds.
    fn report(seconds: u64, samples: Vec<Sample>, counts: Vec<u64>) -> Report {
        static BEGAN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        let at = *BEGAN.get_or_init(Instant::now) + Duration::from_secs(seconds);
        let histograms = vec![Histogram { metric: &DELIVERY, bounds_us: &[16, 32], counts, sum_us: 0 }];
        Report { at, samples, histograms }
    }

    fn column(recent: &Recent, name: &str) -> Vec<f64> {
        let index = recent.columns.iter().position(|column| column == name).expect("there is such a column");
        recent.rows.iter().map(|(_, values)| *values.get(index).unwrap_or(&f64::NAN)).collect()
    }

    #[test]
    fn what_grows_is_told_by_the_second_and_what_is_held_as_it_is() {
        let mut recent = Recent::default();
        for (seconds, posts) in [(0, 10), (2, 30), (2, 30), (3, 35)] {
            let reports = vec![
                report(seconds, vec![POSTS.is(posts), STREAMS.is(posts)], vec![0, 0, 0]),
                report(seconds, vec![POSTS.is(2 * posts), STREAMS.is(1)], vec![0, 0, 0]),
            ];
            recent.take(reports, None, 1000);
        }
        assert_eq!(column(&recent, "posts"), [0.0, 30.0, 30.0, 15.0]);
        assert_eq!(column(&recent, "streams"), [11.0, 31.0, 31.0, 36.0]);
    }

    #[test]
    fn each_shard_is_told_apart() {
        let mut recent = Recent::default();
        for seconds in [0, 2] {
            let held = |shard| vec![STREAMS.is(shard), SHARD_CPU_US.is(seconds * shard * 100_000)];
            recent.take(
                vec![report(seconds, held(3), Vec::new()), report(seconds, held(5), Vec::new())],
                None,
                0,
            );
        }
        let told: Vec<_> = recent.shards().iter().map(|shard| (shard.streams, shard.cpu)).collect();
        assert_eq!(told, [(3, 0.3), (5, 0.5)]);
    }

    #[test]
    fn a_split_metric_gets_a_column_with_its_first_value() {
        let mut recent = Recent::default();
        for seconds in 0..3 {
            let samples = vec![
                PROTOCOL_SESSIONS.of("v1", u64::from(seconds > 0)),
                PROTOCOL_SESSIONS.of("sse", 0),
                REFUSALS.of("not_joined", seconds),
            ];
            recent.take(vec![report(seconds, samples, vec![0; 3])], None, seconds);
        }
        assert_eq!(recent.columns[COLUMNS.len()..], ["cpu:0", "protocol:v1", "refused:not_joined"]);
        assert_eq!(column(&recent, "refused:not_joined")[1..], [1.0, 1.0]);
    }

    #[test]
    fn shares_are_of_what_was_counted_since_the_report_before() {
        let mut recent = Recent::default();
        for (seconds, counts) in [(0, vec![100, 0, 0]), (1, vec![100, 10, 0]), (2, vec![100, 10, 0])] {
            recent.take(vec![report(seconds, vec![POSTS.is(1)], counts)], None, seconds);
        }
        let p50 = column(&recent, "delivery_p50_us");
        assert!(p50[0].is_nan() && p50[1] == 24.0 && p50[2].is_nan(), "{p50:?}");
        assert_eq!(share_us(&[16, 32], &[1, 1, 2], 0.99), 32.0);
    }

    #[test]
    fn who_asks_gets_the_rows_since_the_last_time_and_never_more_than_are_kept() {
        let mut recent = Recent::default();
        for second in 0..400 {
            recent.take(vec![report(second, vec![STREAMS.is(1)], Vec::new())], Some(2048.0), second);
        }
        let asked = |since| {
            let mut text = String::new();
            recent.write(since, &mut text);
            text
        };
        assert!(asked(399).contains("\"next\":400,\"columns\":[\"streams\",\"sessions\""), "{}", asked(399));
        assert!(
            asked(399).ends_with("\"rows\":[[399,1,0,0,0,0,null,null,null,null,0,0,2048,0]]"),
            "{}",
            asked(399)
        );
        assert!(asked(400).ends_with("\"rows\":[]"));
        for all in [0, 99, 401, u64::MAX] {
            assert_eq!(asked(all).matches("2048").count(), ROWS_MAX);
        }
    }
}

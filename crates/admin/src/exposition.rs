//! The text format of Prometheus, version 0.0.4: what `/metrics` answers.
//!
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Write as _;

use crate::metric::{CLUSTER_METRICS, HOOK_METRICS, Histogram, Kind, METRICS, Metric, STORE_METRICS, Sample};
use crate::process;
use crate::vitals::Vitals;

/// The media type of the text.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything there is to scrape.
pub(crate) fn expose(vitals: &Vitals) -> String {
    let mut text = String::new();
    let by_shard = vitals.samples();
    let (histograms, plain) = METRICS.iter().partition::<Vec<_>, _>(|metric| metric.kind == Kind::Histogram);
    plain.into_iter().for_each(|metric| expose_metric(&mut text, metric, &by_shard));
    let counted = vitals.histograms();
    histograms.into_iter().for_each(|metric| expose_histogram(&mut text, metric, &counted));
    let cluster = vitals.cluster().samples;
    CLUSTER_METRICS.iter().for_each(|metric| expose_of_node(&mut text, metric, &cluster));
    let store = vitals.store().samples;
    STORE_METRICS.iter().for_each(|metric| expose_of_node(&mut text, metric, &store));
    let hooks = vitals.hooks();
    HOOK_METRICS.iter().for_each(|metric| expose_of_node(&mut text, metric, &hooks));
    expose_process(&mut text);
    expose_node(&mut text, vitals);
    text
}

fn expose_metric(text: &mut String, metric: &'static Metric, by_shard: &[Vec<Sample>]) {
    head(text, metric.name, metric.kind.word(), metric.about);
    for (shard, samples) in by_shard.iter().enumerate() {
        for sample in samples.iter().filter(|sample| sample.metric == metric) {
            let label =
                metric.label.map_or(String::new(), |name| format!(",{name}=\"{}\"", escape(sample.label)));
            line(text, format_args!("{}{{shard=\"{shard}\"{label}}} {}", metric.name, sample.value));
        }
    }
}

/// One bucket for each doubling is told; there are more for who needs to know more closely.
fn expose_histogram(text: &mut String, metric: &'static Metric, by_shard: &[Vec<Histogram>]) {
    head(text, metric.name, metric.kind.word(), metric.about);
    for (shard, histograms) in by_shard.iter().enumerate() {
        for Histogram { bounds_us, counts, sum_us, .. } in
            histograms.iter().filter(|one| one.metric == metric)
        {
            let mut below = 0;
            for (bound_us, count) in bounds_us.iter().zip(counts) {
                below += count;
                if bound_us.is_power_of_two() {
                    let le = seconds(*bound_us);
                    line(
                        text,
                        format_args!("{}_bucket{{shard=\"{shard}\",le=\"{le}\"}} {below}", metric.name),
                    );
                }
            }
            let all: u64 = counts.iter().sum();
            line(text, format_args!("{}_bucket{{shard=\"{shard}\",le=\"+Inf\"}} {all}", metric.name));
            line(text, format_args!("{}_sum{{shard=\"{shard}\"}} {}", metric.name, seconds(*sum_us)));
            line(text, format_args!("{}_count{{shard=\"{shard}\"}} {all}", metric.name));
        }
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

fn expose_of_node(text: &mut String, metric: &'static Metric, samples: &[Sample]) {
    head(text, metric.name, metric.kind.word(), metric.about);
    for sample in samples.iter().filter(|sample| sample.metric == metric) {
        let label =
            metric.label.map_or(String::new(), |name| format!("{{{name}=\"{}\"}}", escape(sample.label)));
        line(text, format_args!("{}{label} {}", metric.name, sample.value));
    }
}

fn expose_process(text: &mut String) {
    for (metric, value) in process::figures() {
        let Some(value) = value else { continue };
        head(text, metric.name, metric.kind.word(), metric.about);
        line(text, format_args!("{} {value}", metric.name));
    }
}

fn expose_node(text: &mut String, vitals: &Vitals) {
    head(text, "heimdallr_info", "gauge", "Always 1; the label says which version runs.");
    line(text, format_args!("heimdallr_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")));
    head(text, "heimdallr_ready", "gauge", "1 while the node wants new clients.");
    line(text, format_args!("heimdallr_ready {}", u8::from(vitals.is_ready())));
}

fn head(text: &mut String, name: &str, kind: &str, about: &str) {
    line(text, format_args!("# HELP {name} {about}\n# TYPE {name} {kind}"));
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes any text");
}

/// In the value of a label, backslash, quote and line end are escaped.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{BACKPLANE_GAPS, DELIVERY, NODES, POSTS, REFUSALS};
    use crate::vitals::{Health, Stage};

    #[test]
    fn every_sample_stands_under_its_metric_with_its_labels() {
        let vitals = Vitals::new(2);
        vitals.publish(0, vec![POSTS.is(7), REFUSALS.of("not_joined", 2)]);
        vitals.publish(1, vec![POSTS.is(1), REFUSALS.of("a\"b\\c\nd", 3)]);
        let text = expose(&vitals);
        let posts = "# TYPE heimdallr_posts_total counter\n\
                     heimdallr_posts_total{shard=\"0\"} 7\nheimdallr_posts_total{shard=\"1\"} 1\n";
        assert!(text.contains(posts), "{text}");
        assert!(text.contains("heimdallr_refusals_total{shard=\"0\",code=\"not_joined\"} 2\n"), "{text}");
        assert!(text.contains(r#"heimdallr_refusals_total{shard="1",code="a\"b\\c\nd"} 3"#), "{text}");
    }

    #[test]
    fn every_metric_is_announced_once_even_before_it_has_samples() {
        let text = expose(&Vitals::new(1));
        for metric in METRICS.iter().chain(CLUSTER_METRICS).chain(STORE_METRICS).chain(HOOK_METRICS) {
            assert_eq!(text.matches(&format!("# TYPE {} ", metric.name)).count(), 1, "{}", metric.name);
        }
    }

    #[test]
    fn a_histogram_counts_what_took_at_most_so_long() {
        let vitals = Vitals::new(1);
        let (bounds_us, counts) = (&[16, 20, 32][..], vec![1, 2, 4, 8]);
        vitals.publish_histograms(
            0,
            vec![Histogram { metric: &DELIVERY, bounds_us, counts, sum_us: 1_500_000 }],
        );
        let text = expose(&vitals);
        let expected = "# TYPE heimdallr_delivery_seconds histogram\n\
            heimdallr_delivery_seconds_bucket{shard=\"0\",le=\"0.000016\"} 1\n\
            heimdallr_delivery_seconds_bucket{shard=\"0\",le=\"0.000032\"} 7\n\
            heimdallr_delivery_seconds_bucket{shard=\"0\",le=\"+Inf\"} 15\n\
            heimdallr_delivery_seconds_sum{shard=\"0\"} 1.5\n\
            heimdallr_delivery_seconds_count{shard=\"0\"} 15\n";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn how_a_node_stands_with_the_others_is_of_no_shard() {
        let vitals = Vitals::new(1);
        let samples = vec![NODES.is(3), BACKPLANE_GAPS.of("lost", 2)];
        vitals.note_cluster(Health { fault: None, samples });
        let text = expose(&vitals);
        assert!(text.contains("\nheimdallr_nodes 3\n"), "{text}");
        assert!(text.contains("\nheimdallr_backplane_gaps_total{outcome=\"lost\"} 2\n"), "{text}");
    }

    #[test]
    fn readiness_is_a_metric_too() {
        let vitals = Vitals::new(1);
        assert!(expose(&vitals).contains("\nheimdallr_ready 0\n"));
        vitals.enter(Stage::Ready);
        assert!(expose(&vitals).contains("\nheimdallr_ready 1\n"));
    }
}

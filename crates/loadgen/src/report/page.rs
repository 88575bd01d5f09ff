//! The report as one page that needs nothing beside itself: figures and plots, no scripts.

use super::plot::{Line, Plot};
use super::{Point, Report, summary};

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884}\
body{font:15px/1.5 system-ui,sans-serif;max-width:1360px;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.4rem;margin:0}p{margin:.2rem 0 1rem;opacity:.7}\
pre{font:13px/1.6 ui-monospace,monospace;border:1px solid var(--line);border-radius:8px;padding:1rem;overflow-x:auto}\
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:1rem}\
figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:.75rem}\
svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif}\
svg text:not([fill]){fill:currentColor}svg .t{font-weight:600;font-size:13px}\
svg path{stroke:var(--line)}svg polyline{fill:none;stroke-width:1.6;stroke-linejoin:round}";

/// What a line shows of a moment.
type Reading = fn(&Point) -> f64;

/// The page.
pub fn page(report: &Report) -> String {
    let title = escaped(if report.label.is_empty() { "load" } else { &report.label });
    let layout = &report.layout;
    let about = escaped(&format!(
        "{} members in {} rooms, {} of them publishing, over {}; {}, {} cores, Linux {}",
        layout.members,
        layout.rooms,
        layout.publishers,
        report.protocol,
        report.machine.processor,
        report.machine.cores,
        report.machine.kernel
    ));
    let figures: String =
        plots(report).iter().map(|plot| format!("<figure>{}</figure>", plot.svg())).collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><h1>{title}</h1><p>{about}</p><pre>{}</pre><main>{figures}</main></html>\n",
        escaped(&summary(report))
    )
}

fn plots(report: &Report) -> Vec<Plot<'_>> {
    let over_time = |title, lines: Vec<(&'static str, Reading)>| Plot {
        title,
        across: "seconds",
        lines: lines.into_iter().map(|(name, read)| line(report, name, read)).collect(),
        ticks: Vec::new(),
    };
    let mut plots = vec![
        over_time("Members in their rooms", vec![("members", |point| f64::from(point.open))]),
        over_time(
            "CPU, % of a core",
            vec![
                ("server", |point| point.server_cpu_percent),
                ("generator", |point| point.generator_cpu_percent),
            ],
        ),
        over_time("Server memory, MB", vec![("resident", |point| point.server_rss as f64 / 1e6)]),
    ];
    if report.load.is_some() {
        plots.insert(0, percentiles(report));
        plots.insert(
            1,
            over_time(
                "Latency over time, ms",
                vec![("p50", |point| point.p50_ms), ("p99", |point| point.p99_ms)],
            ),
        );
        plots.insert(
            2,
            over_time("Deliveries a second", vec![("received", |point| point.deliveries_per_second)]),
        );
    }
    plots
}

fn line<'a>(report: &Report, name: &'a str, read: Reading) -> Line<'a> {
    Line { name, points: report.series.iter().map(|point| (point.at_s, read(point))).collect() }
}

/// Latency against percentile; each nine is as wide as the one before.
fn percentiles(report: &Report) -> Plot<'_> {
    let points = report.curve.iter().map(|(above, latency_ms)| (-above.log10(), *latency_ms)).collect();
    let names = ["0", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"];
    let ticks = (0..).zip(names).map(|(nines, name)| (f64::from(nines), name.to_owned())).collect();
    let lines = vec![Line { name: "latency", points }];
    Plot { title: "Latency by percentile, ms", across: "percentile", lines, ticks }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn the_page_stands_alone_and_shows_every_plot() {
        let page = page(&example());
        assert_eq!(page.matches("<svg").count(), 6);
        for foreign in ["<script", "http:", "https:", "src=", "href=", "NaN"] {
            assert!(!page.contains(foreign), "the page contains {foreign}");
        }
    }

    #[test]
    fn a_run_without_posts_has_no_latencies_to_plot() {
        let page = page(&Report { load: None, ..example() });
        assert_eq!(page.matches("<svg").count(), 3);
    }

    #[test]
    fn a_label_cannot_break_out_of_the_page() {
        assert!(page(&example()).contains("<h1>a &lt;test&gt;</h1>"));
    }
}

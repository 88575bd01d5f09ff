//! The report in a few lines, for a terminal.

use std::fmt::Write;

use super::{Load, OTHERS_PERCENT, Report};

/// The lines, each ending in a line feed.
pub fn summary(report: &Report) -> String {
    let mut text = String::new();
    let opening = &report.opening;
    let each =
        opening.server_us_each.map(|us| format!(", {us:.1} µs of server CPU each")).unwrap_or_default();
    line(
        &mut text,
        "opened",
        &format!("{} in {:.2} s, {:.0}/s{each}", opening.connections, opening.seconds, opening.per_second),
    );
    if let Some(idle) = &report.idle {
        let cpu =
            idle.server_cpu_percent.map(|percent| format!(", server CPU {percent:.2} %")).unwrap_or_default();
        let broken = broken(idle.broken, idle.first_break.as_deref());
        line(&mut text, "idle", &format!("{:.0} s{cpu}, {broken}{}", idle.seconds, gaps(idle.gaps)));
    }
    if let Some(memory) = &report.memory {
        line(
            &mut text,
            "memory",
            &format!(
                "{:.0} private bytes per connection, {:.0} % given back",
                memory.private_bytes_each, memory.returned_percent
            ),
        );
    }
    if let Some(why) = &report.stopped_by {
        line(&mut text, "STOPPED", why);
    }
    if let Some(load) = &report.load {
        write_load(&mut text, load);
    }
    if let Some(others) = report.others_cpu_percent.filter(|percent| *percent > OTHERS_PERCENT) {
        line(&mut text, "DISTURBED", &format!("other programs used {others:.0} % of a core meanwhile"));
    }
    let Some(because) = report.generator.because.first() else { return text };
    line(&mut text, "BOTTLENECK", &format!("the generator itself: {because}"));
    text
}

fn write_load(text: &mut String, load: &Load) {
    let (latency, found) = (&load.latency, &load.findings);
    line(
        text,
        "delivered",
        &format!(
            "{} of {} posts in {:.1} s, {:.0}/s",
            load.deliveries, load.posts, load.seconds, load.deliveries_per_second
        ),
    );
    line(
        text,
        "latency",
        &format!(
            "p50 {:.2}  p90 {:.2}  p99 {:.2}  p99.9 {:.2}  max {:.2} ms",
            latency.p50_ms, latency.p90_ms, latency.p99_ms, latency.p999_ms, latency.max_ms
        ),
    );
    if let Some(server) = &load.server {
        line(
            text,
            "server",
            &format!(
                "{:.2} µs CPU per delivery, {:.1} % of a core ({:.2} s user, {:.2} s system)",
                server.us_per_delivery, server.cpu_percent, server.cpu.user_s, server.cpu.system_s
            ),
        );
    }
    line(
        text,
        "ledger",
        &format!(
            "{}: {} lost, {} repeated, {} out of order, {} strange; {} rooms disagree; {}{}",
            if load.is_clean() { "clean" } else { "NOT CLEAN" },
            found.lost,
            found.duplicated,
            found.reordered,
            found.strange,
            load.rooms_that_disagree,
            broken(load.broken, load.first_break.as_deref()),
            gaps(load.gaps),
        ),
    );
}

fn broken(count: u32, why: Option<&str>) -> String {
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    format!("{count} connections broken{why}")
}

fn gaps(count: u64) -> String {
    if count > 0 { format!("; told {count} times that messages are lost") } else { String::new() }
}

fn line(text: &mut String, name: &str, rest: &str) {
    writeln!(text, "{name:<11}{rest}").expect("a string takes whatever is written to it");
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn the_summary_names_the_figures_and_the_ledger() {
        let text = summary(&example());
        for part in
            ["10 in 0.10 s, 100/s, 40.0 µs", "500 private bytes", "p99 12.00", "8.00 µs CPU", "clean: 0 lost"]
        {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(!text.contains("BOTTLENECK") && !text.contains("DISTURBED"));
    }

    #[test]
    fn a_bottleneck_a_disturbance_and_a_loss_are_not_hidden() {
        let mut report = Report { others_cpu_percent: Some(70.0), ..example() };
        report.generator.because.push("it slept".to_owned());
        report.load.as_mut().expect("the example has it").findings.lost = 3;
        let text = summary(&report);
        assert!(
            text.contains("used 70 % of a core")
                && text.contains("the generator itself: it slept")
                && text.contains("NOT CLEAN: 3 lost")
        );
    }
}

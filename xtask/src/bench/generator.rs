//! A run of the load generator: its options in the words of the scenarios, and its report.

use std::path::{Path, PathBuf};
use std::process::Child;

use serde::Deserialize;
use serde_json::Value;

use super::contender;
use super::lab::Place;
use super::server::Server;
use crate::program::Program;
use crate::step::Failure;

/// What the generator is to do, beside whom it does it to.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// `load`, `idle` or `handshakes`, and the options of it.
    pub(super) words: Vec<String>,
}

impl Run {
    /// A run with these words, split at blanks.
    pub(super) fn new(line: &str) -> Self {
        Self { words: line.split_whitespace().map(str::to_owned).collect() }
    }

    /// Begins it and goes on.
    pub(super) fn begin(
        &self,
        nodes: &[Server],
        protocol: &str,
        place: Place,
        json: &Path,
    ) -> Result<Underway, Failure> {
        let _ = std::fs::remove_file(json);
        let generator = self.program(nodes, protocol, place, json).start(&json.with_extension("log"))?;
        Ok(Underway { generator, json: json.to_owned() })
    }

    /// The program that carries it out against a server of so many nodes; the report goes to `json`.
    fn program(&self, nodes: &[Server], protocol: &str, place: Place, json: &Path) -> Program {
        let mut line = place.line(vec![contender::generator()]);
        line.extend(self.words.iter().cloned());
        for node in nodes {
            line.extend(["--target".to_owned(), node.address().to_string()]);
            line.extend(["--server-pid".to_owned(), node.pid().to_string()]);
        }
        line.extend(["--protocol", protocol, "--json"].map(str::to_owned));
        Program::new(&line[0]).args(&line[1..]).args([json])
    }

    /// Carries it out. A ledger that is not clean is a report like any other; a run without a report is a failure.
    pub(super) fn carry_out(
        &self,
        nodes: &[Server],
        protocol: &str,
        place: Place,
        json: &Path,
    ) -> Result<Report, Failure> {
        let _ = std::fs::remove_file(json);
        let outcome = self.program(nodes, protocol, place, json).capture();
        if json.is_file() {
            read(json)
        } else {
            Err(outcome.err().map_or_else(|| Failure::new("no report"), |failure| gave_up(&failure)))
        }
    }
}

/// A run that goes on while something else happens; gone with the value.
pub(super) struct Underway {
    generator: Child,
    json: PathBuf,
}

impl Underway {
    /// Waits for its end.
    pub(super) fn finish(mut self) -> Result<Report, Failure> {
        self.generator.wait()?;
        read(&self.json)
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let _ = self.generator.kill();
        let _ = self.generator.wait();
    }
}

/// The generator's report, as far as it is looked at here, and all of it as it was.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Report {
    pub(super) opening: Opening,
    pub(super) idle: Option<Idle>,
    pub(super) load: Option<Load>,
    pub(super) generator: Generator,
    pub(super) others_cpu_percent: Option<f64>,
    pub(super) memory: Option<Memory>,
    pub(super) kernel: Kernel,
    /// Why the run ended before its time, if it did.
    pub(super) stopped_by: Option<String>,
    #[serde(default)]
    pub(super) series: Vec<Point>,
    /// Everything but what it was over time.
    #[serde(skip)]
    pub(super) whole: Value,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Opening {
    pub(super) connections: u32,
    pub(super) seconds: f64,
    pub(super) per_second: f64,
    pub(super) server_us_each: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Idle {
    pub(super) broken: u32,
    pub(super) gaps: u64,
    pub(super) server_cpu_percent: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Load {
    pub(super) deliveries_per_second: f64,
    pub(super) latency: Latency,
    pub(super) server: Option<ServerLoad>,
    pub(super) findings: Findings,
    pub(super) rooms_that_disagree: u32,
    pub(super) broken: u32,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Latency {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ServerLoad {
    pub(super) us_per_delivery: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Findings {
    pub(super) expected: u64,
    pub(super) delivered: u64,
    pub(super) lost: u64,
    pub(super) duplicated: u64,
    pub(super) reordered: u64,
    pub(super) strange: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Generator {
    pub(super) because: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Memory {
    pub(super) before: Size,
    pub(super) open: Size,
    pub(super) private_bytes_each: f64,
    pub(super) returned_percent: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Size {
    pub(super) rss: u64,
    pub(super) private: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Kernel {
    pub(super) bytes_each: f64,
    pub(super) all_bytes_each: f64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Point {
    pub(super) server_rss: u64,
}

impl Load {
    /// Entries in the ledger, and connections that ended on their own. A ledger of nothing proves nothing: a fault.
    pub(super) fn faults(&self) -> u64 {
        let Findings { expected, lost, duplicated, reordered, strange, .. } = self.findings;
        let of_rooms = u64::from(self.rooms_that_disagree) + u64::from(self.broken);
        u64::from(expected == 0) + lost + duplicated + reordered + strange + of_rooms
    }

    /// The same, but that readers of a room may have seen different orders.
    pub(super) fn faults_but_order(&self) -> u64 {
        self.faults() - u64::from(self.rooms_that_disagree)
    }

    /// What was lost, in percent of what should have come.
    pub(super) fn lost_percent(&self) -> f64 {
        100.0 * self.findings.lost as f64 / self.findings.expected.max(1) as f64
    }
}

/// What the generator itself says of why it gave up, without how it was called.
fn gave_up(failure: &Failure) -> Failure {
    let said = failure.to_string();
    let own = said.rsplit("heimdallr-loadgen: ").next().unwrap_or_default();
    Failure::new(format!("the generator gave up: {own}"))
}

/// Reads a report that the generator has written.
fn read(json: &Path) -> Result<Report, Failure> {
    let wrong = |error: serde_json::Error| Failure::new(format!("{}: {error}", json.display()));
    let mut whole: Value = serde_json::from_slice(&std::fs::read(json)?).map_err(wrong)?;
    let report: Report = serde_json::from_value(whole.clone()).map_err(wrong)?;
    if let Some(fields) = whole.as_object_mut() {
        fields.retain(|name, _| !["series", "curve", "machine", "label"].contains(&name.as_str()));
    }
    Ok(Report { whole, ..report })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(findings: &str, broken: u32) -> Load {
        let latency = r#"{"p50_ms": 1.0, "p99_ms": 2.0}"#;
        let text = format!(
            r#"{{"deliveries_per_second": 1.0, "latency": {latency}, "findings": {findings}, "server": null,
                "rooms_that_disagree": 0, "broken": {broken}}}"#
        );
        serde_json::from_str(&text).expect("it is as the generator writes it")
    }

    #[test]
    fn every_kind_of_entry_is_a_fault() {
        let findings = r#"{"expected": 100, "delivered": 99, "lost": 1, "duplicated": 20, "reordered": 300, "strange": 4000}"#;
        assert_eq!(load(findings, 50_000).faults(), 54_321);
        let disagreeing = Load { rooms_that_disagree: 7, ..load(findings, 0) };
        assert_eq!((disagreeing.faults(), disagreeing.faults_but_order()), (4328, 4321));
        assert!((load(findings, 0).lost_percent() - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_ledger_of_nothing_is_a_fault() {
        let findings =
            r#"{"expected": 0, "delivered": 0, "lost": 0, "duplicated": 0, "reordered": 0, "strange": 0}"#;
        assert_eq!(load(findings, 0).faults(), 1);
    }
    #[test]
    fn why_it_gave_up_is_told_without_the_command_line() {
        let failure =
            "`taskset -c 1 /tmp/heimdallr-loadgen load` ended with 1: heimdallr-loadgen: it took long";
        assert_eq!(gave_up(&Failure::new(failure)).to_string(), "the generator gave up: it took long");
    }
}

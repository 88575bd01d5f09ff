//! The result of a scenario: its figures, notes and raw reports; one file a day holds them, and the table shows the
//! newest of each scenario.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::figure::{Figure, Spread};
use super::lab::Shown;
use super::page;
use crate::program::Program;
use crate::step::{Failure, Outcome};
use crate::tree;

/// What a scenario has found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Finding {
    pub(super) figures: Vec<Figure>,
    pub(super) notes: Vec<String>,
    pub(super) raw: Vec<Raw>,
}

/// One run as it was reported.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Raw {
    pub(super) what: String,
    pub(super) server: String,
    pub(super) report: Value,
}

impl Finding {
    /// Keeps the reports, and says where the generator was at its limit or others disturbed the machine.
    pub(super) fn keep(&mut self, what: &str, shown: &[Shown]) {
        for entrant in shown {
            let others = entrant.reports.iter().filter_map(|report| report.others_cpu_percent);
            if let Some(others) = Spread::of(others).filter(|others| others.median > OTHERS_PERCENT) {
                let (name, percent) = (&entrant.name, others.median);
                self.notes
                    .push(format!("{what}, {name}: disturbed, other programs used {percent:.0} % of a core"));
            }
        }
        self.keep_beside_others(what, shown);
    }

    /// The same where another generator is meant to run beside the measured one.
    pub(super) fn keep_beside_others(&mut self, what: &str, shown: &[Shown]) {
        for Shown { name, reports } in shown {
            let limited: Vec<_> =
                reports.iter().filter(|report| !report.generator.because.is_empty()).collect();
            if let Some(first) = limited.first() {
                let (times, of, because) = (limited.len(), reports.len(), first.generator.because.join("; "));
                self.notes.push(format!(
                    "{what}, {name}: the generator was at its limit in {times} of {of} runs ({because})"
                ));
            }
        }
        self.raw.extend(super::lab::raw(what, shown));
    }
}

/// Above this share of a core, in percent, a measurement was disturbed.
const OTHERS_PERCENT: f64 = 10.0;

/// A finding with where and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) scenario: String,
    pub(super) about: String,
    pub(super) at_unix_s: u64,
    pub(super) date: String,
    pub(super) commit: String,
    pub(super) machine: String,
    pub(super) runs: usize,
    #[serde(flatten)]
    pub(super) finding: Finding,
}

impl Measured {
    pub(super) fn now(scenario: &str, about: &str, runs: usize, finding: Finding) -> Self {
        let at_unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self {
            scenario: scenario.to_owned(),
            about: about.to_owned(),
            at_unix_s,
            date: date(at_unix_s),
            commit: commit(),
            machine: machine(),
            runs,
            finding,
        }
    }

    /// The bars that were not met.
    pub(super) fn missed(&self) -> Vec<String> {
        let figures = self.finding.figures.iter().filter(|figure| figure.is_met == Some(false));
        figures.map(|figure| format!("{}: {}", self.scenario, page::in_words(figure))).collect()
    }

    /// What has to hold however short a run was.
    pub(super) fn prove_strict(&self) -> Outcome {
        let strict = || self.finding.figures.iter().filter(|figure| figure.is_strict);
        let missed: Vec<_> =
            strict().filter(|figure| figure.is_met == Some(false)).map(page::in_words).collect();
        if missed.is_empty() {
            println!("   {} figures that have to be 0 are", strict().count());
            return Ok(());
        }
        Err(Failure::new(missed.join("; ")))
    }

    /// Puts it in the file of the day and writes the table anew.
    pub(super) fn save(self) -> Outcome {
        let folder = folder();
        fs::create_dir_all(&folder)?;
        let file = folder.join(format!("{}.json", self.date));
        let mut of_day = load(&file)?;
        of_day.insert(self.scenario.clone(), self);
        fs::write(
            &file,
            serde_json::to_string_pretty(&of_day).map_err(|error| Failure::new(error.to_string()))? + "\n",
        )?;
        println!("   → {}", file.strip_prefix(tree::root()).unwrap_or(&file).display());
        fs::write(folder.join("README.md"), page::table(&newest()?))?;
        Ok(())
    }
}

/// The commit that is measured, with a word about what differs from it; results that were written before do not count.
fn commit() -> String {
    let git = |line: &str| Program::new("git").args(line.split(' ')).capture().unwrap_or_default();
    let is_changed = !git("status --porcelain --untracked-files=no -- . :!bench/results").is_empty();
    format!("{}{}", git("describe --always").trim(), if is_changed { "-dirty" } else { "" })
}

type ByName = BTreeMap<String, Measured>;

fn folder() -> PathBuf {
    tree::root().join("bench/results")
}

fn load(file: &PathBuf) -> Result<ByName, Failure> {
    if !file.is_file() {
        return Ok(ByName::new());
    }
    let wrong = |error: serde_json::Error| Failure::new(format!("{}: {error}", file.display()));
    serde_json::from_slice(&fs::read(file)?).map_err(wrong)
}

/// The newest result of every scenario.
fn newest() -> Result<Vec<Measured>, Failure> {
    let mut newest = ByName::new();
    for entry in fs::read_dir(folder())? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        for (name, measured) in load(&path)? {
            if newest.get(&name).is_none_or(|other| other.at_unix_s <= measured.at_unix_s) {
                newest.insert(name, measured);
            }
        }
    }
    let place = |name: &str| super::SCENARIOS.iter().position(|scenario| scenario.name == name);
    // What is no scenario stands behind them.
    let order = |measured: &Measured| place(&measured.scenario).unwrap_or(usize::MAX);
    let mut newest: Vec<_> = newest.into_values().collect();
    newest.sort_by_key(order);
    Ok(newest)
}

fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let kernel = read("/proc/sys/kernel/osrelease");
    let cores = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    format!("{cores} × {}, Linux {}", name.unwrap_or("unknown processor"), kernel.trim())
}

/// The day of a time since 1970, in the Gregorian calendar: years of 365.2425 days that begin in March.
fn date(unix_s: u64) -> String {
    let days = unix_s / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::figure::Bar;
    use super::*;

    pub(crate) fn example() -> Measured {
        let spread = |median| Spread { median, min: median - 1.0, max: median + 1.0 };
        let beside = vec![("floor".to_owned(), spread(4.0))];
        let cost =
            Figure::told("CPU per delivery", "µs", spread(5.0), beside).against(Bar::AtMostTimes(1.15));
        let lost = Figure::told("lost", "", spread(1.0), Vec::new()).against(Bar::Zero);
        let raw = Raw { what: "a run".to_owned(), server: "ours".to_owned(), report: serde_json::json!({}) };
        let notes = vec!["the generator slept".to_owned()];
        Measured {
            date: "2026-11-21".to_owned(),
            commit: "abc".to_owned(),
            machine: "2 × a processor".to_owned(),
            ..Measured::now(
                "large-slow",
                "a room",
                5,
                Finding { figures: vec![cost, lost], notes, raw: vec![raw] },
            )
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let days = [0, 951_782_400, 951_868_800, 1_700_000_000, 4_107_542_400].map(date);
        assert_eq!(days, ["1970-01-01", "2000-02-29", "2000-03-01", "2023-11-14", "2100-03-01"]);
    }

    #[test]
    fn every_missed_bar_is_told_and_only_a_strict_one_fails_a_quick_run() {
        let mut measured = example();
        let missed = [
            "large-slow: CPU per delivery: 5.00 µs, bar ≤ 1.15 × floor = 4.60",
            "large-slow: lost: 1.00, bar 0",
        ];
        assert_eq!(measured.missed(), missed);
        assert!(measured.prove_strict().is_err());
        measured.finding.figures.pop();
        assert!(measured.prove_strict().is_ok());
    }

    #[test]
    fn a_result_survives_its_file() {
        let json = serde_json::to_string(&example()).expect("it is plain numbers and strings");
        let back: Measured = serde_json::from_str(&json).expect("it was just written");
        assert_eq!(serde_json::to_string(&back).expect("as above"), json);
    }
}

//! `cargo xtask bench [SCENARIO…] [--quick] [--runs N] [--ours NAME] [--before PROGRAM] [--urgent]`: ours, the floor and the peers,
//! measured in one go on this machine, and the table of what came of it (bench/README.md says how to read it).
//!
//! A scenario is a function and its line in [`scenarios::SCENARIOS`]; a server is its line in
//! [`contender::CONTENDERS`]. `--quick` proves that everything runs and that no ledger has an entry; it is too short
//! to say anything about time.

mod authors;
pub(crate) mod chaos;
mod contender;
mod figure;
mod generator;
mod kills;
mod lab;
mod line;
pub(crate) mod million;
mod page;
mod redis;
mod result;
mod scenarios;
mod server;
mod tls;
mod wrk;

use std::path::PathBuf;

use crate::step::{Failure, Outcome, Steps};

use lab::{Lab, Scale};
use scenarios::{SCENARIOS, Scenario};

const USAGE: &str = "usage: cargo xtask bench [SCENARIO…] [--quick] [--runs N] [--ours NAME] [--before PROGRAM] [--urgent] [--list]";

/// How often a measurement is repeated; the median counts.
const RUNS: usize = 5;

/// What the command line asks for.
struct Wish {
    scenarios: Vec<&'static Scenario>,
    scale: Scale,
    ours: String,
    /// Whether everything that is started goes before the other programs on the machine.
    is_urgent: bool,
    /// Ours as it was before a change.
    before: Option<PathBuf>,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if arguments.iter().any(|argument| argument == "--list") {
        SCENARIOS.iter().for_each(|scenario| println!("  {:<12} {}", scenario.name, scenario.about));
        return Ok(());
    }
    let wish = read(arguments)?;
    let mut lab = Lab::open(wish.scale, &wish.ours, wish.is_urgent)?;
    lab.before = wish.before;
    let mut steps = Steps::default();
    let mut missed = Vec::new();
    for scenario in wish.scenarios {
        steps.run(scenario.name, || {
            let result = (scenario.run)(&lab)?;
            let result = result::Measured::now(scenario.name, scenario.about, lab.scale.runs, result);
            print!("{}", page::section(&result));
            missed.extend(result.missed());
            if lab.scale.is_quick { result.prove_strict() } else { result.save() }
        });
    }
    steps.finish()?;
    match (missed.len(), lab.scale.is_quick) {
        (0, _) | (_, true) => Ok(()),
        (missing, false) => Err(Failure::new(format!("{missing} bars not met:\n  {}", missed.join("\n  ")))),
    }
}

fn read(arguments: &[String]) -> Result<Wish, Failure> {
    let mut wish = Wish {
        scenarios: Vec::new(),
        scale: Scale::full(RUNS),
        ours: "ours".to_owned(),
        is_urgent: false,
        before: None,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => wish.scale = Scale::quick(),
            "--runs" => {
                let runs = words.next().and_then(|number| number.parse().ok()).filter(|runs| *runs > 0);
                wish.scale.runs = runs.ok_or_else(|| Failure::new("--runs needs a number above zero"))?;
            }
            "--urgent" => wish.is_urgent = true,
            "--ours" => wish.ours = words.next().ok_or_else(|| Failure::new(USAGE))?.clone(),
            "--before" => {
                let program = words.next().ok_or_else(|| Failure::new(USAGE))?;
                wish.before = Some(std::path::absolute(program)?);
            }
            name => wish.scenarios.push(named(name)?),
        }
    }
    if wish.scenarios.is_empty() {
        wish.scenarios = SCENARIOS.iter().filter(|scenario| scenario.is_usual).collect();
    }
    Ok(wish)
}

fn named(name: &str) -> Result<&'static Scenario, Failure> {
    let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
    found.ok_or_else(|| Failure::new(format!("there is no scenario `{name}`\n{USAGE}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn without_names_the_usual_scenarios_run_five_times() {
        let wish = read(&[]).expect("nothing is asked for");
        assert!(wish.scenarios.iter().any(|scenario| scenario.name == "large-slow"));
        assert!(wish.scenarios.iter().all(|scenario| scenario.is_usual));
        assert_eq!((wish.scale.runs, wish.ours.as_str()), (5, "ours"));
    }

    #[test]
    fn named_scenarios_run_as_often_as_asked() {
        let wish = read(&words("small table --runs 3 --ours floor")).expect("the line is right");
        let names: Vec<_> = wish.scenarios.iter().map(|scenario| scenario.name).collect();
        assert_eq!((names, wish.scale.runs, wish.ours.as_str()), (vec!["small", "table"], 3, "floor"));
    }

    #[test]
    fn what_is_not_there_is_refused_by_name() {
        for (line, part) in
            [("sprint", "`sprint`"), ("--runs 0", "--runs"), ("--runs", "--runs"), ("--ours", "usage")]
        {
            let told = read(&words(line)).err().map(|failure| failure.to_string()).unwrap_or_default();
            assert!(told.contains(part), "{line}: {told}");
        }
    }
}

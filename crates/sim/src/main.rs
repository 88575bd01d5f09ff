//! Plays many scenarios, each from its seed, and tells of the first that fails with as little around it as can be.
//!
//! `heimdallr-sim --seeds 10000 [--from 0] [--in node|cluster|house]`. Each seed is played on a node that stands alone, in a cluster, and on a node that keeps its rooms in a file. One seed alone says what happened: `--seeds 1 --from 4711`. In a release build a panic ends the
//! program, after its seed was told; a debug build shrinks panics too.

use std::cell::Cell;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use sim::scenario::{Failure, Numbered, Outcome, Scenario, shrink};

/// Scenarios are played side by side on so many threads.
const THREADS: u64 = 2;

/// What is asked for on the command line.
#[derive(Clone, Copy)]
struct Wanted {
    from: u64,
    seeds: u64,
    in_node: bool,
    in_cluster: bool,
    in_house: bool,
}

thread_local! {
    /// For the words of a panic.
    static SEED: Cell<u64> = const { Cell::new(0) };
    static IS_SHRINKING: Cell<bool> = const { Cell::new(false) };
}

fn main() -> ExitCode {
    let Some(wanted) = read_arguments() else {
        say("usage: heimdallr-sim [--seeds N] [--from N] [--in node|cluster|house]");
        return ExitCode::FAILURE;
    };
    tell_seeds_of_panics();
    let threads: Vec<_> = (0..THREADS.min(wanted.seeds))
        .map(|thread| {
            let seeds = (wanted.from + thread..wanted.from + wanted.seeds).step_by(THREADS as usize);
            std::thread::spawn(move || play_all(seeds, wanted))
        })
        .collect();
    let played: Vec<Option<Outcome>> =
        threads.into_iter().map(|thread| thread.join().ok().flatten()).collect();
    if played.iter().any(Option::is_none) {
        return ExitCode::FAILURE;
    }
    let all = played.into_iter().flatten().fold(Outcome::default(), add);
    say(&format!(
        "{} seeds from {}: {} messages, {} recoveries, nothing to complain of",
        wanted.seeds, wanted.from, all.messages, all.recoveries
    ));
    ExitCode::SUCCESS
}

fn read_arguments() -> Option<Wanted> {
    let mut wanted = Wanted { from: 0, seeds: 100, in_node: true, in_cluster: true, in_house: true };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?;
        match (name.as_str(), value.as_str()) {
            ("--seeds", number) => wanted.seeds = number.parse().ok()?,
            ("--from", number) => wanted.from = number.parse().ok()?,
            ("--in", place @ ("node" | "cluster" | "house")) => {
                (wanted.in_node, wanted.in_cluster) = (place == "node", place == "cluster");
                wanted.in_house = place == "house";
            }
            _ => return None,
        }
    }
    Some(wanted)
}

fn add(one: Outcome, other: Outcome) -> Outcome {
    Outcome { messages: one.messages + other.messages, recoveries: one.recoveries + other.recoveries }
}

/// What it came to; `None` once something has gone wrong.
fn play_all(seeds: impl Iterator<Item = u64>, wanted: Wanted) -> Option<Outcome> {
    let mut all = Outcome::default();
    for seed in seeds {
        let in_node = wanted.in_node.then(|| Scenario::of_seed(seed));
        let in_cluster = wanted.in_cluster.then(|| Scenario::in_cluster(seed));
        let in_house = wanted.in_house.then(|| Scenario::in_house(seed));
        for scenario in in_node.into_iter().chain(in_cluster).chain(in_house) {
            match play(&scenario, &scenario.plan) {
                Ok(outcome) => all = add(all, outcome),
                Err(failure) => {
                    tell(&scenario, &failure);
                    return None;
                }
            }
        }
    }
    Some(all)
}

fn play(scenario: &Scenario, plan: &[Numbered]) -> Result<Outcome, Failure> {
    SEED.set(scenario.seed);
    catch_unwind(AssertUnwindSafe(|| scenario.run_plan(plan)))
        .unwrap_or_else(|_| Err(Failure { after: plan.len(), complaints: vec!["it panicked".into()] }))
}

/// Tells of a failure, with as few deeds as it takes.
fn tell(scenario: &Scenario, failure: &Failure) {
    say(&format!("seed {}: {}", scenario.seed, failure.complaints.join("\n    ")));
    IS_SHRINKING.set(true);
    let shrunk = shrink(&scenario.plan, |plan| play(scenario, plan).is_err());
    IS_SHRINKING.set(false);
    say(&format!("{}", scenario.terms));
    for (number, deed) in &shrunk {
        say(&format!("{number:4}  {deed}"));
    }
    if let Err(failure) = play(scenario, &shrunk) {
        say(&format!("after {}: {}", failure.after, failure.complaints.join("\n    ")));
    }
}

fn tell_seeds_of_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !IS_SHRINKING.get() {
            say(&format!("seed {} panics", SEED.get()));
            usual(panic);
        }
    }));
}

fn say(line: &str) {
    // Nobody is left to be told when that fails.
    let _ = writeln!(std::io::stdout(), "{line}");
}

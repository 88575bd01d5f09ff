//! `cargo xtask fuzz [--minutes N] [TARGET…]`: every target of `fuzz/`, one after the other.

use crate::program::Program;
use crate::step::{Failure, Outcome, Steps};
use crate::{install, tree};

const MINUTES: u32 = 10;

/// Inputs longer than this find nothing that shorter ones do not.
const INPUT_BYTES_MAX: u32 = 4096;

/// What the command line asks for.
struct Wish {
    seconds: u32,
    targets: Vec<String>,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let mut steps = Steps::default();
    run_into(&mut steps, &read(arguments)?);
    steps.finish()
}

/// Every target for a few seconds: enough to see that it builds, starts and survives its corpus.
pub(crate) fn smoke_into(steps: &mut Steps) {
    run_into(steps, &Wish { seconds: 5, targets: Vec::new() });
}

fn read(arguments: &[String]) -> Result<Wish, Failure> {
    let usage = || Failure::new("usage: cargo xtask fuzz [--minutes N] [TARGET]...");
    let mut wish = Wish { seconds: MINUTES * 60, targets: Vec::new() };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == "--minutes" {
            let minutes: Option<u32> = words.next().and_then(|minutes| minutes.parse().ok());
            // libFuzzer takes 0 for no limit at all.
            wish.seconds = minutes.filter(|&minutes| minutes > 0).ok_or_else(usage)? * 60;
        } else if word.starts_with('-') {
            return Err(usage());
        } else {
            wish.targets.push(word.clone());
        }
    }
    Ok(wish)
}

fn run_into(steps: &mut Steps, wish: &Wish) {
    if !tree::root().join("fuzz/Cargo.toml").is_file() {
        return steps.leave_out("fuzz", "there is no fuzz/ yet");
    }
    if !steps.run("install cargo-fuzz", || install::cargo_tool("fuzz")) {
        return;
    }
    if !steps.run("seeds from the transcripts", write_seeds) {
        return;
    }
    let targets = match targets(wish) {
        Ok(targets) => targets,
        Err(failure) => {
            steps.run("list fuzz targets", || Err(failure));
            return;
        }
    };
    for target in targets {
        steps.run(&format!("fuzz {target} for {} s", wish.seconds), || run_target(&target, wish.seconds));
    }
}

/// Into the corpus of each target, beside what was found earlier.
fn write_seeds() -> Outcome {
    let seeds = ["run", "--quiet", "--no-default-features", "--example", "seeds"];
    let seeds = Program::new("cargo").args(seeds).folder(&tree::root().join("fuzz"));
    // Most of it was built for the house.
    seeds.env("CARGO_TARGET_DIR", tree::root().join("target")).run()
}

fn targets(wish: &Wish) -> Result<Vec<String>, Failure> {
    let listed = fuzz().args(["list"]).capture()?;
    let all: Vec<String> = listed.lines().map(str::to_owned).collect();
    if let Some(unknown) = wish.targets.iter().find(|target| !all.contains(target)) {
        return Err(Failure::new(format!("no target {unknown}; there are {}", all.join(", "))));
    }
    Ok(if wish.targets.is_empty() { all } else { wish.targets.clone() })
}

fn run_target(target: &str, seconds: u32) -> Outcome {
    let log = tree::root().join(format!("target/fuzz-{target}.log"));
    let limits = [
        format!("-max_total_time={seconds}"),
        format!("-max_len={INPUT_BYTES_MAX}"),
        "-timeout=10".to_owned(),
        // Choosing by rarity costs more than running a script of the shard does, and finds no more in the others.
        "-entropic=0".to_owned(),
    ];
    fuzz().args(["run", target, "--"]).args(limits).log_into(&log)?;
    let said = std::fs::read_to_string(&log)?;
    let summary = said.lines().rev().find(|line| line.starts_with("Done "));
    println!("   {}", summary.unwrap_or("no summary"));
    Ok(())
}

/// cargo-fuzz wants a nightly compiler for its sanitizers. Without one, the stable compiler is told to act as one.
fn fuzz() -> Program {
    if Program::new("rustup").args(["run", "nightly", "rustc", "--version"]).succeeds() {
        return Program::new("cargo").args(["+nightly", "fuzz"]);
    }
    println!("   no nightly compiler: the stable one runs as if it were one");
    Program::new("cargo").args(["fuzz"]).env("RUSTC_BOOTSTRAP", "1")
}

//! `cargo xtask check`: what every commit must pass before it is made.

use crate::program::Program;
use crate::step::{Outcome, Steps};
use crate::tidy;

pub(crate) fn run(_arguments: &[String]) -> Outcome {
    let mut steps = Steps::default();
    run_into(&mut steps);
    steps.finish()
}

/// The same steps as part of a longer list.
pub(crate) fn run_into(steps: &mut Steps) {
    steps.run("format", format);
    steps.run("lint", lint);
    steps.run("tidy", || tidy::run(&[]));
}

fn format() -> Outcome {
    Program::new("cargo").args(["fmt", "--all", "--check"]).run()
}

fn lint() -> Outcome {
    let lint = Program::new("cargo").args(["clippy", "--workspace", "--all-targets", "--quiet"]);
    lint.args(["--", "--deny", "warnings"]).run()
}

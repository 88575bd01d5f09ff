//! `cargo xtask check`: what every commit must pass before it is made.

use crate::program::Program;
use crate::step::{Outcome, Steps};
use crate::{format, install, tidy};

pub(crate) fn run(_arguments: &[String]) -> Outcome {
    let mut steps = Steps::default();
    run_into(&mut steps);
    steps.finish()
}

/// The same steps as part of a longer list.
pub(crate) fn run_into(steps: &mut Steps) {
    steps.run("format", format::check);
    steps.run("tidy", || tidy::run(&[]));
    steps.run("lint", lint);
    if steps.run("install cargo-deny", || install::cargo_tool("deny")) {
        steps.run("dependencies", check_dependencies);
        check_advisories(steps);
    }
}

fn lint() -> Outcome {
    let lint = Program::new("cargo").args(["clippy", "--workspace", "--all-targets", "--quiet"]);
    lint.args(["--", "--deny", "warnings"]).run()
}

fn check_dependencies() -> Outcome {
    deny().args(["bans", "licenses", "sources"]).run()
}

/// The list of known vulnerabilities is fetched anew each time; where it cannot be, that is said and is no failure.
fn check_advisories(steps: &mut Steps) {
    if Program::new("cargo").args(["deny", "fetch", "db"]).succeeds() {
        steps.run("advisories", || deny().args(["advisories"]).run());
    } else {
        steps.leave_out("advisories", "the advisory database cannot be reached from here");
    }
}

fn deny() -> Program {
    Program::new("cargo").args(["deny", "--log-level", "warn", "check", "--hide-inclusion-graph"])
}

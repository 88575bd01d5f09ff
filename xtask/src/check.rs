//! `cargo xtask check`: what every commit must pass before it is made.

use crate::program::Program;
use crate::step::{Outcome, Steps};
use crate::{install, tidy};

pub(crate) fn run(_arguments: &[String]) -> Outcome {
    let mut steps = Steps::default();
    run_into(&mut steps);
    steps.finish()
}

/// The same steps as part of a longer list.
pub(crate) fn run_into(steps: &mut Steps) {
    steps.run("format", format);
    steps.run("tidy", || tidy::run(&[]));
    steps.run("lint", lint);
    if steps.run("install cargo-deny", || install::cargo_tool("deny")) {
        steps.run("dependencies", check_dependencies);
        check_advisories(steps);
    }
}

fn format() -> Outcome {
    Program::new("cargo").args(["fmt", "--all", "--check"]).run()?;
    let listed =
        Program::new("git").args(["ls-files", "--", "fuzz/*Cargo.toml", "bench/*Cargo.toml"]).capture()?;
    for manifest in listed.lines() {
        Program::new("cargo").args(["fmt", "--check", "--manifest-path", manifest]).run()?;
    }
    Ok(())
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

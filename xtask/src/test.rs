//! `cargo xtask test [--quick]`: the everyday run, everything that proves the house stands.
//!
//! Brings what the tests need, then runs them; a step that cannot run here is left out by name. `--quick` stops after
//! the workspace's own tests.

use std::path::{Path, PathBuf};

use crate::program::Program;
use crate::step::{Failure, Outcome, Steps};
use crate::{bench, check, conformance, fuzz, install, tree};

/// Programs of the system that tests start, and the packages of Debian that have them.
const NEEDS: &[(&str, &str)] = &[
    ("apache2", "apache2"),
    ("chromium", "chromium"),
    ("curl", "curl"),
    ("haproxy", "haproxy"),
    ("nginx", "nginx"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("openssl", "openssl"),
    ("redis-cli", "redis-tools"),
    ("wrk", "wrk"),
];

/// Those that the workspace's own tests start.
const BROKERS: &[(&str, &str)] =
    &[("openssl", "openssl"), ("redis-sentinel", "redis-sentinel"), ("redis-server", "redis-server")];

/// Folders whose tests run on Node, against the built server.
const NODE: &[&str] = &["clients/js", "interop"];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let is_quick = match arguments {
        [] => false,
        [flag] if flag == "--quick" => true,
        _ => return Err(Failure::new("usage: cargo xtask test [--quick]")),
    };
    let mut steps = Steps::default();
    check::run_into(&mut steps);
    test_workspace(&mut steps);
    if !is_quick {
        steps.run("install what the tests need", || install::programs(NEEDS));
        steps.run("environments of Python", install::python_environments);
        conformance::smoke_into(&mut steps);
        let examples = ["build", "--package", "heimdallr", "--examples", "--quiet"];
        check_compose(&mut steps);
        steps.run("build the examples", || cargo(&examples).run());
        test_on_node(&mut steps);
        fuzz::smoke_into(&mut steps);
        steps.run("chaos, each thing once", || bench::chaos::run(&["--quick".to_owned()]));
        steps.run("bench, too short to say anything about time", || bench::run(&["--quick".to_owned()]));
    }
    steps.finish()
}

/// Examples apart: nextest does not run them.
fn test_workspace(steps: &mut Steps) {
    // Not by its name: a stranger types no more than `cargo run`.
    steps.run("build the server", || cargo(&["run", "--", "--version"]).run());
    let log = tree::root().join("target/doc-tests.log");
    let examples = || cargo(&["test", "--workspace", "--doc", "--quiet"]).log_into(&log);
    steps.run("examples in the documentation", examples);
    steps.run("install Redis", || install::programs(BROKERS));
    if steps.run("install cargo-nextest", || install::cargo_tool("nextest")) {
        let nextest = ["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "fail"];
        steps.run("tests of the workspace", || cargo(&nextest).run());
    } else {
        steps.run("tests of the workspace", || cargo(&["test", "--workspace", "--no-fail-fast"]).run());
    }
}

/// The topology of the containers is read by its own program, where there is one.
fn check_compose(steps: &mut Steps) {
    let name = "deploy/compose.yaml";
    if install::find("docker-compose").is_some() {
        let config = ["--file", name, "config", "--quiet"];
        steps.run(name, || Program::new("docker-compose").args(config).run());
    } else {
        steps.leave_out(name, "there is no docker-compose here");
    }
}

fn test_on_node(steps: &mut Steps) {
    for name in NODE {
        let folder = tree::root().join(name);
        if !folder.join("package.json").is_file() {
            steps.leave_out(name, "it does not exist yet");
        } else if steps.run(&format!("packages of {name}"), || install_node_packages(&folder)) {
            steps.run(name, || npm(&folder, &["test", "--silent"]).run());
        }
    }
}

/// Nothing to do when the packages are those of the lock file.
fn install_node_packages(folder: &Path) -> Outcome {
    let is_newer = |installed: PathBuf| {
        let modified = |path: PathBuf| path.metadata().and_then(|metadata| metadata.modified()).ok();
        modified(installed) > modified(folder.join("package-lock.json"))
    };
    if is_newer(folder.join("node_modules/.package-lock.json")) {
        println!("   here");
        return Ok(());
    }
    npm(folder, &["ci", "--no-audit", "--no-fund"]).run()
}

fn cargo(arguments: &[&str]) -> Program {
    Program::new("cargo").args(arguments)
}

/// Node's tests name what failed at their end, as for a person at a terminal.
fn npm(folder: &Path, arguments: &[&str]) -> Program {
    Program::new("npm").args(arguments).folder(folder).env("NODE_OPTIONS", "--test-reporter=spec")
}

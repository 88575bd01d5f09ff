//! `cargo xtask test`: the everyday run, everything that proves the house stands.

use crate::program::Program;
use crate::step::{Outcome, Steps};
use crate::{check, tree};

pub(crate) fn run(_arguments: &[String]) -> Outcome {
    let mut steps = Steps::default();
    check::run_into(&mut steps);
    steps.run("workspace tests", test_workspace);
    test_javascript_client(&mut steps);
    steps.finish()
}

fn test_workspace() -> Outcome {
    Program::new("cargo").args(["nextest", "run", "--workspace", "--no-fail-fast"]).run()
}

fn test_javascript_client(steps: &mut Steps) {
    let folder = tree::root().join("clients/js");
    if folder.join("test").is_dir() {
        steps.run("JavaScript client", || {
            Program::new("node").args(["--test", "test/"]).folder(&folder).run()
        });
    } else {
        steps.leave_out("JavaScript client", "clients/js/test does not exist");
    }
}

//! `cargo xtask format`: every Rust source as rustfmt would have it. `cargo fmt` does not find the folders whose names stand in lists.

use crate::program::Program;
use crate::step::Outcome;
use crate::tree;

pub(crate) fn run(_arguments: &[String]) -> Outcome {
    rustfmt(&[])
}

/// Whether all are as they would be.
pub(crate) fn check() -> Outcome {
    rustfmt(&["--check"])
}

fn rustfmt(how: &[&str]) -> Outcome {
    let listing = ["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.rs"];
    let listing = Program::new("git").args(listing).capture()?;
    let present = listing.lines().filter(|path| tree::root().join(path).is_file());
    Program::new("rustfmt").args(["--edition", "2024", "--quiet"]).args(how).run_over(present)
}

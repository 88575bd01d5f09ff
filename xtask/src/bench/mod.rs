//! `cargo xtask bench`: to come.

use crate::step::{Failure, Outcome};

pub(crate) fn run(_arguments: &[String]) -> Outcome {
    Err(Failure::new("not built yet"))
}

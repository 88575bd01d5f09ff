//! Steps of a command: each says what it is about to do, how it went and how long it took.
//!
//! A failed step does not stop the next one: a contributor wants the whole list at once. [`Steps::finish`] fails when
//! any step has.

use std::fmt;
use std::time::{Duration, Instant};

/// What went wrong, in words for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

pub(crate) type Outcome = Result<(), Failure>;

enum Ending {
    Passed,
    Failed,
    /// Not run, and why: never silent, never counted as passed.
    LeftOut(String),
}

struct Step {
    name: String,
    ending: Ending,
    took: Duration,
}

/// The steps of one command, in the order they ran.
#[derive(Default)]
pub(crate) struct Steps(Vec<Step>);

impl Steps {
    /// Runs one step and reports it. Returns whether it passed.
    pub(crate) fn run(&mut self, name: &str, work: impl FnOnce() -> Outcome) -> bool {
        println!("── {name}");
        let began = Instant::now();
        let outcome = work();
        let took = began.elapsed();
        let passed = outcome.is_ok();
        if let Err(failure) = outcome {
            eprintln!("── {name}: FAILED after {:.1} s: {failure}", took.as_secs_f64());
        }
        let ending = if passed { Ending::Passed } else { Ending::Failed };
        self.0.push(Step { name: name.to_owned(), ending, took });
        passed
    }

    /// Records a step that cannot run here, with the reason.
    pub(crate) fn leave_out(&mut self, name: &str, why: &str) {
        println!("── {name}: left out: {why}");
        let ending = Ending::LeftOut(why.to_owned());
        self.0.push(Step { name: name.to_owned(), ending, took: Duration::ZERO });
    }

    /// Prints the list of steps and fails when any of them has.
    pub(crate) fn finish(self) -> Outcome {
        println!("\n{:>8}  step", "seconds");
        for step in &self.0 {
            println!("{:>8.1}  {}{}", step.took.as_secs_f64(), step.name, ending_words(&step.ending));
        }
        let all: Duration = self.0.iter().map(|step| step.took).sum();
        println!("{:>8.1}  in all", all.as_secs_f64());
        let failed = self.0.iter().filter(|step| matches!(step.ending, Ending::Failed)).count();
        match failed {
            0 => Ok(()),
            1 => Err(Failure::new("1 step failed")),
            _ => Err(Failure::new(format!("{failed} steps failed"))),
        }
    }
}

fn ending_words(ending: &Ending) -> String {
    match ending {
        Ending::Passed => String::new(),
        Ending::Failed => ": FAILED".to_owned(),
        Ending::LeftOut(why) => format!(": left out: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_failed_step_fails_the_command_but_not_the_next_step() {
        let mut steps = Steps::default();
        assert!(!steps.run("bad", || Err(Failure::new("on purpose"))));
        assert!(steps.run("good", || Ok(())));
        assert_eq!(steps.finish().expect_err("a step failed").to_string(), "1 step failed");
    }

    #[test]
    fn a_step_left_out_is_not_a_failure() {
        let mut steps = Steps::default();
        steps.leave_out("absent", "no such tool");
        assert!(steps.finish().is_ok());
    }
}

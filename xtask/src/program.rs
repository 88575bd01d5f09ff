//! Other programs: how xtask starts them and what it says while doing so.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::step::{Failure, Outcome};

/// A program about to be run, by default from the root of the workspace.
pub(crate) struct Program(Command);

impl Program {
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(name);
        command.current_dir(crate::tree::root());
        Self(command)
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.0.args(arguments);
        self
    }

    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(key, value);
        self
    }

    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Interrupts of the terminal do not reach it.
    pub(crate) fn apart(mut self) -> Self {
        self.0.process_group(0);
        self
    }

    /// It has the rights of another user.
    pub(crate) fn user(mut self, user: u32, group: u32) -> Self {
        self.0.uid(user).gid(group);
        self
    }

    /// Prints the command line, runs it on this terminal and fails unless it ends with 0.
    pub(crate) fn run(self) -> Outcome {
        let line = self.line();
        self.run_as(&line)
    }

    /// The same with these words behind it, which are too many to be shown.
    pub(crate) fn run_over(mut self, words: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Outcome {
        let line = format!("{} …", self.line());
        self.0.args(words);
        self.run_as(&line)
    }

    fn run_as(mut self, line: &str) -> Outcome {
        println!("   $ {line}");
        let status = self.0.status().map_err(|error| self.cannot_start(&error))?;
        if status.success() { Ok(()) } else { Err(Failure::new(format!("`{line}` ended with {status}"))) }
    }

    /// Runs quietly and returns what it wrote on its standard output; fails unless it ends with 0.
    pub(crate) fn capture(mut self) -> Result<String, Failure> {
        let output = self.0.stdin(Stdio::null()).output().map_err(|error| self.cannot_start(&error))?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Failure::new(format!("`{}` ended with {}: {}", self.line(), output.status, complaint.trim())))
    }

    /// Runs with everything it says in `log`; a failure ends with the last lines of it.
    pub(crate) fn log_into(mut self, log: &Path) -> Outcome {
        println!("   $ {}", self.line());
        let file = std::fs::File::create(log)?;
        self.0.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let status = self.0.status().map_err(|error| self.cannot_start(&error))?;
        if status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&std::fs::read(log)?).into_owned();
        let end =
            said.lines().rev().take(15).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
        Err(Failure::new(format!("`{}` ended with {status}:\n{end}", self.line())))
    }

    /// Starts it and goes on, with everything it says in `log`.
    pub(crate) fn start(self, log: &Path) -> Result<Child, Failure> {
        println!("   $ {} &", self.line());
        self.start_quietly(log)
    }

    /// The same without a word.
    pub(crate) fn start_quietly(mut self, log: &Path) -> Result<Child, Failure> {
        let file = std::fs::File::create(log)?;
        self.0.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        self.0.spawn().map_err(|error| self.cannot_start(&error))
    }

    /// Starts it and goes on, told and heard by this program; what it complains about is in `log`.
    pub(crate) fn start_in_talk(mut self, log: &Path) -> Result<Child, Failure> {
        println!("   $ {} &", self.line());
        self.0.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(std::fs::File::create(log)?);
        self.0.spawn().map_err(|error| self.cannot_start(&error))
    }

    /// Whether the program runs quietly to an end with 0; false when it is not installed.
    pub(crate) fn succeeds(self) -> bool {
        self.capture().is_ok()
    }

    /// The command line, with what is in the checkout named from its root.
    fn line(&self) -> String {
        let words = std::iter::once(self.0.get_program()).chain(self.0.get_args());
        let line = words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
        line.replace(&format!("{}/", crate::tree::root().display()), "")
    }

    fn cannot_start(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("cannot start `{}`: {error}", self.line()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_badly_is_a_failure_with_its_own_words() {
        let failure = Program::new("sh").args(["-c", "echo broken >&2; exit 3"]).capture();
        let words = failure.expect_err("it ended with 3").to_string();
        assert!(words.contains("broken") && words.contains('3'), "{words}");
    }

    #[test]
    fn the_end_of_a_log_is_part_of_the_failure() {
        let log = std::env::temp_dir().join(format!("xtask-log-{}", std::process::id()));
        let failure = Program::new("sh").args(["-c", "echo one; echo two >&2; exit 1"]).log_into(&log);
        std::fs::remove_file(&log).expect("the log was written");
        assert!(failure.expect_err("it ended with 1").to_string().ends_with("one\ntwo"));
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure_that_names_it() {
        let failure = Program::new("no-such-program-anywhere").run().expect_err("it is not there");
        assert!(failure.to_string().contains("no-such-program-anywhere"));
    }
}

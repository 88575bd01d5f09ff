//! What the program does besides being a node: a word behind its name, and what that word takes.
//!
//! To add one: add a module with a `COMMAND`, and its name to the list below.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

/// Something the program does instead of starting a node.
pub(crate) struct Command {
    /// The word that asks for it.
    pub(crate) word: &'static str,
    /// What may stand behind the word.
    pub(crate) takes: &'static str,
    /// What it does, for a person.
    pub(crate) about: &'static str,
    /// Does it with the words behind its own. `Err`: what went wrong, for a person, and the code to end with.
    run: fn(Vec<OsString>) -> Result<ExitCode, Complaint>,
}

/// Why a command did not do what it was asked for.
pub(crate) struct Complaint {
    text: String,
    code: ExitCode,
}

impl Complaint {
    /// The words behind the command cannot be followed.
    pub(crate) fn misspelt(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: ExitCode::from(2) }
    }

    /// They can, but it did not work.
    pub(crate) fn failed(text: impl ToString) -> Self {
        Self { text: text.to_string(), code: ExitCode::FAILURE }
    }
}

macro_rules! commands {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every command.
        pub(crate) const COMMANDS: &[&Command] = &[$(&$module::COMMAND),*];
    };
}

commands![check, doctor, backup, restore, user, key];

/// Waits until something is done that a command is about.
fn wait_for(done: impl Future<Output = Result<(), String>>) -> Result<ExitCode, Complaint> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Complaint::failed)?.block_on(done).map_err(Complaint::failed)?;
    Ok(ExitCode::SUCCESS)
}

/// Does what the first of the words asks for; `None`: it asks for no command.
pub(crate) fn obey(mut words: Vec<OsString>) -> Option<ExitCode> {
    let command = COMMANDS.iter().find(|command| words.first().is_some_and(|word| word == command.word))?;
    words.remove(0);
    let outcome = (command.run)(words);
    Some(outcome.unwrap_or_else(|Complaint { text, code }| {
        let said = writeln!(std::io::stderr(), "heimdallr {}: {text}", command.word);
        if said.is_ok() { code } else { ExitCode::FAILURE }
    }))
}

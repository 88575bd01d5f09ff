//! Whether a node would start with the configuration, without starting it.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use super::{Command, Complaint};
use crate::config::{self, Settings, Wish};
use crate::{settings, tls};

pub(super) const COMMAND: Command = Command {
    word: "check",
    takes: "[--KEY VALUE]...",
    about: "Read the configuration as a start would, say which keys are set and where, and end.",
    run,
};

fn run(words: Vec<OsString>) -> Result<ExitCode, Complaint> {
    let text = match config::load(words.clone(), std::env::vars_os()).map_err(Complaint::misspelt)? {
        Wish::Print(text) => text,
        Wish::Start(settings) => {
            look_at_files(&settings)?;
            report(&config::set_keys(words, std::env::vars_os()).map_err(Complaint::misspelt)?)
        }
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(Complaint::failed)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads what a start would read besides the configuration.
fn look_at_files(settings: &Settings) -> Result<(), Complaint> {
    backplanes::check(&settings::of_backplane(settings)).map_err(|error| Complaint::misspelt(error.0))?;
    if let Some(tokens) = settings::of_access(settings).tokens {
        access::check_keys(&tokens).map_err(|error| Complaint::misspelt(error.0))?;
    }
    tls::open(settings).map(drop).map_err(Complaint::misspelt)
}

/// Says where each key was set. What it was set to may be a secret.
fn report(keys: &[(String, String)]) -> String {
    let mut text = "The configuration can be followed.\n".to_owned();
    for (key, spelling) in keys {
        writeln!(text, "  {key}, set by {spelling}").expect("a string takes any text");
    }
    text += "Every other key has its default.\n";
    text
}

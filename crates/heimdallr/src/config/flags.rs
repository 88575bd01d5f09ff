//! The command line: `--key value` or `--key=value`, for the few keys that are worth a flag; `--key` where there is nothing to choose.

use std::ffi::OsString;

use super::error::ConfigError;
use super::given::{CONFIG, Given, unknown};
use super::key::Key;
use super::keys::keys;
use crate::commands::{COMMANDS, Command};

/// What a command line says.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    Given(Given),
    Help,
    Version,
}

/// Reads the words after the name of the program.
pub(super) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Line, ConfigError> {
    let flags = flags();
    let mut words = arguments.into_iter();
    let mut given = Given::default();
    while let Some(word) = words.next() {
        let word = text(word)?;
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None => (word, None),
        };
        match flag.as_str() {
            "--help" | "-h" => return Ok(Line::Help),
            "--version" | "-V" => return Ok(Line::Version),
            _ => {}
        }
        let known = flags.iter().find(|(name, ..)| *name == flag);
        let (_, key, is_switch) =
            known.ok_or_else(|| unknown(flag.clone(), flags.iter().map(|(name, ..)| name.clone())))?;
        let value = match value {
            Some(value) => value,
            None if *is_switch => "true".to_owned(),
            None => text(words.next().ok_or_else(|| ConfigError::new(&flag, None, "a value after it"))?)?,
        };
        given.push(key, &flag, value);
    }
    Ok(Line::Given(given))
}

/// What `--help` prints.
pub(super) fn help() -> String {
    let mut help = "Heimdallr: one chat server, every real-time client.\n\n\
                    usage: heimdallr [--KEY VALUE]...\n"
        .to_owned();
    for Command { word, takes, .. } in COMMANDS {
        help += &format!("       heimdallr {word} {takes}\n");
    }
    help += "\n";
    for Command { word, about, .. } in COMMANDS {
        help += &entry(word, about);
    }
    for key in keys() {
        if let Some(usage) = key.usage() {
            help += &entry(&usage, &about(&key));
        }
    }
    help += &entry("--config FILE", "File of further keys, in TOML.");
    help += &entry("--version", "Print the version and end.");
    help += "\nEvery key can also stand in the file, and in the environment as HEIMDALLR_KEY.\n\
             Flags win over the environment, the environment over the file. Other keys:\n\n";
    for key in keys().iter().filter(|key| key.flag.is_none()) {
        help += &entry(key.name, &about(key));
    }
    help
}

/// The flags with the keys they set, and whether they stand alone.
fn flags() -> Vec<(String, &'static str, bool)> {
    let with_setting = keys().into_iter().filter(|key| key.flag.is_some());
    let flags = with_setting.map(|key| (key.as_flag(), key.name, key.is_switch));
    flags.chain([("--config".to_owned(), CONFIG, false)]).collect()
}

fn about(key: &Key) -> String {
    let text: Vec<&str> = key.about.iter().map(|line| line.trim()).collect();
    let again = if key.is_list { " May be given several times." } else { "" };
    let live = if key.is_live { " Read again on SIGHUP." } else { "" };
    format!("{}{again}{live} Default: {}.", text.join(" "), key.default_words())
}

fn entry(name: &str, about: &str) -> String {
    format!("  {name}\n      {about}\n")
}

fn text(word: OsString) -> Result<String, ConfigError> {
    let not_text = |word: OsString| ConfigError::new(word.to_string_lossy(), None, "UTF-8");
    word.into_string().map_err(not_text)
}

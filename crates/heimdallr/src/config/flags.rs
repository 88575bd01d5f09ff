//! The command line: `--key value` or `--key=value`, for the few keys that are worth a flag.

use std::ffi::OsString;

use super::error::ConfigError;
use super::given::{CONFIG, Given, unknown};
use super::key::Key;
use super::keys::keys;

/// What a command line says.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    Given(Given),
    Help,
    Version,
}

/// Reads the words after the name of the program.
pub(super) fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Line, ConfigError> {
    let flags: Vec<(String, &str)> = flags();
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
        let known = flags.iter().find(|(name, _)| *name == flag);
        let (_, key) =
            known.ok_or_else(|| unknown(flag.clone(), flags.iter().map(|(name, _)| name.clone())))?;
        let value = match value {
            Some(value) => value,
            None => text(words.next().ok_or_else(|| ConfigError::new(&flag, None, "a value after it"))?)?,
        };
        given.push(key, &flag, value);
    }
    Ok(Line::Given(given))
}

/// What `--help` prints.
pub(super) fn help() -> String {
    let mut help = "Heimdallr: one chat server, every real-time client.\n\n\
                    usage: heimdallr [--KEY VALUE]...\n\n"
        .to_owned();
    for key in keys() {
        if let Some(placeholder) = key.flag {
            help += &entry(&format!("{} {placeholder}", key.as_flag()), &about(&key));
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

/// The flags with the keys they set.
fn flags() -> Vec<(String, &'static str)> {
    let with_setting = keys().into_iter().filter(|key| key.flag.is_some());
    with_setting.map(|key| (key.as_flag(), key.name)).chain([("--config".to_owned(), CONFIG)]).collect()
}

fn about(key: &Key) -> String {
    let text: Vec<&str> = key.about.iter().map(|line| line.trim()).collect();
    let again = if key.is_list { " May be given several times." } else { "" };
    format!("{}{again} Default: {}.", text.join(" "), key.default_words())
}

fn entry(name: &str, about: &str) -> String {
    format!("  {name}\n      {about}\n")
}

fn text(word: OsString) -> Result<String, ConfigError> {
    let not_text = |word: OsString| ConfigError::new(word.to_string_lossy(), None, "UTF-8");
    word.into_string().map_err(not_text)
}

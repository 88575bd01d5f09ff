//! Configuration: what the node is told before it starts.
//!
//! A key is declared once, in `keys.rs`; the flags, the environment, the file, the example file and the reference all
//! follow from that line. Flags win over the environment, the environment over the file. A key that is unknown or has
//! a value of another form is refused by name: a node never starts on a guess.
//!
//! This module knows what keys mean to a reader, not what the node does with them.

pub(crate) mod access;
pub(crate) mod api;
mod error;
mod flags;
mod form;
mod given;
mod key;
mod keys;
#[cfg(test)]
mod reference;
mod socketio;
pub(crate) mod value;

use std::ffi::OsString;
use std::path::Path;

pub(crate) use error::ConfigError;
pub(crate) use key::Changes;
pub use keys::Settings;

use flags::Line;
use given::Given;

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Wish {
    /// Start a node with these settings.
    Start(Box<Settings>),
    /// Print this text and end well: `--help`, `--version`.
    Print(String),
}

/// Reads the command line (without the name of the program), the environment and the file that either of them names.
pub(crate) fn load(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Wish, ConfigError> {
    let flags = match flags::read(arguments)? {
        Line::Given(flags) => flags,
        Line::Help => return Ok(Wish::Print(flags::help())),
        Line::Version => return Ok(Wish::Print(format!("heimdallr {}\n", env!("CARGO_PKG_VERSION")))),
    };
    let settings = Settings::read(&gather(flags, environment)?)?;
    socketio::check_events(&settings)?;
    socketio::check_adapter(&settings)?;
    check_proxies(&settings)?;
    check_tls(&settings)?;
    access::check(&settings)?;
    Ok(Wish::Start(Box::new(settle(settings))))
}

/// What a running node makes of a new reading, given the one before. The settings are those it runs with.
pub(crate) fn renew(settings: &Settings, before: &Settings, now: &Settings) -> (Settings, Changes) {
    settings.changed(before, now)
}

/// The keys that are set, each with where that is.
pub(crate) fn set_keys(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<(String, String)>, ConfigError> {
    match flags::read(arguments)? {
        Line::Given(flags) => Ok(gather(flags, environment)?.spellings()),
        Line::Help | Line::Version => Ok(Vec::new()),
    }
}

/// What the flags say, over the environment, over the file that either of them names.
fn gather(
    flags: Given,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Given, ConfigError> {
    let above_file = Given::from_environment(environment)?.under(flags);
    match above_file.path_of_file()? {
        Some(path) => Ok(Given::from_file(Path::new(&path))?.under(above_file)),
        None => Ok(above_file),
    }
}

/// One message of the largest size always fits the queue of a session.
fn settle(mut settings: Settings) -> Settings {
    settings.session_queue_bytes = settings.session_queue_bytes.max(2 * settings.max_message_bytes);
    settings
}

/// Refuses to await PROXY headers of nobody.
fn check_proxies(settings: &Settings) -> Result<(), ConfigError> {
    if settings.proxy_protocol && settings.trusted_proxies.is_empty() {
        return Err(ConfigError::new("proxy_protocol", Some("true".to_owned()), "trusted_proxies beside it"));
    }
    Ok(())
}

/// Refuses certificates without keys, and TLS that is asked for twice or not at all.
fn check_tls(settings: &Settings) -> Result<(), ConfigError> {
    let Settings { tls_certificate: certificates, tls_key: keys, .. } = settings;
    let refused = |key: &str, value: String, expected: &str| {
        Err(ConfigError::new(key, Some(value), expected.to_owned()))
    };
    if certificates.len() != keys.len() {
        return refused("tls_key", keys.join(", "), "a file for each one in tls_certificate, in its order");
    }
    if settings.dev_tls && !certificates.is_empty() {
        return refused("dev_tls", "true".to_owned(), "no tls_certificate beside it");
    }
    if settings.tls_only && !settings.has_tls() {
        return refused("tls_only", "true".to_owned(), "tls_certificate and tls_key, or dev_tls, beside it");
    }
    Ok(())
}

impl Settings {
    /// Whether TLS is spoken.
    pub(crate) fn has_tls(&self) -> bool {
        self.dev_tls || !self.tls_certificate.is_empty()
    }
}

#[cfg(test)]
mod tests;

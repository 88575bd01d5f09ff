//! The log: on standard error, in one of two forms.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::Settings;
use crate::config::value::LogFormat;

/// Starts the log.
pub(crate) fn start(settings: &Settings) {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(settings.log_level))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    match settings.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

//! The server: reads its configuration, opens what it names, starts the shards and stops well.

mod config;
mod heap;
mod log;
mod numbers;
mod server;
mod settings;

use std::io::Write as _;
use std::process::ExitCode;

use config::{Settings, Wish};

fn main() -> ExitCode {
    match config::load(std::env::args_os().skip(1), std::env::vars_os()) {
        Ok(Wish::Start(settings)) => start(&settings),
        Ok(Wish::Print(text)) => end(std::io::stdout().write_all(text.as_bytes()), ExitCode::SUCCESS),
        Err(error) => end(writeln!(std::io::stderr(), "heimdallr: {error}"), ExitCode::from(2)),
    }
}

fn start(settings: &Settings) -> ExitCode {
    log::start(settings);
    match server::run(settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => end(writeln!(std::io::stderr(), "heimdallr: {error}"), ExitCode::FAILURE),
    }
}

/// Ends with `code`, unless even saying so has failed.
fn end(said: std::io::Result<()>, code: ExitCode) -> ExitCode {
    if said.is_ok() { code } else { ExitCode::FAILURE }
}

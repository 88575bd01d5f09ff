//! The server: reads its configuration, opens what it names, starts the shards and stops well.

mod config;

use std::io::Write as _;
use std::process::ExitCode;

use config::Wish;

fn main() -> ExitCode {
    match config::load(std::env::args_os().skip(1), std::env::vars_os()) {
        Ok(Wish::Start(_)) => ExitCode::SUCCESS,
        Ok(Wish::Print(text)) => end(std::io::stdout().write_all(text.as_bytes()), ExitCode::SUCCESS),
        Err(error) => end(writeln!(std::io::stderr(), "heimdallr: {error}"), ExitCode::from(2)),
    }
}

/// Ends with `code`, unless even saying so has failed.
fn end(said: std::io::Result<()>, code: ExitCode) -> ExitCode {
    if said.is_ok() { code } else { ExitCode::FAILURE }
}

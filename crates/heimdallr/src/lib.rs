//! The server, whole: the program as it comes, and as the ground of an application whose handlers run in it.
//!
//! [`main`] is a program: it reads the command line, the environment and the file that either of them names, and works until it is asked to
//! stop. [`settings`] and [`start`] are its two halves, for those who have something to set in between.
//!
#![doc = include_str!("../../../docs/applications.md")]

mod commands;
mod config;
mod heap;
mod hooks;
mod log;
mod numbers;
mod renewal;
mod rulings;
mod server;
mod settings;
mod supervisor;
mod tls;

use std::io::Write as _;
use std::process::ExitCode;

use config::Wish;

pub use chat::Refusal;
pub use config::Settings;
pub use config::value::{
    Contents, LogFormat, OutagePolicy, RoomOutagePolicy, RoomPolicy, RoomSlowPolicy, SlowPolicy,
};
pub use gateways::handlers::{
    Application, Arguments, BareMessage, BareSocket, Call, Crowd, Found, Handlers, Members,
    NamespaceHandlers, Outcome, Socket, Values,
};

/// The whole program. Says with which code it ends.
pub fn main(application: Application) -> ExitCode {
    match settings() {
        Ok(settings) => start(&settings, application),
        Err(code) => code,
    }
}

/// What the command line, the environment and the file say. `Err`: the program has said what there is to say and ends with this code, be it
/// that a command was (`heimdallr check`), that help was asked for or that a key cannot be followed.
pub fn settings() -> Result<Settings, ExitCode> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some(code) = commands::obey(words.clone()) {
        return Err(code);
    }
    match config::load(words, std::env::vars_os()) {
        Ok(Wish::Start(settings)) => Ok(*settings),
        Ok(Wish::Print(text)) => Err(end(std::io::stdout().write_all(text.as_bytes()), ExitCode::SUCCESS)),
        Err(error) => Err(end(writeln!(std::io::stderr(), "heimdallr: {error}"), ExitCode::from(2))),
    }
}

/// Starts the log and a node with these settings, and works until somebody asks it to stop (SIGTERM, SIGINT). On SIGHUP the command
/// line's file and the environment are read again. Says with which code the program ends.
pub fn start(settings: &Settings, application: Application) -> ExitCode {
    let set_level = log::start(settings);
    match server::run(settings, &application, &set_level) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => end(writeln!(std::io::stderr(), "heimdallr: {error}"), ExitCode::FAILURE),
    }
}

/// Ends with `code`, unless even saying so has failed.
fn end(said: std::io::Result<()>, code: ExitCode) -> ExitCode {
    if said.is_ok() { code } else { ExitCode::FAILURE }
}

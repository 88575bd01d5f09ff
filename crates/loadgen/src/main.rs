//! `heimdallr-loadgen`: the command line of the load generator.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, error::ErrorKind};
use loadgen::conductor::conduct;
use loadgen::offender;
use loadgen::options::{Command, Options, Run};
use loadgen::report::{Report, page, summary};
use loadgen::steadfast;
use loadgen::worker::Worker;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The run went through but the ledger is not clean.
const NOT_CLEAN: u8 = 3;

fn main() -> ExitCode {
    let run = match Options::parse().command {
        Command::Load(load) => Run::load(load),
        Command::Idle(idle) => Run::idle(idle),
        Command::Handshakes(common) => Run::handshakes(common),
        Command::Steadfast(wish) => return told(stay(wish)),
        Command::Offend(wish) => return told(flood(&wish)),
        Command::Worker => return told(work().map(|()| ExitCode::SUCCESS)),
    };
    let run = run.and_then(|run| run.check_open_files(open_files()).map(|()| run));
    match run {
        Ok(run) => told(carry_out(&run)),
        Err(message) => Options::command().error(ErrorKind::ValueValidation, message).exit(),
    }
}

fn told(outcome: io::Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        // Without a place to say it there is still the exit code.
        let _ = writeln!(io::stderr(), "heimdallr-loadgen: {error}");
        ExitCode::FAILURE
    })
}

fn carry_out(run: &Run) -> io::Result<ExitCode> {
    let report = conduct(run)?;
    io::stdout().write_all(summary(&report).as_bytes())?;
    if let Some(file) = &run.common.json {
        write(file, &serde_json::to_string_pretty(&report)?)?;
    }
    if let Some(file) = &run.common.html {
        write(file, &page(&report))?;
    }
    Ok(verdict(&report))
}

fn stay(wish: steadfast::Wish) -> io::Result<ExitCode> {
    if let Err(message) = wish.check() {
        Options::command().error(ErrorKind::ValueValidation, message).exit();
    }
    allow_open_files()?;
    let account = steadfast::stay(&wish)?;
    io::stdout().write_all(account.summary().as_bytes())?;
    if let Some(file) = &wish.json {
        write(file, &serde_json::to_string_pretty(&account)?)?;
    }
    Ok(if account.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(NOT_CLEAN) })
}

fn flood(wish: &offender::Wish) -> io::Result<ExitCode> {
    allow_open_files()?;
    let account = offender::offend(wish)?;
    writeln!(io::stdout(), "{}", serde_json::to_string(&account)?)?;
    Ok(ExitCode::SUCCESS)
}

fn verdict(report: &Report) -> ExitCode {
    let nobody_broke = report.idle.as_ref().is_none_or(|idle| idle.broken == 0);
    match report.stopped_by.is_none()
        && nobody_broke
        && report.load.as_ref().is_none_or(|load| load.is_clean())
    {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(NOT_CLEAN),
    }
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
    std::fs::write(file, text).map_err(named)
}

/// One process of the generator: the plan is the first line, orders follow.
fn work() -> io::Result<()> {
    allow_open_files()?;
    let plan = serde_json::from_str(&first_line()?)?;
    Worker::new(plan, io::stdin().as_fd().try_clone_to_owned()?, io::stdout().lock())?.run()
}

/// Reads byte by byte, so that nothing of the orders behind it is taken.
fn first_line() -> io::Result<String> {
    let mut line = Vec::new();
    let mut stdin = std::fs::File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut byte = [0];
    while stdin.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    String::from_utf8(line).map_err(io::Error::other)
}

/// As many as this process may have.
fn allow_open_files() -> io::Result<()> {
    let limit = open_files();
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(limit), maximum: Some(limit) })?)
}

fn open_files() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(1 << 20)
}

//! `cargo xtask COMMAND`: the one tool a contributor needs.
//!
//! Each command is a module with a `run`; this file only knows their names. To add a command, add its module and its
//! line in [`COMMANDS`].

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool for people speaks on its terminal")]

mod bench;
mod check;
mod cluster;
mod conformance;
mod format;
mod fuzz;
mod install;
mod program;
mod step;
mod test;
mod tidy;
mod tree;

use std::process::ExitCode;

use step::Outcome;

/// One word of the command line, and what it does.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Outcome,
}

const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        about: "format, lint, tidy, dependencies: before every commit",
        run: check::run,
    },
    Command { name: "format", about: "write every Rust source as rustfmt would have it", run: format::run },
    Command { name: "test", about: "install what the tests need, then run everything", run: test::run },
    Command { name: "tidy", about: "the house rules that no other tool knows", run: tidy::run },
    Command { name: "bench", about: "the floor, ours and the peers, measured in one go", run: bench::run },
    Command {
        name: "million",
        about: "so many users over as many nodes as they need, and a message to each room",
        run: bench::million::run,
    },
    Command {
        name: "chaos",
        about: "a cluster to which everything happens, and what its members missed of it",
        run: bench::chaos::run,
    },
    Command {
        name: "conformance",
        about: "Autobahn's WebSocket suite against our server",
        run: conformance::run,
    },
    Command {
        name: "cluster",
        about: "a Redis, some nodes and a balancer, until it is interrupted",
        run: cluster::run,
    },
    Command { name: "fuzz", about: "every fuzz target for some minutes each", run: fuzz::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(command) = arguments.first().and_then(|name| find(name)) else {
        print_usage();
        return ExitCode::from(2);
    };
    match (command.run)(&arguments[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask {}: {failure}", command.name);
            ExitCode::FAILURE
        }
    }
}

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

fn print_usage() {
    eprintln!("usage: cargo xtask COMMAND\n");
    for Command { name, about, .. } in COMMANDS {
        eprintln!("  {name:<12} {about}");
    }
}

//! `cargo xtask conformance [--url URL] [--cases 1.*,2.*]`: Autobahn's WebSocket suite against a server.
//!
//! Without `--url` it builds and starts ours. Every case is one connection, alone in its room; a plain room gives its
//! members what they send, so that a lone member has an echo server.

mod report;
mod server;
mod suite;

use std::fs;
use std::path::{Path, PathBuf};

use crate::program::Program;
use crate::step::{Failure, Outcome, Steps};
use crate::tree;

use report::Report;
use server::Server;
use suite::Suite;

/// The families that concern a server: all but 8, which does not exist, and 11, which was retired.
const FAMILIES: &[&str] = &["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*", "12.*", "13.*"];

/// Enough of the suite for every day: all but the families that repeat themselves with more and larger messages.
const QUICK: &[&str] =
    &["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.1.1", "9.2.1", "10.*", "12.1.1", "13.1.1"];

/// Enough to see that it makes no difference whether there is TLS in between.
const UNDER_TLS: &[&str] = &["1.*", "2.*", "5.*", "7.1.*", "9.1.1", "9.2.1", "10.*", "12.1.1"];

/// Cases that may be late by chance; more than these are no chance.
const SECOND_TRIES_MAX: usize = 10;

/// What the command line asks for.
struct Wish {
    /// Somebody else's server; ours when there is none.
    url: Option<String>,
    cases: Vec<String>,
    /// Whether ours is spoken to under TLS.
    is_under_tls: bool,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let wish = read(arguments)?;
    let folder = make_folder()?;
    let mut steps = Steps::default();
    let mut suite = None;
    steps.run("install Autobahn's suite", || suite::install(&folder).map(|it| suite = Some(it)));
    if wish.url.is_none() {
        steps.run("build the server", || cargo_build(&["--release"]));
    }
    if let Some(suite) = suite {
        steps.run("conformance", || prove(&suite, &folder, &wish, "release"));
    }
    steps.finish()
}

/// The quick cases against the debug build, which must be there. Where the suite cannot be had, that is said.
pub(crate) fn smoke_into(steps: &mut Steps) {
    let quick = Wish { url: None, cases: spell(QUICK), is_under_tls: false };
    let under_tls = Wish { url: None, cases: spell(UNDER_TLS), is_under_tls: true };
    match make_folder().and_then(|folder| Ok((suite::install(&folder)?, folder))) {
        Ok((suite, folder)) => {
            steps.run("conformance, the quick cases", || prove(&suite, &folder, &quick, "debug"));
            steps.run("conformance, some under TLS", || prove(&suite, &folder, &under_tls, "debug"));
        }
        Err(failure) => steps.leave_out("conformance", &failure.to_string()),
    }
}

fn read(arguments: &[String]) -> Result<Wish, Failure> {
    let mut wish = Wish { url: None, cases: spell(FAMILIES), is_under_tls: false };
    for pair in arguments.chunks(2) {
        match pair {
            [flag, url] if flag == "--url" => wish.url = Some(url.clone()),
            [flag, cases] if flag == "--cases" => wish.cases = cases.split(',').map(str::to_owned).collect(),
            _ => return Err(Failure::new("usage: cargo xtask conformance [--url URL] [--cases 1.*,2.*]")),
        }
    }
    Ok(wish)
}

fn spell(cases: &[&str]) -> Vec<String> {
    cases.iter().map(ToString::to_string).collect()
}

fn make_folder() -> Result<PathBuf, Failure> {
    let folder = tree::root().join("target/conformance");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn cargo_build(profile: &[&str]) -> Outcome {
    Program::new("cargo").args(["build", "--package", "heimdallr"]).args(profile).run()
}

fn prove(suite: &Suite, folder: &Path, wish: &Wish, profile: &str) -> Outcome {
    let (url, _server) = match &wish.url {
        Some(url) => (url.clone(), None),
        None => {
            let program = target_folder().join(profile).join("heimdallr");
            let (scheme, options) =
                if wish.is_under_tls { ("wss", &["--dev-tls"][..]) } else { ("ws", &[][..]) };
            let server = Server::start(&program, options, &folder.join("server.log"))?;
            (format!("{scheme}://{}/autobahn", server.address()), Some(server))
        }
    };
    let mut report = suite.run(folder, &url, &wish.cases)?;
    let failed = report.failed();
    if !failed.is_empty() && failed.len() <= SECOND_TRIES_MAX {
        println!("   second try, as many cases wait for one second only: {}", failed.join(", "));
        report.replace(suite.run(folder, &url, &failed)?);
    }
    tell(&report)
}

fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tree::root().join("target"), PathBuf::from)
}

fn tell(report: &Report) -> Outcome {
    print!("{}", report.table());
    let failed = report.failed();
    if report.count() == 0 {
        return Err(Failure::new("no case ran"));
    }
    println!("   {} cases passed, {} failed", report.count() - failed.len(), failed.len());
    if failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", failed.join(", ")))) }
}

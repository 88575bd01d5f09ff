//! Whether this machine is ready for a node: its limits, its clock, its brokers, and the balancers' patience.
//!
//! To add an examination: add a module with `examine`, and its name to the list below.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Command, Complaint};
use crate::config::{self, Settings, Wish};

pub(super) const COMMAND: Command = Command {
    word: "doctor",
    takes: "[--balancer FILE]... [--KEY VALUE]...",
    about: "Examine this machine, its Redis and the balancers' files for what would harm a node with this configuration. \
            Ends with code 1 when something is wrong.",
    run,
};

/// What the doctor looks at.
struct Patient {
    settings: Settings,
    /// Where the kernel shows itself: `/proc`.
    proc: PathBuf,
    /// Files of balancers.
    balancers: Vec<PathBuf>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
struct Finding {
    verdict: Verdict,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// As it should be.
    Good,
    /// It could not be looked at, or matters only to some.
    Note,
    /// It limits what the node can do, or breaks it.
    Bad,
}

impl Finding {
    fn good(text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Good, text: text.into() }
    }

    fn note(text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Note, text: text.into() }
    }

    fn bad(text: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, text: text.into() }
    }
}

macro_rules! examinations {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        const EXAMINATIONS: &[fn(&Patient) -> Vec<Finding>] = &[$($module::examine),*];
    };
}

examinations![files, network, clock, brokers, balancers];

/// Where balancers that come with the system keep their files.
const USUAL_BALANCERS: [&str; 3] =
    ["/etc/haproxy/haproxy.cfg", "/etc/nginx/nginx.conf", "/etc/apache2/apache2.conf"];

fn run(mut words: Vec<OsString>) -> Result<ExitCode, Complaint> {
    let mut balancers = take_balancers(&mut words)?;
    if balancers.is_empty() {
        balancers = USUAL_BALANCERS.iter().map(PathBuf::from).filter(|path| path.exists()).collect();
    }
    let settings = match config::load(words, std::env::vars_os()).map_err(Complaint::misspelt)? {
        Wish::Start(settings) => *settings,
        Wish::Print(text) => {
            std::io::stdout().write_all(text.as_bytes()).map_err(Complaint::failed)?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let patient = Patient { settings, proc: PathBuf::from("/proc"), balancers };
    let findings: Vec<Finding> = EXAMINATIONS.iter().flat_map(|examine| examine(&patient)).collect();
    std::io::stdout().write_all(report(&findings).as_bytes()).map_err(Complaint::failed)?;
    let is_well = findings.iter().all(|finding| finding.verdict != Verdict::Bad);
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes `--balancer FILE` out of the words, wherever it stands.
fn take_balancers(words: &mut Vec<OsString>) -> Result<Vec<PathBuf>, Complaint> {
    let mut files = Vec::new();
    while let Some(place) = words.iter().position(|word| word == "--balancer") {
        if place + 1 == words.len() {
            return Err(Complaint::misspelt("--balancer: expected a file after it"));
        }
        files.push(PathBuf::from(words.remove(place + 1)));
        words.remove(place);
    }
    Ok(files)
}

fn report(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { verdict, text: found } in findings {
        let mark = match verdict {
            Verdict::Good => "good",
            Verdict::Note => "note",
            Verdict::Bad => "BAD ",
        };
        writeln!(text, "{mark}  {found}").expect("a string takes any text");
    }
    let bad = findings.iter().filter(|finding| finding.verdict == Verdict::Bad).count();
    let verdict = match bad {
        0 => "Nothing stands in the way of a node.".to_owned(),
        1 => "One thing should be mended.".to_owned(),
        many => format!("{many} things should be mended."),
    };
    text + &verdict + "\n"
}

/// The first of the numbers in a file of the kernel's.
fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests;

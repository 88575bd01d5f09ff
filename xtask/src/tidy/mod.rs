//! `cargo xtask tidy`: the house rules that no other tool knows.
//!
//! A rule is a pure function from the text of the checkout to findings, so that its tests can show it a small bad
//! sample and see it fire. To add a rule, add its module and its line in [`RULES`].

mod containers;
mod floors;
mod hooks;
mod links;
mod logs;
mod manifest;
mod places;
mod purity;
mod reasons;
mod rust;
#[cfg(test)]
mod sample;
mod shape;
mod text;
mod unfinished;

use std::collections::BTreeMap;
use std::fmt;

use crate::program::Program;
use crate::step::{Failure, Outcome};
use crate::tree;

/// The text files of a checkout by their path from its root. Files that are not UTF-8 have no text.
pub(crate) struct Checkout(BTreeMap<String, String>);

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    words: String,
}

type Rule = fn(&Checkout) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[
    ("a crate uses only crates on lower floors", floors::check),
    ("extension points are a folder and a name in the list", hooks::check),
    ("pure code is pure", purity::check),
    ("nothing is unfinished", unfinished::check),
    ("files open with their purpose, are short and well named", shape::check),
    ("every dependency has its reason", reasons::check),
    ("no path of one machine", places::check),
    ("links lead somewhere", links::check),
    ("what containers name is there", containers::check),
    ("the log says what its reference says", logs::check),
    ("text is clean", text::check),
];

pub(crate) fn run(_arguments: &[String]) -> Outcome {
    let checkout = Checkout::read()?;
    let mut count = 0;
    for (name, rule) in RULES {
        let findings = rule(&checkout);
        println!("   {} {name}", if findings.is_empty() { "✓" } else { "✗" });
        count += findings.len();
        findings.iter().for_each(|finding| println!("       {finding}"));
    }
    println!("   {} files; {}", checkout.0.len(), longest(&checkout));
    if count == 0 { Ok(()) } else { Err(Failure::new(format!("{count} findings"))) }
}

fn longest(checkout: &Checkout) -> String {
    let lengths = checkout.sources().map(|(path, text)| (shape::lines_of_code(text), path));
    lengths
        .max()
        .map_or(String::new(), |(lines, path)| format!("the longest source is {path}, {lines} lines of code"))
}

impl Checkout {
    /// What git tracks or would track.
    fn read() -> Result<Self, Failure> {
        let listing = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
        let listing = Program::new("git").args(listing).capture()?;
        let files = listing.split_terminator('\0').map(|path| (path, tree::root().join(path)));
        let present = files.filter(|(_, file)| file.is_file());
        Ok(Self(present.map(|(path, file)| (path.to_owned(), read_text(&file))).collect()))
    }

    fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The Rust sources among the files.
    fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files().filter(|(path, _)| path.ends_with(".rs"))
    }

    /// The text of a file; empty when it is not there.
    fn text(&self, path: &str) -> &str {
        self.0.get(path).map_or("", String::as_str)
    }

    /// Whether there is such a file or folder.
    fn has(&self, path: &str) -> bool {
        path.is_empty()
            || self.0.contains_key(path)
            || self.files().any(|(file, _)| file.starts_with(&format!("{path}/")))
    }
}

fn read_text(file: &std::path::Path) -> String {
    std::fs::read(file).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

impl Finding {
    fn new(path: &str, line: usize, words: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, words: words.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.words)
    }
}

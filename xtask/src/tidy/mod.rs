//! `cargo xtask tidy`: the house rules that no other tool knows.
//!
//! A rule is a pure function from the text of the checkout to findings, so that its tests can show it a small bad
//! sample and see it fire. To add a rule, add its module and its line in [`RULES`].

#[cfg(test)]
mod sample;
mod text;

use std::collections::BTreeMap;
use std::fmt;

use crate::program::Program;
use crate::step::{Failure, Outcome};
use crate::tree;

/// The text files of a checkout by their path from its root. Files that are not UTF-8 are not in it.
pub(crate) struct Checkout(BTreeMap<String, String>);

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    words: String,
}

type Rule = fn(&Checkout) -> Vec<Finding>;

const RULES: &[(&str, Rule)] = &[("text is clean", text::check)];

pub(crate) fn run(_arguments: &[String]) -> Outcome {
    let checkout = Checkout::read()?;
    let mut count = 0;
    for (name, rule) in RULES {
        let findings = rule(&checkout);
        println!("   {name}: {}", if findings.is_empty() { "yes" } else { "no" });
        count += findings.len();
        findings.iter().for_each(|finding| println!("     {finding}"));
    }
    println!("   {} files, {} rules", checkout.0.len(), RULES.len());
    if count == 0 { Ok(()) } else { Err(Failure::new(format!("{count} findings"))) }
}

impl Checkout {
    /// What git tracks or would track.
    fn read() -> Result<Self, Failure> {
        let listing = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
        let listing = Program::new("git").args(listing).capture()?;
        let read =
            |path: &str| Some((path.to_owned(), std::fs::read_to_string(tree::root().join(path)).ok()?));
        Ok(Self(listing.split_terminator('\0').filter_map(read).collect()))
    }

    fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(path, text)| (path.as_str(), text.as_str()))
    }
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

//! Small bad samples: what the tests of the rules have in common.

use super::{Checkout, Rule};

impl Checkout {
    fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|&(path, text)| (path.to_owned(), text.to_owned())).collect())
    }
}

/// What `rule` says about a checkout of just these files, one line a finding.
pub(super) fn findings(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
    rule(&Checkout::of(files)).iter().map(ToString::to_string).collect()
}

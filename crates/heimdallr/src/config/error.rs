//! Why a node refuses to start.

use std::fmt;

/// A key of the configuration that cannot be followed, spelt as the one who wrote it did.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ConfigError {
    /// Where it stands and how it is spelt there: `--threads`, `HEIMDALLR_THREADS`, `threads in node.toml`.
    pub(crate) key: String,
    /// What it was set to, when it was set to anything.
    pub(crate) value: Option<String>,
    /// What it takes instead.
    pub(crate) expected: String,
}

impl ConfigError {
    pub(super) fn new(key: impl Into<String>, value: Option<String>, expected: impl Into<String>) -> Self {
        Self { key: key.into(), value, expected: expected.into() }
    }

    /// Words that start no node were given to one.
    pub(crate) fn asks_for_no_start() -> Self {
        Self::new("the command line", None, "keys")
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{} = {value:?}: expected {}", self.key, self.expected),
            None => write!(f, "{}: expected {}", self.key, self.expected),
        }
    }
}

impl std::error::Error for ConfigError {}

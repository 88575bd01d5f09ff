//! Servers that keep everything in a folder.

use std::path::Path;
use std::process::{Command, Output};

use crate::programs::{Server, heimdallr, refused};

pub(crate) fn serve(data: &Path) -> Server {
    serve_with(heimdallr(), data, &[])
}

/// What a command runs, with these keys.
pub(crate) fn serve_with(command: Command, data: &Path, settings: &[(&str, &str)]) -> Server {
    Server::start(command, &[&kept_in(data)[..], settings].concat())
}

/// Starts a server that will not start, and says how it ended.
pub(crate) fn refusal_to_start(command: Command, data: &Path) -> Output {
    refused(command, &kept_in(data))
}

fn kept_in(data: &Path) -> [(&str, &str); 2] {
    [("data", data.to_str().expect("the path is text")), ("drain_seconds", "1")]
}

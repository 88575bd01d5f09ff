//! A copy of what is kept on disk, also while a server works with it.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use super::{Command, Complaint, wait_for};

pub(super) const COMMAND: Command = Command {
    word: "backup",
    takes: "DIR FILE",
    about: "Copy what is kept in a folder into a file, also while a server works with it, and end.",
    run,
};

fn run(words: Vec<OsString>) -> Result<ExitCode, Complaint> {
    let [folder, copy] = words.as_slice() else {
        return Err(Complaint::misspelt("it takes a folder and the name of a file that is not there yet"));
    };
    wait_for(stores::backup(Path::new(folder), Path::new(copy)))
}

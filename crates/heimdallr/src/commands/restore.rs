//! A copy of what was kept, put in its place.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use super::backup::users_of;
use super::{Command, Complaint, wait_for};

pub(super) const COMMAND: Command = Command {
    word: "restore",
    takes: "FILE DIR",
    about: "Put a copy that `heimdallr backup` has made into a folder in which nothing is kept, and end.",
    run,
};

fn run(words: Vec<OsString>) -> Result<ExitCode, Complaint> {
    let [copy, folder] = words.as_slice() else {
        return Err(Complaint::misspelt("it takes a copy and a folder in which nothing is kept"));
    };
    let (copy, folder) = (Path::new(copy), Path::new(folder));
    let done = wait_for(stores::restore(copy, folder))?;
    let users = users_of(copy);
    if users.exists() {
        access::restore_users(&users, folder).map_err(Complaint::failed)?;
    }
    Ok(done)
}

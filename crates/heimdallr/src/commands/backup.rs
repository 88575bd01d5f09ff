//! A copy of what is kept on disk, also while a server works with it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Command, Complaint, wait_for};

pub(super) const COMMAND: Command = Command {
    word: "backup",
    takes: "DIR FILE",
    about: "Copy what is kept in a folder into a file, and its users, if it has any, into FILE.users, also while a server works with it, and end.",
    run,
};

fn run(words: Vec<OsString>) -> Result<ExitCode, Complaint> {
    let [folder, copy] = words.as_slice() else {
        return Err(Complaint::misspelt("it takes a folder and the name of a file that is not there yet"));
    };
    let (folder, copy) = (Path::new(folder), Path::new(copy));
    let users = users_of(copy);
    if users.exists() {
        return Err(Complaint::failed(format!("{} is there already", users.display())));
    }
    let done = wait_for(stores::backup(folder, copy))?;
    if let Err(reason) = access::back_up_users(folder, &users) {
        // Half a backup is none.
        let _ = std::fs::remove_file(copy);
        return Err(Complaint::failed(reason));
    }
    Ok(done)
}

/// Where the users go of whom a backup is, beside the rest of it.
pub(super) fn users_of(copy: &Path) -> PathBuf {
    let mut name = copy.as_os_str().to_owned();
    name.push(".users");
    PathBuf::from(name)
}

//! A copy of what was kept, put in its place.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use super::{Command, Complaint, wait_for};

pub(super) const COMMAND: Command = Command {
    word: "restore",
    takes: "FILE DIR",
    about: "Put a copy that `heimdallr backup` has made, with its users and rulings, into a folder in which nothing is kept, and end.",
    run,
};

fn run(words: Vec<OsString>) -> Result<ExitCode, Complaint> {
    let [copy, folder] = words.as_slice() else {
        return Err(Complaint::misspelt("it takes a copy and a folder in which nothing is kept"));
    };
    wait_for(restore(Path::new(copy), Path::new(folder)))
}

async fn restore(copy: &Path, folder: &Path) -> Result<(), String> {
    // Whether there is anything wrong with them is known before anything is put anywhere.
    let copies = access::Copies::look_through(copy, folder).await?;
    stores::restore(copy, folder).await?;
    copies.put().await
}

//! A copy of what is kept on disk, also while a server works with it.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use super::{Command, Complaint, wait_for};

pub(super) const COMMAND: Command = Command {
    word: "backup",
    takes: "DIR FILE",
    about: "Copy what is kept in a folder into a file, and its users and rulings, if it has any, into FILE.users and FILE.rulings, also while a server works with it, and end.",
    run,
};

fn run(words: Vec<OsString>) -> Result<ExitCode, Complaint> {
    let [folder, copy] = words.as_slice() else {
        return Err(Complaint::misspelt("it takes a folder and the name of a file that is not there yet"));
    };
    wait_for(back_up(Path::new(folder), Path::new(copy)))
}

async fn back_up(folder: &Path, copy: &Path) -> Result<(), String> {
    if let Some(there) = access::in_the_way_of_backup(copy) {
        return Err(format!("{} is there already", there.display()));
    }
    stores::backup(folder, copy).await?;
    if let Err(reason) = access::back_up(folder, copy).await {
        // Half a backup is none.
        let _ = std::fs::remove_file(copy);
        return Err(reason);
    }
    Ok(())
}

//! Copies of the users' file: made while a node works with it, and put in the place of one that is lost.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::book::{self, Book};

/// Copies the users of a data directory into a file that is not there yet, as they stand at one moment. Says whether there are any to copy: a directory
/// without a file of users has none.
///
/// # Errors
///
/// In words for people.
pub fn back_up_users(directory: &Path, copy: &Path) -> Result<bool, String> {
    if !book::file_in(directory).is_file() {
        return Ok(false);
    }
    let failed = |what: &str| format!("{} {what}", copy.display());
    if copy.exists() {
        return Err(failed("is there already"));
    }
    let copied = new_private(copy).map_err(sqlx::Error::Io).and_then(|_| Book::open(directory)?.copy_to(copy));
    copied.map_err(|error| {
        // What is left of it is in nobody's way but its own.
        let _ = fs::remove_file(copy);
        failed(&format!("cannot be made: {error}"))
    })?;
    Ok(true)
}

/// Puts a copy of users into a data directory that has none yet.
///
/// # Errors
///
/// In words for people.
pub fn restore_users(copy: &Path, directory: &Path) -> Result<(), String> {
    let file = book::file_in(directory);
    if file.exists() {
        return Err(format!("{} is there already: move it away, or name an empty folder", file.display()));
    }
    let draft = directory.join("restoring-users.sqlite");
    let restored = Book::of_copy(copy).and_then(|mut book| {
        new_private(&draft)?;
        book.copy_to(&draft)
    });
    let placed = restored.map_err(|error| error.to_string());
    let placed = placed.and_then(|()| fs::rename(&draft, &file).map_err(|error| error.to_string()));
    placed.map_err(|reason| {
        // What is left of it is in nobody's way but its own.
        let _ = fs::remove_file(&draft);
        format!("{} cannot be restored: {reason}", copy.display())
    })
}

/// An empty file that nobody else can read, to be filled.
fn new_private(path: &Path) -> std::io::Result<File> {
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

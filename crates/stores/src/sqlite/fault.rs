//! What goes wrong with a file, in words for people.

use std::io::ErrorKind;

/// What SQLite says, and the system by it (<https://www.sqlite.org/rescode.html>).
pub(super) fn explain(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::Protocol(found) => format!("it is damaged ({found})"),
        other => other.to_string(),
    }
}

/// What to do about it.
pub(super) fn advice(error: &sqlx::Error) -> &'static str {
    if matches!(error, sqlx::Error::Protocol(_)) {
        return DAMAGED;
    }
    if let sqlx::Error::Io(error) = error {
        return match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => LOCKED_OUT,
            ErrorKind::StorageFull => FULL,
            _ => UNKNOWN,
        };
    }
    match primary_code(error) {
        Some(5 | 6) => "another program has it locked: end that one",
        Some(8) => LOCKED_OUT,
        Some(10) => "the disk does not work as it should: look in the system's log",
        Some(11 | 26) => DAMAGED,
        Some(13) => FULL,
        Some(14) => "let heimdallr read and write it and its folder",
        _ => UNKNOWN,
    }
}

const LOCKED_OUT: &str = "let heimdallr write to it and to its folder";
const FULL: &str = "the disk is full: make room";
const UNKNOWN: &str = "look in the system's log";
const DAMAGED: &str =
    "move the folder away and restore a backup (heimdallr restore FILE DIR), or start with an empty one";

/// The code without what SQLite adds to it above the lowest byte.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<u32>().ok().map(|code| code & 0xFF)
}

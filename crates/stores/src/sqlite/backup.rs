//! Copies of the file: made while a server works with it, and put in the place of one that is lost.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use super::fault::{advice, explain};
use super::schema::{self, Folder, Unfit, file_in};

/// Copies everything that is kept in a folder into a file that is not there yet, as it stands at one moment.
///
/// # Errors
///
/// In words for people.
pub async fn backup(folder: &Path, copy: &Path) -> Result<(), String> {
    let file = file_in(folder);
    if !file.is_file() {
        return Err(format!("{} has no {}", folder.display(), "heimdallr.sqlite"));
    }
    // An empty file is filled, and is nobody else's business before that either.
    let made = File::options().write(true).create_new(true).mode(0o600).open(copy);
    made.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => format!("{} is there already", copy.display()),
        _ => format!("{} cannot be written: {error}", copy.display()),
    })?;
    let copied = async {
        let mut connection = schema::connect_to_copy(&file).await?;
        sqlx::query("VACUUM INTO ?").bind(copy.to_string_lossy().as_ref()).execute(&mut connection).await?;
        connection.close().await
    };
    if let Err(error) = copied.await {
        // What is left of it is in nobody's way but its own.
        let _ = fs::remove_file(copy);
        return Err(failed("cannot be copied", &file, &error));
    }
    sync(copy)
}

/// Puts a copy into a folder in which nothing is kept yet. Rooms go on where the copy says, in epochs of their own.
///
/// # Errors
///
/// In words for people.
pub async fn restore(copy: &Path, folder: &Path) -> Result<(), String> {
    let taken = Folder::take(folder).map_err(|error| error.0)?;
    let file = taken.file();
    if file.exists() {
        return Err(format!("{} is there already: move it away, or name an empty folder", file.display()));
    }
    let draft = folder.join("restoring.sqlite");
    fs::copy(copy, &draft).map_err(|error| format!("{} cannot be copied: {error}", copy.display()))?;
    let fit = make_fit(&draft).await;
    if let Err(reason) = fit {
        // What is left of it is in nobody's way but its own.
        let _ = fs::remove_file(&draft);
        return Err(format!("{} {reason}", copy.display()));
    }
    sync(&draft)?;
    fs::rename(&draft, &file).map_err(|error| format!("{} cannot be made: {error}", file.display()))?;
    sync(folder)
}

/// Looks whether a copy is whole, and notes in it that more may have been shown than it knows of.
async fn make_fit(draft: &Path) -> Result<(), String> {
    let fit = async {
        let mut connection = schema::connect(draft).await?;
        schema::look_through(&mut connection).await?;
        if schema::version(&mut connection).await? == 0 {
            return Err(Unfit::Foreign);
        }
        doubt(&mut connection).await?;
        connection.close().await.map_err(Unfit::Failed)
    };
    fit.await.map_err(|unfit| match unfit {
        Unfit::Failed(error) => format!("cannot be restored: {}; {}", explain(&error), advice(&error)),
        Unfit::Foreign => "is no backup of heimdallr".to_owned(),
        Unfit::Newer => "was written by a newer version of heimdallr".to_owned(),
    })
}

async fn doubt(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::raw_sql("UPDATE runs SET ended_well = 0; PRAGMA journal_mode = DELETE")
        .execute(connection)
        .await
        .map(|_| ())
}

fn failed(what: &str, file: &Path, error: &sqlx::Error) -> String {
    format!("{} {what}: {}; {}", file.display(), explain(error), advice(error))
}

/// Waits until the disk has it.
fn sync(path: &Path) -> Result<(), String> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| format!("{} cannot be synced: {error}", path.display()))
}

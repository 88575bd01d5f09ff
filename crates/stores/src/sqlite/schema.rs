//! The file: how it is opened, what is in it, and how an older one becomes a newer one.

use std::fs::{File, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::fault::{advice, explain};
use crate::OpenError;

/// Each brings a file from the version of its place to the next one. One that was released is never changed; what is new comes behind it.
const MIGRATIONS: &[&str] =
    &[include_str!("migrations/1-rooms.sql"), include_str!("migrations/2-outward.sql")];
/// Says that a file is one of ours: "HDLR".
const APPLICATION_ID: i64 = 0x4844_4c52;
/// How long whoever finds the file locked waits for it.
const LOCKED: Duration = Duration::from_secs(5);
/// A file of up to so many bytes is looked through when it is opened.
const LOOKED_THROUGH_MAX: u64 = 64 << 20;

/// The folder that everything is in, which no other process has at the same time.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

/// The start of this node on the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) number: i64,
    /// No life has this number or a higher one yet.
    pub(super) fresh_life: i64,
}

impl Folder {
    /// Takes the folder, which is made if it is not there.
    pub(super) fn take(path: &Path) -> Result<Self, OpenError> {
        let failed = |what: &str, error: &std::io::Error| {
            OpenError(format!("data: {} {what}: {error}", path.display()))
        };
        // What people say is nobody else's business on this machine.
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| failed("cannot be made", &error))?;
        let lock = File::create(path.join("heimdallr.lock"));
        let lock = lock.map_err(|error| failed("cannot be written to", &error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError(format!(
                "data: {} is used by another process: stop that one, or give each node a folder of its own",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(failed("cannot be locked", &error)),
        }
    }

    /// The file with the tables.
    pub(super) fn file(&self) -> PathBuf {
        file_in(&self.path)
    }
}

/// The file with the tables, in its folder.
pub(super) fn file_in(folder: &Path) -> PathBuf {
    folder.join("heimdallr.sqlite")
}

/// A connection that writes.
pub(super) async fn connect(file: &Path) -> sqlx::Result<SqliteConnection> {
    options(file).journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full).connect().await
}

/// A connection that reads.
pub(super) async fn connect_to_read(file: &Path) -> sqlx::Result<SqliteConnection> {
    options(file).pragma("query_only", "1").connect().await
}

/// A connection that copies. SQLite counts that as writing, wherever the copy goes.
pub(super) async fn connect_to_copy(file: &Path) -> sqlx::Result<SqliteConnection> {
    options(file).connect().await
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(LOCKED)
        .thread_name(|number| format!("sqlite-{number}"))
        .disable_statement_logging()
}

/// Opens the file, makes it one of today, and begins a run.
pub(super) async fn open(folder: &Folder) -> Result<(SqliteConnection, Run), OpenError> {
    let file = folder.file();
    let failed = |error: sqlx::Error| {
        let (explained, advice) = (explain(&error), advice(&error));
        OpenError(format!("data: {} cannot be opened: {explained}; {advice}", file.display()))
    };
    // The folder may have been made by somebody else, for everybody to read; what SQLite puts beside the file is as private as the file.
    let made = File::options().write(true).create(true).truncate(false).mode(0o600).open(&file);
    made.map_err(|error| failed(error.into()))?;
    let length = std::fs::metadata(&file).map_or(0, |metadata| metadata.len());
    let mut connection = options(&file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .connect()
        .await
        .map_err(failed)?;
    if length <= LOOKED_THROUGH_MAX {
        look_through(&mut connection).await.map_err(failed)?;
    }
    migrate(&mut connection, &file).await.map_err(|unfit| match unfit {
        Unfit::Failed(error) => failed(error),
        Unfit::Foreign => OpenError(format!("data: {} is a file of another program", file.display())),
        Unfit::Newer => OpenError(format!(
            "data: {} was written by a newer version of heimdallr: start that one, or restore a backup",
            file.display()
        )),
    })?;
    let run = begin(&mut connection).await.map_err(failed)?;
    Ok((connection, run))
}

/// Finds out whether a file is damaged.
pub(super) async fn look_through(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(connection).await?;
    if found == "ok" { Ok(()) } else { Err(sqlx::Error::Protocol(found)) }
}

/// Why a file cannot be used.
pub(super) enum Unfit {
    Failed(sqlx::Error),
    /// It is of another program.
    Foreign,
    /// It is of a version to come.
    Newer,
}

impl From<sqlx::Error> for Unfit {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

/// Makes the tables of today out of whatever version there is.
async fn migrate(connection: &mut SqliteConnection, file: &Path) -> Result<(), Unfit> {
    let version = version(connection).await?;
    for (number, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        if version > 0 {
            tracing::info!(file = %file.display(), version = number + 1, "migrating");
        }
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
        let marks = format!("PRAGMA user_version = {}; PRAGMA application_id = {APPLICATION_ID}", number + 1);
        sqlx::raw_sql(AssertSqlSafe(marks)).execute(&mut *transaction).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// How many migrations a file has seen.
pub(super) async fn version(connection: &mut SqliteConnection) -> Result<usize, Unfit> {
    let application: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *connection).await?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *connection).await?;
    if application != APPLICATION_ID && (tables > 0 || version > 0) {
        return Err(Unfit::Foreign);
    }
    let version = version as usize;
    if version > MIGRATIONS.len() { Err(Unfit::Newer) } else { Ok(version) }
}

async fn begin(connection: &mut SqliteConnection) -> sqlx::Result<Run> {
    let begun = sqlx::query("INSERT INTO runs DEFAULT VALUES").execute(&mut *connection).await?;
    let lives = "SELECT max(coalesce((SELECT max(life) FROM rooms), 0), coalesce((SELECT max(life) FROM ended_lives), 0))";
    let last_life: i64 = sqlx::query(lives).fetch_one(&mut *connection).await?.get(0);
    Ok(Run { number: begun.last_insert_rowid(), fresh_life: last_life + 1 })
}

/// Says that everything shown in a run is kept.
pub(super) async fn end_well(connection: &mut SqliteConnection, run: Run) -> sqlx::Result<()> {
    let ended = sqlx::query("UPDATE runs SET ended_well = 1 WHERE run = ?").bind(run.number);
    ended.execute(&mut *connection).await?;
    // Of the runs before, only those are asked for that a room was opened in last.
    let forget = "DELETE FROM runs WHERE run < ?1 AND run NOT IN (SELECT run FROM rooms)";
    sqlx::query(forget).bind(run.number).execute(&mut *connection).await?;
    sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(connection).await.map(|_| ())
}

//! The users of a data directory, in a SQLite file of their own: operators change it while a node works on the folder. Knows tables, and nothing of what is asked for.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use chat::UserId;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};
use tokio::runtime::Runtime;

use super::scram::{Credentials, KEY_BYTES, SALT_BYTES};

/// The file in the data directory.
pub(crate) const FILE: &str = "users.sqlite";
/// Operators write there too.
const BUSY: Duration = Duration::from_secs(5);

/// What was done to the tables, oldest first. One that was published stays as it is.
const STEPS: &[&str] = &["
    CREATE TABLE users (
        name TEXT PRIMARY KEY NOT NULL,
        salt BLOB NOT NULL,
        iterations INTEGER NOT NULL,
        stored_key BLOB NOT NULL,
        server_key BLOB NOT NULL,
        since INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE user_changes (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
"];

/// The users of a data directory.
pub(super) struct Book {
    runtime: Runtime,
    connection: SqliteConnection,
}

/// A user, as operators see one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// When the password was set, in seconds since 1970.
    pub(super) since_s: i64,
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(file).busy_timeout(BUSY)
}

impl Book {
    /// Opens the file, makes it when there is none, and brings its tables up to date.
    pub(super) fn open(directory: &Path) -> Result<Self, sqlx::Error> {
        let file = directory.join(FILE);
        // What SQLite puts beside it is as private.
        File::options().write(true).create(true).truncate(false).mode(0o600).open(&file)?;
        let mut book = Self::connect(options(&file).journal_mode(SqliteJournalMode::Wal))?;
        book.bring_up_to_date()?;
        Ok(book)
    }

    fn connect(options: SqliteConnectOptions) -> Result<Self, sqlx::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let connection = runtime.block_on(options.connect())?;
        Ok(Self { runtime, connection })
    }

    fn bring_up_to_date(&mut self) -> Result<(), sqlx::Error> {
        let Self { runtime, connection } = self;
        runtime.block_on(async {
            let mut step = connection.begin_with("BEGIN IMMEDIATE").await?;
            let made = "CREATE TABLE IF NOT EXISTS user_steps (number INTEGER PRIMARY KEY NOT NULL) STRICT";
            sqlx::raw_sql(made).execute(&mut *step).await?;
            let done = sqlx::query("SELECT COUNT(*) AS done FROM user_steps").fetch_one(&mut *step).await?;
            for (number, sql) in STEPS.iter().enumerate().skip(done.get::<i64, _>("done") as usize) {
                sqlx::raw_sql(*sql).execute(&mut *step).await?;
                let noted = sqlx::query("INSERT INTO user_steps (number) VALUES (?)").bind(number as i64);
                noted.execute(&mut *step).await?;
            }
            step.commit().await
        })
    }

    /// What is kept of a user's password.
    pub(super) fn find(&mut self, user: &UserId) -> Result<Option<Credentials>, sqlx::Error> {
        let Self { runtime, connection } = self;
        let query = sqlx::query("SELECT salt, iterations, stored_key, server_key FROM users WHERE name = ?");
        let row = runtime.block_on(query.bind(user.as_str()).fetch_optional(connection))?;
        row.map(|row| read_credentials(&row)).transpose()
    }

    pub(super) fn has(&mut self, user: &UserId) -> Result<bool, sqlx::Error> {
        let Self { runtime, connection } = self;
        let query = sqlx::query("SELECT 1 FROM users WHERE name = ?").bind(user.as_str());
        Ok(runtime.block_on(query.fetch_optional(connection))?.is_some())
    }

    /// All users, in the order of their names.
    pub(super) fn list(&mut self) -> Result<Vec<Entry>, sqlx::Error> {
        let Self { runtime, connection } = self;
        let query = sqlx::query("SELECT name, since FROM users ORDER BY name");
        let rows = runtime.block_on(query.fetch_all(connection))?;
        Ok(rows.iter().map(|row| Entry { name: row.get("name"), since_s: row.get("since") }).collect())
    }

    /// Gives a user a password, in the place of one that it may have.
    pub(super) fn put(&mut self, user: &UserId, kept: &Credentials, now_s: u32) -> Result<(), sqlx::Error> {
        let sql = "INSERT OR REPLACE INTO users (name, salt, iterations, stored_key, server_key, since) VALUES (?, ?, ?, ?, ?, ?)";
        let put = sqlx::query(sql)
            .bind(user.as_str().to_owned())
            .bind(kept.salt.to_vec())
            .bind(i64::from(kept.iterations.get()))
            .bind(kept.stored_key.to_vec())
            .bind(kept.server_key.to_vec())
            .bind(i64::from(now_s));
        self.change(user, put, now_s).map(drop)
    }

    /// Removes a user; `false`: there was none.
    pub(super) fn remove(&mut self, user: &UserId, now_s: u32) -> Result<bool, sqlx::Error> {
        let remove = sqlx::query("DELETE FROM users WHERE name = ?").bind(user.as_str().to_owned());
        self.change(user, remove, now_s).map(|rows| rows > 0)
    }

    /// Changes what is kept of a user, for everybody who looks to see. Says how many rows were changed.
    fn change(
        &mut self,
        user: &UserId,
        change: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>,
        now_s: u32,
    ) -> Result<u64, sqlx::Error> {
        let Self { runtime, connection } = self;
        runtime.block_on(async {
            let mut step = connection.begin_with("BEGIN IMMEDIATE").await?;
            let changed = change.execute(&mut *step).await?.rows_affected();
            if changed > 0 {
                let noted = sqlx::query("INSERT INTO user_changes (name, at) VALUES (?, ?)");
                noted.bind(user.as_str()).bind(i64::from(now_s)).execute(&mut *step).await?;
            }
            step.commit().await?;
            Ok(changed)
        })
    }

    /// The number of the latest change.
    pub(super) fn latest_change(&mut self) -> Result<i64, sqlx::Error> {
        let Self { runtime, connection } = self;
        let query = sqlx::query("SELECT COALESCE(MAX(number), 0) AS latest FROM user_changes");
        Ok(runtime.block_on(query.fetch_one(connection))?.get("latest"))
    }

    /// Changes behind a number: their numbers, of whom, and when.
    pub(super) fn changes_behind(&mut self, number: i64) -> Result<Vec<(i64, String, i64)>, sqlx::Error> {
        let Self { runtime, connection } = self;
        let query = sqlx::query(
            "SELECT number, name, at FROM user_changes WHERE number > ? ORDER BY number LIMIT 1000",
        );
        let rows = runtime.block_on(query.bind(number).fetch_all(connection))?;
        Ok(rows.iter().map(|row| (row.get("number"), row.get("name"), row.get("at"))).collect())
    }
}

#[cfg(test)]
impl Book {
    /// As a damaged file is.
    pub(super) fn break_it(&mut self) {
        let Self { runtime, connection } = self;
        let drop = sqlx::raw_sql("DROP TABLE users; DROP TABLE user_changes").execute(connection);
        runtime.block_on(drop).expect("they are there");
    }
}

fn read_credentials(row: &SqliteRow) -> Result<Credentials, sqlx::Error> {
    let bytes = |column| row.try_get::<Vec<u8>, _>(column);
    let key = |column| bytes(column)?.try_into().map_err(|_| broken::<[u8; KEY_BYTES]>(column));
    let salt: Vec<u8> = bytes("salt")?;
    let iterations =
        u32::try_from(row.try_get::<i64, _>("iterations")?).ok().and_then(std::num::NonZero::new);
    Ok(Credentials {
        salt: salt.try_into().map_err(|_| broken::<[u8; SALT_BYTES]>("salt"))?,
        iterations: iterations.ok_or_else(|| broken::<u32>("iterations"))?,
        stored_key: key("stored_key")?,
        server_key: key("server_key")?,
    })
}

fn broken<T>(column: &str) -> sqlx::Error {
    let source = format!("a {} was expected", std::any::type_name::<T>()).into();
    sqlx::Error::ColumnDecode { index: column.to_owned(), source }
}

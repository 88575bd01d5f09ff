//! Copies of the files that are kept here beside what is said: made while a node works with them, and put in the place of those that are lost.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::{USERS_FILE, archive};

/// Somebody else may look at them.
const BUSY: Duration = Duration::from_secs(5);

/// What there is to copy.
const KINDS: [Kind; 2] = [
    Kind { file: USERS_FILE, suffix: "users", table: "users" },
    Kind { file: archive::FILE, suffix: "rulings", table: "rulings" },
];

/// A file of a data directory.
struct Kind {
    /// Its name there.
    file: &'static str,
    /// How the name of a copy of it ends.
    suffix: &'static str,
    /// A table without which it would be something else.
    table: &'static str,
}

/// Copies that can be put into a data directory.
pub struct Copies {
    of: Vec<(&'static Kind, PathBuf)>,
    directory: PathBuf,
}

impl Kind {
    /// Where a copy of it is, beside the copy of everything else.
    fn beside(&self, copy: &Path) -> PathBuf {
        let mut name = copy.as_os_str().to_owned();
        name.push(".");
        name.push(self.suffix);
        PathBuf::from(name)
    }
}

/// Copies what a data directory has of users and of rulings into files beside a copy of the rest, each as it stands at one moment. A directory may have
/// neither.
///
/// # Errors
///
/// In words for people. Then there is none of them.
pub async fn back_up(directory: &Path, copy: &Path) -> Result<(), String> {
    let mut made = Vec::new();
    for kind in KINDS.iter().filter(|kind| directory.join(kind.file).is_file()) {
        let to = kind.beside(copy);
        if let Err(reason) = copy_out(&directory.join(kind.file), &to).await {
            // Half a backup is none.
            made.iter().for_each(|copy| drop(fs::remove_file(copy)));
            return Err(reason);
        }
        made.push(to);
    }
    Ok(())
}

/// Says which file a backup would overwrite, if it would.
#[must_use]
pub fn in_the_way_of_backup(copy: &Path) -> Option<PathBuf> {
    KINDS.iter().map(|kind| kind.beside(copy)).find(|path| path.exists())
}

impl Copies {
    /// Looks through the copies beside a copy of the rest, and whether there is room for them in a data directory.
    ///
    /// # Errors
    ///
    /// In words for people.
    pub async fn look_through(copy: &Path, directory: &Path) -> Result<Self, String> {
        let mut of = Vec::new();
        for kind in &KINDS {
            let (from, file) = (kind.beside(copy), directory.join(kind.file));
            if !from.exists() {
                continue;
            }
            if file.exists() {
                let file = file.display();
                return Err(format!("{file} is there already: move it away, or name an empty folder"));
            }
            let whole = is_whole(&from, kind.table).await;
            whole.map_err(|error| format!("{} cannot be restored: {error}", from.display()))?;
            of.push((kind, from));
        }
        Ok(Self { of, directory: directory.to_owned() })
    }

    /// Puts them into the directory, which is there by now.
    ///
    /// # Errors
    ///
    /// In words for people.
    pub async fn put(self) -> Result<(), String> {
        for (kind, from) in &self.of {
            let (draft, file) = (self.directory.join("restoring"), self.directory.join(kind.file));
            copy_out(from, &draft).await?;
            let put = fs::rename(&draft, &file).and_then(|()| File::open(&self.directory)?.sync_all());
            put.map_err(|error| format!("{} cannot be made: {error}", file.display()))?;
        }
        Ok(())
    }
}

/// Copies a file into one that is not there yet, as it stands at one moment.
async fn copy_out(file: &Path, to: &Path) -> Result<(), String> {
    // An empty file is filled, and is nobody else's business before that either.
    let made = File::options().write(true).create_new(true).mode(0o600).open(to);
    made.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => format!("{} is there already", to.display()),
        _ => format!("{} cannot be written: {error}", to.display()),
    })?;
    let copied = async {
        let mut connection = connect(file, false).await?;
        sqlx::query("VACUUM INTO ?").bind(to.to_string_lossy().as_ref()).execute(&mut connection).await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(File::open(to)?.sync_all()?)
    };
    copied.await.map_err(|error| {
        // What is left of it is in nobody's way but its own.
        let _ = fs::remove_file(to);
        format!("{} cannot be copied: {error}", file.display())
    })
}

/// Whether a copy can be read, and is of its kind.
async fn is_whole(copy: &Path, table: &str) -> Result<(), sqlx::Error> {
    let mut connection = connect(copy, true).await?;
    let found: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut connection).await?;
    let tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?";
    let tables: i64 = sqlx::query_scalar(tables).bind(table).fetch_one(&mut connection).await?;
    connection.close().await?;
    match (&*found, tables) {
        ("ok", 1) => Ok(()),
        ("ok", _) => Err(sqlx::Error::Protocol(format!("it has no {table}"))),
        _ => Err(sqlx::Error::Protocol(found)),
    }
}

async fn connect(file: &Path, read_only: bool) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnectOptions::new().filename(file).busy_timeout(BUSY).read_only(read_only).connect().await
}

#[cfg(test)]
mod tests {
    use chat::{RoomId, RoomName, Time};

    use super::*;
    use crate::{Archive, RoomTerms, Ruling, RulingTerms, Subject};

    fn folder(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("heimdallr-copies-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("there is room");
        path
    }

    fn wait<T>(done: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("the system gives one").block_on(done)
    }

    #[test]
    fn rulings_are_copied_while_they_are_kept_and_put_where_there_are_none() {
        let (directory, other) = (folder("from"), folder("to"));
        let (archive, _) = Archive::open(&directory).expect("it is ours");
        let room = RoomId::public(RoomName::new("den").expect("a name"));
        let terms = RulingTerms::Room(RoomTerms { is_closed: true, slow_ms: 0 });
        let ruling = Ruling { subject: Subject::Room(room), terms, since: Time(1) };
        let (sender, kept) = std::sync::mpsc::channel();
        archive.keep(ruling.clone(), Box::new(move |kept| drop(sender.send(kept))));
        assert_eq!(kept.recv(), Ok(Ok(())));
        let copy = directory.join("copy");
        assert_eq!(in_the_way_of_backup(&copy), None);
        assert_eq!(wait(back_up(&directory, &copy)), Ok(()));
        assert_eq!(in_the_way_of_backup(&copy), Some(directory.join("copy.rulings")));
        assert!(wait(back_up(&directory, &copy)).is_err_and(|reason| reason.contains("is there already")));
        let copies = wait(Copies::look_through(&copy, &other)).expect("it is whole");
        assert_eq!(wait(copies.put()), Ok(()));
        assert_eq!(Archive::open(&other).expect("it is there").1, [ruling]);
        let again = wait(Copies::look_through(&copy, &other)).map(drop);
        assert!(again.is_err_and(|reason| reason.contains("is there already")));
        fs::write(directory.join("bad.rulings"), "something else").expect("there is room");
        let bad = wait(Copies::look_through(&directory.join("bad"), &folder("third"))).map(drop);
        assert!(bad.is_err_and(|reason| reason.contains("cannot be restored")));
        for name in ["from", "to", "third"] {
            fs::remove_dir_all(folder(name)).expect("it is ours");
        }
    }
}

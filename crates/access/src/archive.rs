//! Rulings that outlive the process, in a SQLite file of the data directory, written on a thread of their own.

use std::fs::{DirBuilder, File};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use chat::{RoomId, RoomName, Time, UserId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};
use tokio::runtime::Runtime;

use crate::docket::{Offender, Penalty, RoomTerms, Ruling, RulingTerms, Subject};

/// The file in the data directory.
pub(crate) const FILE: &str = "rulings.sqlite";
/// Somebody else may look at it.
const BUSY: Duration = Duration::from_secs(5);
/// Rulings that wait to be written.
const WAITING_MAX: usize = 1024;

/// What was done to the tables, oldest first. One that was published stays as it is.
const STEPS: &[&str] = &["
    CREATE TABLE rulings (
        kind TEXT NOT NULL,
        whom TEXT NOT NULL,
        room TEXT NOT NULL,
        lifted INTEGER NOT NULL,
        until INTEGER,
        reason TEXT NOT NULL,
        closed INTEGER NOT NULL,
        slow_ms INTEGER NOT NULL,
        since INTEGER NOT NULL,
        PRIMARY KEY (kind, whom, room)
    ) STRICT;
"];

/// Called with what became of a ruling: why it was not kept, if it was not.
pub type Kept = Box<dyn FnOnce(Result<(), String>) + Send>;

/// Keeps rulings. Whoever has one may.
#[derive(Clone)]
pub struct Archive {
    papers: SyncSender<(Ruling, Kept)>,
}

struct Archivist {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Archive {
    /// Opens the file, makes it when there is none, and says what is in it.
    ///
    /// # Errors
    ///
    /// Why it cannot be used, for a person.
    pub fn open(directory: &Path) -> Result<(Self, Vec<Ruling>), String> {
        let refused = |error: sqlx::Error| format!("data: {}: {error}", directory.join(FILE).display());
        make(directory)?;
        let mut archivist = Archivist::open(directory).map_err(refused)?;
        let rulings = archivist.read().map_err(refused)?;
        let (papers, waiting) = sync_channel(WAITING_MAX);
        let work = move || archivist.work(&waiting);
        let thread = std::thread::Builder::new().name("rulings".to_owned()).spawn(work);
        thread.map_err(|error| format!("no thread for rulings: {error}"))?;
        Ok((Self { papers }, rulings))
    }

    /// Has a ruling kept, and says whether it was.
    pub fn keep(&self, ruling: Ruling, kept: Kept) {
        match self.papers.try_send((ruling, kept)) {
            Ok(()) => {}
            Err(TrySendError::Full((_, kept))) => kept(Err("too many wait to be kept".to_owned())),
            Err(TrySendError::Disconnected((_, kept))) => kept(Err("nobody keeps them any more".to_owned())),
        }
    }
}

/// Makes what is not there: who was sent away, and why, is nobody else's business on this machine.
fn make(directory: &Path) -> Result<(), String> {
    let failed =
        |what: &str, error: &std::io::Error| format!("data: {} {what}: {error}", directory.display());
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| failed("cannot be made", &error))?;
    let file =
        File::options().write(true).create(true).truncate(false).mode(0o600).open(directory.join(FILE));
    file.map(drop).map_err(|error| failed("cannot be written to", &error))
}

impl Archivist {
    fn open(directory: &Path) -> Result<Self, sqlx::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let options = SqliteConnectOptions::new()
            .filename(directory.join(FILE))
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(BUSY);
        let mut connection = runtime.block_on(options.connect())?;
        runtime.block_on(bring_up_to_date(&mut connection))?;
        Ok(Self { runtime, connection })
    }

    fn read(&mut self) -> Result<Vec<Ruling>, sqlx::Error> {
        let Self { runtime, connection } = self;
        let rows = runtime.block_on(sqlx::query("SELECT * FROM rulings").fetch_all(connection))?;
        // What another version has written is none of ours.
        Ok(rows.iter().filter_map(read_ruling).collect())
    }

    fn work(mut self, waiting: &Receiver<(Ruling, Kept)>) {
        while let Ok((ruling, kept)) = waiting.recv() {
            let written = self.write(&ruling).map_err(|error| error.to_string());
            if let Err(error) = &written {
                tracing::error!(error, "a ruling is not kept");
            }
            kept(written);
        }
    }

    fn write(&mut self, ruling: &Ruling) -> Result<(), sqlx::Error> {
        let (kind, whom, room) = spell(&ruling.subject);
        let (lifted, until, reason, terms) = match &ruling.terms {
            RulingTerms::Penalty { until, reason } => (false, *until, &**reason, RoomTerms::default()),
            RulingTerms::Room(terms) => (false, None, "", *terms),
            RulingTerms::Lifted => (true, None, "", RoomTerms::default()),
        };
        let sql = "INSERT INTO rulings (kind, whom, room, lifted, until, reason, closed, slow_ms, since)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (kind, whom, room) DO UPDATE SET lifted = excluded.lifted, until = excluded.until, reason = excluded.reason,
            closed = excluded.closed, slow_ms = excluded.slow_ms, since = excluded.since WHERE excluded.since >= rulings.since";
        let put = sqlx::query(sql)
            .bind(kind)
            .bind(whom)
            .bind(room)
            .bind(i64::from(lifted))
            .bind(until.map(|until| until.0 as i64))
            .bind(reason.to_owned())
            .bind(i64::from(terms.is_closed))
            .bind(i64::from(terms.slow_ms))
            .bind(ruling.since.0 as i64);
        let Self { runtime, connection } = self;
        runtime.block_on(put.execute(connection)).map(drop)
    }
}

async fn bring_up_to_date(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut step = connection.begin_with("BEGIN IMMEDIATE").await?;
    let made = "CREATE TABLE IF NOT EXISTS ruling_steps (number INTEGER PRIMARY KEY NOT NULL) STRICT";
    sqlx::raw_sql(made).execute(&mut *step).await?;
    let done = sqlx::query("SELECT COUNT(*) AS done FROM ruling_steps").fetch_one(&mut *step).await?;
    for (number, sql) in STEPS.iter().enumerate().skip(done.get::<i64, _>("done") as usize) {
        sqlx::raw_sql(*sql).execute(&mut *step).await?;
        let noted = sqlx::query("INSERT INTO ruling_steps (number) VALUES (?)").bind(number as i64);
        noted.execute(&mut *step).await?;
    }
    step.commit().await
}

/// The kind, whom it is about, and the room: empty for all.
fn spell(subject: &Subject) -> (String, String, String) {
    let name = |room: &RoomId| room.name().to_owned();
    match subject {
        Subject::Room(room) => ("room".to_owned(), String::new(), name(room)),
        Subject::Somebody(penalty, whom, room) => {
            let penalty = if *penalty == Penalty::Ban { "ban" } else { "mute" };
            let (sort, whom) = match whom {
                Offender::User(user) => ("user", user.as_str().to_owned()),
                Offender::Address(address) => ("address", address.to_string()),
            };
            (format!("{penalty} {sort}"), whom, room.as_ref().map(name).unwrap_or_default())
        }
    }
}

fn read_ruling(row: &SqliteRow) -> Option<Ruling> {
    let text = |column| row.try_get::<String, _>(column).ok();
    let number = |column| row.try_get::<i64, _>(column).ok();
    let (whom, room) = (text("whom")?, text("room")?);
    let room = if room.is_empty() { None } else { Some(RoomId::public(RoomName::new(&room).ok()?)) };
    let user = || UserId::new(&whom).ok().map(Offender::User);
    let address = || whom.parse().ok().map(Offender::Address);
    let subject = match &*text("kind")? {
        "room" => Subject::Room(room?),
        "ban user" => Subject::Somebody(Penalty::Ban, user()?, room),
        "ban address" => Subject::Somebody(Penalty::Ban, address()?, room),
        "mute user" => Subject::Somebody(Penalty::Mute, user()?, room),
        "mute address" => Subject::Somebody(Penalty::Mute, address()?, room),
        _ => return None,
    };
    let terms = match (&subject, number("lifted")? != 0) {
        (_, true) => RulingTerms::Lifted,
        (Subject::Room(_), _) => RulingTerms::Room(RoomTerms {
            is_closed: number("closed")? != 0,
            slow_ms: u32::try_from(number("slow_ms")?).ok()?,
        }),
        (Subject::Somebody(..), _) => RulingTerms::Penalty {
            until: row.try_get::<Option<i64>, _>("until").ok()?.map(|until| Time(until as u64)),
            reason: text("reason")?.into(),
        },
    };
    Some(Ruling { subject, terms, since: Time(number("since")? as u64) })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// Puts rulings in, and says what is read from the file then.
    fn kept(directory: &Path, rulings: &[Ruling]) -> Vec<Ruling> {
        let (archive, _) = Archive::open(directory).expect("the folder is there");
        for ruling in rulings {
            let (sender, done) = channel();
            archive.keep(ruling.clone(), Box::new(move |kept| drop(sender.send(kept))));
            assert_eq!(done.recv(), Ok(Ok(())));
        }
        Archive::open(directory).expect("the file is there").1
    }

    #[test]
    fn a_ruling_is_read_as_it_was_kept_and_a_later_one_takes_its_place() {
        let directory = std::env::temp_dir().join(format!("heimdallr-rulings-{}", std::process::id()));
        let room = || RoomId::public(RoomName::new("a/b é").expect("a name"));
        let ann = || Offender::User(UserId::new("ann").expect("a name"));
        let penalty = |until| RulingTerms::Penalty { until, reason: "spam".into() };
        let of = |subject, terms, since| Ruling { subject, terms, since: Time(since) };
        let there = Offender::Address([10, 0, 0, 1].into());
        let all = [
            of(Subject::Somebody(Penalty::Ban, ann(), None), penalty(None), 1),
            of(Subject::Somebody(Penalty::Ban, there, Some(room())), penalty(Some(Time(9))), 2),
            of(Subject::Somebody(Penalty::Mute, ann(), Some(room())), RulingTerms::Lifted, 3),
            of(Subject::Room(room()), RulingTerms::Room(RoomTerms { is_closed: true, slow_ms: 7 }), 4),
        ];
        let sorted = |mut rulings: Vec<Ruling>| {
            rulings.sort_by_key(|ruling| ruling.since);
            rulings
        };
        assert_eq!(sorted(kept(&directory, &all)), all);
        let (older, newer) = (
            Ruling { since: Time(0), terms: RulingTerms::Lifted, ..all[0].clone() },
            Ruling { terms: RulingTerms::Lifted, since: Time(8), ..all[1].clone() },
        );
        let after = sorted(kept(&directory, &[older, newer.clone()]));
        assert_eq!(after, [all[0].clone(), all[2].clone(), all[3].clone(), newer]);
        std::fs::remove_dir_all(directory).expect("it is ours");
    }
}

//! The one who writes: takes all that waits, writes it in one transaction, and says that it is kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chat::{Position, RoomId};
use hashbrown::HashMap;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::clerk::{Change, Clerk};
use super::fault::{advice, explain};
use super::rows::{form_of, kind_of_room, write_lineage};
use super::schema::{self, Run};
use super::traffic::{Adoption, Outlet, Report, Tidings, Trim, Write};
use super::vitals::Vitals;

/// What is written in one transaction at most.
const GROUP_MAX: usize = 2048;
/// Rows of one statement, for each statement that there is; the last is one.
const ROWS: [usize; 3] = [64, 8, 1];
/// How long a file that cannot be written is left alone.
const REST: Duration = Duration::from_millis(500);

const BEFORE_ROWS: &str =
    "INSERT OR REPLACE INTO messages (life, offset, time, sum, form, author, tag, payload, text) VALUES ";
const ROW: &str = "(?,?,?,?,?,?,?,?,?)";
const ADOPT: &str = "INSERT INTO rooms (life, kind, name, epoch, head, lineage, run) VALUES (?,?,?,?,?,?,?) \
    ON CONFLICT DO UPDATE SET life = excluded.life, epoch = excluded.epoch, head = excluded.head, \
    lineage = excluded.lineage, run = excluded.run";

/// The writer and what it works with.
pub(super) struct Writer {
    file: PathBuf,
    run: Run,
    /// `None`: it failed, and is made anew.
    connection: Option<SqliteConnection>,
    shards: Vec<Outlet>,
    vitals: Arc<Vitals>,
    /// Writes what is told beyond the node, if anything is.
    clerk: Option<Clerk>,
    /// The statements for so many rows as [`ROWS`] says.
    inserts: [Arc<str>; 3],
}

/// What was written for a shard.
#[derive(Default)]
struct Written {
    things: usize,
    /// The newest of each room, by its life.
    newest: HashMap<i64, (RoomId, Position)>,
    /// Messages that are certain to be told beyond the node.
    announced: Vec<(RoomId, u64)>,
}

impl Writer {
    pub(super) fn new(
        (file, run): (PathBuf, Run),
        connection: SqliteConnection,
        shards: Vec<Outlet>,
        vitals: Arc<Vitals>,
        clerk: Option<Clerk>,
    ) -> Self {
        let insert = |rows| format!("{BEFORE_ROWS}{}", vec![ROW; rows].join(",")).into();
        Self { file, run, connection: Some(connection), shards, vitals, clerk, inserts: ROWS.map(insert) }
    }

    /// Works until nobody is left who could want something written, or until it is told to stop and cannot write.
    pub(super) async fn work(
        mut self,
        mut writes: UnboundedReceiver<Write>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut group = Vec::with_capacity(GROUP_MAX);
        while writes.recv_many(&mut group, GROUP_MAX).await > 0 {
            self.vitals.begin(group.len() + writes.len());
            if !self.keep(&group, &mut stop).await {
                return;
            }
            report(&self.shards, &self.vitals, group.drain(..));
        }
        if let Some(connection) = &mut self.connection
            && let Err(error) = schema::end_well(connection, self.run).await
        {
            tracing::warn!(error = explain(&error), "the file could not be ended well");
        }
        if let Some(connection) = self.connection {
            // What it does at last is to tidy up, which the next start does otherwise.
            let _ = connection.close().await;
        }
    }

    /// Writes a group, however often that fails. Says whether it did in the end.
    async fn keep(&mut self, group: &[Write], stop: &mut watch::Receiver<bool>) -> bool {
        let mut was_faulty = false;
        loop {
            let started = Instant::now();
            let Err(error) = self.write(group).await else {
                if was_faulty {
                    tracing::info!("what is said is kept again");
                    self.shards.iter().for_each(|shard| shard.report(Report::Well));
                }
                let messages = group.iter().filter(|write| matches!(write, Write::Message { .. })).count();
                self.vitals.committed(messages, started.elapsed());
                return true;
            };
            self.connection = None;
            let fault = format!("{}; {}", explain(&error), advice(&error));
            if !std::mem::replace(&mut was_faulty, true) {
                tracing::error!(fault, "what is said cannot be kept");
                self.shards.iter().for_each(|shard| shard.report(Report::Faulty));
            }
            self.vitals.failed(fault);
            if *stop.borrow() {
                return false;
            }
            tokio::select! {
                _ = stop.changed() => {}
                () = tokio::time::sleep(REST) => {}
            }
        }
    }

    async fn write(&mut self, group: &[Write]) -> sqlx::Result<()> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(schema::connect(&self.file).await?),
        };
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let is_message = |write: &Write| matches!(write, Write::Message { .. });
        for some in group.chunk_by(|one, next| is_message(one) && is_message(next)) {
            match some {
                [Write::Adopt(adoption)] => adopt(&mut transaction, adoption).await?,
                [Write::Trim(trim_off)] => trim(&mut transaction, trim_off).await?,
                [Write::Forget(life)] => forget(&mut transaction, *life, self.run).await?,
                [Write::Tidings(_)] => {}
                messages => insert(&mut transaction, messages, &self.inserts).await?,
            }
        }
        let change = match &self.clerk {
            Some(clerk) => clerk.write(&mut transaction, group).await?,
            None => Change::default(),
        };
        transaction.commit().await?;
        if let Some(clerk) = &mut self.clerk {
            clerk.note(change);
        }
        Ok(())
    }
}

/// Tells the shards what is kept.
pub(super) fn report(shards: &[Outlet], vitals: &Vitals, group: impl Iterator<Item = Write>) {
    let mut written: Vec<Written> = Vec::new();
    written.resize_with(shards.len(), Written::default);
    for write in group {
        match write {
            Write::Message { shard, life, message, .. } => {
                let written = &mut written[usize::from(shard)];
                written.things += 1;
                let newest = written.newest.entry(life).or_insert_with(|| (message.room.clone(), message.at));
                newest.1 = message.at;
            }
            Write::Adopt(adoption) => {
                if let Some((shard, report)) = adoption.then {
                    shards[usize::from(shard)].report(report);
                }
            }
            Write::Tidings(Tidings::Announce { shard, place, .. }) => {
                let written = &mut written[usize::from(shard)];
                written.things += 1;
                written.announced.extend(place);
            }
            Write::Tidings(Tidings::Count { shard, .. }) => written[usize::from(shard)].things += 1,
            Write::Forget(_) | Write::Tidings(_) => {}
            Write::Trim(trim) => {
                vitals.let_go(trim.messages);
                let _ = trim.done.send(());
            }
        }
    }
    for (outlet, Written { things, newest, announced }) in shards.iter().zip(written) {
        if things > 0 {
            let newest = newest.into_values().collect();
            outlet.report(Report::Written { things, newest, announced });
        }
    }
}

async fn adopt(connection: &mut SqliteConnection, adoption: &Adoption) -> sqlx::Result<()> {
    let Adoption { room, life, epoch, head, lineage, run, cut_behind, ends, .. } = adoption;
    if let Some(ended) = ends {
        let end = sqlx::query("INSERT OR IGNORE INTO ended_lives (life) VALUES (?)").bind(ended);
        end.execute(&mut *connection).await?;
    }
    if let Some(offset) = cut_behind {
        let cut = sqlx::query("DELETE FROM messages WHERE life = ? AND offset > ?").bind(life);
        cut.bind(*offset as i64).execute(&mut *connection).await?;
    }
    let adopt = sqlx::query(ADOPT).bind(life).bind(kind_of_room(room)).bind(room.name());
    let adopt = adopt.bind(epoch.0 as i64).bind(*head as i64).bind(write_lineage(lineage)).bind(run);
    adopt.execute(connection).await.map(|_| ())
}

async fn trim(connection: &mut SqliteConnection, trim: &Trim) -> sqlx::Result<()> {
    let (life, up_to) = (trim.life, trim.up_to as i64);
    // Where a room stands is known even when its newest message is gone.
    let keep_head = "UPDATE rooms SET head = max(head, ?2) WHERE life = ?1";
    sqlx::query(keep_head).bind(life).bind(up_to).execute(&mut *connection).await?;
    let delete = sqlx::query("DELETE FROM messages WHERE life = ? AND offset <= ?").bind(life).bind(up_to);
    delete.execute(&mut *connection).await?;
    if trim.is_last {
        sqlx::query("DELETE FROM ended_lives WHERE life = ?").bind(life).execute(connection).await?;
    }
    Ok(())
}

/// What others put in order may be open here without being of this run.
async fn forget(connection: &mut SqliteConnection, life: i64, run: Run) -> sqlx::Result<()> {
    let forget = "DELETE FROM rooms WHERE life = ?1 AND run BETWEEN 1 AND ?2 - 1 \
        AND NOT EXISTS (SELECT 1 FROM messages WHERE life = ?1)";
    sqlx::query(forget).bind(life).bind(run.number).execute(connection).await.map(|_| ())
}

async fn insert(
    connection: &mut SqliteConnection,
    messages: &[Write],
    inserts: &[Arc<str>; 3],
) -> sqlx::Result<()> {
    let mut rest = messages;
    for (rows, statement) in ROWS.into_iter().zip(inserts) {
        while let Some((some, others)) = rest.split_at_checked(rows) {
            let query = sqlx::query(AssertSqlSafe(statement.clone()));
            some.iter().fold(query, bind).execute(&mut *connection).await?;
            rest = others;
        }
    }
    Ok(())
}

fn bind<'q>(query: Query<'q, Sqlite, SqliteArguments>, write: &Write) -> Query<'q, Sqlite, SqliteArguments> {
    let Write::Message { life, sum, message, .. } = write else { return query };
    let text = if let chat::Text::Own(text) = &message.body.text { Some(&**text) } else { None };
    query
        .bind(life)
        .bind(message.at.offset as i64)
        .bind(message.time.0 as i64)
        .bind(*sum as i64)
        .bind(form_of(&message.body))
        .bind(message.author.as_ref().map(chat::UserId::as_str))
        .bind(message.tag.as_ref().map(chat::Tag::as_str))
        .bind(&message.body.payload.bytes[..])
        .bind(text)
}

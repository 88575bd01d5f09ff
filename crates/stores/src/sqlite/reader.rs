//! One who reads, on a connection of its own: how rooms stood, and pages of their history. The writer is not held up by it.

use std::path::PathBuf;
use std::sync::Arc;

use chat::{Epoch, Epochs, Message, Position, RoomId};
use futures_util::TryStreamExt as _;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

use super::clerk;
use super::fault::{advice, explain};
use super::rows::{MESSAGE, continued, kind_of_room, read_lineage, read_message};
use super::schema::{self, Run};
use super::traffic::{Adoption, Found, Outlet, Read, Report, Span, Write};
use super::vitals::Vitals;
use crate::Waiting;

const ROOM: &str = "SELECT life, epoch, head, lineage, run, \
    (SELECT ended_well FROM runs WHERE runs.run = rooms.run) FROM rooms WHERE kind = ? AND name = ?";
const NEWEST: &str = "SELECT offset, sum FROM messages WHERE life = ? ORDER BY offset DESC LIMIT 1";

/// A reader and what it works with.
pub(super) struct Reader {
    pub(super) file: PathBuf,
    pub(super) run: Run,
    /// Rooms go on where the file says, which they do in an epoch of this run's when the run before may have shown more.
    pub(super) epochs: Option<Epochs>,
    pub(super) recent_messages: usize,
    pub(super) shards: Vec<Outlet>,
    /// Rooms that go on are written down before they do.
    pub(super) writes: UnboundedSender<Write>,
    pub(super) vitals: Arc<Vitals>,
    /// `None`: it failed, and is made anew.
    pub(super) connection: Option<SqliteConnection>,
}

impl Reader {
    /// Works until nobody is left who could want something read.
    pub(super) async fn work(mut self, mut reads: UnboundedReceiver<Read>) {
        while let Some(read) = reads.recv().await {
            match read {
                Read::Room { shard, room } => self.find(shard, room).await,
                Read::Span(span) => self.turn_to(span).await,
                Read::Outbox { after, limit, ledger, then } => {
                    let found = self.look_into_outbox(after, limit).await;
                    found.iter().for_each(|found| ledger.hand_out(found));
                    then(found);
                }
            }
        }
    }

    async fn find(&mut self, shard: u16, room: RoomId) {
        let found = self.room(&room).await;
        let Some(found) = self.note(found) else {
            return self.shards[usize::from(shard)].report(Report::Room { room, found: Err(()) });
        };
        let Some((found, run)) = found else {
            return self.shards[usize::from(shard)].report(Report::Room { room, found: Ok(None) });
        };
        let epochs = self.epochs.as_mut();
        match go_on((shard, room), found, &run, (self.run, epochs), self.vitals.is_faulty()) {
            Next::Tell(report) => self.shards[usize::from(shard)].report(report),
            // The writer ends after the readers.
            Next::Write(adoption) => drop(self.writes.send(Write::Adopt(adoption))),
        }
    }

    async fn room(&mut self, room: &RoomId) -> sqlx::Result<Option<(Found, Stood)>> {
        let (limit, is_alone) = (self.recent_messages, self.epochs.is_some());
        let connection = self.connection().await?;
        let query = sqlx::query(ROOM).bind(kind_of_room(room)).bind(room.name());
        let Some(row) = query.fetch_optional(&mut *connection).await? else { return Ok(None) };
        let life: i64 = row.try_get(0)?;
        let epoch = Epoch(row.try_get::<i64, _>(1)? as u64);
        let newest = sqlx::query(NEWEST).bind(life).fetch_optional(&mut *connection).await?;
        let (last, sum) = newest.map_or(Ok((0, 0)), |row| pair(&row))?;
        let head = last.max(row.try_get::<i64, _>(2)? as u64);
        let span = Span {
            shard: 0,
            key: 0,
            room: room.clone(),
            life,
            epoch,
            after: 0,
            before: head + 1,
            limit: if is_alone { limit } else { 0 },
            bytes_max: usize::MAX,
        };
        let recent = if last == head { read(connection, &span).await?.0 } else { Vec::new() };
        let lineage = read_lineage(row.try_get(3)?);
        let stood = Stood { run: row.try_get(4)?, ended_well: row.try_get::<Option<i64>, _>(5)? == Some(1) };
        let head = Position { epoch, offset: head };
        Ok(Some((Found { life, head, lineage, sum, recent }, stood)))
    }

    async fn turn_to(&mut self, span: Span) {
        let found = match self.connection().await {
            Ok(connection) => read(connection, &span).await,
            Err(error) => Err(error),
        };
        let found = self.note(found);
        self.shards[usize::from(span.shard)].report(Report::Span { key: span.key, found });
    }

    async fn look_into_outbox(&mut self, after: i64, limit: usize) -> Result<Vec<Waiting>, String> {
        let found = match self.connection().await {
            Ok(connection) => clerk::read(connection, after, limit).await,
            Err(error) => Err(error),
        };
        self.note(found).ok_or_else(|| "it cannot be read".to_owned())
    }

    async fn connection(&mut self) -> sqlx::Result<&mut SqliteConnection> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(schema::connect_to_read(&self.file).await?)),
        }
    }

    fn note<T>(&mut self, found: sqlx::Result<T>) -> Option<T> {
        match found {
            Ok(found) => {
                self.vitals.read(None);
                Some(found)
            }
            Err(error) => {
                let fault = format!("{}; {}", explain(&error), advice(&error));
                tracing::error!(fault, "what was said cannot be read");
                self.vitals.read(Some(fault));
                self.connection = None;
                None
            }
        }
    }
}

/// The run that has opened a room last, and whether it kept all that it had shown.
pub(super) struct Stood {
    pub(super) run: i64,
    pub(super) ended_well: bool,
}

/// What comes next of a room that was found.
pub(super) enum Next {
    /// It is told how it stood.
    Tell(Report),
    /// It goes on from there for the first time in this run: that is written down before it is told.
    Write(Box<Adoption>),
}

/// How a room goes on in a run, which has epochs to give if the node puts messages in order by itself.
pub(super) fn go_on(
    (shard, room): (u16, RoomId),
    mut found: Found,
    stood: &Stood,
    (run, epochs): (Run, Option<&mut Epochs>),
    is_faulty: bool,
) -> Next {
    let Some(epochs) = epochs.filter(|_| stood.run != run.number) else {
        return Next::Tell(Report::Room { room, found: Ok(Some(Box::new(found))) });
    };
    if is_faulty {
        return Next::Tell(Report::Room { room, found: Err(()) });
    }
    if !stood.ended_well {
        found.go_on_in(epochs.fresh());
    }
    Next::Write(Box::new(Adoption {
        life: found.life,
        epoch: found.head.epoch,
        head: found.head.offset,
        lineage: found.lineage.clone(),
        run: run.number,
        cut_behind: None,
        ends: None,
        room: room.clone(),
        then: Some((shard, Report::Room { room, found: Ok(Some(Box::new(found))) })),
    }))
}

impl Found {
    /// The room goes on in another epoch: what is here lives on, what was shown beyond it does not.
    fn go_on_in(&mut self, epoch: Epoch) {
        self.lineage = continued(&self.lineage, self.head);
        self.head.epoch = epoch;
        for message in &mut self.recent {
            Arc::make_mut(message).at.epoch = epoch;
        }
    }
}

/// The newest messages of a span, ascending, without gaps between them, and whether older ones are there.
async fn read(connection: &mut SqliteConnection, span: &Span) -> sqlx::Result<(Vec<Arc<Message>>, bool)> {
    let messages = format!(
        "SELECT {MESSAGE} FROM messages WHERE life = ? AND offset > ? AND offset < ? ORDER BY offset DESC LIMIT ?"
    );
    let query = sqlx::query(AssertSqlSafe(messages)).bind(span.life).bind(span.after as i64);
    let mut rows = query.bind(span.before as i64).bind(span.limit as i64 + 1).fetch(connection);
    let (mut found, mut bytes): (Vec<Arc<Message>>, usize) = (Vec::new(), 0);
    let mut more = false;
    while let Some(row) = rows.try_next().await? {
        let message = read_message(&span.room, span.epoch, &row)?;
        bytes += message.weight();
        let follows = found.last().is_none_or(|next| next.at.offset == message.at.offset + 1);
        if !follows || found.len() == span.limit || bytes > span.bytes_max {
            more = true;
            break;
        }
        found.push(message);
    }
    found.reverse();
    Ok((found, more))
}

fn pair(row: &SqliteRow) -> sqlx::Result<(u64, u64)> {
    Ok((row.try_get::<i64, _>(0)? as u64, row.try_get::<i64, _>(1)? as u64))
}

//! What waits to be told beyond the node, in its table: put there in the transaction of what is told of, read in its order, gone once it was told.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chat::{Happening, Occasion, RoomId, RoomName, UserId};
use futures_util::TryStreamExt as _;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::mpsc::UnboundedSender;

use super::traffic::{Read, Tidings, Write};
use crate::{LeftBehind, Letter, Outbox, OutboxSize, Outward, ReadWaiting, Waiting};

/// Rows of one statement, for each statement that there is; the last is one.
const ROWS: [usize; 3] = [64, 8, 1];
/// What a row weighs besides its id and its body.
const ROW_BYTES: usize = 64;
/// What is read at once weighs little more than so many bytes.
const READ_BYTES_MAX: usize = 4 << 20;

/// How much waits, for whoever asks.
#[derive(Default)]
pub(super) struct Ledger {
    letters: AtomicU64,
    bytes: AtomicU64,
    dropped: AtomicU64,
    /// Everything up to this number is with those who tell it.
    handed_out: AtomicI64,
}

/// Writes what is to be told.
pub(super) struct Clerk {
    outward: Outward,
    ledger: Arc<Ledger>,
    /// That the oldest is lost was said.
    is_over: bool,
}

/// What a transaction changes.
#[derive(Clone, Copy, Default)]
pub(super) struct Change {
    letters: i64,
    bytes: i64,
    dropped: u64,
    /// There is something that was not there before.
    is_news: bool,
}

/// A row that is to be written.
struct Entry {
    lane: u64,
    lost: u64,
    letter: Letter,
}

impl Entry {
    fn bytes(&self) -> i64 {
        (ROW_BYTES + self.letter.id.len() + self.letter.body.len()) as i64
    }
}

impl Clerk {
    pub(super) fn new(outward: Outward, ledger: Arc<Ledger>) -> Self {
        Self { outward, ledger, is_over: false }
    }

    /// Writes what of a group is to be told, with the group.
    pub(super) async fn write(
        &self,
        connection: &mut SqliteConnection,
        group: &[Write],
    ) -> sqlx::Result<Change> {
        let (mut change, mut entries) = (Change::default(), Vec::new());
        for write in group {
            match write {
                Write::Message { message, is_announced: true, .. } => {
                    let posted = Occasion::Posted(message.clone());
                    entries.push(self.entry(&Happening::seen(message.room.clone(), message.time, posted)));
                }
                Write::Tidings(Tidings::Announce { happening, .. }) => entries.push(self.entry(happening)),
                Write::Tidings(Tidings::Count { room, user, change, .. }) => {
                    count(connection, room, user.as_ref(), *change).await?;
                }
                Write::Tidings(Tidings::Settle { numbers, given_up }) => {
                    change.remove(take_out(connection, numbers).await?);
                    entries.extend((*given_up > 0).then(|| self.entry_of_loss(*given_up)));
                }
                Write::Tidings(Tidings::Lose(lost)) => {
                    change.dropped += lost;
                    entries.push(self.entry_of_loss(*lost));
                }
                _ => {}
            }
        }
        put_in(connection, &entries, &mut change).await?;
        self.make_room(connection, &mut change).await?;
        Ok(change)
    }

    /// What was written is there.
    pub(super) fn note(&mut self, change: Change) {
        let Ledger { letters, bytes, dropped, .. } = &*self.ledger;
        letters.fetch_add(change.letters as u64, Ordering::Relaxed);
        let bytes = bytes.fetch_add(change.bytes as u64, Ordering::Relaxed).wrapping_add(change.bytes as u64);
        dropped.fetch_add(change.dropped, Ordering::Relaxed);
        if change.dropped > 0 && !std::mem::replace(&mut self.is_over, true) {
            tracing::warn!(bytes, "too much waits to be told beyond the node, and the oldest is lost");
        }
        self.is_over &= bytes > self.outward.bytes_max / 2;
        if change.is_news {
            self.outward.scribe.ring();
        }
    }

    fn entry(&self, happening: &Happening) -> Entry {
        Entry { lane: lane_of(&happening.room), lost: 0, letter: self.outward.scribe.spell(happening) }
    }

    fn entry_of_loss(&self, lost: u64) -> Entry {
        Entry { lane: 0, lost, letter: self.outward.scribe.spell_loss(lost) }
    }

    /// Lets the oldest go, where there is too much, and says how much that was behind everything else. An eighth goes at once, so that it is not said each time.
    async fn make_room(&self, connection: &mut SqliteConnection, change: &mut Change) -> sqlx::Result<()> {
        let max = self.outward.bytes_max;
        let bytes = self.ledger.bytes.load(Ordering::Relaxed).wrapping_add(change.bytes as u64);
        if bytes <= max {
            return Ok(());
        }
        let over = (bytes - (max - max / 8)) as i64;
        let handed_out = self.ledger.handed_out.load(Ordering::Relaxed);
        let oldest = "SELECT number, bytes, lost FROM outbox WHERE number > ? ORDER BY number";
        let (mut last, mut gone, mut lost) = (handed_out, Gone::default(), 0);
        let mut rows = sqlx::query(oldest).bind(handed_out).fetch(&mut *connection);
        while gone.bytes < over
            && let Some(row) = rows.try_next().await?
        {
            last = row.try_get(0)?;
            gone.add(row.try_get(1)?);
            let of_others = row.try_get::<i64, _>(2)? as u64;
            change.dropped += u64::from(of_others == 0);
            lost += of_others.max(1);
        }
        drop(rows);
        if lost == 0 {
            return Ok(());
        }
        let delete = sqlx::query("DELETE FROM outbox WHERE number > ? AND number <= ?").bind(handed_out);
        delete.bind(last).execute(&mut *connection).await?;
        change.remove(gone);
        put_in(connection, &[self.entry_of_loss(lost)], change).await
    }
}

/// Rows that are gone.
#[derive(Clone, Copy, Default)]
struct Gone {
    letters: i64,
    bytes: i64,
}

impl Gone {
    fn add(&mut self, bytes: i64) {
        self.letters += 1;
        self.bytes += bytes;
    }
}

impl Change {
    fn remove(&mut self, gone: Gone) {
        self.letters -= gone.letters;
        self.bytes -= gone.bytes;
    }
}

async fn put_in(
    connection: &mut SqliteConnection,
    entries: &[Entry],
    change: &mut Change,
) -> sqlx::Result<()> {
    let mut rest = entries;
    for rows in ROWS {
        while let Some((some, others)) = rest.split_at_checked(rows) {
            let values = vec!["(?,?,?,?,?)"; rows].join(",");
            let insert = format!("INSERT INTO outbox (lane, bytes, lost, id, body) VALUES {values}");
            let mut query = sqlx::query(AssertSqlSafe(insert));
            for entry in some {
                query = query.bind(entry.lane as i64).bind(entry.bytes()).bind(entry.lost as i64);
                query = query.bind(&entry.letter.id).bind(&entry.letter.body);
            }
            query.execute(&mut *connection).await?;
            rest = others;
        }
    }
    change.letters += entries.len() as i64;
    change.bytes += entries.iter().map(Entry::bytes).sum::<i64>();
    change.is_news |= !entries.is_empty();
    Ok(())
}

/// Takes out what was told, or given up: numbers that follow one another at once.
async fn take_out(connection: &mut SqliteConnection, numbers: &[i64]) -> sqlx::Result<Gone> {
    let (mut numbers, mut gone) = (numbers.to_vec(), Gone::default());
    numbers.sort_unstable();
    for run in numbers.chunk_by(|one, next| one + 1 == *next) {
        let delete = sqlx::query_scalar("DELETE FROM outbox WHERE number BETWEEN ? AND ? RETURNING bytes");
        let delete = delete.bind(run[0]).bind(run[run.len() - 1]);
        delete.fetch_all(&mut *connection).await?.into_iter().for_each(|bytes| gone.add(bytes));
    }
    Ok(gone)
}

/// A user counts once, guests as often as they are.
async fn count(
    connection: &mut SqliteConnection,
    room: &RoomId,
    user: Option<&UserId>,
    change: i64,
) -> sqlx::Result<()> {
    let (room, name) = (room.name(), user.map_or("", UserId::as_str));
    let there = "INSERT INTO present (room, user, times) VALUES (?, ?, ?) \
        ON CONFLICT DO UPDATE SET times = CASE user WHEN '' THEN times + excluded.times ELSE excluded.times END";
    sqlx::query(there).bind(room).bind(name).bind(change).execute(&mut *connection).await?;
    if change < 0 {
        let gone = sqlx::query("DELETE FROM present WHERE room = ? AND user = ? AND times <= 0");
        gone.bind(room).bind(name).execute(connection).await?;
    }
    Ok(())
}

/// How much waits, and who was here when the process ended before.
pub(super) async fn open(connection: &mut SqliteConnection) -> sqlx::Result<(Ledger, Vec<LeftBehind>)> {
    let size = sqlx::query("SELECT count(*), coalesce(sum(bytes), 0) FROM outbox")
        .fetch_one(&mut *connection)
        .await?;
    let ledger = Ledger {
        letters: AtomicU64::new(size.try_get::<i64, _>(0)? as u64),
        bytes: AtomicU64::new(size.try_get::<i64, _>(1)? as u64),
        ..Ledger::default()
    };
    let mut rows = sqlx::query("SELECT room, user, times FROM present ORDER BY room, user").fetch(connection);
    let mut behind = Vec::new();
    while let Some(row) = rows.try_next().await? {
        let (room, user): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
        // What another version has written is none of ours.
        let Ok(room) = RoomName::new(room) else { continue };
        let times = u32::try_from(row.try_get::<i64, _>(2)?).unwrap_or_default();
        behind.push(LeftBehind { room: RoomId::public(room), user: UserId::new(user).ok(), times });
    }
    Ok((ledger, behind))
}

/// Reads what waits behind a number, oldest first.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    after: i64,
    limit: usize,
) -> sqlx::Result<Vec<Waiting>> {
    let oldest = "SELECT number, lane, lost, id, body FROM outbox WHERE number > ? ORDER BY number LIMIT ?";
    let mut rows = sqlx::query(oldest).bind(after).bind(limit as i64).fetch(connection);
    let (mut found, mut bytes) = (Vec::new(), 0);
    while bytes < READ_BYTES_MAX
        && let Some(row) = rows.try_next().await?
    {
        let letter = Letter { id: row.try_get(3)?, body: row.try_get(4)? };
        bytes += letter.body.len();
        let (number, lane) = (row.try_get(0)?, row.try_get::<i64, _>(1)? as u64);
        found.push(Waiting { number, lane, letter, is_of_loss: row.try_get::<i64, _>(2)? > 0 });
    }
    Ok(found)
}

/// The same from one start to the next.
fn lane_of(room: &RoomId) -> u64 {
    let mut hasher = DefaultHasher::new();
    room.name().hash(&mut hasher);
    hasher.finish()
}

impl Ledger {
    /// Everything up to this number is with those who tell it.
    pub(super) fn hand_out(&self, found: &[Waiting]) {
        if let Some(last) = found.last() {
            self.handed_out.fetch_max(last.number, Ordering::Relaxed);
        }
    }
}

/// Where those who tell come for what waits. It is open until the link of the node is let go: what is told while a node ends is taken out, too.
pub(super) struct Counter {
    ways: Mutex<Option<(UnboundedSender<Read>, UnboundedSender<Write>)>>,
    ledger: Arc<Ledger>,
}

impl Counter {
    pub(super) fn new(
        reads: UnboundedSender<Read>,
        writes: UnboundedSender<Write>,
        ledger: Arc<Ledger>,
    ) -> Self {
        Self { ways: Mutex::new(Some((reads, writes))), ledger }
    }

    /// Who reads and who writes are not kept for it any more.
    pub(super) fn close(&self) {
        *self.ways.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn ways(&self) -> Option<(UnboundedSender<Read>, UnboundedSender<Write>)> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Outbox for Counter {
    fn read(&self, after: i64, limit: usize, then: ReadWaiting) {
        let Some((reads, _)) = self.ways() else { return then(Err("the store has ended".to_owned())) };
        // The reader ends after its senders.
        let _ = reads.send(Read::Outbox { after, limit, ledger: self.ledger.clone(), then });
    }

    fn settle(&self, numbers: Vec<i64>, given_up: u64) {
        if let Some((_, writes)) = self.ways() {
            // The writer ends after its senders.
            let _ = writes.send(Write::Tidings(Tidings::Settle { numbers, given_up }));
        }
    }

    fn size(&self) -> OutboxSize {
        let Ledger { letters, bytes, dropped, .. } = &*self.ledger;
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        OutboxSize { letters: read(letters), bytes: read(bytes), dropped: read(dropped) }
    }
}

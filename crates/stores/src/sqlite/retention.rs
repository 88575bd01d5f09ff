//! Letting go of what exceeds the bounds, a little at a time: a look at some rooms, a few rows at once, and the writer in between.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::mpsc::WeakUnboundedSender;
use tokio::sync::{oneshot, watch};

use super::schema::{self, Run};
use super::traffic::{Trim, Write};
use crate::Retention;

/// Rooms that are looked at in a step.
const ROOMS_AT_ONCE: i64 = 64;
/// Messages that go in a step.
const MESSAGES_AT_ONCE: i64 = 500;
/// The rest between steps.
const REST: Duration = Duration::from_millis(200);

/// The oldest messages of a life that may go: how many, the last of them, and how many more might.
const OLDEST: &str = "SELECT count(*), max(offset), (SELECT count(*) FROM (SELECT 1 FROM messages WHERE life = ?1 LIMIT ?2)) \
    FROM (SELECT offset, time, sum FROM messages WHERE life = ?1 ORDER BY offset LIMIT ?2) \
    WHERE offset <= ?3 OR time < ?4 OR sum <= ?5";
const NEWEST: &str = "SELECT offset, sum FROM messages WHERE life = ? ORDER BY offset DESC LIMIT 1";

/// Who lets go.
pub(super) struct Gardener {
    pub(super) file: PathBuf,
    pub(super) bounds: Retention,
    pub(super) run: Run,
    /// The writer is not kept for this.
    pub(super) writes: WeakUnboundedSender<Write>,
}

impl Gardener {
    /// Works until it is told to stop.
    pub(super) async fn work(self, mut stop: watch::Receiver<bool>) {
        let (mut connection, mut cursor) = (None, 0);
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(REST) => {}
            }
            let stepped = tokio::select! {
                _ = stop.changed() => return,
                stepped = self.step(&mut connection, cursor) => stepped,
            };
            // What cannot be read is found out, and told, by those who need it.
            match stepped {
                Ok(next) => cursor = next,
                Err(_) => connection = None,
            }
        }
    }

    /// Looks at the rooms after a life, and says where to go on.
    async fn step(&self, connection: &mut Option<SqliteConnection>, cursor: i64) -> sqlx::Result<i64> {
        let connection = match connection {
            Some(connection) => connection,
            none => none.insert(schema::connect_to_read(&self.file).await?),
        };
        let ended: Option<i64> = sqlx::query_scalar("SELECT life FROM ended_lives LIMIT 1")
            .fetch_optional(&mut *connection)
            .await?;
        if let Some(life) = ended {
            while self.thin_out(connection, life, None).await? {}
        }
        if self.bounds == Retention::default() {
            return Ok(0);
        }
        let lives = "SELECT life FROM rooms WHERE life > ? ORDER BY life LIMIT ?";
        let lives = sqlx::query_scalar(lives).bind(cursor).bind(ROOMS_AT_ONCE);
        let lives: Vec<i64> = lives.fetch_all(&mut *connection).await?;
        for life in &lives {
            while self.thin_out(connection, *life, Some(self.bounds)).await? {}
            self.forget_empty(connection, *life).await?;
        }
        Ok(lives.last().copied().unwrap_or_default())
    }

    /// Lets go of the oldest messages of a life that exceed the bounds, or of any. Says whether there may be more.
    async fn thin_out(
        &self,
        connection: &mut SqliteConnection,
        life: i64,
        bounds: Option<Retention>,
    ) -> sqlx::Result<bool> {
        let newest = sqlx::query(NEWEST).bind(life).fetch_optional(&mut *connection).await?;
        let (last, sum): (i64, i64) =
            newest.map_or(Ok((0, 0)), |row| Ok::<_, sqlx::Error>((row.try_get(0)?, row.try_get(1)?)))?;
        let beyond = |newest: i64, max: u64| if max == 0 { -1 } else { newest.saturating_sub(max as i64) };
        let (up_to, before, sums) = match bounds {
            Some(bounds) => {
                let age_max = bounds.age_max_ms;
                let before = if age_max == 0 { -1 } else { now_ms().saturating_sub(age_max as i64) };
                (beyond(last, bounds.messages_max), before, beyond(sum, bounds.bytes_max))
            }
            None => (i64::MAX, -1, -1),
        };
        let query = sqlx::query(OLDEST).bind(life).bind(MESSAGES_AT_ONCE).bind(up_to).bind(before).bind(sums);
        let row = query.fetch_one(connection).await?;
        let (messages, last, looked_at): (i64, Option<i64>, i64) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let is_last = bounds.is_none() && looked_at < MESSAGES_AT_ONCE;
        if messages == 0 && !is_last {
            return Ok(false);
        }
        let trimmed = self.trim(life, last.unwrap_or_default() as u64, messages as u64, is_last).await;
        Ok(trimmed && messages == MESSAGES_AT_ONCE)
    }

    /// Has a room forgotten of which nothing is left, unless it was opened in this run.
    async fn forget_empty(&self, connection: &mut SqliteConnection, life: i64) -> sqlx::Result<()> {
        let is_empty = "SELECT run BETWEEN 1 AND ?2 - 1 AND NOT EXISTS (SELECT 1 FROM messages WHERE life = ?1) \
            FROM rooms WHERE life = ?1";
        let is_empty = sqlx::query_scalar(is_empty).bind(life).bind(self.run.number);
        if is_empty.fetch_optional(connection).await? == Some(true)
            && let Some(writes) = self.writes.upgrade()
        {
            // The writer looks again.
            let _ = writes.send(Write::Forget(life));
        }
        Ok(())
    }

    /// Has the writer delete, and waits for it. Says whether it has.
    async fn trim(&self, life: i64, up_to: u64, messages: u64, is_last: bool) -> bool {
        let (done, is_done) = oneshot::channel();
        let Some(writes) = self.writes.upgrade() else { return false };
        let trim = Trim { life, up_to, messages, is_last, done };
        writes.send(Write::Trim(trim)).is_ok() && {
            drop(writes);
            is_done.await.is_ok()
        }
    }
}

fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

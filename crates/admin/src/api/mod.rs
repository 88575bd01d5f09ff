//! The HTTP API: what operators and their programs ask of a node, as JSON under `/api/v1`.
//!
//! Every operation is a line of the [`table`]; the routes, the OpenAPI document and the reference follow from it. What an operation wants of
//! shards goes to them by bounded mailboxes ([`Shards`]); nothing here is on a message's way.

mod answer;
mod asked;
mod audit;
mod cursor;
mod dispatch;
mod document;
mod idempotency;
mod keys;
mod messages;
mod moderation;
mod node;
mod problem;
mod recent;
mod rooms;
mod schema;
mod sessions;
mod shards;
mod table;
mod traces;
mod users;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use access::{Kept, Ruling};
use chat::Time;
use tokio::sync::{Notify, oneshot};

pub use keys::{Key, KeyError, Scope, Scopes};
pub use shards::{Instruct, Reply, Shards};

pub(crate) use dispatch::routes;
pub(crate) use recent::exchange_cards;

use audit::Audit;
use idempotency::Done;
use keys::Keys;
use problem::{Fault, Problem};

use crate::vitals::Vitals;

/// What the API of a node knows and may do. One a node.
pub struct Api {
    vitals: Arc<Vitals>,
    keys: RwLock<Arc<Keys>>,
    /// There are none before the node has started.
    shards: OnceLock<Shards>,
    audit: Mutex<Audit>,
    done: Mutex<Done>,
    drain: Notify,
    /// One message is followed at a time.
    tracing: tokio::sync::Mutex<()>,
    started: Instant,
    /// Where rulings are kept; nowhere, where nothing outlives the process.
    keep: OnceLock<Keep>,
    /// When something was ruled last.
    ruled: AtomicU64,
}

/// Has a ruling kept.
pub type Keep = Box<dyn Fn(Ruling, Kept) + Send + Sync>;

impl Api {
    /// That of a node about to start. Without keys it answers only on this machine.
    #[must_use]
    pub fn new(vitals: Arc<Vitals>, keys: Vec<Key>) -> Self {
        Self {
            vitals,
            keys: RwLock::new(Arc::new(Keys::new(keys))),
            shards: OnceLock::new(),
            audit: Mutex::default(),
            done: Mutex::default(),
            drain: Notify::new(),
            tracing: tokio::sync::Mutex::default(),
            started: Instant::now(),
            keep: OnceLock::new(),
            ruled: AtomicU64::new(0),
        }
    }

    /// The node has started: these are its shards.
    pub fn open(&self, shards: Shards) {
        // It starts once.
        let _ = self.shards.set(shards);
    }

    /// Rulings are kept like this.
    pub fn keep_with(&self, keep: Keep) {
        // It starts once.
        let _ = self.keep.set(keep);
    }

    /// From here on these keys are good, and no others.
    pub fn renew(&self, keys: Vec<Key>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Keys::new(keys));
    }

    /// Waits until somebody wants the node to take its leave.
    pub async fn drain_wanted(&self) {
        self.drain.notified().await;
    }

    /// Has a ruling outlive the process, where anything does.
    async fn keep(&self, ruling: Ruling) -> Result<(), Problem> {
        let Some(keep) = self.keep.get() else { return Ok(()) };
        let (sender, kept) = oneshot::channel();
        // Who does not wait any more is not told.
        keep(ruling, Box::new(move |kept| drop(sender.send(kept))));
        match kept.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err(Problem::from(Fault::NotKept).because(reason)),
            Err(_) => Err(Fault::NotKept.into()),
        }
    }

    /// Now, and later than any moment before: of two rulings the later one holds.
    fn moment(&self) -> Time {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let later = |last| Some(now.max(last + 1));
        let last = self.ruled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
        Time(now.max(last.unwrap_or_default() + 1))
    }

    fn keys(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn audit(&self) -> std::sync::MutexGuard<'_, Audit> {
        self.audit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn done(&self) -> std::sync::MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

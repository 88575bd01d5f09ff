//! Webhooks: what happens in rooms is posted to somebody's URL, signed, and again until it is taken.
//!
//! Shards put what has happened into one bounded queue and go on. What finds no room there, or is not taken for too long, is lost; how many were is
//! told as soon as somebody listens again. Everything else is told at least once.

mod courier;
mod letter;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use access::Address;
use shard::Happening;
use tokio::sync::mpsc;

use courier::{Post, work};

pub use letter::Secret;

use crate::metric::{self, Sample};

/// Where and how webhooks are posted.
#[derive(Clone, Debug)]
pub struct HookSettings {
    /// Where to.
    pub url: String,
    /// What they are signed with; `None`: they are not.
    pub secret: Option<Secret>,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// For how long one is posted again and again.
    pub retry_for: Duration,
    /// How long it is waited before it is posted again: so long at first, then twice as long each time.
    pub pause: Duration,
    /// How many may wait.
    pub waiting_max: usize,
    /// How many are posted at the same time. With one, they come in the order in which they happened.
    pub requests_max: usize,
}

/// Takes what has happened, from any thread.
#[derive(Clone)]
pub struct Hooks {
    queue: mpsc::Sender<Happening>,
    tally: Arc<Tally>,
}

/// What posts them.
#[derive(Debug)]
pub struct Courier {
    thread: JoinHandle<()>,
}

/// What has become of them.
#[derive(Debug, Default)]
struct Tally {
    waiting: AtomicU64,
    sent: AtomicU64,
    retries: AtomicU64,
    lost: AtomicU64,
    /// Of those that were lost, the ones that nobody was told of.
    untold: AtomicU64,
}

impl Hooks {
    /// Begins to post.
    ///
    /// # Errors
    ///
    /// Why it cannot, for a person.
    pub fn open(settings: HookSettings) -> Result<(Self, Courier), String> {
        let address =
            Address::read(&settings.url).map_err(|fault| format!("webhook = {}: {fault}", settings.url))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let (queue, waiting) = mpsc::channel(settings.waiting_max);
        let tally = Arc::new(Tally::default());
        let post = Post { settings, address, tally: tally.clone() };
        let run = move || runtime.block_on(work(post, waiting));
        let thread = thread::Builder::new().name("webhooks".to_owned()).spawn(run);
        let thread = thread.map_err(|error| error.to_string())?;
        Ok((Self { queue, tally }, Courier { thread }))
    }

    /// Takes note of something. Never waits.
    pub fn tell(&self, happening: Happening) {
        self.tally.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(happening).is_err() {
            self.tally.waiting.fetch_sub(1, Ordering::Relaxed);
            self.tally.lose(1);
        }
    }

    /// What has become of them, in the words of the metrics.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        vec![
            metric::HOOK_WAITING.is(read(&self.tally.waiting)),
            metric::HOOK_SENT.is(read(&self.tally.sent)),
            metric::HOOK_RETRIES.is(read(&self.tally.retries)),
            metric::HOOK_LOST.is(read(&self.tally.lost)),
        ]
    }
}

impl Courier {
    /// Waits until everything was posted that waits, or for so long, once every [`Hooks`] is gone.
    pub async fn finish(self, within: Duration) {
        let look = async {
            while !self.thread.is_finished() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(within, look).await.is_err() {
            tracing::warn!("webhooks still waited when time was up");
        }
    }
}

impl Tally {
    fn lose(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
        self.untold.fetch_add(count, Ordering::Relaxed);
    }
}

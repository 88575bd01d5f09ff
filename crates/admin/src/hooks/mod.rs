//! Webhooks: what happens in rooms is posted to somebody's URL, signed, and again until it is taken.
//!
//! Where there is a data directory, what is to be posted waits there ([`lasting`]), put down by the store together with what it tells of. Elsewhere
//! shards put it into one bounded queue and go on ([`passing`]). What finds no room, or is not taken for too long, is lost; how many were is told as
//! soon as somebody listens again. Everything else is told at least once.

mod courier;
mod lasting;
#[cfg(test)]
mod lasting_tests;
mod letter;
mod passing;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chat::Happening;
use stores::{Outbox, Scribe};
use tokio::sync::{mpsc, watch};

use courier::Post;
use lasting::Desk;

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

/// Takes what has happened, from any thread, where it does not wait on disk, and knows what became of it all.
#[derive(Clone)]
pub struct Hooks {
    way: Way,
    tally: Arc<Tally>,
}

/// Where what is to be posted waits.
#[derive(Clone)]
enum Way {
    Passing(mpsc::Sender<Happening>),
    Lasting(Arc<dyn Outbox>),
}

/// Webhooks that are to wait on disk, once the store is open.
pub struct LastingHooks {
    post: Arc<Post>,
    desk: Arc<Desk>,
}

/// What posts them.
pub struct Courier {
    thread: JoinHandle<()>,
    post: Arc<Post>,
    /// `None`: what is not posted in the end is lost.
    ending: Option<watch::Sender<bool>>,
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
    /// Begins to post what waits in memory.
    ///
    /// # Errors
    ///
    /// Why it cannot, for a person.
    pub fn open(settings: HookSettings) -> Result<(Self, Courier), String> {
        let (queue, waiting) = mpsc::channel(settings.waiting_max);
        let post = Arc::new(Post::new(settings, Arc::default())?);
        let thread = start(passing::work(post.clone(), waiting))?;
        let hooks = Self { way: Way::Passing(queue), tally: post.tally.clone() };
        Ok((hooks, Courier { thread, post, ending: None }))
    }

    /// Takes note of something. Never waits.
    pub fn tell(&self, happening: Happening) {
        let Way::Passing(queue) = &self.way else { return };
        self.tally.waiting.fetch_add(1, Ordering::Relaxed);
        if queue.try_send(happening).is_err() {
            self.tally.waiting.fetch_sub(1, Ordering::Relaxed);
            self.tally.lose(1);
        }
    }

    /// What has become of them, in the words of the metrics.
    #[must_use]
    pub fn samples(&self) -> Vec<Sample> {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (waiting, bytes, dropped) = match &self.way {
            Way::Passing(_) => (read(&self.tally.waiting), 0, 0),
            Way::Lasting(outbox) => {
                let size = outbox.size();
                (size.letters, size.bytes, size.dropped)
            }
        };
        vec![
            metric::HOOK_WAITING.is(waiting),
            metric::HOOK_OUTBOX_BYTES.is(bytes),
            metric::HOOK_SENT.is(read(&self.tally.sent)),
            metric::HOOK_RETRIES.is(read(&self.tally.retries)),
            metric::HOOK_LOST.is(read(&self.tally.lost) + dropped),
        ]
    }
}

impl LastingHooks {
    /// Some that are posted as these settings say.
    ///
    /// # Errors
    ///
    /// Why they cannot be, for a person.
    pub fn new(settings: HookSettings) -> Result<Self, String> {
        Ok(Self { post: Arc::new(Post::new(settings, Arc::default())?), desk: Arc::new(Desk::new()) })
    }

    /// Puts them into words, for the store that keeps them.
    #[must_use]
    pub fn scribe(&self) -> Arc<dyn Scribe> {
        self.desk.clone()
    }

    /// Begins to post what waits.
    ///
    /// # Errors
    ///
    /// Why it cannot, for a person.
    pub fn open(self, outbox: Arc<dyn Outbox>) -> Result<(Hooks, Courier), String> {
        let Self { post, desk } = self;
        let (ending, ends) = watch::channel(false);
        let thread = start(lasting::work(post.clone(), outbox.clone(), desk, ends))?;
        let hooks = Hooks { way: Way::Lasting(outbox), tally: post.tally.clone() };
        Ok((hooks, Courier { thread, post, ending: Some(ending) }))
    }
}

/// Has something done on a thread of its own.
fn start(work: impl Future<Output = ()> + Send + 'static) -> Result<JoinHandle<()>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let thread = thread::Builder::new().name("webhooks".to_owned()).spawn(move || runtime.block_on(work));
    thread.map_err(|error| error.to_string())
}

impl Courier {
    /// Waits until everything was posted that waits, or for so long, once every [`Hooks`] is gone. What waits on disk is not waited for while nobody
    /// takes it.
    pub async fn finish(self, within: Duration) {
        if let Some(ending) = &self.ending {
            ending.send_replace(true);
        }
        let waits_on_disk = self.ending.is_some();
        let look = async {
            while !(self.thread.is_finished() || waits_on_disk && self.post.is_down()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(within, look).await.is_ok();
        if waits_on_disk && !self.thread.is_finished() {
            tracing::info!("webhooks still wait, and are posted after the next start");
        } else if !in_time {
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

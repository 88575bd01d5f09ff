//! Posts webhooks, each again until it is taken or has become too old.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use access::{Address, Backend};
use chat::Time;
use shard::Happening;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;

use super::letter::Letter;
use super::{HookSettings, Tally};

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Where webhooks go, and how.
pub(super) struct Post {
    pub(super) settings: HookSettings,
    pub(super) address: Address,
    pub(super) tally: Arc<Tally>,
}

/// What all who post share.
struct Office {
    post: Post,
    waiting: Mutex<mpsc::Receiver<Happening>>,
    /// No other start of the node has the same.
    start: u64,
    number: AtomicU64,
    /// Whether the last one was not taken.
    is_down: AtomicBool,
}

/// Posts what waits, until there is nobody who could tell more.
pub(super) async fn work(post: Post, waiting: mpsc::Receiver<Happening>) {
    let (start, requests) = (RandomState::new().hash_one(now_ms()), post.settings.requests_max);
    let (number, is_down) = (AtomicU64::new(0), AtomicBool::new(false));
    let office = Arc::new(Office { post, waiting: Mutex::new(waiting), start, number, is_down });
    let mut couriers = JoinSet::new();
    for _ in 0..requests {
        let office = office.clone();
        couriers.spawn(async move {
            let mut backend = Backend::new(office.post.address.clone());
            while let Some(happening) = office.next().await {
                office.tell_loss(&mut backend).await;
                let letter = Letter::of(&happening, office.mark());
                if !office.deliver(&letter, office.post.settings.retry_for, &mut backend).await {
                    office.post.tally.lose(1);
                }
                office.tell_loss(&mut backend).await;
            }
        });
    }
    while couriers.join_next().await.is_some() {}
}

impl Office {
    async fn next(&self) -> Option<Happening> {
        let next = self.waiting.lock().await.recv().await?;
        self.post.tally.waiting.fetch_sub(1, Ordering::Relaxed);
        Some(next)
    }

    fn mark(&self) -> (u64, u64) {
        (self.start, self.number.fetch_add(1, Ordering::Relaxed))
    }

    /// Says how many were lost since that was said last, in the place where they are missing.
    async fn tell_loss(&self, backend: &mut Backend) {
        let lost = self.post.tally.untold.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let letter = Letter::of_loss(lost, Time(now_ms()), self.mark());
            self.deliver(&letter, Duration::MAX, backend).await;
        }
    }

    /// Posts a letter until it is taken, or has been for so long. Says whether it was taken.
    async fn deliver(&self, letter: &Letter, retry_for: Duration, backend: &mut Backend) -> bool {
        let (begun, mut pause) = (Instant::now(), self.post.settings.pause);
        loop {
            let Err(reason) = self.try_once(letter, backend).await else {
                self.note_taken();
                return true;
            };
            self.note_down(&reason);
            if begun.elapsed() + pause > retry_for {
                return false;
            }
            tokio::time::sleep(spread(pause)).await;
            self.post.tally.retries.fetch_add(1, Ordering::Relaxed);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn try_once(&self, letter: &Letter, backend: &mut Backend) -> Result<(), String> {
        let HookSettings { secret, timeout, .. } = &self.post.settings;
        let now_s = now_ms() / 1000;
        let mut headers = vec![("webhook-id", letter.id.clone()), ("webhook-timestamp", now_s.to_string())];
        headers.extend(secret.as_ref().map(|secret| ("webhook-signature", secret.sign(letter, now_s))));
        match tokio::time::timeout(*timeout, backend.ask(letter.body.clone().into_bytes(), &headers)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(fault)) => Err(fault.to_string()),
            Err(_) => Err("its time was up".to_owned()),
        }
    }

    fn note_taken(&self) {
        self.post.tally.sent.fetch_add(1, Ordering::Relaxed);
        if self.is_down.swap(false, Ordering::Relaxed) {
            tracing::info!("webhooks are taken again");
        }
    }

    fn note_down(&self, reason: &str) {
        if !self.is_down.swap(true, Ordering::Relaxed) {
            tracing::warn!(reason, "webhooks are not taken, and posted again");
        }
    }
}

/// Half of a pause to all of it, so that nodes do not come all at once.
fn spread(pause: Duration) -> Duration {
    let chance = RandomState::new().hash_one(now_ms()) % 1000;
    pause / 2 + pause / 2 * chance as u32 / 1000
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

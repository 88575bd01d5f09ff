//! Posts a webhook, again and again until it is taken or has become too old.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use access::{Address, Backend};
use stores::Letter;

use super::{HookSettings, Tally};

/// The longest pause between two tries.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Where webhooks go, and how.
pub(super) struct Post {
    pub(super) settings: HookSettings,
    address: Address,
    pub(super) tally: Arc<Tally>,
    /// Whether the last one was not taken.
    is_down: AtomicBool,
}

/// Numbers for what has no id of its own.
#[derive(Debug)]
pub(super) struct Marks {
    /// No other start of the node has the same.
    start: u64,
    number: AtomicU64,
}

impl Post {
    pub(super) fn new(settings: HookSettings, tally: Arc<Tally>) -> Result<Self, String> {
        let address =
            Address::read(&settings.url).map_err(|fault| format!("webhook = {}: {fault}", settings.url))?;
        Ok(Self { settings, address, tally, is_down: AtomicBool::new(false) })
    }

    /// A connection to there, not made yet.
    pub(super) fn backend(&self) -> Backend {
        Backend::new(self.address.clone())
    }

    /// Whether nobody listens there, as far as is known.
    pub(super) fn is_down(&self) -> bool {
        self.is_down.load(Ordering::Relaxed)
    }

    /// Posts a letter until it is taken, or has been for so long. Says whether it was taken.
    pub(super) async fn deliver(&self, letter: &Letter, retry_for: Duration, backend: &mut Backend) -> bool {
        let (begun, mut pause) = (Instant::now(), self.settings.pause);
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
            self.tally.retries.fetch_add(1, Ordering::Relaxed);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    async fn try_once(&self, letter: &Letter, backend: &mut Backend) -> Result<(), String> {
        let HookSettings { secret, timeout, .. } = &self.settings;
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
        self.tally.sent.fetch_add(1, Ordering::Relaxed);
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

impl Marks {
    pub(super) fn new() -> Self {
        Self { start: RandomState::new().hash_one(now_ms()), number: AtomicU64::new(0) }
    }

    pub(super) fn next(&self) -> (u64, u64) {
        (self.start, self.number.fetch_add(1, Ordering::Relaxed))
    }
}

/// Half of a pause to all of it, so that nodes do not come all at once.
fn spread(pause: Duration) -> Duration {
    let chance = RandomState::new().hash_one(now_ms()) % 1000;
    pause / 2 + pause / 2 * chance as u32 / 1000
}

pub(super) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

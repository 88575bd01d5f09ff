//! Webhooks: what of what happens is asked for, where it waits, and who posts it.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use admin::{Courier, HookSettings, Hooks, LastingHooks};
use shard::Interest;
use stores::{Outbox, Outward};

use crate::config::Settings;
use crate::config::api::Occasion;

/// What is not taken is posted again after so long for the first time.
const PAUSE: Duration = Duration::from_millis(500);
/// What waits when the node stops is posted within so long.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Who posts, where anything is to be posted.
#[derive(Default)]
pub(crate) struct Posting {
    pub(crate) hooks: Option<Hooks>,
    courier: Option<Courier>,
    /// What waits on disk is posted once the store is open.
    lasting: Option<LastingHooks>,
    /// Where it waits.
    outbox: RefCell<Option<Arc<dyn Outbox>>>,
}

impl Posting {
    pub(crate) fn open(settings: &Settings) -> Result<Self, String> {
        if settings.webhook.is_empty() {
            return Ok(Self::default());
        }
        let of_hooks = HookSettings {
            url: settings.webhook.clone(),
            secret: settings.webhook_secret.clone(),
            timeout: settings.webhook_timeout_ms,
            retry_for: settings.webhook_retry_seconds,
            pause: PAUSE,
            waiting_max: settings.webhook_waiting_max,
            requests_max: settings.webhook_requests_max,
        };
        if settings.data.is_empty() {
            let (hooks, courier) = Hooks::open(of_hooks)?;
            return Ok(Self { hooks: Some(hooks), courier: Some(courier), ..Self::default() });
        }
        Ok(Self { lasting: Some(LastingHooks::new(of_hooks)?), ..Self::default() })
    }

    /// What the store has told.
    pub(crate) fn outward(&self, settings: &Settings) -> Option<Outward> {
        let lasting = self.lasting.as_ref()?;
        let bytes_max = settings.webhook_outbox_bytes as u64;
        Some(Outward { scribe: lasting.scribe(), messages: interest(settings).posted, bytes_max })
    }

    /// The store is open, and keeps there what waits.
    pub(crate) fn take(&self, outbox: Option<Arc<dyn Outbox>>) {
        self.outbox.replace(outbox);
    }

    /// Begins to post what waits on disk, where it does.
    pub(crate) fn begin(&mut self) -> Result<(), String> {
        if let (Some(lasting), Some(outbox)) = (self.lasting.take(), self.outbox.take()) {
            let (hooks, courier) = lasting.open(outbox)?;
            (self.hooks, self.courier) = (Some(hooks), Some(courier));
        }
        Ok(())
    }

    /// Posts what waits, once nobody tells more.
    pub(crate) async fn finish(self) {
        drop(self.hooks);
        if let Some(courier) = self.courier {
            courier.finish(FINISH_WITHIN).await;
        }
    }
}

/// What is asked for of what happens in rooms.
pub(crate) fn interest(settings: &Settings) -> Interest {
    let wants = |occasion| !settings.webhook.is_empty() && settings.webhook_on.contains(&occasion);
    Interest {
        occupied: wants(Occasion::Occupied),
        vacated: wants(Occasion::Vacated),
        joined: wants(Occasion::Joined),
        left: wants(Occasion::Left),
        posted: wants(Occasion::Posted),
    }
}

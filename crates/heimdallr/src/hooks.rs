//! Webhooks: what of what happens is asked for, and who posts it.

use std::time::Duration;

use admin::{Courier, HookSettings, Hooks};
use shard::Interest;

use crate::config::Settings;
use crate::config::api::Occasion;

/// What is not taken is posted again after so long for the first time.
const PAUSE: Duration = Duration::from_millis(500);
/// What waits when the node stops is posted within so long.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Who posts, where anything is to be posted.
pub(crate) struct Posting {
    pub(crate) hooks: Option<Hooks>,
    courier: Option<Courier>,
}

impl Posting {
    pub(crate) fn open(settings: &Settings) -> Result<Self, String> {
        if settings.webhook.is_empty() {
            return Ok(Self { hooks: None, courier: None });
        }
        let (hooks, courier) = Hooks::open(HookSettings {
            url: settings.webhook.clone(),
            secret: settings.webhook_secret.clone(),
            timeout: settings.webhook_timeout_ms,
            retry_for: settings.webhook_retry_seconds,
            pause: PAUSE,
            waiting_max: settings.webhook_waiting_max,
            requests_max: settings.webhook_requests_max,
        })?;
        Ok(Self { hooks: Some(hooks), courier: Some(courier) })
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

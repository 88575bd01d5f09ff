//! Tells every shard what was revoked, whoever has found out.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use crate::{Revoked, Wake};

/// What was revoked and is on its way to one shard, in batches.
const BATCHES_MAX: usize = 1024;

/// Tells every shard. Whoever has one may tell.
#[derive(Clone)]
pub struct Herald {
    ears: Arc<[Ear]>,
}

/// By which one shard hears.
struct Ear {
    queue: SyncSender<Revoked>,
    wake: Wake,
}

impl Herald {
    /// One for the shards that are woken like this, and what each of them hears.
    pub(crate) fn new(wakes: &[Wake]) -> (Self, Vec<Receiver<Revoked>>) {
        let channels = wakes.iter().map(|wake| {
            let (sender, receiver) = sync_channel(BATCHES_MAX);
            (Ear { queue: sender, wake: wake.clone() }, receiver)
        });
        let (ears, heard): (Vec<_>, Vec<_>) = channels.unzip();
        (Self { ears: ears.into() }, heard)
    }

    /// Tells every shard. Says whether all have room for it: if not, it is to be told again, which does no harm to those that have heard.
    pub fn tell(&self, revoked: &Revoked) -> bool {
        let told = self.ears.iter().map(|Ear { queue, wake }| {
            let is_full = matches!(queue.try_send(revoked.clone()), Err(TrySendError::Full(_)));
            wake();
            !is_full
        });
        told.fold(true, |all, one| all & one)
    }
}

impl fmt::Debug for Herald {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Herald to {} shards", self.ears.len())
    }
}

//! What has been asked of the broker and not been answered, and the lines it was asked on.

use std::collections::BTreeMap;

use chat::RoomId;

use crate::NodeId;
use crate::redis::broker::Channel;

/// A line that owes an answer and says nothing for so long is not one.
pub(super) const SILENCE_MS: u64 = 3_000;

/// What an answer will be about.
#[derive(Debug)]
pub(super) enum Awaited {
    Listen(Vec<Channel>),
    /// The number of the post.
    Post(u64),
    Attend(RoomId),
    Forsake(RoomId, NodeId),
    Here(RoomId),
    /// When it was asked.
    Renew(u64),
    Resign,
    Rooms(NodeId),
    Own,
    Bury(NodeId),
}

/// One line to the broker.
#[derive(Debug)]
pub(super) struct Wire {
    /// Which life of the broker it leads to; `None`: it is cut.
    pub(super) run: Option<Box<str>>,
    /// Since when it has been up, or cut.
    pub(super) since_ms: u64,
    /// By the numbers of the requests, which are answered in order.
    pub(super) awaited: BTreeMap<u64, Awaited>,
    /// The last answer, or the first request after there was none to wait for.
    alive_ms: u64,
}

impl Wire {
    pub(super) fn new(now_ms: u64) -> Self {
        Self { run: None, since_ms: now_ms, awaited: BTreeMap::new(), alive_ms: now_ms }
    }

    pub(super) fn is_up(&self) -> bool {
        self.run.is_some()
    }

    pub(super) fn up(&mut self, run: Box<str>, now_ms: u64) {
        (self.run, self.since_ms, self.alive_ms) = (Some(run), now_ms, now_ms);
        self.awaited.clear();
    }

    /// The line is gone. Returns what will not be answered.
    pub(super) fn cut(&mut self, now_ms: u64) -> BTreeMap<u64, Awaited> {
        if self.run.take().is_some() {
            self.since_ms = now_ms;
        }
        std::mem::take(&mut self.awaited)
    }

    pub(super) fn expect(&mut self, id: u64, what: Awaited, now_ms: u64) {
        if self.awaited.is_empty() {
            self.alive_ms = now_ms;
        }
        self.awaited.insert(id, what);
    }

    pub(super) fn answered(&mut self, id: u64, now_ms: u64) -> Option<Awaited> {
        let awaited = self.awaited.remove(&id)?;
        self.alive_ms = now_ms;
        Some(awaited)
    }

    pub(super) fn is_silent(&self, now_ms: u64) -> bool {
        self.is_up() && !self.awaited.is_empty() && now_ms >= self.alive_ms + SILENCE_MS
    }
}

//! The values of keys that are more than numbers, addresses and texts.

use std::fmt;
use std::sync::Arc;

/// What a file holds, if one was named.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Contents(Option<Arc<[u8]>>);

impl Contents {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Some(bytes.into()))
    }

    pub(crate) fn bytes(&self) -> Option<Arc<[u8]>> {
        self.0.clone()
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} bytes", self.0.as_ref().map(|bytes| bytes.len()))
    }
}

/// What happens to a session that reads more slowly than its room speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowPolicy {
    /// Close it with 4008; it may resume where it was.
    Disconnect,
    /// Drop the oldest messages that wait for it and say which.
    DropOldest,
    /// Keep only the newest message for it and say what was left out.
    LatestOnly,
}

/// The policy of the rooms whose name fits a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomPolicy<Policy> {
    /// A room name, or the beginning of one followed by `*`.
    pub pattern: String,
    /// What holds in such a room.
    pub policy: Policy,
}

/// What happens to slow readers of some rooms.
pub type RoomSlowPolicy = RoomPolicy<SlowPolicy>;

/// What happens in a room while Redis cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutagePolicy {
    /// Posts are refused, to be sent again later.
    Refuse,
    /// Those on the same node go on among themselves.
    Local,
}

/// What happens in some rooms while Redis cannot be reached.
pub type RoomOutagePolicy = RoomPolicy<OutagePolicy>;

/// The form of a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

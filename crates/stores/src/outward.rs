//! The port for what is told beyond the node of what happens in rooms, and kept until it was told.

use std::fmt;
use std::sync::Arc;

use chat::{Happening, RoomId, UserId};

/// How a store has told beyond the node what happens in rooms.
#[derive(Clone, Debug)]
pub struct Outward {
    /// Puts it into words.
    pub scribe: Arc<dyn Scribe>,
    /// Whether messages are told, too, of public rooms.
    pub messages: bool,
    /// What waits to be told weighs at most so many bytes; more takes the place of the oldest.
    pub bytes_max: u64,
}

/// Puts into words what is told beyond the node, once: they are kept until they were told.
pub trait Scribe: fmt::Debug + Send + Sync {
    /// Something that has happened.
    fn spell(&self, happening: &Happening) -> Letter;

    /// That so much of what has happened is not told, but for this.
    fn spell_loss(&self, lost: u64) -> Letter;

    /// Something waits to be told. Called from any thread; must not wait.
    fn ring(&self);
}

/// What is told beyond the node of something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The same however often it is told.
    pub id: String,
    /// All of it.
    pub body: String,
}

/// What waits to be told beyond the node.
pub trait Outbox: Send + Sync {
    /// Reads what stands behind a number, oldest first, at most so much of it. From then on it is somebody's who tells it.
    fn read(&self, after: i64, limit: usize, then: ReadWaiting);

    /// These were told, or given up: so many of them.
    fn settle(&self, numbers: Vec<i64>, given_up: u64);

    /// How much waits.
    fn size(&self) -> OutboxSize;
}

/// Called with what waits; `Err`: why that cannot be read for now.
pub type ReadWaiting = Box<dyn FnOnce(Result<Vec<Waiting>, String>) + Send>;

/// A letter that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its place. None is given twice.
    pub number: i64,
    /// The letters of a room have the same one.
    pub lane: u64,
    /// The letter.
    pub letter: Letter,
    /// It tells how many others are not told.
    pub is_of_loss: bool,
}

/// How much waits to be told beyond the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxSize {
    /// Letters.
    pub letters: u64,
    /// What they weigh, in bytes.
    pub bytes: u64,
    /// Letters that had to make room for newer ones, since the start.
    pub dropped: u64,
}

/// Somebody who was in a room of this node when it ended, as far as was noted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBehind {
    /// The room.
    pub room: RoomId,
    /// Who; `None`: guests.
    pub user: Option<UserId>,
    /// How many of them.
    pub times: u32,
}

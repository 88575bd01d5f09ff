//! The port for stores: messages go in at the end of their room, and are read back by position.

use std::sync::Arc;

use chat::{Message, Position, RoomId, Time};

/// How much of a room's history is kept; what exceeds any of the bounds goes, oldest first.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Messages a room.
    pub messages_max: usize,
    /// Milliseconds since a message was accepted.
    pub age_max_ms: u64,
    /// Bytes a room, each message by its [`Message::weight`].
    pub bytes_max: usize,
}

/// How a store is opened: the same for every folder of this crate.
pub type Open = fn(&Settings) -> Box<dyn Store>;

/// Keeps the history of rooms, within its bounds.
pub trait Store {
    /// Keeps a message. Its position is the one after the room's newest, or starts another epoch, which ends what was kept before.
    fn append(&mut self, message: &Arc<Message>);

    /// The messages after a position, as far as they are still kept.
    fn since(&mut self, room: &RoomId, position: Position, now: Time) -> Since;

    /// At most `limit` messages before a position, or the newest.
    fn before(&mut self, room: &RoomId, before: Option<Position>, limit: usize, now: Time) -> Page;

    /// Lets go of a room.
    fn forget(&mut self, room: &RoomId);

    /// How many messages are kept, and how many bytes they weigh.
    fn size(&self) -> (usize, usize);
}

/// The messages after a position.
#[derive(Debug, PartialEq)]
pub struct Since {
    /// Ascending, the newest last.
    pub messages: Vec<Arc<Message>>,
    /// Whether `messages` is all there was after the position.
    pub complete: bool,
}

/// A piece of history, ascending.
#[derive(Debug, PartialEq)]
pub struct Page {
    /// The messages.
    pub messages: Vec<Arc<Message>>,
    /// Whether older ones are kept.
    pub more: bool,
}

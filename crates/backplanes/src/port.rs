//! The port for backplanes: an order goes out, an arrival comes back with its position.

use std::sync::Arc;

use chat::{Author, Body, Message, Position, RoomId, Tag, Time};

/// What a backplane may know of the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Differs for every start of a shard, and cannot be guessed: epochs are made from it.
    pub epoch_seed: u64,
    /// How many tags of posts a room remembers, so that a retry is not a second message.
    pub tags_per_room: usize,
}

/// How a backplane is opened: the same for every folder of this crate.
pub type Open = fn(&Settings) -> Box<dyn Backplane>;

/// Puts the messages of a room into one order.
///
/// Contract: arrivals of a room come in ascending offsets without gaps; an offset once given in an epoch is never given again; an
/// order with a tag that the room remembers of the same author arrives as [`Arrival::Repeated`] and never as a second message. Authors
/// without a name are the same only when they say the same.
pub trait Backplane {
    /// Asks for a message to be put in order. What arrives, now or later, is appended to `arrivals`.
    fn order(&mut self, order: Order, arrivals: &mut Vec<Arrival>);

    /// Where the room's newest message stands; a room that is new starts an epoch.
    fn head(&mut self, room: &RoomId) -> Position;

    /// Whether the room has an epoch.
    fn knows(&self, room: &RoomId) -> bool;

    /// Ends the room's epoch.
    fn forget(&mut self, room: &RoomId);
}

/// A message that wants its place.
#[derive(Clone, Debug)]
pub struct Order {
    /// The room.
    pub room: RoomId,
    /// Who says it.
    pub author: Author,
    /// What is said.
    pub body: Body,
    /// The message's id.
    pub tag: Option<Tag>,
    /// When it was taken in.
    pub time: Time,
    /// Whatever the asker wants to recognise the arrival by.
    pub ticket: u64,
}

/// What became of an order.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// It is a message now.
    Ordered {
        /// The message.
        message: Arc<Message>,
        /// The order's ticket.
        ticket: u64,
    },
    /// It had been one before.
    Repeated {
        /// Where that stands.
        at: Position,
        /// The order's ticket.
        ticket: u64,
    },
}

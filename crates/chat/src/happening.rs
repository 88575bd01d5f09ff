//! What happens in rooms that somebody who is no client may want to know.

use std::sync::Arc;

use crate::{Message, RoomId, Time, UserId};

/// Something that has happened in a room.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// The room.
    pub room: RoomId,
    /// When.
    pub time: Time,
    /// What.
    pub occasion: Occasion,
    /// It was not seen to happen: the node whose clients these were had ended before it was told.
    pub is_found_late: bool,
}

/// What can happen in a room.
#[derive(Clone, Debug, PartialEq)]
pub enum Occasion {
    /// Somebody is there, and nobody was, on whichever node.
    Occupied,
    /// Nobody is there any more.
    Vacated,
    /// A user is there who was not, or one more guest.
    Joined(Option<UserId>),
    /// A user is not there any more, or one guest less.
    Left(Option<UserId>),
    /// Something was said. One message may be told of again.
    Posted(Arc<Message>),
}

impl Happening {
    /// Something that was seen to happen.
    #[must_use]
    pub fn seen(room: RoomId, time: Time, occasion: Occasion) -> Self {
        Self { room, time, occasion, is_found_late: false }
    }
}

//! What a shard tells the world beyond its clients: what is to be kept, or passed on to whoever wants to know.

use std::sync::Arc;

use access::Ruling;
use chat::{Message, RoomId, Time, UserId};

use crate::{Effects, Shard};

/// Something that is told.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An operator has ruled something, here or on another node. Told once a node.
    Ruled(Ruling),
    /// Something has happened in a room that is asked for. Told by the node of whose clients it is.
    Happened(Happening),
}

/// Something that has happened in a room.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// The room.
    pub room: RoomId,
    /// When.
    pub time: Time,
    /// What.
    pub occasion: Occasion,
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

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// [`Occasion::Occupied`].
    pub occupied: bool,
    /// [`Occasion::Vacated`].
    pub vacated: bool,
    /// [`Occasion::Joined`].
    pub joined: bool,
    /// [`Occasion::Left`].
    pub left: bool,
    /// [`Occasion::Posted`].
    pub posted: bool,
}

impl Interest {
    /// Whether it is of any use to look who is there.
    pub(crate) fn is_in_presence(self) -> bool {
        self.occupied || self.vacated || self.joined || self.left
    }
}

impl Shard {
    /// Says what has happened.
    pub(crate) fn tell_news(&mut self, effects: &mut dyn Effects) {
        self.news.drain(..).for_each(|news| effects.tell(news));
        self.homes.take_happenings().for_each(|happening| effects.tell(News::Happened(happening)));
    }
}

//! What a shard tells the world beyond its clients: what is to be kept, or passed on to whoever wants to know.

use access::Ruling;
use chat::Happening;

use crate::{Effects, Shard};

/// Something that is told.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An operator has ruled something, here or on another node. Told once a node.
    Ruled(Ruling),
    /// Something has happened in a room that is asked for. Told by the node of whose clients it is, unless its store does.
    Happened(Happening),
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// [`chat::Occasion::Occupied`].
    pub occupied: bool,
    /// [`chat::Occasion::Vacated`].
    pub vacated: bool,
    /// [`chat::Occasion::Joined`].
    pub joined: bool,
    /// [`chat::Occasion::Left`].
    pub left: bool,
    /// [`chat::Occasion::Posted`].
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

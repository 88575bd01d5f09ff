//! What a shard tells the world beyond its clients: what is to be kept, or passed on to whoever wants to know.

use access::Ruling;

use crate::{Effects, Shard};

/// Something that has happened.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// An operator has ruled something, here or on another node. Told once a node.
    Ruled(Ruling),
}

impl Shard {
    /// Says what has happened.
    pub(crate) fn tell_news(&mut self, effects: &mut dyn Effects) {
        self.news.drain(..).for_each(|news| effects.tell(news));
    }
}

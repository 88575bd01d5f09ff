//! What makes a message from beside one message, though several of our nodes hear it.
//!
//! All nodes listen to one Redis, which tells everybody everything in one order. Every node publishes a *mark* now and then; a message is then
//! the n-th on its channel since the last mark, and every node counts the same. Each node that has an audience orders it with a tag made of
//! that, and the room, which remembers tags, takes the first. So no node leads, and none is missed.

use hashbrown::{HashMap, HashSet};

/// Channels that are counted on between two marks. When there are more, counting rests until the next mark.
const CHANNELS_MAX: usize = 1 << 16;

/// The count of what was heard since the last mark.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// The last mark; none since the connection was made.
    last: Option<Box<str>>,
    heard: HashMap<Box<str>, u32>,
    /// Channels that were not listened to yet when the last mark was heard.
    fresh: HashSet<Box<str>>,
}

impl Marks {
    /// The connection was lost: others have heard what this node has not.
    pub(crate) fn lose(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn begin(&mut self, mark: &str) {
        self.last = Some(mark.into());
        self.heard.clear();
        self.fresh.clear();
    }

    /// A channel is listened to from here on.
    pub(crate) fn listen(&mut self, channel: &str) {
        self.fresh.insert(channel.into());
    }

    /// Something is heard on a channel. The tag it has on all nodes; `None`: this node cannot say.
    pub(crate) fn tag(&mut self, channel: &str) -> Option<String> {
        let mark = self.last.as_deref()?;
        if self.heard.len() >= CHANNELS_MAX {
            self.lose();
            return None;
        }
        let heard = self.heard.entry_ref(channel).or_default();
        *heard += 1;
        (!self.fresh.contains(channel)).then(|| format!("{mark}-{heard}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_came_at_different_times_count_alike_after_the_next_mark() {
        let (mut old, mut new) = (Marks::default(), Marks::default());
        old.begin("a-1");
        assert_eq!(old.tag("x").as_deref(), Some("a-1-1"));
        assert_eq!(new.tag("x"), None);
        assert_eq!(old.tag("x").as_deref(), Some("a-1-2"));
        for marks in [&mut old, &mut new] {
            marks.begin("b-1");
            assert_eq!(marks.tag("x").as_deref(), Some("b-1-1"));
            assert_eq!(marks.tag("y").as_deref(), Some("b-1-1"));
            assert_eq!(marks.tag("x").as_deref(), Some("b-1-2"));
        }
    }

    #[test]
    fn a_channel_counts_from_the_first_mark_after_it_was_listened_to() {
        let mut marks = Marks::default();
        marks.begin("a-1");
        marks.listen("x");
        assert_eq!(marks.tag("x"), None);
        marks.begin("a-2");
        assert_eq!(marks.tag("x").as_deref(), Some("a-2-1"));
        marks.lose();
        assert_eq!(marks.tag("x"), None);
    }
}

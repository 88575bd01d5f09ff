//! Who is in a room, and how many that may be said to be.

use std::collections::BTreeSet;

use chat::{Counts, UserId};

/// Who is in a room.
#[derive(Debug, Default)]
pub(super) struct There {
    pub(super) users: BTreeSet<UserId>,
    /// Each on each node where it is.
    by_node: BTreeSet<(usize, UserId)>,
    pub(super) guests: u32,
}

impl There {
    pub(super) fn meet(&mut self, user: &UserId, node: usize) {
        self.users.insert(user.clone());
        self.by_node.insert((node, user.clone()));
    }

    /// Whether so many may be believed to be there. Where nodes do not name who is there, a user on two of them is counted twice.
    pub(super) fn may_count(&self, believed: Counts, is_named: bool) -> bool {
        let (users, most) = (self.users.len(), self.by_node.len());
        let members = users..=if is_named { users } else { most };
        believed.guests == self.guests && members.contains(&(believed.members as usize))
    }
}

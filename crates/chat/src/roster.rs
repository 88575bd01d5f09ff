//! Who is in a room: users by their sessions, guests by number, and what changed since the last telling.

use std::collections::BTreeMap;

use crate::UserId;

/// How many are in a room. A user with several sessions counts once; each guest session counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Users with a name.
    pub members: u32,
    /// Sessions without one.
    pub guests: u32,
}

/// Who is in a room. Bounded by the room's own bound on members.
#[derive(Debug, Default)]
pub struct Roster {
    /// Sessions of each user here; never 0.
    users: BTreeMap<UserId, u32>,
    guests: u32,
    sessions: u32,
    /// Users whose coming (`true`) or going has not been told yet. One who comes and goes in between is not told at all.
    untold: BTreeMap<UserId, bool>,
    /// The counts as last told.
    told: Counts,
}

/// What changed since the last telling.
#[derive(Debug, PartialEq)]
pub struct RosterChange {
    /// Users who came; `None` where too many are here for lists.
    pub joined: Option<Vec<UserId>>,
    /// Users who went; `None` where too many are here for lists.
    pub left: Option<Vec<UserId>>,
    /// How many are here now.
    pub counts: Counts,
}

impl Roster {
    /// A session came.
    pub fn enter(&mut self, user: Option<&UserId>) {
        self.sessions += 1;
        let Some(user) = user else {
            self.guests += 1;
            return;
        };
        let sessions = self.users.entry(user.clone()).or_insert(0);
        *sessions += 1;
        if *sessions == 1 {
            self.note(user, true);
        }
    }

    /// A session went. It must have entered as the same user.
    pub fn leave(&mut self, user: Option<&UserId>) {
        assert!(self.sessions > 0, "a session leaves a room that has none");
        self.sessions -= 1;
        let Some(user) = user else {
            assert!(self.guests > 0, "a guest leaves a room that has none");
            self.guests -= 1;
            return;
        };
        let sessions = self.users.get_mut(user).expect("a user leaves a room they are in");
        *sessions -= 1;
        if *sessions == 0 {
            self.users.remove(user);
            self.note(user, false);
        }
    }

    /// How many are here.
    pub fn counts(&self) -> Counts {
        Counts { members: self.users.len() as u32, guests: self.guests }
    }

    /// How many sessions are here.
    pub fn sessions(&self) -> u32 {
        self.sessions
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.sessions == 0
    }

    /// The users here, in the order of their names.
    pub fn users(&self) -> impl Iterator<Item = &UserId> {
        self.users.keys()
    }

    /// Takes what changed since the last call, without names when more than `list_max` are here; `None` when nothing did.
    pub fn take_change(&mut self, list_max: usize) -> Option<RosterChange> {
        let counts = self.counts();
        let untold = std::mem::take(&mut self.untold);
        if counts == self.told && untold.is_empty() {
            return None;
        }
        self.told = counts;
        if self.sessions as usize > list_max {
            return Some(RosterChange { joined: None, left: None, counts });
        }
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        for (user, came) in untold {
            if came { joined.push(user) } else { left.push(user) }
        }
        Some(RosterChange { joined: Some(joined), left: Some(left), counts })
    }

    /// A coming undoes an untold going and the other way round.
    fn note(&mut self, user: &UserId, came: bool) {
        if self.untold.remove(user) != Some(!came) {
            self.untold.insert(user.clone(), came);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(name).expect("a valid name")
    }

    #[test]
    fn a_user_with_two_sessions_counts_once_and_leaves_with_the_last() {
        let (mut roster, alice) = (Roster::default(), user("alice"));
        roster.enter(Some(&alice));
        roster.enter(Some(&alice));
        roster.enter(None);
        assert_eq!(roster.counts(), Counts { members: 1, guests: 1 });
        assert_eq!(roster.take_change(10).expect("alice came").joined, Some(vec![alice.clone()]));
        roster.leave(Some(&alice));
        assert_eq!(roster.take_change(10), None);
        roster.leave(Some(&alice));
        assert_eq!(roster.take_change(10).expect("alice went").left, Some(vec![alice]));
    }

    #[test]
    fn who_comes_and_goes_between_two_tellings_is_not_told() {
        let (mut roster, bob) = (Roster::default(), user("bob"));
        roster.enter(Some(&bob));
        roster.leave(Some(&bob));
        assert_eq!(roster.take_change(10), None);
    }

    #[test]
    fn a_large_room_tells_counts_without_names() {
        let mut roster = Roster::default();
        for name in ["a", "b", "c"] {
            roster.enter(Some(&user(name)));
        }
        let change = roster.take_change(2).expect("three came");
        assert_eq!((change.joined, change.left), (None, None));
        assert_eq!(change.counts.members, 3);
    }
}

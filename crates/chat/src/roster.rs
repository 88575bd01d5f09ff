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
    /// Users who came or went and have not been told of. One who comes and goes in between is not told at all.
    untold: BTreeMap<UserId, Untold>,
    /// The counts as last told.
    told: Counts,
    /// Somebody was shown other counts than those last told.
    counts_shown: bool,
    /// Somebody here was told of presence without names: what they know of who is here is worth nothing.
    is_list_void: bool,
}

/// A user who came or went.
#[derive(Debug)]
struct Untold {
    is_here: bool,
    /// Whether the user is here as far as has been told.
    was_here: bool,
    /// Somebody was shown how it was in between, and must be told how it is now.
    is_shown: bool,
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

    /// Somebody is shown who is here before everybody is told what changed. Returns the users here, in the order of their names, unless there
    /// are more than `list_max` sessions.
    pub fn show(&mut self, list_max: usize) -> Option<impl Iterator<Item = &UserId>> {
        self.counts_shown |= self.counts() != self.told;
        self.untold.values_mut().for_each(|untold| untold.is_shown = true);
        let is_listed = self.sessions as usize <= list_max;
        self.is_list_void |= !is_listed;
        is_listed.then(|| self.users.keys())
    }

    /// Somebody was not told all there was to tell: the next telling says how many are here, and who.
    pub fn doubt(&mut self) {
        self.counts_shown = true;
        self.is_list_void = true;
    }

    /// Takes what changed since the last call, without names when more than `list_max` are here; `None` when nothing did. After one without
    /// names the next one with them names everybody as having come.
    pub fn take_change(&mut self, list_max: usize) -> Option<RosterChange> {
        let counts = self.counts();
        let untold = std::mem::take(&mut self.untold);
        let is_shown = std::mem::take(&mut self.counts_shown);
        if counts == self.told && untold.is_empty() && !is_shown {
            return None;
        }
        self.told = counts;
        if self.sessions as usize > list_max {
            self.is_list_void = true;
            return Some(RosterChange { joined: None, left: None, counts });
        }
        let is_list_void = std::mem::take(&mut self.is_list_void);
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        for (user, Untold { is_here, .. }) in untold {
            if is_here { joined.push(user) } else { left.push(user) }
        }
        if is_list_void {
            joined = self.users.keys().cloned().collect();
        }
        Some(RosterChange { joined: Some(joined), left: Some(left), counts })
    }

    /// A coming undoes an untold going and the other way round, unless somebody was shown how it was in between.
    fn note(&mut self, user: &UserId, is_here: bool) {
        let untold = self.untold.entry(user.clone()).or_insert(Untold {
            is_here,
            was_here: !is_here,
            is_shown: false,
        });
        untold.is_here = is_here;
        if untold.is_here == untold.was_here && !untold.is_shown {
            self.untold.remove(user);
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
    fn who_was_shown_what_then_changed_back_is_told_how_it_is() {
        let (mut roster, bob, cara) = (Roster::default(), user("bob"), user("cara"));
        roster.enter(Some(&bob));
        roster.take_change(10);
        roster.leave(Some(&bob));
        roster.enter(Some(&cara));
        assert_eq!(roster.show(10).expect("a small room").collect::<Vec<_>>(), [&cara]);
        roster.enter(Some(&bob));
        assert_eq!(roster.take_change(10).expect("cara saw bob gone").joined, Some(vec![bob, cara]));
    }

    #[test]
    fn counts_that_were_shown_and_then_changed_back_are_told() {
        let mut roster = Roster::default();
        roster.enter(None);
        roster.take_change(10);
        roster.enter(None);
        drop(roster.show(10));
        roster.leave(None);
        assert_eq!(roster.take_change(10).expect("somebody was shown two").counts.guests, 1);
        assert_eq!(roster.take_change(10), None);
    }

    #[test]
    fn a_room_that_has_become_small_names_everybody() {
        let mut roster = Roster::default();
        for name in ["a", "b", "c"] {
            roster.enter(Some(&user(name)));
        }
        assert_eq!(roster.take_change(2).expect("three came").joined, None);
        roster.leave(Some(&user("b")));
        let change = roster.take_change(2).expect("one went");
        assert_eq!(change.joined, Some(vec![user("a"), user("c")]));
        assert_eq!(change.left, Some(vec![user("b")]));
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

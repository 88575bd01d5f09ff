//! Who is in a room: users by their sessions, guests by number, and what changed since the last telling. Who is there on other nodes comes
//! in by what these say of themselves.

use std::collections::BTreeMap;

use crate::UserId;
use crate::attendance::Attendance;

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
    users: Attendance,
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
    /// Who is there on other nodes.
    abroad: Option<Box<Abroad>>,
}

/// Who is in a room on one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Here {
    /// Sessions, named and not.
    pub sessions: u32,
    /// How many users and guests.
    pub counts: Counts,
    /// The users, in the order of their names, where few enough are there to say.
    pub users: Option<Vec<UserId>>,
}

/// Who is in a room on other nodes.
#[derive(Debug, Default)]
struct Abroad {
    /// On how many of them each user is; never 0.
    users: Attendance,
    /// Of those, the ones who are not here too.
    only_there: u32,
    /// Users who were counted and not named.
    unnamed: u32,
    /// Nodes that named nobody.
    nameless: u32,
    guests: u32,
    sessions: u32,
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
        if self.users.add(user) > 1 {
            return;
        }
        match self.abroad.as_mut().filter(|abroad| abroad.users.contains(user)) {
            Some(abroad) => abroad.only_there -= 1,
            None => self.note(user, true),
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
        if self.users.subtract(user).expect("a user leaves a room they are in") > 0 {
            return;
        }
        match self.abroad.as_mut().filter(|abroad| abroad.users.contains(user)) {
            Some(abroad) => abroad.only_there += 1,
            None => self.note(user, false),
        }
    }

    /// Another node says who is there now, having said `before` last.
    pub fn change_abroad(&mut self, before: Option<&Here>, now: Option<&Here>) {
        let mut abroad = self.abroad.take().unwrap_or_default();
        if let Some(here) = now {
            abroad.add(here);
            for user in here.users.iter().flatten() {
                if abroad.users.add(user) == 1 && !self.users.contains(user) {
                    abroad.only_there += 1;
                    self.note(user, true);
                }
            }
        }
        if let Some(here) = before {
            abroad.subtract(here);
            for user in here.users.iter().flatten() {
                if abroad.users.subtract(user) == Some(0) && !self.users.contains(user) {
                    abroad.only_there -= 1;
                    self.note(user, false);
                }
            }
        }
        self.abroad = (abroad.sessions > 0).then_some(abroad);
    }

    /// Who is here, other nodes left aside; no names when there are more than `list_max` sessions.
    pub fn here(&self, list_max: usize) -> Here {
        let users = (self.sessions as usize <= list_max).then(|| self.users.users().cloned().collect());
        let counts = Counts { members: self.users.len() as u32, guests: self.guests };
        Here { sessions: self.sessions, counts, users }
    }

    /// How many are in the room.
    pub fn counts(&self) -> Counts {
        let (members, guests) = (self.users.len() as u32, self.guests);
        match &self.abroad {
            Some(abroad) => Counts {
                members: members + abroad.only_there + abroad.unnamed,
                guests: guests + abroad.guests,
            },
            None => Counts { members, guests },
        }
    }

    /// How many sessions are here.
    pub fn sessions(&self) -> u32 {
        self.sessions
    }

    /// How many sessions are in the room, on whichever node.
    pub fn sessions_everywhere(&self) -> u32 {
        self.sessions + self.abroad.as_ref().map_or(0, |abroad| abroad.sessions)
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
        let is_listed = self.is_listed(list_max);
        self.is_list_void |= !is_listed;
        is_listed.then(|| self.names())
    }

    /// Whether everybody in the room can be named, and few enough are there.
    fn is_listed(&self, list_max: usize) -> bool {
        self.sessions_everywhere() as usize <= list_max && self.names_everybody()
    }

    /// The users in the room, in the order of their names.
    fn names(&self) -> impl Iterator<Item = &UserId> {
        self.names_after(None)
    }

    /// Whether a user is in the room, on whichever node.
    pub fn is_there(&self, user: &UserId) -> bool {
        self.users.contains(user) || self.abroad.as_ref().is_some_and(|abroad| abroad.users.contains(user))
    }

    /// How many sessions a user has here, other nodes left aside.
    pub fn sessions_of(&self, user: &UserId) -> u32 {
        self.users.times(user)
    }

    /// Whether no node tells only how many are there.
    pub fn names_everybody(&self) -> bool {
        self.abroad.as_ref().is_none_or(|abroad| abroad.nameless == 0)
    }

    /// The users in the room behind one, in the order of their names.
    pub fn names_after<'a>(&'a self, after: Option<&UserId>) -> impl Iterator<Item = &'a UserId> + use<'a> {
        let abroad = self.abroad.as_ref().map(|abroad| abroad.users.users_after(after));
        let mut there = abroad.into_iter().flatten().peekable();
        let mut here = self.users.users_after(after).peekable();
        std::iter::from_fn(move || match (here.peek(), there.peek()) {
            (Some(near), Some(far)) if near == far => {
                there.next();
                here.next()
            }
            (Some(near), Some(far)) if far < near => there.next(),
            (None, Some(_)) => there.next(),
            _ => here.next(),
        })
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
        if !self.is_listed(list_max) {
            self.is_list_void = true;
            return Some(RosterChange { joined: None, left: None, counts });
        }
        let is_list_void = std::mem::take(&mut self.is_list_void);
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        for (user, Untold { is_here, .. }) in untold {
            if is_here { joined.push(user) } else { left.push(user) }
        }
        if is_list_void {
            joined = self.names().cloned().collect();
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

impl Abroad {
    /// Counts what a node says, but for the users whom it names.
    fn add(&mut self, here: &Here) {
        self.sessions += here.sessions;
        self.guests += here.counts.guests;
        if here.users.is_none() {
            self.unnamed += here.counts.members;
            self.nameless += 1;
        }
    }

    fn subtract(&mut self, here: &Here) {
        self.sessions -= here.sessions;
        self.guests -= here.counts.guests;
        if here.users.is_none() {
            self.unnamed -= here.counts.members;
            self.nameless -= 1;
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
        assert_eq!((roster.sessions_of(&alice), roster.sessions_of(&user("bob"))), (2, 0));
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

    fn there(names: &[&str], guests: u32) -> Here {
        let users: Vec<UserId> = names.iter().map(|name| user(name)).collect();
        let members = users.len() as u32;
        Here { sessions: members + guests, counts: Counts { members, guests }, users: Some(users) }
    }

    #[test]
    fn a_user_on_two_nodes_counts_once_and_leaves_with_the_last() {
        let (mut roster, alice) = (Roster::default(), user("alice"));
        roster.enter(Some(&alice));
        roster.take_change(10);
        let both = there(&["alice", "bob"], 2);
        roster.change_abroad(None, Some(&both));
        assert_eq!(roster.counts(), Counts { members: 2, guests: 2 });
        assert_eq!(roster.take_change(10).expect("bob came").joined, Some(vec![user("bob")]));
        roster.leave(Some(&alice));
        assert_eq!((roster.counts().members, roster.take_change(10)), (2, None));
        roster.enter(Some(&alice));
        roster.leave(Some(&alice));
        roster.change_abroad(Some(&both), None);
        assert_eq!(roster.counts(), Counts::default());
        let change = roster.take_change(10).expect("all went");
        assert_eq!(change.left, Some(vec![alice, user("bob")]));
        assert!(roster.abroad.is_none());
    }

    #[test]
    fn those_here_and_those_elsewhere_are_named_in_order() {
        let mut roster = Roster::default();
        ["b", "d"].iter().for_each(|name| roster.enter(Some(&user(name))));
        roster.change_abroad(None, Some(&there(&["a", "b", "c", "e"], 0)));
        let shown: Vec<&str> = roster.show(10).expect("few").map(UserId::as_str).collect();
        assert_eq!(shown, ["a", "b", "c", "d", "e"]);
        assert!(roster.show(5).is_none(), "six sessions");
        assert_eq!(roster.here(10), there(&["b", "d"], 0));
    }

    #[test]
    fn nobody_is_named_while_a_node_counts_without_names() {
        let mut roster = Roster::default();
        roster.enter(Some(&user("a")));
        let crowd = Here { sessions: 3, counts: Counts { members: 2, guests: 1 }, users: None };
        roster.change_abroad(None, Some(&crowd));
        let change = roster.take_change(10).expect("many came");
        assert_eq!((change.joined, change.counts), (None, Counts { members: 3, guests: 1 }));
        roster.change_abroad(Some(&crowd), Some(&there(&["z"], 0)));
        let change = roster.take_change(10).expect("it has named them");
        assert_eq!(change.joined, Some(vec![user("a"), user("z")]));
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

//! What happens in rooms that somebody beyond the node wants to know: seen by the home that it happens at, if it is asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use backplanes::Order;
use chat::{Happening, Message, Occasion, Position, RoomId, Roster, Time, UserId};

use super::Homes;
use super::room::known_there;
use crate::{Interest, Now};

/// What was seen and not told yet.
pub(super) struct Witness {
    interest: Interest,
    seen: Vec<Seen>,
    /// Who has left a room here and, as far as was known, is there on another node still; `None`: the room itself, that was vacated here.
    owed: VecDeque<(RoomId, Option<UserId>)>,
}

/// Something that was seen.
pub(super) enum Seen {
    /// Somebody wants to know it.
    Happened(Happening),
    /// So many more of a user's names, or of guests, are in a room on this node, or so many less: what has to be put right if the node ends before it can tell.
    Counted(RoomId, Option<UserId>, i64),
}

/// So much is owed at most; the oldest is forgotten for more.
const OWED_MAX: usize = 1024;

/// How a room was before somebody came or went.
#[derive(Clone, Copy)]
pub(super) struct Before {
    sessions: u32,
    people: u32,
}

impl Before {
    pub(super) fn of(roster: &Roster) -> Self {
        let counts = roster.counts();
        Self { sessions: roster.sessions_everywhere(), people: counts.members + counts.guests }
    }
}

impl Witness {
    pub(super) fn new(interest: Interest) -> Self {
        Self { interest, seen: Vec::new(), owed: VecDeque::new() }
    }

    /// Sees who has come to a room, or gone, that was like this before.
    pub(super) fn see(
        &mut self,
        (room, roster): (&RoomId, &Roster),
        before: Before,
        user: Option<&UserId>,
        time: Time,
    ) {
        let now = Before::of(roster);
        let user = known_there(room, user);
        let has_come = now.sessions > before.sessions;
        if has_come {
            self.count((room, roster), user, true);
        }
        let Interest { occupied, vacated, joined, left, .. } = self.interest;
        let occasions = [
            (occupied && before.sessions == 0 && now.sessions > 0).then_some(Occasion::Occupied),
            (joined && now.people > before.people).then(|| Occasion::Joined(user.cloned())),
            (left && now.people < before.people).then(|| Occasion::Left(user.cloned())),
            (vacated && before.sessions > 0 && now.sessions == 0).then_some(Occasion::Vacated),
        ];
        for occasion in occasions.into_iter().flatten() {
            self.note(Happening::seen(room.clone(), time, occasion));
        }
        if !has_come {
            self.count((room, roster), user, false);
        }
    }

    /// Counts who has come, before anything is told of it, or gone, after all was. A user counts once.
    fn count(&mut self, (room, roster): (&RoomId, &Roster), user: Option<&UserId>, has_come: bool) {
        let left = user.map(|user| roster.sessions_of(user));
        if left.is_none_or(|sessions| sessions == u32::from(has_come)) {
            let change = if has_come { 1 } else { -1 };
            self.seen.push(Seen::Counted(room.clone(), user.cloned(), change));
        }
    }

    fn note(&mut self, happening: Happening) {
        self.seen.push(Seen::Happened(happening));
    }

    /// Somebody has left who may be there on another node, which may not have told yet that they have left there too.
    pub(super) fn owe(&mut self, room: &RoomId, roster: &Roster, user: Option<&UserId>) {
        let Interest { left, vacated, .. } = self.interest;
        let gone = user.filter(|user| left && roster.is_there(user)).map(|user| Some(user.clone()));
        let vacant = (vacated && roster.is_empty() && roster.sessions_everywhere() > 0).then_some(None);
        self.owed.extend([gone, vacant].into_iter().flatten().map(|owed| (room.clone(), owed)));
        while self.owed.len() > OWED_MAX {
            self.owed.pop_front();
        }
    }

    /// Another node has told who is there: tells what is owed, if it is so.
    pub(super) fn settle(&mut self, room: &RoomId, roster: &Roster, time: Time) {
        let Self { seen, owed, .. } = self;
        owed.retain(|(of, gone)| {
            let occasion = match gone {
                _ if of != room => return true,
                Some(user) if !roster.is_there(user) => Occasion::Left(Some(user.clone())),
                None if roster.sessions_everywhere() == 0 => Occasion::Vacated,
                // Who is here again leaves again.
                _ => return roster.is_empty(),
            };
            seen.push(Seen::Happened(Happening::seen(room.clone(), time, occasion)));
            false
        });
    }

    /// Sees a guest take a name, by which somebody may have been there already.
    pub(super) fn see_named(
        &mut self,
        (room, roster): (&RoomId, &Roster),
        user: &UserId,
        is_new: bool,
        time: Time,
    ) {
        let Interest { joined, left, .. } = self.interest;
        self.count((room, roster), Some(user), true);
        let came = (joined && is_new).then(|| Occasion::Joined(Some(user.clone())));
        for occasion in [left.then_some(Occasion::Left(None)), came].into_iter().flatten() {
            self.note(Happening::seen(room.clone(), time, occasion));
        }
        self.count((room, roster), None, false);
    }

    /// Finds those gone from a room that were on this node when it ended before it could tell, and are on none now.
    pub(super) fn miss(
        &mut self,
        (room, roster): (&RoomId, &Roster),
        behind: &[(Option<UserId>, u32)],
        time: Time,
    ) {
        let Interest { vacated, left, .. } = self.interest;
        let late =
            |occasion| Happening { is_found_late: true, ..Happening::seen(room.clone(), time, occasion) };
        for (user, times) in behind {
            let is_gone = user.as_ref().is_none_or(|user| !roster.is_there(user));
            for _ in 0..if left && is_gone { *times } else { 0 } {
                self.note(late(Occasion::Left(user.clone())));
            }
        }
        if vacated && roster.sessions_everywhere() == 0 {
            self.note(late(Occasion::Vacated));
        }
        // Who has come back here is counted as well.
        let is_back = |user: &Option<UserId>| user.as_ref().is_some_and(|user| roster.sessions_of(user) > 0);
        for (user, times) in behind.iter().filter(|(user, _)| !is_back(user)) {
            self.seen.push(Seen::Counted(room.clone(), user.clone(), -i64::from(*times)));
        }
    }

    /// Sees a message.
    pub(super) fn hear(&mut self, message: &Arc<Message>) {
        let (room, time) = (message.room.clone(), message.time);
        self.note(Happening::seen(room, time, Occasion::Posted(message.clone())));
    }

    /// Whether it is to be known who comes and goes in a room.
    pub(super) fn is_at_door_of(&self, room: &RoomId) -> bool {
        self.interest.is_in_presence() && room.is_public()
    }

    /// Whether it is to be known what is said in a room.
    pub(super) fn listens_in(&self, room: &RoomId) -> bool {
        self.interest.posted && room.is_public()
    }
}

impl Homes {
    /// What was seen since the last time, and is told by nobody else.
    pub(crate) fn take_happenings(&mut self) -> impl Iterator<Item = Happening> {
        self.entrust_seen();
        self.witness.seen.drain(..).filter_map(|seen| match seen {
            Seen::Happened(happening) => Some(happening),
            Seen::Counted(..) => None,
        })
    }

    /// Leaves what was seen to the store, where that has it told: in order with what is said.
    pub(super) fn entrust_seen(&mut self) {
        if !self.store.announces() {
            return;
        }
        for seen in self.witness.seen.drain(..) {
            match seen {
                Seen::Happened(happening) => self.store.announce(happening),
                Seen::Counted(room, user, change) => self.store.count_here(room, user, change),
            }
        }
    }

    /// A room is open: those are missed who were here when the node ended, and those who have waited for that come, one after the other.
    pub(super) fn see_all_come(&mut self, room: &RoomId, now: Now) {
        if !self.witness.is_at_door_of(room) {
            return;
        }
        let Some(home) = self.rooms.get_mut(room) else { return };
        let users: Vec<Option<UserId>> = home.entering().map(|enter| enter.user.clone()).collect();
        users.iter().for_each(|user| home.roster.leave(known_there(room, user.as_ref())));
        for behind in home.take_missing() {
            self.witness.miss((room, &home.roster), &behind, now.wall);
        }
        for user in &users {
            let before = Before::of(&home.roster);
            home.roster.enter(known_there(room, user.as_ref()));
            self.witness.see((room, &home.roster), before, user.as_ref(), now.wall);
        }
    }

    /// An order that only its node knows has its place.
    pub(super) fn hear_placed(&mut self, order: Order, at: Position) {
        let Order { room, author, body, tag, time, .. } = order;
        self.witness.hear(&Arc::new(Message { room, at, author, time, tag, body }));
        self.entrust_seen();
    }
}

//! What happens in rooms that somebody beyond the node wants to know: seen by the home that it happens at, if it is asked for.

use std::collections::VecDeque;
use std::sync::Arc;

use backplanes::Order;
use chat::{Message, Position, RoomId, Roster, Time, UserId};

use super::Homes;
use super::room::known_there;
use crate::{Happening, Interest, Now, Occasion};

/// What was seen and not told yet.
pub(super) struct Witness {
    interest: Interest,
    seen: Vec<Happening>,
    /// Who has left a room here and, as far as was known, is there on another node still; `None`: the room itself, that was vacated here.
    owed: VecDeque<(RoomId, Option<UserId>)>,
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
        let user = || known_there(room, user).cloned();
        let Interest { occupied, vacated, joined, left, .. } = self.interest;
        let occasions = [
            (occupied && before.sessions == 0 && now.sessions > 0).then_some(Occasion::Occupied),
            (joined && now.people > before.people).then(|| Occasion::Joined(user())),
            (left && now.people < before.people).then(|| Occasion::Left(user())),
            (vacated && before.sessions > 0 && now.sessions == 0).then_some(Occasion::Vacated),
        ];
        let happened = occasions.into_iter().flatten();
        self.seen.extend(happened.map(|occasion| Happening { room: room.clone(), time, occasion }));
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
            seen.push(Happening { room: room.clone(), time, occasion });
            false
        });
    }

    /// Sees a guest take a name, by which somebody may have been there already.
    pub(super) fn see_named(&mut self, room: &RoomId, user: &UserId, is_new: bool, time: Time) {
        let Interest { joined, left, .. } = self.interest;
        let came = (joined && is_new).then(|| Occasion::Joined(Some(user.clone())));
        let happened = [left.then_some(Occasion::Left(None)), came].into_iter().flatten();
        self.seen.extend(happened.map(|occasion| Happening { room: room.clone(), time, occasion }));
    }

    /// Sees a message.
    pub(super) fn hear(&mut self, message: &Arc<Message>) {
        let (room, time) = (message.room.clone(), message.time);
        self.seen.push(Happening { room, time, occasion: Occasion::Posted(message.clone()) });
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
    /// What was seen since the last time.
    pub(crate) fn take_happenings(&mut self) -> impl Iterator<Item = Happening> {
        self.witness.seen.drain(..)
    }

    /// A room is open: those who have waited for that come, one after the other.
    pub(super) fn see_all_come(&mut self, room: &RoomId, now: Now) {
        if !self.witness.is_at_door_of(room) {
            return;
        }
        let Some(home) = self.rooms.get_mut(room) else { return };
        let users: Vec<Option<UserId>> = home.entering().map(|enter| enter.user.clone()).collect();
        users.iter().for_each(|user| home.roster.leave(known_there(room, user.as_ref())));
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
    }
}

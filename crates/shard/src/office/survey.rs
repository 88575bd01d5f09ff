//! Surveys: all rooms or sessions of a shard looked at, a slice at a time, so that messages do not wait for it.

use core::net::IpAddr;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use chat::{Counts, Position, RoomId, UserId};
use gateways::GATEWAYS;

use super::Report;
use crate::audience::Audiences;
use crate::sessions::{Membership, Session, Sessions};
use crate::streams::{Place, Streams};
use crate::{Now, SessionKey};

/// Places looked at in a turn.
const SLICE: u32 = 1024;
/// Of a session that is in more, so many rooms are named.
const ROOMS_NAMED_MAX: usize = 100;

/// Which rooms are wanted.
#[derive(Clone, Debug)]
pub struct RoomsSought {
    /// Their names begin so.
    pub prefix: Box<str>,
    /// Which come first.
    pub order: RoomOrder,
    /// Those behind this one, in that order.
    pub after: Option<RoomMark>,
    /// So many at most.
    pub limit: usize,
}

/// Which rooms come first in a list; those that are alike in that stand in the order of their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomOrder {
    /// All are alike.
    Name,
    /// The largest.
    Size,
    /// Those in which most is said.
    Rate,
}

/// Where a room stands in a list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoomMark {
    rank: Reverse<u32>,
    name: Box<str>,
}

/// A room with sessions here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomLine {
    /// The room.
    pub room: RoomId,
    /// How many are in it on every node, as was told last.
    pub counts: Counts,
    /// Sessions of it here.
    pub here: u32,
    /// Messages in a thousand seconds, since somebody looked before; `None`: nobody has for a while.
    pub rate: Option<u32>,
}

/// Which sessions are wanted. Who is nobody's is everybody's.
#[derive(Clone, Debug, Default)]
pub struct SessionsSought {
    /// This one alone.
    pub session: Option<SessionKey>,
    /// Those of this user.
    pub user: Option<UserId>,
    /// Those in this room.
    pub room: Option<RoomId>,
    /// Those of the clients at this address.
    pub address: Option<IpAddr>,
    /// From here on.
    pub from: Place,
    /// So many at most.
    pub limit: usize,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLine {
    /// What it is called.
    pub session: SessionKey,
    /// The name it goes by.
    pub user: Option<UserId>,
    /// It has proven that.
    pub is_proven: bool,
    /// The name of its gateway.
    pub gateway: &'static str,
    /// Where its client is.
    pub address: IpAddr,
    /// Rooms that it is in, the first of them.
    pub rooms: Vec<RoomId>,
    /// How many there are.
    pub rooms_total: usize,
    /// Where it stands in each of those: it was sent everything up to there. `None`: it is not let in yet.
    pub positions: Vec<Option<Position>>,
    /// Bytes that wait for it, alone and with others in its rooms.
    pub queued_bytes: usize,
    /// How long nothing has come from its client.
    pub silence_ms: u64,
    /// How long its client took to answer the last sign of life for which that is known, to a quarter.
    pub round_trip_us: Option<u64>,
}

/// A look at everything here, and how far it has come.
pub(super) enum Survey {
    /// At rooms: the first in the order that is wanted are kept, and one more.
    Rooms { sought: RoomsSought, next: Place, found: BTreeMap<RoomMark, RoomLine> },
    /// At sessions.
    Sessions { sought: SessionsSought, next: Place, found: Vec<SessionLine> },
}

impl RoomLine {
    /// Where it stands in a list.
    pub fn mark(&self, order: RoomOrder) -> RoomMark {
        let rank = match order {
            RoomOrder::Name => 0,
            RoomOrder::Size => self.counts.members.saturating_add(self.counts.guests),
            RoomOrder::Rate => self.rate.unwrap_or(0),
        };
        RoomMark::new(rank, self.room.name())
    }
}

impl RoomMark {
    /// That of a room with so much of what comes first; in lists by name that is 0.
    pub fn new(rank: u32, name: &str) -> Self {
        Self { rank: Reverse(rank), name: name.into() }
    }

    /// The rank and the name.
    pub fn parts(&self) -> (u32, &str) {
        (self.rank.0, &self.name)
    }
}

impl Survey {
    pub(super) fn of_rooms(sought: RoomsSought) -> Self {
        Self::Rooms { sought, next: 0, found: BTreeMap::new() }
    }

    pub(super) fn of_sessions(sought: SessionsSought) -> Self {
        Self::Sessions { next: sought.from, sought, found: Vec::new() }
    }

    /// Looks at a slice. `Some` when that was the last one that is wanted.
    pub(super) fn go_on(
        &mut self,
        sessions: &Sessions,
        audiences: &mut Audiences,
        streams: &Streams,
        now: Now,
    ) -> Option<Report> {
        match self {
            Self::Rooms { sought, next, found } => {
                let end = (*next + SLICE).min(audiences.places());
                (*next..end).for_each(|place| note_room(audiences, place, sought, now, found));
                *next = end;
                let is_done = end >= audiences.places();
                is_done.then(|| Report::Rooms(std::mem::take(found).into_values().collect()))
            }
            Self::Sessions { sought, next, found } => {
                let end = (*next + SLICE).min(sessions.places());
                while *next < end && found.len() < sought.limit {
                    found.extend(line((sessions, audiences, streams), *next, sought, now));
                    *next += 1;
                }
                let is_done = found.len() >= sought.limit || *next >= sessions.places();
                let goes_on = Some(*next).filter(|next| *next < sessions.places());
                is_done.then(|| Report::Sessions(std::mem::take(found), goes_on))
            }
        }
    }
}

/// Puts a room where it belongs among those that were found, if it is one of the first there.
fn note_room(
    audiences: &mut Audiences,
    place: Place,
    sought: &RoomsSought,
    now: Now,
    found: &mut BTreeMap<RoomMark, RoomLine>,
) {
    if !audiences.contains(place) {
        return;
    }
    let audience = audiences.get_mut(place);
    let rate = audience.look(now.monotonic_ms);
    let is_sought = audience.room.is_public() && audience.room.name().starts_with(&*sought.prefix);
    if !is_sought || audience.members.is_empty() {
        return;
    }
    let (room, here) = (audience.room.clone(), audience.members.len() as u32);
    let line = RoomLine { room, counts: audience.counts, here, rate };
    let mark = line.mark(sought.order);
    if sought.after.as_ref().is_some_and(|after| mark <= *after) {
        return;
    }
    found.insert(mark, line);
    if found.len() > sought.limit + 1 {
        found.pop_last();
    }
}

/// What there is to say of a session, if it is one of those that are wanted.
fn line(
    (sessions, audiences, streams): (&Sessions, &Audiences, &Streams),
    place: Place,
    sought: &SessionsSought,
    now: Now,
) -> Option<SessionLine> {
    let session = sessions.get(place).filter(|session| session.protocol.form().is_some())?;
    let key = sessions.key(place);
    let is_sought = sought.session.is_none_or(|sought| sought == key)
        && sought.user.as_ref().is_none_or(|user| session.user.as_ref() == Some(user))
        && sought.address.is_none_or(|address| session.address == address)
        && sought.room.as_ref().is_none_or(|room| is_in(session, audiences, room));
    is_sought.then(|| {
        let is_public = |membership: &&Membership| audiences.get(membership.audience).room.is_public();
        let rooms: Vec<&Membership> = session.rooms.iter().filter(is_public).collect();
        let named = || rooms.iter().take(ROOMS_NAMED_MAX);
        let queued =
            streams.get(session.stream).map_or(session.extras.own().len(), |stream| stream.own().len());
        SessionLine {
            session: key,
            user: session.user.clone(),
            is_proven: session.standing.is_some(),
            gateway: GATEWAYS[usize::from(session.gateway)].0,
            address: session.address,
            rooms_total: rooms.len(),
            rooms: named().map(|membership| audiences.get(membership.audience).room.clone()).collect(),
            positions: named().map(|membership| audiences.stands_at(membership)).collect(),
            queued_bytes: queued
                + session.rooms.iter().map(|membership| audiences.unsent(membership)).sum::<usize>(),
            silence_ms: session.silence_ms(now),
            round_trip_us: session.lag_us(),
        }
    })
}

fn is_in(session: &Session, audiences: &Audiences, room: &RoomId) -> bool {
    session.rooms.iter().any(|membership| audiences.get(membership.audience).room == *room)
}

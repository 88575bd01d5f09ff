//! The sessions of a shard.

use chat::{Position, RoomId, UserId};
use gateways::Protocol;
use slab::Slab;
use smallvec::SmallVec;

use crate::streams::Place;
use crate::waiting::Waiting;
use crate::{SessionKey, ShardId, StreamId};

/// One client.
pub(crate) struct Session {
    pub(crate) generation: u32,
    pub(crate) stream: StreamId,
    pub(crate) gateway: u8,
    /// Something came from the client since the last sign of life was sent to it.
    pub(crate) heard: bool,
    /// The client must answer the last sign of life.
    pub(crate) awaited: bool,
    pub(crate) protocol: Box<dyn Protocol>,
    pub(crate) user: Option<UserId>,
    pub(crate) rooms: SmallVec<[Membership; 2]>,
    /// What a slow reader was made to miss and has not been told of yet.
    pub(crate) missed: Vec<Missed>,
    /// A large answer is on its way from a home.
    pub(crate) awaits_much: bool,
    /// Commands that were put off; never an empty box.
    pub(crate) waiting: Option<Box<Waiting>>,
}

/// A session's place in the audience of a room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membership {
    pub(crate) audience: Place,
    /// Its place among the members, or [`PENDING`] until the home has answered.
    pub(crate) member: u32,
}

/// The home has not answered yet.
pub(crate) const PENDING: u32 = u32::MAX;

/// Messages after `since` up to `at` were dropped.
#[derive(Debug)]
pub(crate) struct Missed {
    pub(crate) room: RoomId,
    pub(crate) since: Position,
    pub(crate) at: Position,
    /// Other things were dropped too, perhaps who came and went.
    pub(crate) is_more: bool,
}

/// The sessions of a shard by their places.
pub(crate) struct Sessions {
    shard: ShardId,
    generations: u32,
    slab: Slab<Session>,
}

impl Sessions {
    pub(crate) fn new(shard: ShardId) -> Self {
        Self { shard, generations: 0, slab: Slab::new() }
    }

    pub(crate) fn insert(&mut self, stream: StreamId, gateway: u8, protocol: Box<dyn Protocol>) -> Place {
        self.generations = self.generations.wrapping_add(1);
        let session = Session {
            generation: self.generations,
            stream,
            gateway,
            heard: true,
            awaited: false,
            protocol,
            user: None,
            rooms: SmallVec::new(),
            missed: Vec::new(),
            awaits_much: false,
            waiting: None,
        };
        self.slab.insert(session) as Place
    }

    pub(crate) fn get(&self, place: Place) -> Option<&Session> {
        self.slab.get(place as usize)
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut Session> {
        self.slab.get_mut(place as usize)
    }

    pub(crate) fn remove(&mut self, place: Place) -> Session {
        let session = self.slab.remove(place as usize);
        if self.slab.is_empty() && self.slab.capacity() > 64 {
            self.slab = Slab::new();
        }
        session
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &Session)> {
        self.slab.iter().map(|(place, session)| (place as Place, session))
    }

    /// The session's name for the rest of the node.
    pub(crate) fn key(&self, place: Place) -> SessionKey {
        let generation = self.slab[place as usize].generation;
        SessionKey { shard: self.shard, slot: place, generation }
    }

    /// The place of a session that is still there.
    pub(crate) fn find(&self, key: SessionKey) -> Option<Place> {
        self.get(key.slot).filter(|session| session.generation == key.generation).map(|_| key.slot)
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// One more than the highest place in use may be.
    pub(crate) fn places(&self) -> u32 {
        self.slab.capacity() as u32
    }
}

impl Session {
    pub(crate) fn member_of(&self, audience: Place) -> Option<usize> {
        self.rooms.iter().position(|membership| membership.audience == audience)
    }
}

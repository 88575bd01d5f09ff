//! The sessions of a shard.

use core::net::{IpAddr, Ipv4Addr};

use access::Standing;
use backplanes::NodeId;
use chat::{Position, RoomId, UserId};
use gateways::{GATEWAYS, Lane, MAIN, Protocol};
use slab::Slab;
use smallvec::SmallVec;

use crate::bucket::Bucket;
use crate::extras::Extras;
use crate::recovery::Strands;
use crate::streams::{NOWHERE, Place};
use crate::waiting::Waiting;
use crate::{LATENCY_BOUNDS_US, Now, SessionKey, ShardId, StreamId, latency};

/// One client.
pub(crate) struct Session {
    pub(crate) generation: u32,
    /// The main stream, or [`NOWHERE`].
    pub(crate) stream: StreamId,
    /// It is in the list of sessions that something is kept for.
    pub(crate) kept: bool,
    pub(crate) gateway: u8,
    /// The last sign of life that it was sent must be answered.
    pub(crate) must_answer: bool,
    /// It was sent a sign of life in its group's turn, and nothing has come since.
    pub(crate) is_timed: bool,
    /// How long its client took to answer the last time that was measured: the bucket behind this one; 0: it was not yet.
    lag: u8,
    /// When something came from the client last: the lower bits of the monotonic clock.
    heard_ms: u32,
    /// Where its client is, as far as is known.
    pub(crate) address: IpAddr,
    pub(crate) protocol: Box<dyn Protocol>,
    pub(crate) user: Option<UserId>,
    /// How it has proven who it is, if it has.
    pub(crate) standing: Option<Standing>,
    /// An alarm is set for when its proof runs out.
    pub(crate) minds_expiry: bool,
    /// It is not decided yet whether it may do what it has asked for.
    pub(crate) awaits_verdict: bool,
    pub(crate) rooms: SmallVec<[Membership; 2]>,
    /// A large answer is on its way from a home.
    pub(crate) awaits_much: bool,
    /// How far it is ahead of what it may say.
    pub(crate) posts: Bucket,
    /// How far it is ahead of what it may ask for.
    pub(crate) joins: Bucket,
    /// Messages of its client, of which it does not know yet what became of them.
    pub(crate) owed: u32,
    /// What most sessions have nothing of.
    pub(crate) extras: Extras,
    /// What it may be recovered by, when anything may.
    pub(crate) strands: Option<Box<Strands>>,
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
    node: NodeId,
    shard: ShardId,
    generations: u32,
    /// How many came over each gateway.
    by_gateway: [usize; GATEWAYS.len()],
    slab: Slab<Session>,
    /// How many have no main stream.
    lingering: usize,
    /// What is kept for all of those.
    kept_bytes: usize,
    /// What commands weigh that all have put off.
    pub(crate) put_off_bytes: usize,
}

impl Sessions {
    pub(crate) fn new(node: NodeId, shard: ShardId) -> Self {
        Self {
            node,
            shard,
            generations: 0,
            by_gateway: [0; GATEWAYS.len()],
            slab: Slab::new(),
            lingering: 0,
            kept_bytes: 0,
            put_off_bytes: 0,
        }
    }

    /// A session whose main stream is `stream`.
    pub(crate) fn insert(
        &mut self,
        stream: StreamId,
        gateway: u8,
        protocol: Box<dyn Protocol>,
        now: Now,
    ) -> Place {
        self.generations = self.generations.wrapping_add(1);
        let session = Session {
            generation: self.generations,
            stream,
            kept: false,
            gateway,
            must_answer: false,
            is_timed: false,
            lag: 0,
            heard_ms: now.monotonic_ms as u32,
            address: Ipv4Addr::UNSPECIFIED.into(),
            protocol,
            user: None,
            standing: None,
            minds_expiry: false,
            awaits_verdict: false,
            rooms: SmallVec::new(),
            awaits_much: false,
            posts: Bucket::default(),
            joins: Bucket::default(),
            owed: 0,
            extras: Extras::default(),
            strands: None,
        };
        self.by_gateway[usize::from(gateway)] += 1;
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
        self.lingering -= usize::from(session.stream == NOWHERE);
        self.kept_bytes -= session.extras.own().len();
        self.by_gateway[usize::from(session.gateway)] -= 1;
        self.put_off_bytes -= session.extras.waiting().map_or(0, Waiting::bytes);
        if self.slab.is_empty() && self.slab.capacity() > 64 {
            self.slab = Slab::new();
        }
        session
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &Session)> {
        self.slab.iter().map(|(place, session)| (place as Place, session))
    }

    /// Puts a stream into a lane of a session, or [`NOWHERE`] for none.
    pub(crate) fn set_lane(&mut self, place: Place, lane: Lane, stream: StreamId) {
        let session = &mut self.slab[place as usize];
        self.lingering -= usize::from(session.stream == NOWHERE);
        session.set_lane(lane, stream);
        self.lingering += usize::from(session.stream == NOWHERE);
    }

    /// Keeps bytes for a session that has no main stream.
    pub(crate) fn keep(&mut self, place: Place, bytes: &[u8]) {
        self.slab[place as usize].extras.push_own(bytes);
        self.kept_bytes += bytes.len();
    }

    /// Takes what was kept for a session.
    pub(crate) fn take_kept(&mut self, place: Place) -> Vec<u8> {
        let kept = self.slab[place as usize].extras.take_own();
        self.kept_bytes -= kept.len();
        kept
    }

    /// How many came over each gateway.
    pub(crate) fn by_gateway(&self) -> [usize; GATEWAYS.len()] {
        self.by_gateway
    }

    /// How many have no main stream.
    pub(crate) fn lingering(&self) -> usize {
        self.lingering
    }

    /// Bytes kept for want of main streams.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// The session's name for the rest of the cluster.
    pub(crate) fn key(&self, place: Place) -> SessionKey {
        let generation = self.slab[place as usize].generation;
        SessionKey { node: self.node, shard: self.shard, slot: place, generation }
    }

    /// What the next session will be called.
    pub(crate) fn next_key(&self) -> SessionKey {
        let generation = self.generations.wrapping_add(1);
        SessionKey { node: self.node, shard: self.shard, slot: self.slab.vacant_key() as u32, generation }
    }

    /// The place of a session that is still there.
    pub(crate) fn find(&self, key: SessionKey) -> Option<Place> {
        let is_here = (key.node, key.shard) == (self.node, self.shard);
        self.get(key.slot)
            .filter(|_| is_here)
            .filter(|session| session.generation == key.generation)
            .map(|_| key.slot)
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
    fn set_lane(&mut self, lane: Lane, stream: StreamId) {
        match lane {
            MAIN => self.stream = stream,
            lane => self.extras.set_lane(lane, stream),
        }
    }

    /// The stream in a lane.
    pub(crate) fn lane(&self, lane: Lane) -> StreamId {
        match lane {
            MAIN => self.stream,
            lane => self.extras.lanes()[usize::from(lane) - 1],
        }
    }

    /// Every stream it has.
    pub(crate) fn streams(&self) -> impl Iterator<Item = StreamId> + use<> {
        std::iter::once(self.stream).chain(self.extras.lanes()).filter(|stream| *stream != NOWHERE)
    }

    /// Something came from the client.
    pub(crate) fn note_heard(&mut self, now: Now) {
        self.heard_ms = now.monotonic_ms as u32;
    }

    /// Its client took so long to answer.
    pub(crate) fn note_lag(&mut self, us: u64) {
        self.lag = latency::bucket_of(us) as u8 + 1;
    }

    /// How long its client took to answer the last sign of life for which that is known, to a quarter.
    pub(crate) fn lag_us(&self) -> Option<u64> {
        LATENCY_BOUNDS_US.get(usize::from(self.lag).checked_sub(1)?).copied()
    }

    /// How long nothing has come from the client. Wrong after 49 days, which nobody who must say something lets pass.
    pub(crate) fn silence_ms(&self, now: Now) -> u64 {
        u64::from((now.monotonic_ms as u32).wrapping_sub(self.heard_ms))
    }

    /// Whether it goes on without a main stream.
    pub(crate) fn lingers(&mut self) -> bool {
        self.protocol.spread().is_some_and(|spread| spread.lingers())
    }

    pub(crate) fn member_of(&self, audience: Place) -> Option<usize> {
        self.rooms.iter().position(|membership| membership.audience == audience)
    }
}

//! The audiences of a shard: for each room with sessions here, who they are, what was told, and how far each has been sent it.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;

use chat::{Counts, Epoch, Event, Position, Presence, RoomId};
use gateways::{Form, Gateway};
use hashbrown::{DefaultHashBuilder, HashTable};
use slab::Slab;
use smallvec::SmallVec;

use crate::bucket::Bucket;
use crate::frames::{Buffers, FrameLog};
use crate::latency::Heard;
use crate::sessions::{Membership, Session};
use crate::streams::Place;
use crate::tempo::Tempo;
use crate::{SlowPolicy, StreamId};

/// The sessions of one room on this shard.
#[derive(Debug)]
pub(crate) struct Audience {
    pub(crate) room: RoomId,
    pub(crate) policy: SlowPolicy,
    pub(crate) epoch: Epoch,
    /// How many are in the room, as told last.
    pub(crate) counts: Counts,
    pub(crate) members: SmallVec<[Member; 1]>,
    pub(crate) logs: SmallVec<[FrameLog; 1]>,
    /// Memberships, those whose home has not answered yet included.
    pub(crate) holders: u32,
    /// The member to be visited next.
    pub(crate) next: u32,
    /// Members to be visited before the fan-out rests.
    pub(crate) due: u32,
    /// It stands in the ring of audiences to be visited.
    pub(crate) ringed: bool,
    /// How far the room is ahead of what may be said in it from here.
    pub(crate) posts: Bucket,
    /// How fast it goes, for operators who look.
    tempo: Tempo,
}

/// One member: a session and how far it has been sent its form's frames. What a fan-out needs to know of most members stands here side by
/// side, so that it need not look at the session or the stream of any of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) session: Place,
    pub(crate) stream: StreamId,
    /// Index in the audience's logs.
    pub(crate) log: u16,
    /// The stream takes more, and nothing but this room has anything for it.
    pub(crate) direct: bool,
    pub(crate) cursor: u64,
}

/// The audiences of a shard.
#[derive(Debug, Default)]
pub(crate) struct Audiences {
    hasher: DefaultHashBuilder,
    /// The audiences by their rooms, whose names stand in the slab alone.
    by_room: HashTable<Place>,
    slab: Slab<Audience>,
    /// Audiences with something to send, each visited for a slice in turn.
    pub(crate) ring: VecDeque<Place>,
    buffers: Buffers,
}

impl Audiences {
    pub(crate) fn find(&self, room: &RoomId) -> Option<Place> {
        let is_of_room = |place: &Place| self.get(*place).room == *room;
        self.by_room.find(self.hasher.hash_one(room), is_of_room).copied()
    }

    pub(crate) fn get(&self, place: Place) -> &Audience {
        &self.slab[place as usize]
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> &mut Audience {
        &mut self.slab[place as usize]
    }

    pub(crate) fn contains(&self, place: Place) -> bool {
        self.slab.contains(place as usize)
    }

    /// One more than the highest place in use may be.
    pub(crate) fn places(&self) -> u32 {
        self.slab.capacity() as u32
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Place, &Audience)> {
        self.slab.iter().map(|(place, audience)| (place as Place, audience))
    }

    /// In how many rooms a session is, or has asked to be let in, that clients join by name.
    pub(crate) fn public_rooms(&self, session: &Session) -> usize {
        session.rooms.iter().filter(|membership| self.get(membership.audience).room.is_public()).count()
    }

    /// The audience of a room, with one holder more.
    pub(crate) fn hold(&mut self, room: &RoomId, policy: impl FnOnce() -> SlowPolicy) -> Place {
        let place = self.find(room).unwrap_or_else(|| self.open(room, policy()));
        self.get_mut(place).holders += 1;
        place
    }

    /// Every room has its policy from here.
    pub(crate) fn renew(&mut self, policy: impl Fn(&RoomId) -> SlowPolicy) {
        self.slab.iter_mut().for_each(|(_, audience)| audience.policy = policy(&audience.room));
    }

    fn open(&mut self, room: &RoomId, policy: SlowPolicy) -> Place {
        let Self { hasher, by_room, slab, .. } = self;
        let place = slab.insert(Audience::new(room.clone(), policy)) as Place;
        let hash_of = |place: &Place| hasher.hash_one(&slab[*place as usize].room);
        by_room.insert_unique(hasher.hash_one(room), place, hash_of);
        place
    }

    /// One holder less; the last one takes the audience along.
    pub(crate) fn release(&mut self, place: Place) {
        let audience = self.get_mut(place);
        audience.holders -= 1;
        if audience.holders > 0 {
            return;
        }
        assert!(audience.members.is_empty(), "a member holds its audience");
        let audience = self.slab.remove(place as usize);
        if audience.ringed {
            self.ring.retain(|ringed| *ringed != place);
        }
        let entry = self.by_room.find_entry(self.hasher.hash_one(&audience.room), |of| *of == place);
        entry.expect("every audience is found by its room").remove();
        if self.slab.is_empty() {
            (self.slab, self.by_room) = (Slab::new(), HashTable::new());
        }
    }

    /// Encodes an event once for each form here and makes the members due for a visit.
    pub(crate) fn tell(
        &mut self,
        room: &RoomId,
        event: &Event,
        heard: Heard,
        gateways: &mut [Box<dyn Gateway>],
    ) {
        let Some(place) = self.find(room) else { return };
        let audience = &mut self.slab[place as usize];
        if audience.tell(event, heard, gateways, &mut self.buffers) {
            self.ring(place);
        }
    }

    /// Has every member of an audience visited.
    pub(crate) fn ring(&mut self, place: Place) {
        let audience = &mut self.slab[place as usize];
        audience.due = audience.due.max(audience.members.len() as u32);
        self.stand_in_ring(place);
    }

    /// Has those members of an audience visited who are still due.
    pub(crate) fn stand_in_ring(&mut self, place: Place) {
        let audience = &mut self.slab[place as usize];
        if !audience.ringed {
            audience.ringed = true;
            self.ring.push_back(place);
        }
    }

    /// Lets go of what all members have been sent, when the last that lagged was sent something out of turn. A lap under way will see to it.
    pub(crate) fn let_go_after(&mut self, place: Place) {
        let audience = &mut self.slab[place as usize];
        if audience.due == 0 {
            audience.let_go_for_nobody(&mut self.buffers);
        }
    }

    /// Removes a member. Returns the session that has taken its place, if one has.
    pub(crate) fn remove_member(&mut self, place: Place, member: u32) -> Option<Place> {
        let audience = &mut self.slab[place as usize];
        let moved = audience.leave(member, &mut self.buffers);
        if audience.logs.iter().any(|log| log.kept_bytes() > 0) {
            self.ring(place);
        }
        moved
    }

    /// A member, who has been sent everything, reads another form from here on, on another stream.
    pub(crate) fn change_form(&mut self, place: Place, member: u32, stream: StreamId, form: Form) {
        let audience = &mut self.slab[place as usize];
        let reader = &mut audience.members[member as usize];
        let former = &mut audience.logs[usize::from(reader.log)];
        let offset = former.offset();
        former.readers -= 1;
        if former.readers == 0 {
            former.trim(u64::MAX, &mut self.buffers);
        }
        let log = audience.log_of(form, offset);
        audience.logs[log].readers += 1;
        let cursor = audience.logs[log].end();
        let reader = &mut audience.members[member as usize];
        *reader = Member { stream, log: log as u16, cursor, direct: false, ..*reader };
    }

    /// Lets go of the frames that everybody has been sent, given the oldest cursor into each log.
    pub(crate) fn trim(&mut self, place: Place, oldest: &[u64]) {
        let audience = &mut self.slab[place as usize];
        for (log, cursor) in audience.logs.iter_mut().zip(oldest) {
            log.trim(*cursor, &mut self.buffers);
        }
    }

    /// Where a member stands that was sent everything up to its cursor; `None`: the home has not answered yet.
    pub(crate) fn stands_at(&self, membership: &Membership) -> Option<Position> {
        let audience = self.get(membership.audience);
        let member = audience.members.get(membership.member as usize)?;
        Some(audience.logs[usize::from(member.log)].position_before(member.cursor, audience.epoch))
    }

    /// Bytes of the room that wait for a member.
    pub(crate) fn unsent(&self, membership: &Membership) -> usize {
        let audience = self.get(membership.audience);
        let member = audience.members.get(membership.member as usize);
        member.map_or(0, |member| audience.logs[usize::from(member.log)].after(member.cursor).len())
    }

    /// How many are in a room here.
    pub(crate) fn members_of(&self, room: &RoomId) -> usize {
        self.find(room).map_or(0, |place| self.get(place).members.len())
    }

    pub(crate) fn rooms(&self) -> usize {
        self.slab.len()
    }

    /// Bytes kept for members that lag.
    pub(crate) fn kept_bytes(&self) -> usize {
        self.buffers.kept_bytes()
    }
}

impl Audience {
    fn new(room: RoomId, policy: SlowPolicy) -> Self {
        Self {
            room,
            policy,
            epoch: Epoch(0),
            counts: Counts::default(),
            members: SmallVec::new(),
            logs: SmallVec::new(),
            holders: 0,
            next: 0,
            due: 0,
            ringed: false,
            posts: Bucket::default(),
            tempo: Tempo::new(),
        }
    }

    /// How many messages come in a thousand seconds, as far as somebody has looked before.
    pub(crate) fn look(&mut self, now_ms: u64) -> Option<u32> {
        let read = self.logs.iter().filter(|log| log.readers > 0);
        let offset = read.map(FrameLog::offset).max()?;
        self.tempo.look(offset, now_ms)
    }

    /// Adds a member that has been sent everything up to `at`. Returns its place.
    pub(crate) fn enter(&mut self, session: Place, stream: StreamId, form: Form, at: Position) -> u32 {
        self.epoch = at.epoch;
        let log = self.log_of(form, at.offset);
        self.logs[log].readers += 1;
        let cursor = self.logs[log].end();
        // Twice as much each time would leave a third of most small rooms empty.
        if self.members.spilled() && self.members.len() == self.members.capacity() {
            self.members.grow(self.members.len() + (self.members.len() / 4).max(2));
        }
        self.members.push(Member { session, stream, log: log as u16, direct: false, cursor });
        // A lap under way comes by here too before it has been everywhere.
        self.due += u32::from(self.due > 0);
        self.members.len() as u32 - 1
    }

    /// Removes a member. Returns the session that has taken its place, if one has.
    fn leave(&mut self, member: u32, buffers: &mut Buffers) -> Option<Place> {
        let gone = self.members.swap_remove(member as usize);
        let log = &mut self.logs[gone.log as usize];
        log.readers -= 1;
        if log.readers == 0 {
            log.trim(u64::MAX, buffers);
        }
        if self.members.is_empty() {
            self.logs = SmallVec::new();
            self.members = SmallVec::new();
        }
        self.due = if self.due > 0 { self.members.len() as u32 } else { 0 };
        if self.next as usize >= self.members.len() {
            self.next = 0;
        }
        self.members.get(member as usize).map(|moved| moved.session)
    }

    /// Lets go of frames that every reader has been sent. Looks for somebody who has not where it found one the last time, so that members who
    /// catch up one after the other are each passed by once.
    fn let_go_for_nobody(&mut self, buffers: &mut Buffers) {
        let Self { members, logs, .. } = self;
        for (index, log) in logs.iter_mut().enumerate().filter(|(_, log)| log.kept_bytes() > 0) {
            let lags = |place: &usize| {
                let Member { log: of, cursor, .. } = members[*place];
                usize::from(of) == index && cursor < log.end()
            };
            let from = members.len().min(log.laggard as usize);
            let found = (from..members.len()).chain(0..from).find(lags);
            log.laggard = found.unwrap_or(0) as u32;
            if found.is_none() {
                log.trim(u64::MAX, buffers);
            }
        }
    }

    /// The log of a form whose readers stand at `offset`. One that nobody has read meanwhile was told nothing and starts anew.
    fn log_of(&mut self, form: Form, offset: u64) -> usize {
        if let Some(log) = self.logs.iter().position(|log| log.form == form && log.readers > 0) {
            return log;
        }
        let vacant = self.logs.iter().position(|log| log.readers == 0);
        let log = FrameLog::new(form, offset);
        match vacant {
            Some(place) => self.logs[place] = log,
            None => self.logs.push(log),
        }
        vacant.unwrap_or(self.logs.len() - 1)
    }

    fn tell(
        &mut self,
        event: &Event,
        heard: Heard,
        gateways: &mut [Box<dyn Gateway>],
        buffers: &mut Buffers,
    ) -> bool {
        let (reached, goes_on_from) = match event {
            Event::Posted(message) => (Some(message.at), message.at.offset - 1),
            // The home has it no more: nobody is sent it.
            Event::Lost { at, .. } => (Some(*at), at.offset),
            _ => (None, 0),
        };
        let former = self.epoch;
        self.epoch = reached.map_or(self.epoch, |at| at.epoch);
        let turned =
            Some(Position { epoch: self.epoch, offset: goes_on_from }).filter(|_| self.epoch != former);
        let offset = reached.map(|at| at.offset);
        if let Event::Presence(presence) = event {
            self.counts = presence.counts;
        }
        let mut told = false;
        for log in self.logs.iter_mut().filter(|log| log.readers > 0) {
            if let Some(to) = turned {
                log.turn(former, to);
            }
            let Form { gateway, variant, names_users } = log.form;
            let gateway = &mut gateways[gateway as usize];
            let counted = if names_users { None } else { without_names(event) };
            let event = counted.as_ref().unwrap_or(event);
            told |= log.append((offset, heard), buffers, |out| gateway.encode(variant, event, out));
        }
        told
    }
}

/// Who came and went, to those who are not to know them.
fn without_names(event: &Event) -> Option<Event> {
    let Event::Presence(presence) = event else { return None };
    let Presence { room, counts, .. } = &**presence;
    Some(Event::Presence(Arc::new(Presence {
        room: room.clone(),
        joined: None,
        left: None,
        counts: *counts,
    })))
}

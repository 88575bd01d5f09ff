//! Sessions that travel: one whose stream has come to another node for good is brought over to it, so that neither what it says nor what it is
//! told takes the way through the broker any more.
//!
//! The node of the session asks the other one to hold what the client says, and has all of it before that when the answer comes. If nothing is on
//! its way to the client then, the session is packed, and goes on at the other node as one that comes back does: it enters its rooms from where
//! its client stands. Otherwise it stays, and tries again. What is packed is remembered, should it be lost on the way.

use core::net::Ipv4Addr;

use chat::{Farewell, Position, RoomId, UserId};
use gateways::MAIN;

use crate::deadlines::Deadlines;
use crate::envelopes::{CARRIED_BYTES_MAX, Way, Word};
use crate::fields::{Reader, Writer};
use crate::journal::Journal;
use crate::mail::{Exit, Mail};
use crate::records::Claim;
use crate::streams::{Phase, Place};
use crate::{Attention, Deed, Now, SessionKey, Shard, StreamId};

/// A session that has moved to a stream of another node is left there for so long; then it is tried to bring it over, so often.
const SETTLED_MS: u64 = 1000;
const TRIES: u8 = 30;
/// Who has travelled is still counted for so long where it was, so that nobody is told that it has gone and come.
const ARRIVED_MS: u64 = 2000;
/// Strands or rooms that are believed another node.
const MANY: u64 = 4096;

/// What there is to be done for those who travel.
#[derive(Debug)]
pub(crate) struct Travels {
    /// Sessions that may go, and how often that was tried.
    ready: Deadlines<(SessionKey, u8)>,
    /// Where sessions were that have gone.
    left: Deadlines<Exit>,
}

/// A session on its way.
#[derive(Debug, PartialEq)]
struct Packed {
    gateway: u8,
    protocol: Vec<u8>,
    user: Option<UserId>,
    /// What its client has said that was not judged.
    tail: Vec<u8>,
    positions: Vec<(RoomId, Position)>,
    strands: Vec<(Claim, Journal)>,
    /// What it was called.
    left: SessionKey,
}

impl Default for Travels {
    fn default() -> Self {
        Self { ready: Deadlines::new(SETTLED_MS), left: Deadlines::new(ARRIVED_MS) }
    }
}

impl Travels {
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.ready.next_ms().into_iter().chain(self.left.next_ms()).min()
    }
}

impl Shard {
    /// A session has moved to a stream, perhaps of another node.
    pub(crate) fn note_led(&mut self, place: Place, id: StreamId, now: Now) {
        if id.is_far() {
            self.travels.ready.push(now.monotonic_ms, (self.sessions.key(place), 0));
        }
    }

    /// Has the streams of those held who may go now, and lets those be gone who have arrived.
    pub(crate) fn mind_travels(&mut self, now: Now) {
        while let Some((session, tries)) = self.travels.ready.pop_due(now.monotonic_ms) {
            let Some(place) = self.sessions.find(session) else { continue };
            if self.is_leaving() || tries == TRIES {
                continue;
            }
            self.travels.ready.push(now.monotonic_ms, (session, tries + 1));
            let id = self.sessions.get(place).map(|session| session.stream);
            if self.may_travel(place)
                && let Some(far) = id.and_then(|id| self.tunnels.far.get_mut(id))
            {
                self.tunnels.outgoing.say(far.peer, Way::Out, far.tunnel, &mut far.course, Word::Hold);
            }
        }
        while let Some(exit) = self.travels.left.pop_due(now.monotonic_ms) {
            self.send_mail(self.settings.home_of(&exit.room), Mail::Exit(exit));
        }
    }

    /// Whether nothing is on its way to a session, or owed to it, and its protocol knows how to be packed.
    fn may_travel(&mut self, place: Place) -> bool {
        if self.sessions.get(place).is_none() || !self.is_settled(place) || self.has_kept(place) {
            return false;
        }
        let Some(session) = self.sessions.get(place) else { return false };
        // What it has proven, and for how long, is known here alone.
        if session.standing.is_some() {
            return false;
        }
        let has_nothing = self.streams.get(session.stream).is_some_and(|stream| stream.own().is_empty());
        has_nothing && session.protocol.pack().is_some()
    }

    /// What the client says is held by the other node, and all before that has come: the session goes, if it can.
    pub(crate) fn held(&mut self, id: StreamId, now: Now) {
        let place = self.streams.get(id).map(|stream| stream.session);
        let packed = place.filter(|place| self.may_travel(*place)).and_then(|place| self.pack(place, id));
        let Some(far) = self.tunnels.far.get_mut(id) else { return };
        let (Some(place), Some(packed)) = (place, packed) else {
            return self.tunnels.outgoing.say(far.peer, Way::Out, far.tunnel, &mut far.course, Word::Stays);
        };
        self.tunnels.outgoing.say(far.peer, Way::Out, far.tunnel, &mut far.course, Word::Moved(packed));
        self.let_travel(place, id, now);
    }

    fn pack(&self, place: Place, id: StreamId) -> Option<Vec<u8>> {
        let session = self.sessions.get(place)?;
        let positions = session.rooms.iter().map(|membership| {
            let audience = self.audiences.get(membership.audience);
            let reader = audience.members[membership.member as usize];
            let log = &audience.logs[usize::from(reader.log)];
            (audience.room.clone(), log.position_before(reader.cursor, audience.epoch))
        });
        let packed = Packed {
            gateway: session.gateway,
            protocol: session.protocol.pack()?,
            user: session.user.clone(),
            tail: self.streams.get(id)?.tail().to_vec(),
            positions: positions.collect(),
            strands: session.strands.as_ref().map(|strands| strands.begun()).unwrap_or_default(),
            left: self.sessions.key(place),
        };
        let mut out = Writer::default();
        packed.write(&mut out);
        (out.0.len() <= CARRIED_BYTES_MAX).then_some(out.0)
    }

    /// A session is here no longer, and nobody is told that it has gone.
    fn let_travel(&mut self, place: Place, id: StreamId, now: Now) {
        self.note(place, Attention::Sessions, || Deed::Disconnected { because: "moved" });
        let key = self.sessions.key(place);
        let mut session = self.sessions.remove(place);
        self.remember(key, &mut session, now);
        if let Some(far) = self.tunnels.far.remove(id) {
            self.tunnels.peers.release(far.peer);
        }
        self.streams.remove(id);
        for membership in &session.rooms {
            let room = self.audiences.get(membership.audience).room.clone();
            self.leave_audience(*membership);
            let exit = Exit { room, shard: self.settings.shard, user: session.user.clone() };
            self.travels.left.push(now.monotonic_ms, exit);
        }
        self.rest_if_nobody();
    }

    /// A session comes over to the stream that its client has here.
    pub(crate) fn arrive(&mut self, id: StreamId, packed: &[u8], now: Now) {
        let packed = Packed::read(&mut Reader(packed));
        let gateway = packed.as_ref().and_then(|packed| self.gateways.get_mut(usize::from(packed.gateway)));
        let protocol =
            packed.as_ref().zip(gateway).and_then(|(packed, gateway)| gateway.unpack(&packed.protocol));
        let (Some(packed), Some(protocol)) = (packed, protocol) else { return self.close_politely(id, now) };
        let Some(stream) = self.streams.get_mut(id) else { return };
        let ended = stream.ended;
        let mut tail = packed.tail;
        tail.extend(stream.take_tail());
        stream.keep_tail(tail);
        let place = self.sessions.insert(id, packed.gateway, protocol, now);
        let address =
            self.streams.origins.get(id).map_or(Ipv4Addr::UNSPECIFIED.into(), |origin| origin.address);
        self.note_address(place, address);
        let Some(stream) = self.streams.get_mut(id) else { return };
        (stream.session, stream.lane, stream.phase) = (place, MAIN, Phase::Open);
        self.start_sweep(now);
        self.listen_for(place, now);
        self.go_on_in_all(place, packed.user, packed.positions, (packed.left, packed.strands), now);
        if ended {
            self.lose(id, now);
            return self.close_politely(id, now);
        }
        if self.is_leaving() {
            let farewell = self.farewell();
            return self.part(place, farewell, now);
        }
        self.take_ahead(id, now);
    }

    /// A session that has come over cannot go on: its client comes back by itself.
    pub(crate) fn send_back(&mut self, place: Place, now: Now) {
        self.part(place, Farewell::ServerRestart { delay_ms: 0 }, now);
    }
}

impl Packed {
    fn write(&self, out: &mut Writer) {
        out.byte(self.gateway);
        out.blob(&self.protocol);
        out.user(self.user.as_ref());
        out.blob(&self.tail);
        out.number(self.positions.len() as u64);
        for (room, at) in &self.positions {
            out.room(room);
            out.position(*at);
        }
        out.number(self.strands.len() as u64);
        for (claim, journal) in &self.strands {
            claim.write(out);
            journal.write(out);
        }
        out.session(self.left);
    }

    fn read(fields: &mut Reader<'_>) -> Option<Self> {
        let (gateway, protocol, user, tail) =
            (fields.byte()?, fields.blob()?.to_vec(), fields.user()?, fields.blob()?.to_vec());
        let positions = (0..fields.number_up_to(MANY)?).map(|_| Some((fields.room()?, fields.position()?)));
        let positions = positions.collect::<Option<_>>()?;
        let strands =
            (0..fields.number_up_to(MANY)?).map(|_| Some((Claim::read(fields)?, Journal::read(fields)?)));
        let strands = strands.collect::<Option<_>>()?;
        let left = fields.session()?;
        fields.is_empty().then_some(Self { gateway, protocol, user, tail, positions, strands, left })
    }
}

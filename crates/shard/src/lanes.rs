//! Sessions over several streams: further streams come and go, and what is told while there is no main one is kept.

use gateways::{Aside, Lane, MAIN, Outbox, SessionName};
use smallvec::SmallVec;
use wire::http::Head;

use crate::sessions::{Membership, PENDING};
use crate::streams::{NOBODY, NOWHERE, Phase, Place};
use crate::{Now, SessionKey, Shard, StreamId};

/// How much is handed at once to a stream that carries what was kept.
const RELAYED_BYTES: usize = 64 * 1024;

/// Places in rooms; most sessions are in a few.
type EnteredRooms = SmallVec<[Membership; 8]>;

/// A session ends because its stream has ended without a word.
const LOST: &str = "connection_lost";

impl Shard {
    /// A request is for a session that is there already: here, with another shard, which then takes the stream, or with another node, to which
    /// a tunnel is dug. `bytes` begin with the request; says how many are done with.
    pub(crate) fn attach(
        &mut self,
        id: StreamId,
        gateway: u8,
        name: SessionName,
        (head, length): (&Head<'_>, usize),
        bytes: &[u8],
        now: Now,
    ) -> usize {
        match self.names.read(name) {
            Some(key) if self.is_of(key, gateway) => self.attach_here(id, key.slot, head, now),
            Some(key) if key.node != self.settings.node && !id.is_far() => {
                self.dig(id, gateway, key, head, &bytes[..length], now);
            }
            Some(key) if key.shard != self.settings.shard && !id.is_far() => {
                self.set_out(id, key.shard, bytes);
                return bytes.len();
            }
            _ => self.answer_unknown(id, gateway, head, now),
        }
        length
    }

    fn is_of(&self, key: SessionKey, gateway: u8) -> bool {
        let session = self.sessions.find(key).and_then(|place| self.sessions.get(place));
        session.is_some_and(|session| session.gateway == gateway)
    }

    fn attach_here(&mut self, id: StreamId, place: Place, head: &Head<'_>, now: Now) {
        let mut out = Outbox::default();
        let Some(session) = self.sessions.get_mut(place) else { return };
        session.note_heard(now);
        let spread =
            session.protocol.spread().expect("a gateway attaches streams to sessions that may have several");
        if let Some(lane) = spread.attach(head, &mut out) {
            assert_eq!(session.lane(lane), NOWHERE, "a lane is given to one stream at a time");
            self.sessions.set_lane(place, lane, id);
            let stream = self.streams.get_mut(id).expect("a stream that asks is there");
            (stream.session, stream.lane, stream.phase) = (place, lane, Phase::Open);
        }
        self.note_switch(id, &out.bytes);
        self.act(id, place, &mut out, now);
        self.keep(place, &[]);
    }

    /// Does what an outbox says about streams of the session besides the one that its bytes are for.
    pub(crate) fn settle_lanes(&mut self, place: Place, out: &mut Outbox, now: Now) {
        for Aside { lane, bytes, then } in out.aside.drain(..) {
            let Some(session) = self.sessions.get(place) else { return };
            let id = session.lane(lane);
            if id == NOWHERE && lane == MAIN {
                self.keep(place, &bytes);
                self.check_kept(place, now);
                continue;
            }
            let mut out = Outbox { bytes, then, ..Outbox::default() };
            self.settle_stream(id, &mut out, now);
        }
        if let Some(lane) = out.lead.take() {
            self.lead(place, lane, now);
        }
    }

    /// The stream of a lane becomes the main one: it is sent what was kept, and rooms are told in the form that it takes.
    fn lead(&mut self, place: Place, lane: Lane, now: Now) {
        let Some(session) = self.sessions.get(place) else { return };
        let id = session.lane(lane);
        self.sessions.set_lane(place, lane, NOWHERE);
        self.sessions.set_lane(place, MAIN, id);
        if let Some(stream) = self.streams.get_mut(id) {
            stream.lane = MAIN;
        }
        let told = self.take_kept(place, usize::MAX);
        let mut out = Outbox::default();
        let Some(session) = self.sessions.get_mut(place) else { return };
        if let Some(spread) = session.protocol.spread().filter(|_| !told.is_empty()) {
            spread.relay(&told, &mut out);
        }
        self.settle(place, id, &mut out, now);
        self.carry_over(place);
        self.take_form(place, |_| true);
        self.note_led(place, id, now);
    }

    /// The session takes another form from here on. What its rooms have told it so far is told in the one it had.
    pub(crate) fn reform(&mut self, place: Place) {
        let told = self.take_kept(place, usize::MAX);
        let Some(session) = self.sessions.get_mut(place) else { return };
        match session.stream {
            NOWHERE => self.keep(place, &told),
            id => self.queue_own(id, &told),
        }
        self.take_form(place, |is_held| !is_held);
    }

    /// Whether the session reads a room in another form than it takes now.
    pub(crate) fn is_to_reform(&self, place: Place) -> bool {
        let Some(session) = self.sessions.get(place) else { return false };
        let Some(variant) = session.protocol.form() else { return false };
        let mut entered = session.rooms.iter().filter(|membership| membership.member != PENDING);
        entered.any(|membership| {
            let audience = self.audiences.get(membership.audience);
            let log = audience.members[membership.member as usize].log;
            audience.logs[usize::from(log)].form.variant != variant
        })
    }

    /// Enters the session anew, where it stands, into the audiences of its rooms, those meant that are held back or are not.
    fn take_form(&mut self, place: Place, is_meant: impl Fn(bool) -> bool) {
        for membership in self.entered_rooms(place, is_meant) {
            let Some(session) = self.sessions.get(place) else { return };
            let room = &self.audiences.get(membership.audience).room;
            let Some(form) = self.form_in(session, room) else { return };
            self.audiences.change_form(membership.audience, membership.member, session.stream, form);
        }
        self.note_direct(place);
    }

    /// Keeps bytes for a session without a main stream, and notes that there may be something to be handed to a stream that waits.
    pub(crate) fn keep(&mut self, place: Place, bytes: &[u8]) {
        let Some(session) = self.sessions.get_mut(place).filter(|session| session.stream == NOWHERE) else {
            return;
        };
        if !session.kept {
            session.kept = true;
            self.kept.push(place);
        }
        self.sessions.keep(place, bytes);
    }

    /// Hands what is kept to the streams that wait for it.
    pub(crate) fn relay_kept(&mut self, now: Now) {
        for place in std::mem::take(&mut self.kept) {
            if let Some(session) = self.sessions.get_mut(place) {
                session.kept = false;
                self.relay(place, now);
            }
        }
    }

    /// Hands what is kept for a session, and what its rooms have for it, to a stream that waits. Says whether there was both.
    pub(crate) fn relay(&mut self, place: Place, now: Now) -> bool {
        let Some(session) = self.sessions.get_mut(place) else { return false };
        if !session.protocol.spread().is_some_and(|spread| spread.awaits()) {
            return false;
        }
        self.tell_missed_to(place, now);
        let told = self.take_kept(place, RELAYED_BYTES);
        let Some(session) = self.sessions.get_mut(place).filter(|_| !told.is_empty()) else { return false };
        let mut out = Outbox::default();
        if let Some(spread) = session.protocol.spread() {
            spread.relay(&told, &mut out);
        }
        self.settle(place, NOWHERE, &mut out, now);
        self.sent.push(place);
        true
    }

    /// Takes what is kept for a session, and of what its rooms have for it about so many bytes.
    pub(crate) fn take_kept(&mut self, place: Place, bytes_max: usize) -> Vec<u8> {
        if self.sessions.get(place).is_none() {
            return Vec::new();
        }
        let mut told = self.sessions.take_kept(place);
        for membership in self.entered_rooms(place, |is_held| !is_held) {
            if told.len() > bytes_max {
                break;
            }
            self.take_told(membership, &mut told);
        }
        self.note_sent(place);
        told
    }

    /// Takes what a room has told a member that it was not handed.
    pub(crate) fn take_told(&mut self, membership: Membership, told: &mut Vec<u8>) {
        let audience = self.audiences.get_mut(membership.audience);
        let reader = &mut audience.members[membership.member as usize];
        let log = &audience.logs[usize::from(reader.log)];
        told.extend_from_slice(log.after(reader.cursor));
        self.tally.deliveries += log.end() - reader.cursor;
        self.turn.sent(log.heard(reader.cursor, log.end()), &mut self.tally.delivery, &mut self.traces);
        reader.cursor = log.end();
        self.audiences.let_go_after(membership.audience);
    }

    /// The places of a session in its rooms, those meant that are held back or are not.
    pub(crate) fn entered_rooms(&self, place: Place, is_meant: impl Fn(bool) -> bool) -> EnteredRooms {
        let Some(session) = self.sessions.get(place) else { return EnteredRooms::new() };
        let is_held = |room: &Membership| session.is_held_in(&self.audiences.get(room.audience).room);
        let entered = session.rooms.iter().filter(|membership| membership.member != PENDING);
        entered.filter(|membership| is_meant(is_held(membership))).copied().collect()
    }

    /// Whether anything is kept for a session, or told to one of its rooms, that it was not handed.
    pub(crate) fn has_kept(&self, place: Place) -> bool {
        let Some(session) = self.sessions.get(place) else { return false };
        let mut entered = session.rooms.iter().filter(|membership| membership.member != PENDING);
        !session.extras.own().is_empty()
            || !session.extras.missed().is_empty()
            || entered.any(|membership| {
                let audience = self.audiences.get(membership.audience);
                let reader = audience.members[membership.member as usize];
                reader.cursor != audience.logs[usize::from(reader.log)].end()
            })
    }

    /// A stream is gone without its session's doing: the protocol is told, if it has several.
    pub(crate) fn lose(&mut self, id: StreamId, now: Now) {
        let Some(stream) = self.streams.get(id) else { return };
        let (place, lane) = (stream.session, stream.lane);
        self.detach(id, LOST, now);
        if let Some(session) = self.sessions.get_mut(place) {
            let mut out = Outbox::default();
            if let Some(spread) = session.protocol.spread() {
                spread.detach(lane, &mut out);
            }
            let (main, is_over) = (session.stream, std::mem::take(&mut out.is_over));
            self.act(main, place, &mut out, now);
            if is_over {
                self.end_session(place, LOST, now);
            }
        }
    }

    /// A stream leaves its session. One that does not go on without it is over; streams aside are let go one by one, each with its answer.
    pub(crate) fn detach(&mut self, id: StreamId, because: &'static str, now: Now) {
        self.abandon(id);
        let Some(stream) = self.streams.get_mut(id) else { return };
        let (place, lane) = (std::mem::replace(&mut stream.session, NOBODY), stream.lane);
        stream.lane = MAIN;
        if self.sessions.get(place).is_none() {
            return;
        }
        self.sessions.set_lane(place, lane, NOWHERE);
        let Some(session) = self.sessions.get_mut(place) else { return };
        let is_last = lane == MAIN || session.streams().next().is_none();
        if session.stream == NOWHERE && is_last && !session.lingers() {
            self.end_session(place, because, now);
        }
    }
}

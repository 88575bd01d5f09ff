//! How streams and sessions end: politely, in the words of a protocol, or at once.

use chat::Farewell;
use gateways::{MAIN, Outbox};

use crate::mail::{Exit, Mail};
use crate::sessions::PENDING;
use crate::streams::{NOBODY, Phase, Place};
use crate::{Attention, Deed, Effects, Now, Shard, StreamId};

/// A session ends because its client has said goodbye, or its stream was done with.
pub(crate) const LEFT: &str = "left";

impl Shard {
    /// The stream leaves its session, if it had one; what is queued is sent, and the stream closed.
    pub(crate) fn close_politely(&mut self, id: StreamId, now: Now) {
        self.detach(id, LEFT, now);
        let Some(stream) = self.streams.get_mut(id) else { return };
        if matches!(stream.phase, Phase::Closing | Phase::Finished) {
            return;
        }
        stream.phase = Phase::Closing;
        stream.take_tail();
        self.streams.count(id);
        self.hold(id, false);
        self.closings.push(now.monotonic_ms, id);
        self.touch(id);
    }

    /// Parts with a session in its protocol's own way.
    pub(crate) fn part(&mut self, place: Place, farewell: Farewell, now: Now) {
        let mut out = Outbox::default();
        let Some(session) = self.sessions.get_mut(place) else { return };
        let id = session.stream;
        session.protocol.part(farewell, &mut out);
        self.tally.parted(farewell);
        self.end_if_final(place, farewell);
        self.settle_lanes(place, &mut out, now);
        self.queue_own(id, &out.bytes);
        self.end_session(place, farewell.reason(), now);
    }

    /// The session, if it is still there, is over: its streams are closed and its rooms are told. A home that has not answered yet is told
    /// once it has.
    pub(crate) fn end_session(&mut self, place: Place, because: &'static str, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let mut out = Outbox::default();
        session.protocol.end(&mut out);
        for command in out.commands {
            self.carry_out(place, command, now);
        }
        // One of them may have been refused, and the answer too much for the stream.
        if self.sessions.get(place).is_none() {
            return;
        }
        self.note_sent(place);
        self.note(place, Attention::Sessions, || Deed::Disconnected { because });
        let key = self.sessions.key(place);
        let mut session = self.sessions.remove(place);
        self.floods.forget(place);
        self.count_out(place);
        self.remember(key, &mut session, now);
        for id in session.streams() {
            if let Some(stream) = self.streams.get_mut(id) {
                stream.session = NOBODY;
                self.close_politely(id, now);
            }
        }
        for membership in &session.rooms {
            let room = self.audiences.get(membership.audience).room.clone();
            self.leave_audience(*membership);
            if membership.member == PENDING {
                continue;
            }
            let exit = Exit { room, shard: self.settings.shard, user: session.user.clone() };
            self.send_mail(self.settings.home_of(&exit.room), Mail::Exit(exit));
        }
        self.rest_if_nobody();
    }

    /// The other side is gone, or says no more. What it was still owed is tried once; who has closed its half behind a whole
    /// request waits for an answer, which is given.
    pub(crate) fn hung_up(&mut self, id: StreamId, now: Now, effects: &mut dyn Effects) {
        if self.streams.get(id).is_some_and(|stream| stream.phase == Phase::Tunnelled && !stream.ended) {
            return self.pass_on_end(id, now);
        }
        if let Some(stream) = self.streams.get(id).filter(|stream| !stream.ended && stream.lane == MAIN)
            && self.sessions.get(stream.session).is_some_and(|session| session.protocol.owes_answer())
        {
            return self.end_input(id, now);
        }
        self.lose(id, now);
        self.flush_stream(id, now, effects);
        self.cut(id, now, effects);
    }

    /// Nothing more comes in; what was asked before has its time to be answered.
    pub(crate) fn end_input(&mut self, id: StreamId, now: Now) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.ended = true;
        self.closings.push(now.monotonic_ms, id);
    }

    /// Lets go of a stream at once.
    pub(crate) fn cut(&mut self, id: StreamId, now: Now, effects: &mut dyn Effects) {
        self.detach(id, LEFT, now);
        if self.streams.get(id).is_some() {
            self.streams.remove(id);
            self.tunnels.close(id, effects);
        }
    }
}

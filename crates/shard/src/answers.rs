//! What the protocols of sessions ask for: bytes to their clients, commands to chat, and what becomes of the stream.

use chat::Farewell;
use gateways::{Outbox, Recovery, Then, Wake};

use crate::alarms::Alarm;
use crate::partings::LEFT;
use crate::streams::{NOBODY, NOWHERE, Phase, Place};
use crate::{Now, Shard, StreamId};

/// A stream that takes all it is sent may gather in a turn so many times what one that does not may.
const ANSWER_QUEUES: usize = 4;

impl Shard {
    /// Does what a protocol machine asked for: bytes to its client, commands to chat, and what becomes of the stream.
    pub(crate) fn act(&mut self, id: StreamId, place: Place, out: &mut Outbox, now: Now) {
        // Who takes the lead is told what was kept before anything else, and takes it in another form from here on.
        if out.lead.is_some() {
            self.settle_lanes(place, out, now);
        }
        if std::mem::take(&mut out.reforms) {
            self.reform(place);
        }
        let mut commands = std::mem::take(&mut out.commands);
        // Nothing is said after a goodbye, so what was asked before it is answered before it.
        if out.then == Then::Stay {
            self.queue(place, id, &out.bytes);
            out.bytes.clear();
        }
        for command in commands.drain(..) {
            self.command(place, command, now);
        }
        out.commands = commands;
        self.settle(place, id, out, now);
    }

    /// Does what an outbox without commands says: its bytes are for one stream of the session, or kept for want of a main one.
    pub(crate) fn settle(&mut self, place: Place, id: StreamId, out: &mut Outbox, now: Now) {
        let is_over = std::mem::take(&mut out.is_over);
        let passing = std::mem::take(&mut out.passing);
        let (resumes, others): (Vec<_>, Vec<_>) =
            out.recovery.drain(..).partition(|recovery| matches!(recovery, Recovery::Resume { .. }));
        others.into_iter().for_each(|recovery| self.recover(place, recovery, now));
        for Wake { after_ms, what_for } in out.wakes.drain(..) {
            self.set_alarm(place, Alarm::Wake(what_for), u64::from(after_ms.max(1)), now);
        }
        if !out.aside.is_empty() || out.lead.is_some() {
            self.settle_lanes(place, out, now);
        }
        if id == NOWHERE && !out.bytes.is_empty() {
            self.keep(place, &out.bytes);
            out.bytes.clear();
            out.then = Then::Stay;
            self.check_kept(place, now);
        }
        self.settle_stream(id, out, now);
        self.pass(place, &passing);
        for resume in resumes {
            self.recover(place, resume, now);
        }
        if is_over {
            self.end_session(place, LEFT, now);
        }
    }

    /// Sends what means something only now, when it can be sent now.
    fn pass(&mut self, place: Place, passing: &[u8]) {
        let Some(session) = self.sessions.get_mut(place).filter(|_| !passing.is_empty()) else { return };
        let id = session.stream;
        let queued = match self.streams.get(id) {
            Some(stream) => (!stream.stalled).then_some(stream.own().len()),
            None => {
                session.protocol.spread().filter(|spread| spread.awaits()).map(|_| session.extras.own().len())
            }
        };
        if queued.is_some_and(|queued| queued + passing.len() <= self.settings.session_queue_bytes) {
            self.queue(place, id, passing);
        }
    }

    /// Queues the bytes of an outbox, counts its refusals and does what it says about the stream.
    pub(crate) fn settle_stream(&mut self, id: StreamId, out: &mut Outbox, now: Now) {
        for refusal in out.refusals.drain(..) {
            self.tally.refused(refusal);
        }
        self.queue_own(id, &out.bytes);
        out.bytes.clear();
        match std::mem::take(&mut out.then) {
            Then::Stay => {}
            Then::NextRequest => self.next_request(id, now),
            Then::Close => self.close_politely(id, now),
        }
        self.check_queue(id, now);
    }

    /// The stream leaves its session, if it had one, and takes another request.
    pub(crate) fn next_request(&mut self, id: StreamId, now: Now) {
        self.detach(id, LEFT, now);
        if id.is_far() {
            return self.end_answer(id);
        }
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.ended && stream.tail().is_empty() {
            return self.close_politely(id, now);
        }
        stream.phase = Phase::Asking;
        stream.asked_ms = now.monotonic_ms;
        if !stream.tail().is_empty() {
            self.answered.push(id);
        }
        if !stream.greeted {
            stream.greeted = true;
            self.greetings.push(now.monotonic_ms, id);
        }
    }

    /// A stream that lets too much of its own pile up is parted with. One that takes all it is sent gets what belongs to one answer
    /// however long that becomes in its protocol.
    fn check_queue(&mut self, id: StreamId, now: Now) {
        let Some(stream) = self.streams.get(id) else { return };
        let times = if stream.stalled { 1 } else { ANSWER_QUEUES };
        if stream.own().len() <= self.settings.session_queue_bytes * times {
            return;
        }
        match stream.session {
            NOBODY => self.close_politely(id, now),
            place => self.part(place, Farewell::SlowConsumer, now),
        }
    }

    /// What is kept for a session without a main stream may be as much as what is queued on one that takes no more.
    pub(crate) fn check_kept(&mut self, place: Place, now: Now) {
        let kept = self.sessions.get(place).map_or(0, |session| session.extras.own().len());
        if kept > self.settings.session_queue_bytes {
            self.part(place, Farewell::SlowConsumer, now);
        }
    }

    /// Bytes for this session alone, on a stream or kept for one.
    fn queue(&mut self, place: Place, id: StreamId, bytes: &[u8]) {
        match id {
            NOWHERE => self.keep(place, bytes),
            id => self.queue_own(id, bytes),
        }
    }

    /// Bytes for this stream alone.
    pub(crate) fn queue_own(&mut self, id: StreamId, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let Some(stream) = self.streams.get_mut(id) else { return };
        if matches!(stream.phase, Phase::Asking | Phase::Open | Phase::Tunnelled) {
            stream.push_own(bytes);
            self.streams.count(id);
            self.touch(id);
        }
    }

    pub(crate) fn touch(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if !stream.touched && !stream.stalled {
            stream.touched = true;
            self.touched.push(id);
        }
    }
}

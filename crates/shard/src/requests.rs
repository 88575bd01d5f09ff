//! Bytes that come in: request heads on streams of no session, and whatever the protocol of a session makes of the rest.

use core::net::IpAddr;

use chat::{Farewell, Refusal};
use gateways::{Admission, Call, GATEWAYS, MAIN, Outbox, Protocol, Recovery, SessionName, Then, Wake};
use wire::http::{self, HttpFault};

use crate::alarms::Alarm;
use crate::flood::SLICE_BYTES;
use crate::headcount::Party;
use crate::streams::{NOBODY, NOWHERE, Phase, Place};
use crate::{Attention, Deed, Effects, Now, Shard, StreamId};

/// What may wait on a stream to be judged: the largest request head, and requests sent ahead of an answer.
pub(crate) const TAIL_BYTES_MAX: usize = 128 * 1024;

/// A session ends because its client has said goodbye, or its stream was done with.
const LEFT: &str = "left";

/// A stream that takes all it is sent may gather in a turn so many times what one that does not may.
const ANSWER_QUEUES: usize = 4;

impl Shard {
    pub(crate) fn knock(&mut self, stream: StreamId, address: IpAddr, now: Now) {
        self.tally.streams_opened += 1;
        self.knocks.take(self.settings.limits.connections, now);
        self.streams.insert(stream, self.origin_of(address), now.monotonic_ms);
        self.greetings.push(now.monotonic_ms, stream);
    }

    /// Bytes that cannot be judged yet are kept, and come again in front of the next ones.
    pub(crate) fn take_bytes(&mut self, id: StreamId, bytes: &mut [u8], now: Now) {
        self.tally.bytes_in += bytes.len() as u64;
        self.take(id, bytes, now);
    }

    /// Requests that were sent ahead of an answer are looked at once it is given.
    pub(crate) fn take_ahead(&mut self, id: StreamId, now: Now) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let mut ahead = std::mem::take(&mut stream.tail);
        self.take(id, &mut ahead, now);
    }

    pub(crate) fn take(&mut self, id: StreamId, bytes: &mut [u8], now: Now) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let mut tail = std::mem::take(&mut stream.tail);
        if tail.is_empty() {
            let taken = self.feed(id, bytes, now);
            tail.extend_from_slice(&bytes[taken..]);
        } else {
            tail.extend_from_slice(bytes);
            let taken = self.feed(id, &mut tail, now);
            tail.drain(..taken);
        }
        if tail.len() > TAIL_BYTES_MAX {
            self.lose(id, now);
            return self.close_politely(id, now);
        }
        if let Some(stream) = self.streams.get_mut(id).filter(|_| !tail.is_empty()) {
            stream.tail = tail;
        }
        self.streams.count(id);
    }

    /// Feeds bytes to whatever the stream is at, as long as it takes any and is read. Says how many were taken.
    fn feed(&mut self, id: StreamId, bytes: &mut [u8], now: Now) -> usize {
        let (mut taken, mut slice) = (0, SLICE_BYTES);
        while taken < bytes.len() {
            let Some(stream) = self.streams.get(id) else { return bytes.len() };
            let rest = &mut bytes[taken..];
            let step = match stream.phase {
                _ if stream.held => break,
                Phase::Asking => self.ask(id, rest, now),
                Phase::Open => {
                    let some = rest.len().min(slice);
                    self.receive(id, stream.session, &mut rest[..some], now)
                }
                Phase::Tunnelled => self.pass_on(id, rest),
                Phase::Closing | Phase::Finished => rest.len(),
            };
            if step == 0 && slice >= bytes.len() - taken {
                break;
            }
            // What cannot be judged from so little is shown with more.
            slice = if step == 0 { slice * 2 } else { SLICE_BYTES };
            taken += step;
        }
        taken
    }

    /// Reads a request head and lets the gateways look at it, one after the other.
    fn ask(&mut self, id: StreamId, bytes: &[u8], now: Now) -> usize {
        if let Some(taken) = self.take_preface(id, bytes, now) {
            return taken;
        }
        let mut out = std::mem::take(&mut self.outbox);
        let taken = match self.read_head(bytes) {
            Ok(None) => 0,
            Ok(Some((head, length))) => {
                self.tally.requests += 1;
                let (address, is_secure) = (self.client_of(id, &head), self.came_securely(id, &head));
                match self.admit(&head, (address, is_secure), &mut out) {
                    // Only requests for sessions that are here come through tunnels.
                    Admitted::Opens(..) | Admitted::Answered if id.is_far() => {
                        out = Outbox::default();
                        0
                    }
                    Admitted::Opens(..) if out.then != Then::Stay && self.is_leaving() => {
                        self.turn_away(id, "draining", &mut out, now);
                        length
                    }
                    Admitted::Opens(..) if self.is_crowded => {
                        self.tally.sessions_turned_away += 1;
                        self.turn_away(id, "overloaded", &mut out, now);
                        length
                    }
                    Admitted::Opens(..) if out.then != Then::Stay && self.is_full_of_lingering() => {
                        self.tally.sessions_turned_away += 1;
                        self.turn_away(id, "overloaded", &mut out, now);
                        length
                    }
                    Admitted::Opens(gateway, mut protocol) => {
                        // A session of several streams has its name already, and its protocol may have had others do something.
                        let is_bound = protocol.spread().is_some();
                        let is_barred = self.bars(address, now);
                        if is_barred || self.turns_away(&mut *protocol, now) {
                            out.commands.clear();
                            let place = self.open(id, address, gateway, protocol, &mut out, now);
                            let farewell = if is_barred { Farewell::Banned } else { self.farewell() };
                            self.part(place, farewell, now);
                            self.outbox = out;
                            return length;
                        }
                        let to = if is_bound { self.settings.shard } else { self.place_for(&out.commands) };
                        if to != self.settings.shard {
                            // It is counted where it is answered.
                            self.tally.requests -= 1;
                            self.outbox = Outbox::default();
                            self.set_out(id, to, bytes);
                            return bytes.len();
                        }
                        self.open(id, address, gateway, protocol, &mut out, now);
                        length
                    }
                    Admitted::Joins(gateway, name) => {
                        self.attach(id, gateway, name, (&head, length), bytes, now)
                    }
                    Admitted::Answered => {
                        self.settle_stream(id, &mut out, now);
                        length
                    }
                }
            }
            Err(fault) => {
                self.tally.bad_requests += 1;
                refuse_request(fault.status(), fault.reason(), &mut out);
                self.settle_stream(id, &mut out, now);
                bytes.len()
            }
        };
        self.outbox = out;
        taken
    }

    /// Reads a request head that is no longer than it may be.
    fn read_head<'b>(&self, bytes: &'b [u8]) -> Result<Option<(http::Head<'b>, usize)>, HttpFault> {
        let max = self.settings.head_bytes_max;
        match http::read_head(&bytes[..bytes.len().min(max)]) {
            Ok(None) if bytes.len() >= max => Err(HttpFault::HeadTooLarge),
            read => read,
        }
    }

    /// Lets the gateways look at a request, one after the other.
    fn admit(
        &mut self,
        head: &http::Head<'_>,
        (address, is_secure): (IpAddr, bool),
        out: &mut Outbox,
    ) -> Admitted {
        if self.settings.pages.bar(head) {
            out.refusals.push(Refusal::Forbidden);
            refuse_request(403, "origin_not_allowed", out);
            return Admitted::Answered;
        }
        let (names, key) = (&self.names, self.sessions.next_key());
        let call = Call { head, address, is_secure, name: &|| names.of(key) };
        for (index, gateway) in self.gateways.iter_mut().enumerate() {
            match gateway.admit(&call, out) {
                Admission::NotMine => {}
                Admission::Open(protocol) => return Admitted::Opens(index as u8, protocol),
                Admission::Attach(name) => return Admitted::Joins(index as u8, name),
                Admission::Answered => return Admitted::Answered,
            }
        }
        refuse_request(404, "not_found", out);
        Admitted::Answered
    }

    /// Answers a request that would open a session without a stream of its own.
    fn turn_away(&mut self, id: StreamId, reason: &str, out: &mut Outbox, now: Now) {
        *out = Outbox::default();
        refuse_request(503, reason, out);
        self.settle_stream(id, out, now);
    }

    /// Whether as many sessions as may be are here that have no stream of their own, and nothing but bounds of ours keeps from being more.
    fn is_full_of_lingering(&self) -> bool {
        self.sessions.lingering() >= self.settings.lingering_max
    }

    fn open(
        &mut self,
        id: StreamId,
        address: IpAddr,
        gateway: u8,
        protocol: Box<dyn Protocol>,
        out: &mut Outbox,
        now: Now,
    ) -> Place {
        self.tally.sessions_opened += 1;
        let place = self.sessions.insert(id, gateway, protocol, now);
        self.note_address(place, address);
        self.count_in(place, Party::Source(address.into()));
        self.await_name(place, now);
        self.start_sweep(now);
        self.listen_for(place, now);
        let (has_stream, gateway) = (out.then == Then::Stay, GATEWAYS[usize::from(gateway)].0);
        self.note(place, Attention::Sessions, || Deed::Connected { gateway, has_stream, address });
        self.note_switch(id, &out.bytes);
        if let Some(stream) = self.streams.get_mut(id) {
            (stream.session, stream.lane, stream.phase) = (place, MAIN, Phase::Open);
        }
        self.act(id, place, out, now);
        place
    }

    /// Lets the session's protocol take bytes and does what it asks for.
    fn receive(&mut self, id: StreamId, place: Place, bytes: &mut [u8], now: Now) -> usize {
        let mut out = std::mem::take(&mut self.outbox);
        let lane = self.streams.get(id).map_or(MAIN, |stream| stream.lane);
        if self.sessions.get(place).is_some_and(|session| session.is_timed) {
            self.note_answer(place);
        }
        let session = self.sessions.get_mut(place).expect("an open stream has a session");
        session.note_heard(now);
        let received = match session.protocol.spread() {
            Some(spread) if lane != MAIN => spread.receive(lane, bytes, &mut out),
            _ => session.protocol.receive(bytes, &mut out),
        };
        let taken = *received.as_ref().unwrap_or(&bytes.len());
        let refused = out.refusals.len();
        match received {
            Err(violation) => {
                self.act(id, place, &mut out, now);
                self.part(place, violation.farewell, now);
            }
            Ok(_) => self.act(id, place, &mut out, now),
        }
        self.outbox = out;
        self.charge_refused(place, refused, now);
        taken
    }

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
            Some(stream) => (!stream.stalled).then_some(stream.own.len()),
            None => session.protocol.spread().filter(|spread| spread.awaits()).map(|_| session.own.len()),
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

    /// A stream that lets too much of its own pile up is parted with. One that takes all it is sent gets what belongs to one answer
    /// however long that becomes in its protocol.
    fn check_queue(&mut self, id: StreamId, now: Now) {
        let Some(stream) = self.streams.get(id) else { return };
        let times = if stream.stalled { 1 } else { ANSWER_QUEUES };
        if stream.own.len() <= self.settings.session_queue_bytes * times {
            return;
        }
        match stream.session {
            NOBODY => self.close_politely(id, now),
            place => self.part(place, Farewell::SlowConsumer, now),
        }
    }

    /// What is kept for a session without a main stream may be as much as what is queued on one that takes no more.
    pub(crate) fn check_kept(&mut self, place: Place, now: Now) {
        let kept = self.sessions.get(place).map_or(0, |session| session.own.len());
        if kept > self.settings.session_queue_bytes {
            self.part(place, Farewell::SlowConsumer, now);
        }
    }

    /// The stream leaves its session, if it had one, and takes another request.
    pub(crate) fn next_request(&mut self, id: StreamId, now: Now) {
        self.detach(id, LEFT, now);
        if id.is_far() {
            return self.end_answer(id);
        }
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.ended && stream.tail.is_empty() {
            return self.close_politely(id, now);
        }
        stream.phase = Phase::Asking;
        stream.asked_ms = now.monotonic_ms;
        if !stream.tail.is_empty() {
            self.answered.push(id);
        }
        if !stream.greeted {
            stream.greeted = true;
            self.greetings.push(now.monotonic_ms, id);
        }
    }

    /// The stream leaves its session, if it had one; what is queued is sent, and the stream closed.
    pub(crate) fn close_politely(&mut self, id: StreamId, now: Now) {
        self.detach(id, LEFT, now);
        let Some(stream) = self.streams.get_mut(id) else { return };
        if matches!(stream.phase, Phase::Closing | Phase::Finished) {
            return;
        }
        stream.phase = Phase::Closing;
        stream.tail = Vec::new();
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

    /// Answers a request that never became one.
    pub(crate) fn refuse_request(&mut self, id: StreamId, status: u16, reason: &str, now: Now) {
        let mut out = Outbox::default();
        refuse_request(status, reason, &mut out);
        self.settle_stream(id, &mut out, now);
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
            stream.own.extend_from_slice(bytes);
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

/// What became of a request.
enum Admitted {
    /// A gateway opens a session for it.
    Opens(u8, Box<dyn Protocol>),
    /// A gateway wants it to be part of a session.
    Joins(u8, SessionName),
    /// It was answered.
    Answered,
}

/// A plain answer to a request that no session comes of (RFC 9112 §9.6).
fn refuse_request(status: u16, reason: &str, out: &mut Outbox) {
    let headers = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")];
    http::write_response(&mut out.bytes, status, &headers, format!("{reason}\n").as_bytes());
    out.then = Then::Close;
}

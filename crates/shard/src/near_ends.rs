//! The near ends of tunnels: streams of clients that have come to this node with a request for a session of another one.

use gateways::Outbox;
use hashbrown::HashMap;
use wire::http::{self, Body, Head};

use crate::deadlines::Deadlines;
use crate::envelopes::{Envelope, Way, Word};
use crate::peers::PeerId;
use crate::streams::Phase;
use crate::tunnels::{ANSWER_DUE_MS, Course, WINDOW_BYTES};
use crate::{Now, SessionKey, Shard, StreamId};

/// The near end of a tunnel.
pub(crate) struct Near {
    stream: StreamId,
    /// Where the session is.
    to: PeerId,
    gateway: u8,
    /// The request's head, as long as nothing of an answer has come: it may have to be answered here.
    request: Vec<u8>,
    rest: Rest,
    course: Course,
    /// Something has come from the other end.
    is_heard: bool,
    /// Bytes for the client that the stream has not taken yet.
    held: usize,
    /// What the client says is kept here: its session may come over.
    is_holding: bool,
}

/// What goes through the tunnel behind the head of the request.
enum Rest {
    /// Its body; what follows is another request.
    Body(Body),
    /// Everything: another protocol was asked for (RFC 9110 §7.8).
    All {
        /// Something of it has gone.
        has_gone: bool,
    },
}

/// The near ends at a shard, by the numbers that it gave them.
pub(crate) struct NearEnds {
    by_number: HashMap<u64, Near>,
    by_stream: HashMap<StreamId, u64>,
    /// Tunnels ever dug.
    dug: u64,
    /// Those that may not have been heard from.
    unheard: Deadlines<u64>,
}

impl Default for NearEnds {
    fn default() -> Self {
        let (by_number, by_stream) = (HashMap::new(), HashMap::new());
        Self { by_number, by_stream, dug: 0, unheard: Deadlines::new(ANSWER_DUE_MS) }
    }
}

impl NearEnds {
    pub(crate) fn len(&self) -> usize {
        self.by_number.len()
    }

    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.unheard.next_ms()
    }

    pub(crate) fn has(&self, id: StreamId) -> bool {
        self.by_stream.contains_key(&id)
    }

    /// Some of the streams that will not be done with by one answer.
    pub(crate) fn upgraded(&self) -> impl Iterator<Item = StreamId> {
        let upgraded = self.by_number.values().filter(|near| matches!(near.rest, Rest::All { .. }));
        upgraded.map(|near| near.stream)
    }

    fn insert(&mut self, near: Near, now: Now) -> u64 {
        self.dug += 1;
        self.by_stream.insert(near.stream, self.dug);
        self.by_number.insert(self.dug, near);
        self.unheard.push(now.monotonic_ms, self.dug);
        self.dug
    }

    fn remove(&mut self, tunnel: u64) -> Option<Near> {
        let near = self.by_number.remove(&tunnel)?;
        self.by_stream.remove(&near.stream);
        if self.by_number.is_empty() {
            (self.by_number, self.by_stream) = (HashMap::new(), HashMap::new());
            self.unheard = Deadlines::new(self.unheard.after_ms());
        }
        Some(near)
    }

    /// The end of a stream, and its number.
    fn of(&mut self, id: StreamId) -> Option<(u64, &mut Near)> {
        let tunnel = *self.by_stream.get(&id)?;
        Some((tunnel, self.by_number.get_mut(&tunnel)?))
    }
}

impl Rest {
    fn of(head: &Head<'_>) -> Self {
        let all = Self::All { has_gone: false };
        if head.has_token("connection", "upgrade") {
            return all;
        }
        Body::new(head.framing, u64::MAX).map_or(all, Self::Body)
    }

    /// How many of the next bytes belong to it. Behind a body that is none, nobody knows where another request begins.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while let Self::Body(body) = self
            && taken < bytes.len()
            && !body.is_done()
        {
            match body.next(&bytes[taken..]) {
                Ok(step) => taken += step.consumed,
                Err(_) => *self = Self::All { has_gone: true },
            }
        }
        match self {
            Self::Body(_) => taken,
            Self::All { has_gone } => {
                *has_gone |= !bytes.is_empty();
                bytes.len()
            }
        }
    }

    /// Whether what comes next on the stream is another request.
    fn is_over(&self) -> bool {
        match self {
            Self::Body(body) => body.is_done(),
            Self::All { has_gone } => !has_gone,
        }
    }
}

impl Shard {
    /// A request is for a session of another node.
    pub(crate) fn dig(
        &mut self,
        id: StreamId,
        gateway: u8,
        key: SessionKey,
        head: &Head<'_>,
        request: &[u8],
        now: Now,
    ) {
        if self.tunnels.peers.is_quiet(key.node, now.monotonic_ms) {
            return self.answer_unknown(id, gateway, head, now);
        }
        if self.tunnels.near.len() >= self.settings.tunnels_max {
            return self.refuse_request(id, 503, "overloaded", now);
        }
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.phase = Phase::Tunnelled;
        let (to, request) = ((key.node, key.shard), request.to_vec());
        let mut course = Course::new(WINDOW_BYTES + self.settings.gateways.max_message_bytes);
        course.spend(request.len());
        let near = Near {
            stream: id,
            to,
            gateway,
            request: request.clone(),
            rest: Rest::of(head),
            course,
            is_heard: false,
            held: 0,
            is_holding: false,
        };
        let tunnel = self.tunnels.near.insert(near, now);
        self.tunnels.peers.hold(to, now.monotonic_ms);
        self.tunnels.send(to, Envelope::Dig { tunnel, request });
        self.tally.tunnels_dug += 1;
    }

    /// Passes bytes on as far as they belong to what was asked, and the other end has room. Says how many.
    pub(crate) fn pass_on(&mut self, id: StreamId, bytes: &[u8]) -> usize {
        let Some((tunnel, near)) = self.tunnels.near.of(id).filter(|(_, near)| !near.is_holding) else {
            return 0;
        };
        let most = bytes.len().min(near.course.credit());
        let length = near.rest.take(&bytes[..most]);
        near.course.spend(length);
        self.tunnels.outgoing.carry(near.to, Way::In, tunnel, &mut near.course, &bytes[..length]);
        length
    }

    /// The client says no more. What it has asked may still be answered.
    pub(crate) fn pass_on_end(&mut self, id: StreamId, now: Now) {
        let Some((tunnel, near)) = self.tunnels.near.of(id) else { return };
        self.tunnels.outgoing.say(near.to, Way::In, tunnel, &mut near.course, Word::HungUp);
        self.end_input(id, now);
    }

    /// The far end has said something.
    pub(crate) fn hear_from_far(&mut self, from: PeerId, tunnel: u64, number: u32, word: Word, now: Now) {
        let is_leaving = self.is_leaving();
        let Some(near) = self.tunnels.near.by_number.get_mut(&tunnel).filter(|near| near.to == from) else {
            return self.tunnels.send(from, Envelope::Fallen { way: Way::In, tunnel });
        };
        near.is_heard = true;
        let id = near.stream;
        if !near.course.follows(number) {
            return self.fall_near(tunnel, now);
        }
        match word {
            Word::Bytes(bytes) | Word::Answered(bytes) if !near.course.has_room(near.held + bytes.len()) => {
                self.fall_near(tunnel, now);
            }
            Word::Bytes(bytes) => self.answer_with(tunnel, &bytes),
            Word::Answered(bytes) => {
                self.answer_with(tunnel, &bytes);
                self.come_back(tunnel, now);
            }
            Word::Took(bytes) => {
                near.course.earn(bytes);
                self.take_ahead(id, now);
            }
            Word::Finished => {
                self.fill_near(tunnel);
                self.close_politely(id, now);
            }
            // Nobody is brought over to where everybody leaves.
            Word::Hold if is_leaving => {}
            // It is not held for long when nothing more is heard.
            Word::Hold => {
                (near.is_holding, near.is_heard) = (true, false);
                self.tunnels.near.unheard.push(now.monotonic_ms, tunnel);
                self.tunnels.outgoing.say(near.to, Way::In, tunnel, &mut near.course, Word::Held);
            }
            Word::Stays => {
                near.is_holding = false;
                self.take_ahead(id, now);
            }
            Word::Moved(packed) => {
                self.fill_near(tunnel);
                self.arrive(id, &packed, now);
            }
            Word::HungUp | Word::Held => self.fall_near(tunnel, now),
        }
    }

    fn answer_with(&mut self, tunnel: u64, bytes: &[u8]) {
        let Some(near) = self.tunnels.near.by_number.get_mut(&tunnel).filter(|_| !bytes.is_empty()) else {
            return;
        };
        near.request = Vec::new();
        near.held += bytes.len();
        let id = near.stream;
        self.queue_own(id, bytes);
    }

    /// The request was answered. The stream takes the next one where it is clear where that begins.
    fn come_back(&mut self, tunnel: u64, now: Now) {
        let Some(near) = self.fill_near(tunnel) else { return };
        if near.rest.is_over() {
            self.next_request(near.stream, now);
        } else {
            self.close_politely(near.stream, now);
        }
    }

    /// Tells the far end of what the client has taken.
    pub(crate) fn note_taken(&mut self, id: StreamId) {
        let Some((tunnel, near)) = self.tunnels.near.of(id) else { return };
        let unsent = self.streams.get(id).map_or(0, |stream| stream.own().len());
        let taken = near.held.saturating_sub(unsent);
        near.held -= taken;
        if let Some(word) = near.course.pass(taken) {
            self.tunnels.outgoing.say(near.to, Way::In, tunnel, &mut near.course, word);
        }
    }

    /// The client's stream has left a tunnel that is still there.
    pub(crate) fn abandon(&mut self, id: StreamId) {
        let Some((tunnel, near)) = self.tunnels.near.of(id) else { return };
        let to = near.to;
        self.fill_near(tunnel);
        self.tunnels.send(to, Envelope::Fallen { way: Way::In, tunnel });
    }

    /// Something was lost on the way.
    fn fall_near(&mut self, tunnel: u64, now: Now) {
        let Some(near) = self.tunnels.near.by_number.get(&tunnel) else { return };
        let to = near.to;
        self.tunnels.send(to, Envelope::Fallen { way: Way::In, tunnel });
        self.near_fallen(to, tunnel, now);
    }

    /// The far end is gone. The client is answered as if its session were, which it may be, or cut off in the middle of what it was told.
    pub(crate) fn near_fallen(&mut self, far: PeerId, tunnel: u64, now: Now) {
        if self.tunnels.near.by_number.get(&tunnel).is_none_or(|near| near.to != far) {
            return;
        }
        let Some(near) = self.fill_near(tunnel) else { return };
        self.tally.tunnels_fallen += 1;
        match http::read_head(&near.request) {
            Ok(Some((head, _))) => self.answer_unknown(near.stream, near.gateway, &head, now),
            _ => self.close_politely(near.stream, now),
        }
    }

    /// Answers a request as if its session were not there.
    pub(crate) fn answer_unknown(&mut self, id: StreamId, gateway: u8, head: &Head<'_>, now: Now) {
        let mut out = Outbox::default();
        self.gateways[usize::from(gateway)].refuse(head, &mut out);
        self.settle_stream(id, &mut out, now);
    }

    /// Gives up those tunnels of which nothing was heard in time.
    pub(crate) fn give_near_up(&mut self, now: Now) {
        while let Some(tunnel) = self.tunnels.near.unheard.pop_due(now.monotonic_ms) {
            let Some(near) = self.tunnels.near.by_number.get(&tunnel) else { continue };
            if !near.is_heard {
                self.tunnels.peers.note_quiet(near.to.0, now.monotonic_ms);
                self.fall_near(tunnel, now);
            }
        }
    }

    /// The near ends of tunnels to a shard of another node.
    pub(crate) fn near_to(&self, peer: PeerId) -> Vec<u64> {
        let leading = self.tunnels.near.by_number.iter().filter(|(_, near)| near.to == peer);
        leading.map(|(tunnel, _)| *tunnel).collect()
    }

    fn fill_near(&mut self, tunnel: u64) -> Option<Near> {
        let near = self.tunnels.near.remove(tunnel)?;
        self.tunnels.peers.release(near.to);
        Some(near)
    }
}

//! The far ends of tunnels: streams of sessions that live here, whose clients have come to another node.

use hashbrown::HashMap;
use slab::Slab;

use crate::envelopes::{Envelope, Way, Word};
use crate::peers::PeerId;
use crate::streams::Phase;
use crate::tunnels::{Course, WINDOW_BYTES};
use crate::{Effects, Now, Origin, Shard, StreamId};

/// The far end of a tunnel.
#[derive(Debug)]
pub(crate) struct Far {
    id: StreamId,
    /// Where the client is.
    pub(crate) peer: PeerId,
    pub(crate) tunnel: u64,
    pub(crate) course: Course,
    /// The request is answered, and the client's stream free for another one, once all is sent.
    pub(crate) is_answered: bool,
}

/// The far ends at a shard, by the slots of their streams.
#[derive(Debug, Default)]
pub(crate) struct FarEnds {
    ends: Slab<Far>,
    by_tunnel: HashMap<(PeerId, u64), StreamId>,
    /// Ends that there have ever been.
    generations: u32,
    /// Those that have come in this turn.
    new: Vec<StreamId>,
}

impl FarEnds {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut Far> {
        self.ends.get_mut(id.place()).filter(|far| far.id == id)
    }

    pub(crate) fn remove(&mut self, id: StreamId) -> Option<Far> {
        self.get_mut(id)?;
        let far = self.ends.remove(id.place());
        self.by_tunnel.remove(&(far.peer, far.tunnel));
        if self.ends.is_empty() {
            (self.ends, self.by_tunnel) = (Slab::new(), HashMap::new());
        }
        Some(far)
    }

    pub(crate) fn take_new(&mut self) -> Vec<StreamId> {
        std::mem::take(&mut self.new)
    }

    fn insert(&mut self, peer: PeerId, tunnel: u64) -> StreamId {
        self.generations = self.generations.wrapping_add(1);
        let id = StreamId::far(self.ends.vacant_key() as u32, self.generations);
        let course = Course::new(WINDOW_BYTES);
        self.ends.insert(Far { id, peer, tunnel, course, is_answered: false });
        self.by_tunnel.insert((peer, tunnel), id);
        self.new.push(id);
        id
    }

    fn find(&self, peer: PeerId, tunnel: u64) -> Option<StreamId> {
        self.by_tunnel.get(&(peer, tunnel)).copied()
    }
}

impl Shard {
    /// A request has come through a new tunnel. One that was there before, or comes behind later ones, is not judged: it may have been.
    pub(crate) fn dug(
        &mut self,
        from: PeerId,
        tunnel: u64,
        mut request: Vec<u8>,
        now: Now,
        effects: &mut dyn Effects,
    ) {
        let is_new = self.tunnels.peers.is_new(from, tunnel, now.monotonic_ms);
        if !is_new || self.tunnels.far.len() >= self.settings.tunnels_max {
            self.tunnels.send(from, Envelope::Fallen { way: Way::Out, tunnel });
            return self.far_fallen(from, tunnel, now, effects);
        }
        let id = self.tunnels.far.insert(from, tunnel);
        self.tunnels.peers.hold(from, now.monotonic_ms);
        self.streams.insert(id, Origin::ELSEWHERE, now.monotonic_ms);
        self.take_bytes(id, &mut request, now);
        self.note_received(id, request.len());
        if self.streams.get(id).is_some_and(|stream| stream.phase == Phase::Asking) {
            self.fall_far(from, tunnel, now, effects);
        }
    }

    /// The near end has said something.
    pub(crate) fn hear_from_near(
        &mut self,
        from: PeerId,
        tunnel: u64,
        number: u32,
        word: Word,
        now: Now,
        effects: &mut dyn Effects,
    ) {
        let id = self.tunnels.far.find(from, tunnel);
        let Some((id, far)) = id.and_then(|id| Some((id, self.tunnels.far.get_mut(id)?))) else {
            return self.tunnels.send(from, Envelope::Fallen { way: Way::Out, tunnel });
        };
        if !far.course.follows(number) {
            return self.fall_far(from, tunnel, now, effects);
        }
        match word {
            Word::Bytes(mut bytes) => {
                self.take_bytes(id, &mut bytes, now);
                self.note_received(id, bytes.len());
            }
            Word::Took(bytes) => {
                far.course.earn(bytes);
                if self.streams.get(id).is_some_and(|stream| stream.stalled) {
                    self.unstall(id, now, effects);
                }
            }
            Word::HungUp => self.hung_up(id, now, effects),
            Word::Held => self.held(id, now),
            Word::Answered(_) | Word::Finished | Word::Hold | Word::Moved(_) | Word::Stays => {
                self.fall_far(from, tunnel, now, effects);
            }
        }
    }

    /// Tells the near end that there is room for more.
    fn note_received(&mut self, id: StreamId, bytes: usize) {
        let Some(far) = self.tunnels.far.get_mut(id) else { return };
        if let Some(word) = far.course.pass(bytes) {
            self.tunnels.outgoing.say(far.peer, Way::Out, far.tunnel, &mut far.course, word);
        }
    }

    /// Something was lost on the way.
    fn fall_far(&mut self, from: PeerId, tunnel: u64, now: Now, effects: &mut dyn Effects) {
        self.tunnels.send(from, Envelope::Fallen { way: Way::Out, tunnel });
        self.far_fallen(from, tunnel, now, effects);
    }

    /// The near end is gone: as if the client had been cut off.
    pub(crate) fn far_fallen(&mut self, from: PeerId, tunnel: u64, now: Now, effects: &mut dyn Effects) {
        let Some(id) = self.tunnels.far.find(from, tunnel) else { return };
        self.tunnels.far.remove(id);
        self.tunnels.peers.release(from);
        self.tally.tunnels_fallen += 1;
        self.lose(id, now);
        self.cut(id, now, effects);
    }

    /// What came through a tunnel is answered, and the client's stream is free for another request once all is sent.
    pub(crate) fn end_answer(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.phase = Phase::Closing;
        stream.take_tail();
        if let Some(far) = self.tunnels.far.get_mut(id) {
            far.is_answered = true;
        }
        self.touch(id);
    }

    /// The far ends of tunnels from a shard of another node.
    pub(crate) fn far_from(&self, peer: PeerId) -> Vec<u64> {
        let leading = self.tunnels.far.ends.iter().filter(|(_, far)| far.peer == peer);
        leading.map(|(_, far)| far.tunnel).collect()
    }
}

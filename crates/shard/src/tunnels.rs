//! Tunnels: streams whose client has come to this node while its session lives on another, and the other way round.
//!
//! The end where the client is, the *near* one, passes on what comes in; at the *far* end it is a stream like any other, but for its id, and the
//! session's protocol cannot tell. A tunnel lasts for one request and its answer, or for the life of a stream that was upgraded. What goes
//! through is numbered each way, and a hole or a repeat ends it; each end sends no more bytes than the other has room for. Envelopes gather
//! here until the call that caused them ends. Knows nothing of sessions, nor what the bytes mean.

use std::sync::Arc;

use backplanes::NodeId;
use bytes::Bytes;

use crate::envelopes::{CARRIED_BYTES_MAX, Envelope, Way, Word};
use crate::far_ends::FarEnds;
use crate::near_ends::NearEnds;
use crate::peers::{PeerId, Peers, Round};
use crate::{Effects, Now, Shard, ShardId, StreamId};

/// So much may be under way to a client, or wait for it at the near end.
pub(crate) const WINDOW_BYTES: usize = 128 * 1024;
/// The other end is told of room once there is this much of it.
const GRANT_BYTES_MIN: usize = WINDOW_BYTES / 4;
/// Within so long another node answers, or is taken for gone.
pub(crate) const ANSWER_DUE_MS: u64 = 3_000;

/// The ends of tunnels at a shard.
#[derive(Default)]
pub(crate) struct Tunnels {
    pub(crate) near: NearEnds,
    pub(crate) far: FarEnds,
    pub(crate) peers: Peers,
    pub(crate) outgoing: Outgoing,
}

/// Envelopes that the call under way has caused.
#[derive(Debug, Default)]
pub(crate) struct Outgoing(Vec<(PeerId, Envelope)>);

/// How far one end has come.
#[derive(Debug)]
pub(crate) struct Course {
    /// Words said.
    said: u32,
    /// Words heard.
    heard: u32,
    /// The other end has room for so many bytes.
    credit: usize,
    /// Bytes that were passed on and that the other end has not been told of.
    owed: usize,
}

impl Tunnels {
    pub(crate) fn send(&mut self, to: PeerId, envelope: Envelope) {
        self.outgoing.send(to, envelope);
    }

    /// Takes what is to be sent.
    pub(crate) fn take_outgoing(&mut self, from: ShardId) -> impl Iterator<Item = (NodeId, Bytes)> {
        let outgoing = self.outgoing.0.drain(..);
        outgoing.map(move |((node, to), envelope)| (node, envelope.write(from, to).into()))
    }

    /// Ends at either side.
    pub(crate) fn len(&self) -> usize {
        self.near.len() + self.far.len()
    }

    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.near.next_ms().into_iter().chain(self.peers.next_ms()).min()
    }

    /// Writes to a stream, one of the world's or one that has come through a tunnel. Says how many bytes were taken.
    pub(crate) fn write(&mut self, id: StreamId, bytes: &[u8], effects: &mut dyn Effects) -> usize {
        if !id.is_far() {
            return effects.write(id, bytes);
        }
        let Some(far) = self.far.get_mut(id) else { return bytes.len() };
        let taken = bytes.len().min(far.course.credit);
        far.course.spend(taken);
        self.outgoing.carry(far.peer, Way::Out, far.tunnel, &mut far.course, &bytes[..taken]);
        taken
    }

    /// Lets go of a stream of either sort.
    pub(crate) fn close(&mut self, id: StreamId, effects: &mut dyn Effects) {
        if id.is_far() {
            self.end_far(id);
        } else {
            effects.close(id);
        }
    }

    /// Says through a tunnel that everything was said, and lets go of its far end.
    pub(crate) fn end_far(&mut self, id: StreamId) {
        let Some(mut far) = self.far.remove(id) else { return };
        self.peers.release(far.peer);
        if far.is_answered {
            self.outgoing.say_answered(far.peer, far.tunnel, &mut far.course);
        } else {
            self.outgoing.say(far.peer, Way::Out, far.tunnel, &mut far.course, Word::Finished);
        }
    }

    /// Answers those who have dug tunnels and have not been told anything yet: so they know that somebody is there.
    pub(crate) fn greet(&mut self) {
        for id in self.far.take_new() {
            if let Some(far) = self.far.get_mut(id).filter(|far| far.course.said == 0) {
                self.outgoing.say(far.peer, Way::Out, far.tunnel, &mut far.course, Word::Took(0));
            }
        }
    }
}

impl Outgoing {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn send(&mut self, to: PeerId, envelope: Envelope) {
        self.0.push((to, envelope));
    }

    pub(crate) fn say(&mut self, to: PeerId, way: Way, tunnel: u64, course: &mut Course, word: Word) {
        let number = course.said;
        course.said = number.wrapping_add(1);
        self.send(to, Envelope::Through { way, tunnel, number, word });
    }

    /// Says that a request is answered, in the place of the last bytes of the answer and with them if they are still here.
    fn say_answered(&mut self, to: PeerId, tunnel: u64, course: &mut Course) {
        let carried = self.carried(to, Way::Out, tunnel).map(std::mem::take);
        if carried.is_some() {
            self.0.pop();
            course.said = course.said.wrapping_sub(1);
        }
        self.say(to, Way::Out, tunnel, course, Word::Answered(carried.unwrap_or_default()));
    }

    /// The bytes of a stream in the last envelope, if they are all there is in it.
    fn carried(&mut self, to: PeerId, way: Way, tunnel: u64) -> Option<&mut Vec<u8>> {
        let (peer, last) = self.0.last_mut()?;
        last.carried(way, tunnel).filter(|_| *peer == to)
    }

    /// Sends bytes of a stream, in the envelope that the last ones went into if there is room in it.
    pub(crate) fn carry(&mut self, to: PeerId, way: Way, tunnel: u64, course: &mut Course, bytes: &[u8]) {
        for piece in bytes.chunks(CARRIED_BYTES_MAX) {
            match self.carried(to, way, tunnel) {
                Some(carried) if carried.len() + piece.len() <= CARRIED_BYTES_MAX => {
                    carried.extend_from_slice(piece);
                }
                _ => self.say(to, way, tunnel, course, Word::Bytes(piece.to_vec())),
            }
        }
    }
}

impl Course {
    /// `credit`: what the other end has room for before it has said so.
    pub(crate) fn new(credit: usize) -> Self {
        Self { said: 0, heard: 0, credit, owed: 0 }
    }

    /// How many bytes may be sent.
    pub(crate) fn credit(&self) -> usize {
        self.credit
    }

    /// So many bytes are sent.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.credit -= bytes;
    }

    /// The other end has room for more bytes.
    pub(crate) fn earn(&mut self, bytes: u32) {
        self.credit = self.credit.saturating_add(bytes as usize);
    }

    /// A word has come. Says whether it is the next one.
    pub(crate) fn follows(&mut self, number: u32) -> bool {
        let is_next = number == self.heard;
        self.heard = self.heard.wrapping_add(1);
        is_next
    }

    /// Bytes were passed on. Says when the other end is to be told.
    pub(crate) fn pass(&mut self, bytes: usize) -> Option<Word> {
        self.owed += bytes;
        (self.owed >= GRANT_BYTES_MIN).then(|| Word::Took(std::mem::take(&mut self.owed) as u32))
    }

    /// Whether so many bytes more are within what the other end may have under way.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.owed + bytes <= WINDOW_BYTES
    }
}

impl Shard {
    /// Reads what another node has to say to this shard.
    pub(crate) fn open_envelope(&mut self, node: NodeId, bytes: &[u8], now: Now, effects: &mut dyn Effects) {
        let Some((shard, envelope)) = Envelope::read(bytes) else {
            self.tally.envelopes_unread += 1;
            return;
        };
        let from = (node, shard);
        self.tunnels.peers.note_heard(from, now.monotonic_ms);
        match envelope {
            Envelope::Dig { tunnel, request } => self.dug(from, tunnel, request, now, effects),
            Envelope::Through { way: Way::In, tunnel, number, word } => {
                self.hear_from_near(from, tunnel, number, word, now, effects);
            }
            Envelope::Through { way: Way::Out, tunnel, number, word } => {
                self.hear_from_far(from, tunnel, number, word, now);
            }
            Envelope::Fallen { way: Way::In, tunnel } => self.far_fallen(from, tunnel, now, effects),
            Envelope::Fallen { way: Way::Out, tunnel } => self.near_fallen(from, tunnel, now),
            Envelope::Beat => {}
            Envelope::Bid(bidding) => self.spread(&bidding, from),
            Envelope::Replied(replied) => self.hear_reply(from.0, *replied, now),
            Envelope::Revoked(revoked) => self.heed_revoked(&revoked),
            Envelope::Decree(decree) => self.pass_on_decree(&Arc::from(decree)),
            Envelope::Card(card) => self.keep_card(node, card),
            // One that is for another node is nobody's here, and would be sent to and fro.
            Envelope::Errand(errand) => {
                if errand.to().0 == self.settings.node {
                    self.send_errand(errand);
                }
            }
        }
    }

    /// Gives up what other nodes have left unanswered, and those that are not heard of any more.
    pub(crate) fn mind_tunnels(&mut self, now: Now, effects: &mut dyn Effects) {
        self.give_near_up(now);
        let Round { beats, gone } = self.tunnels.peers.tick(now.monotonic_ms);
        for peer in beats {
            self.tunnels.send(peer, Envelope::Beat);
        }
        for peer in gone {
            self.tunnels.peers.note_quiet(peer.0, now.monotonic_ms);
            for tunnel in self.near_to(peer) {
                self.near_fallen(peer, tunnel, now);
            }
            for tunnel in self.far_from(peer) {
                self.far_fallen(peer, tunnel, now, effects);
            }
        }
    }
}

impl Envelope {
    /// The bytes of a stream in it, to which more may be appended.
    fn carried(&mut self, meant: Way, number: u64) -> Option<&mut Vec<u8>> {
        match self {
            Self::Dig { tunnel, request } => Some(request).filter(|_| meant == Way::In && *tunnel == number),
            Self::Through { way, tunnel, word: Word::Bytes(bytes), .. } => {
                Some(bytes).filter(|_| *way == meant && *tunnel == number)
            }
            _ => None,
        }
    }
}

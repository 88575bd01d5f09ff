//! The shards of other nodes that tunnels lead to or come from: whether they are still heard of. No clock, no streams; who asks acts.

use backplanes::NodeId;
use hashbrown::HashMap;

use crate::ShardId;

/// Who has ends of tunnels says so this often.
const BEAT_MS: u64 = 5_000;
/// Who has not been heard of for so long is gone, with all ends of its tunnels.
pub(crate) const SILENCE_MAX_MS: u64 = 3 * BEAT_MS;
/// Who has left a request unanswered is not asked again for so long, unless it is heard of.
const QUIET_MS: u64 = 10_000;
/// Nodes of which that is remembered.
const QUIET_MAX: usize = 256;

/// A shard of another node.
pub(crate) type PeerId = (NodeId, ShardId);

/// What is known of the shards of other nodes.
#[derive(Debug, Default)]
pub(crate) struct Peers {
    known: HashMap<PeerId, Peer>,
    /// Nodes that have left something unanswered, and until when nothing is asked of them.
    quiet: HashMap<NodeId, u64>,
    due_ms: Option<u64>,
}

#[derive(Debug)]
struct Peer {
    /// Ends of tunnels here whose other end is there.
    ends: u32,
    heard_ms: u64,
    /// The number of the newest tunnel that came from there.
    newest: Option<u64>,
}

/// What is to be done about those that are not heard of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// They are to be told that this shard is there.
    pub(crate) beats: Vec<PeerId>,
    /// They are gone.
    pub(crate) gone: Vec<PeerId>,
}

impl Peers {
    /// Something came from a shard.
    pub(crate) fn note_heard(&mut self, id: PeerId, now_ms: u64) {
        self.quiet.remove(&id.0);
        if let Some(peer) = self.known.get_mut(&id) {
            peer.heard_ms = now_ms;
        }
    }

    /// A tunnel has come from a shard. Says whether it was not there before: numbers ascend.
    pub(crate) fn is_new(&mut self, id: PeerId, tunnel: u64, now_ms: u64) -> bool {
        let peer = self.get(id, now_ms);
        let is_new = peer.newest.is_none_or(|newest| tunnel > newest);
        peer.newest = peer.newest.max(Some(tunnel));
        is_new
    }

    /// There is one end more whose other end is there.
    pub(crate) fn hold(&mut self, id: PeerId, now_ms: u64) {
        let peer = self.get(id, now_ms);
        if peer.ends == 0 {
            peer.heard_ms = now_ms;
        }
        peer.ends += 1;
    }

    /// There is one less.
    pub(crate) fn release(&mut self, id: PeerId) {
        if let Some(peer) = self.known.get_mut(&id) {
            peer.ends -= 1;
        }
    }

    /// A node has left something unanswered.
    pub(crate) fn note_quiet(&mut self, node: NodeId, now_ms: u64) {
        self.quiet.retain(|_, until_ms| *until_ms > now_ms);
        if self.quiet.len() < QUIET_MAX {
            self.quiet.insert(node, now_ms + QUIET_MS);
        }
    }

    /// Whether a node is not worth asking.
    pub(crate) fn is_quiet(&self, node: NodeId, now_ms: u64) -> bool {
        self.quiet.get(&node).is_some_and(|until_ms| *until_ms > now_ms)
    }

    /// Looks after them when it is time to.
    pub(crate) fn tick(&mut self, now_ms: u64) -> Round {
        let mut round = Round::default();
        if self.due_ms.is_none_or(|due_ms| due_ms > now_ms) {
            return round;
        }
        self.known.retain(|id, peer| {
            let is_silent = peer.heard_ms + SILENCE_MAX_MS <= now_ms;
            match (peer.ends, is_silent) {
                (0, true) => return false,
                (0, false) => {}
                (_, true) => round.gone.push(*id),
                (_, false) => round.beats.push(*id),
            }
            true
        });
        self.due_ms = (!self.known.is_empty()).then_some(now_ms + BEAT_MS);
        if self.known.is_empty() {
            *self = Self { quiet: std::mem::take(&mut self.quiet), ..Self::default() };
        }
        round
    }

    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.due_ms
    }

    fn get(&mut self, id: PeerId, now_ms: u64) -> &mut Peer {
        self.due_ms.get_or_insert(now_ms + BEAT_MS);
        self.known.entry(id).or_insert(Peer { ends: 0, heard_ms: now_ms, newest: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PeerId = (NodeId(7), ShardId(1));

    #[test]
    fn who_has_ends_there_beats_and_is_told_when_nobody_answers() {
        let mut peers = Peers::default();
        peers.hold(PEER, 0);
        assert_eq!(peers.tick(BEAT_MS - 1), Round::default());
        assert_eq!(peers.tick(BEAT_MS).beats, [PEER]);
        peers.note_heard(PEER, BEAT_MS + 1);
        assert_eq!(peers.tick(SILENCE_MAX_MS).beats, [PEER]);
        assert_eq!(peers.tick(2 * SILENCE_MAX_MS).gone, [PEER]);
        peers.release(PEER);
        peers.tick(3 * SILENCE_MAX_MS);
        assert_eq!((peers.known.len(), peers.next_ms()), (0, None));
    }

    #[test]
    fn a_tunnel_that_was_there_before_is_not_new_even_when_it_has_ended() {
        let mut peers = Peers::default();
        assert!(peers.is_new(PEER, 3, 0) && peers.is_new(PEER, 5, 0));
        assert!(!peers.is_new(PEER, 5, 1) && !peers.is_new(PEER, 4, 1) && peers.is_new(PEER, 6, 1));
        assert!(peers.is_new((NodeId(7), ShardId(2)), 5, 1), "each shard counts by itself");
    }

    #[test]
    fn a_quiet_node_is_asked_again_after_a_while_or_when_it_is_heard_of() {
        let mut peers = Peers::default();
        peers.note_quiet(NodeId(7), 0);
        assert!(peers.is_quiet(NodeId(7), QUIET_MS - 1) && !peers.is_quiet(NodeId(7), QUIET_MS));
        peers.note_heard(PEER, 10);
        assert!(!peers.is_quiet(NodeId(7), 11));
        (0..1000).for_each(|node| peers.note_quiet(NodeId(node), 20));
        assert_eq!(peers.quiet.len(), QUIET_MAX);
    }
}

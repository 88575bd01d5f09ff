//! The nodes of the cluster: who is alive, what is cleaned up after who is not, and whether this one can be heard.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use chat::RoomId;

use super::requests::{Awaited, SILENCE_MS};
use super::{Machine, Outcome};
use crate::redis::broker::{Channel, LEASE_MS, Line, Request};
use crate::{Arrival, NodeId};

/// How often a node says that it is alive.
const RENEW_MS: u64 = 1_500;
/// How often a node says something to itself.
const PROBE_MS: u64 = 1_000;

/// A broker has heard of all nodes that are alive after so long: they have found it and renewed their leases.
pub(super) const SPARED_MS: u64 = 6_000;

/// What is known of the nodes.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    alive: BTreeSet<NodeId>,
    dead: BTreeSet<NodeId>,
    /// Whom this node cleans up after at the moment.
    burying: Option<NodeId>,
    renew_due_ms: u64,
    /// When that was asked for which was answered last.
    renewed_ms: Option<u64>,
    probe_due_ms: u64,
    /// Which life of the broker the leases are from, and until when nodes it has not heard of yet are not taken for gone.
    run: Option<Box<str>>,
    spared_until_ms: u64,
    /// That life may keep rooms as this node's which it has forsaken in another.
    is_own_due: bool,
    /// Until when nodes that have not renewed their leases are not taken for gone either: this one could not renew its own.
    excused_until_ms: u64,
    /// Since when it has listened to itself; `None`: it does not.
    pub(super) listening_ms: Option<u64>,
    /// When it last heard itself.
    heard_ms: Option<u64>,
    /// This node's own end.
    end: End,
}

/// How far a node has come with its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    #[default]
    Far,
    /// It takes leave of the broker.
    Near {
        /// How many rooms it has not left yet.
        rooms: usize,
        /// Nobody could be told yet that its lease is over.
        is_unsaid: bool,
        /// Nothing more is to be kept of it, and that has yet to be asked for.
        is_unburied: bool,
    },
    /// The broker keeps nothing of it.
    Over,
}

impl Nodes {
    pub(super) fn is_alive(&self, node: NodeId) -> bool {
        self.alive.contains(&node)
    }

    /// All that are alive but this one.
    pub(super) fn others(&self, own: NodeId) -> Vec<NodeId> {
        self.alive.iter().copied().filter(|node| *node != own).collect()
    }

    pub(super) fn count(&self) -> usize {
        self.alive.len().max(1)
    }

    /// How many are gone and have not been buried.
    pub(super) fn unburied(&self) -> usize {
        self.dead.len()
    }

    /// Whether it heard itself lately.
    pub(super) fn is_heard(&self, now_ms: u64) -> bool {
        self.heard_ms.is_some_and(|heard_ms| now_ms < heard_ms + SILENCE_MS)
    }

    /// A renewal is answered. Says whether the lease may have lapsed since the one before: another in between, of which nothing was heard, may
    /// have come too late.
    pub(super) fn note_renewed(&mut self, asked_ms: u64, now_ms: u64) -> bool {
        let before_ms = self.renewed_ms.replace(asked_ms);
        before_ms.is_some_and(|before_ms| now_ms >= before_ms + LEASE_MS)
    }

    pub(super) fn has_left(&self) -> bool {
        self.end == End::Over
    }

    pub(super) fn is_ending(&self) -> bool {
        self.end != End::Far
    }

    /// A line is new: everything is due. A broker that may have forgotten the leases is given time to hear of them.
    pub(super) fn restart(&mut self, run: Option<&str>, now_ms: u64) {
        (self.burying, self.renew_due_ms, self.probe_due_ms) = (None, 0, 0);
        if run.is_some() && self.run.as_deref() != run {
            self.is_own_due = self.run.is_some();
            self.run = run.map(Into::into);
            self.spared_until_ms = now_ms + SPARED_MS;
        }
    }
}

impl Machine {
    /// Says that the node is alive, and something to itself, when it is time to.
    pub(super) fn renew_and_probe(&mut self, out: &mut Outcome) {
        if !self.commands.is_up() || self.nodes.is_ending() {
            return;
        }
        if self.now_ms >= self.nodes.renew_due_ms {
            self.nodes.renew_due_ms = self.now_ms + RENEW_MS;
            self.request(Request::Renew, Some(Awaited::Renew(self.now_ms)), out);
        }
        if self.listener.is_up() && self.now_ms >= self.nodes.probe_due_ms {
            self.nodes.probe_due_ms = self.now_ms + PROBE_MS;
            let channel = Channel::Node(self.node);
            self.request(Request::Publish { channel, bytes: Bytes::new() }, None, out);
        }
    }

    /// A broker that goes on from an older state is asked what it keeps of this node.
    pub(super) fn ask_for_own(&mut self, out: &mut Outcome) {
        if self.nodes.is_own_due {
            self.request(Request::Own, Some(Awaited::Own), out);
        }
    }

    /// Forsakes the rooms that the broker keeps as this node's and that nobody here attends to.
    pub(super) fn compare_own(&mut self, rooms: Vec<RoomId>, out: &mut Outcome) {
        self.nodes.is_own_due = false;
        for room in rooms {
            if !self.rooms.contains(&room) {
                self.leave(room, self.node, out);
            }
        }
    }

    /// Lets a listener go that does not hear the node speak.
    pub(super) fn check_hearing(&mut self, out: &mut Outcome) {
        let Some(listening_ms) = self.nodes.listening_ms else { return };
        let since_ms = listening_ms.max(self.commands.since_ms).max(self.nodes.heard_ms.unwrap_or(0));
        let is_deaf = self.listener.is_up() && self.commands.is_up() && self.now_ms >= since_ms + SILENCE_MS;
        if is_deaf {
            self.redial(Line::Listener, out);
        }
    }

    /// Another node, or this one, said something to this node.
    pub(super) fn said(&mut self, from: NodeId, bytes: Bytes, out: &mut Outcome) {
        if from == self.node && bytes.is_empty() {
            self.nodes.heard_ms = Some(self.now_ms);
            return;
        }
        let shard = addressee(&bytes) % self.shards;
        out.arrivals.push((shard, Arrival::Sent { from, bytes }));
    }

    pub(super) fn alive(&mut self, alive: Vec<NodeId>, dead: Vec<NodeId>, lapsed: bool, out: &mut Outcome) {
        if lapsed && !self.nodes.alive.is_empty() {
            // What kept this node from it may have kept the others too.
            self.nodes.excused_until_ms = self.now_ms + SPARED_MS;
        }
        let mut alive = BTreeSet::from_iter(alive);
        let (is_spared, is_excused) =
            (self.now_ms < self.nodes.spared_until_ms, self.now_ms < self.nodes.excused_until_ms);
        let are_kept = |node: &&NodeId| is_excused || (is_spared && !dead.contains(node));
        alive.extend(self.nodes.alive.iter().filter(are_kept));
        let gone: Vec<_> = self.nodes.alive.difference(&alive).copied().collect();
        self.nodes.dead = dead.into_iter().filter(|node| !alive.contains(node)).collect();
        if alive != self.nodes.alive {
            let told: Arc<[NodeId]> = alive.iter().copied().collect();
            out.arrivals.extend((0..self.shards).map(|shard| (shard, Arrival::Nodes(told.clone()))));
        }
        self.nodes.alive = alive;
        gone.into_iter().for_each(|node| self.mourn(node, out));
        if lapsed {
            self.rise(out);
        }
        let is_first = self.nodes.alive.first() == Some(&self.node);
        if is_first && self.nodes.burying.is_none() {
            self.nodes.burying = self.nodes.dead.first().copied();
            self.clean_up(out);
        }
    }

    fn clean_up(&mut self, out: &mut Outcome) {
        if let Some(node) = self.nodes.burying {
            self.request(Request::Rooms(node), Some(Awaited::Rooms(node)), out);
        }
    }

    /// Takes a dead node out of these rooms, then asks for more, until there are none.
    pub(super) fn clean_rooms(&mut self, node: NodeId, rooms: Vec<RoomId>, out: &mut Outcome) {
        if self.nodes.burying != Some(node) {
            return;
        }
        if rooms.is_empty() {
            return self.request(Request::Bury(node), Some(Awaited::Bury(node)), out);
        }
        rooms.into_iter().for_each(|room| self.leave(room, node, out));
        self.clean_up(out);
    }

    /// It is tried again when the next lease is renewed.
    pub(super) fn not_buried(&mut self, node: NodeId) {
        if self.nodes.burying == Some(node) {
            self.nodes.burying = None;
        }
    }

    /// The node ends. First it is taken for dead, so that the others clean up what it does not come to; then it leaves its rooms, each of which
    /// is told; and when that is done nothing is kept of it.
    pub(super) fn take_leave(&mut self, out: &mut Outcome) {
        let mut rooms = self.rooms_in_order();
        rooms.extend(std::mem::take(&mut self.leaving));
        self.rooms.clear();
        self.to_attend.clear();
        self.request(Request::Resign, Some(Awaited::Resign), out);
        rooms.into_iter().for_each(|room| self.leave(room, self.node, out));
        let is_own = |awaited: &&Awaited| matches!(awaited, Awaited::Forsake(_, node) if *node == self.node);
        let rooms = self.commands.awaited.values().filter(is_own).count();
        self.nodes.end = End::Near { rooms, is_unsaid: false, is_unburied: rooms == 0 };
        self.end(out);
    }

    /// This node has left one more of its rooms, or is to try again.
    pub(super) fn left(&mut self, room: RoomId, is_done: bool, out: &mut Outcome) {
        let End::Near { rooms, is_unburied, .. } = &mut self.nodes.end else { return };
        if is_done {
            *rooms -= 1;
            *is_unburied = *rooms == 0;
            self.end(out);
        } else {
            self.leaving.insert(room);
        }
    }

    /// What this node has said to end is to be said again.
    pub(super) fn not_ended(&mut self, what: &Awaited) {
        if let End::Near { is_unsaid, is_unburied, .. } = &mut self.nodes.end {
            match what {
                Awaited::Resign => *is_unsaid = true,
                _ => *is_unburied = true,
            }
        }
    }

    /// Says what is left to be said of this node.
    pub(super) fn end(&mut self, out: &mut Outcome) {
        let End::Near { is_unsaid, is_unburied, .. } = &mut self.nodes.end else { return };
        if std::mem::take(is_unsaid) {
            self.request(Request::Resign, Some(Awaited::Resign), out);
        } else if std::mem::take(is_unburied) {
            self.request(Request::Bury(self.node), Some(Awaited::Bury(self.node)), out);
        }
    }

    pub(super) fn buried(&mut self, node: NodeId) {
        if node == self.node {
            self.nodes.end = End::Over;
        }
        self.nodes.burying = None;
        self.nodes.dead.remove(&node);
    }
}

/// Which shard a message from another node is for: it says so behind its kind.
fn addressee(bytes: &Bytes) -> u16 {
    bytes.get(1..3).map_or(0, |shard| u16::from_be_bytes([shard[0], shard[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_stands_behind_the_kind_its_high_byte_first() {
        assert_eq!(addressee(&Bytes::from_static(&[7, 1, 2, 3])), 0x0102);
        assert_eq!(addressee(&Bytes::from_static(&[7])), 0);
    }
}

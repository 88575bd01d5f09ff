//! What lies around the nodes of a pretend world: how they start and end, what stands between them, and where they keep things.

use std::sync::Arc;

use chat::{Lineage, Message, Position, RoomId};

use crate::cluster::Fault;
use crate::node::Node;

/// What lies around the nodes of a world. `lives` are all starts of nodes there have been, by their numbers.
pub(crate) trait Surroundings {
    /// How many places there are to connect to.
    fn places(&self, lives: &[Node]) -> usize;

    /// How many nodes there may be at once.
    fn sites(&self) -> usize {
        1
    }

    /// Which start of a node is at a site, if one is.
    fn life_at(&self, site: usize) -> Option<usize>;

    /// The node and the shard that are found at a place, if any node is there.
    fn find(&self, place: usize, lives: &[Node]) -> Option<(usize, usize)>;

    /// Lets chance go on from another seed.
    fn reseed(&mut self, seed: u64, lives: &mut [Node]);

    /// Whom chance chooses of those who have something to do does some of it. Says whether there was anybody.
    fn turn(&mut self, lives: &mut [Node], now_ms: u64) -> bool;

    /// Everybody does all that is to be done, in the same order every time, until nothing is left.
    fn settle_in_step(&mut self, lives: &mut [Node], now_ms: u64);

    /// When somebody wants to be woken next.
    fn next_wake_ms(&self, lives: &[Node]) -> Option<u64>;

    /// Wakes those who want to be. Nodes start and end here.
    fn wake(&mut self, lives: &mut Vec<Node>, now_ms: u64);

    /// Something befalls it, if it is of a kind that can.
    fn befall(&mut self, _fault: Fault, _lives: &mut Vec<Node>, _now_ms: u64) {}

    /// The starts of nodes that have ended since the last call.
    fn take_ended(&mut self) -> Vec<usize> {
        Vec::new()
    }

    /// Whether every node is there and has all that it needs.
    fn is_whole(&self, _now_ms: u64) -> bool {
        true
    }

    /// Which of its outages a start of a node is in, if there is no broker for it.
    fn outage(&self, _life: usize) -> Option<u64> {
        None
    }

    /// How a room stands where it outlives the nodes, if that knows it.
    fn standing(&self, _room: &RoomId) -> Option<(Position, Lineage)> {
        None
    }

    /// The message of a room that is on a disk at an offset.
    fn kept_at(&self, _room: &RoomId, _offset: u64) -> Option<Arc<Message>> {
        None
    }

    /// What is still held or waited for; nothing when nobody was here for long.
    fn remains(&self, _now_ms: u64) -> Vec<String> {
        Vec::new()
    }

    /// What was done that may not be done, since the last call.
    fn take_faults(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// Nothing: there is one node, which is there from the beginning to the end.
pub(crate) struct Nothing;

impl Surroundings for Nothing {
    fn places(&self, lives: &[Node]) -> usize {
        lives[0].shards()
    }

    fn life_at(&self, site: usize) -> Option<usize> {
        (site == 0).then_some(0)
    }

    fn find(&self, place: usize, _lives: &[Node]) -> Option<(usize, usize)> {
        Some((0, place))
    }

    fn reseed(&mut self, seed: u64, lives: &mut [Node]) {
        lives[0].reseed(seed);
    }

    fn turn(&mut self, lives: &mut [Node], _now_ms: u64) -> bool {
        lives[0].turn()
    }

    fn settle_in_step(&mut self, lives: &mut [Node], _now_ms: u64) {
        lives[0].settle_in_step();
    }

    fn next_wake_ms(&self, lives: &[Node]) -> Option<u64> {
        lives[0].next_wake_ms()
    }

    fn wake(&mut self, lives: &mut Vec<Node>, now_ms: u64) {
        lives[0].wake(now_ms);
    }
}

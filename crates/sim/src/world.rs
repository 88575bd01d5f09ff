//! A pretend world: nodes, the streams of all their clients, and whatever else there is around them.

use std::sync::Arc;

use chat::{Lineage, Message, Position, RoomId};
use shard::{Burden, Holdings, Now};

use crate::cluster::{Cluster, Fault};
use crate::node::{NEW_MS, Node, moment};
use crate::pipe::PipeId;
use crate::streets::Thief;
use crate::surroundings::{Nothing, Surroundings};

/// A pretend world. Clients know its shards by their *places*: those of the first site, then those of the next.
pub struct World {
    /// Every start of every node. Those that have ended stay, for what clients have not read yet.
    lives: Vec<Node>,
    around: Box<dyn Surroundings>,
    now_ms: u64,
}

/// More turns than any amount of work here takes.
const TURNS_MAX: u32 = 10_000_000;

impl From<Node> for World {
    /// A world with nothing but a node that stands alone.
    fn from(node: Node) -> Self {
        let now_ms = node.now().monotonic_ms;
        Self { lives: vec![node], around: Box::new(Nothing), now_ms }
    }
}

impl World {
    /// A world with a cluster in it.
    pub fn with(cluster: Cluster) -> Self {
        Self::within(Box::new(cluster))
    }

    /// A world of nodes that start and end.
    pub(crate) fn within(mut around: Box<dyn Surroundings>) -> Self {
        let mut lives = Vec::new();
        around.wake(&mut lives, NEW_MS);
        Self { lives, around, now_ms: NEW_MS }
    }

    /// How many places there are.
    pub fn shards(&self) -> usize {
        self.around.places(&self.lives)
    }

    /// Lets chance go on from another seed, so that what happens next does not hang on what happened before.
    pub fn reseed(&mut self, seed: u64) {
        self.around.reseed(seed, &mut self.lives);
    }

    /// Sends somebody after the mail of the first node.
    pub fn let_in(&mut self, thief: Thief) {
        self.lives[0].let_in(thief);
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        moment(self.now_ms)
    }

    /// A client connects to the shard at a place, or to another one when no node is there. There must be one.
    pub fn connect(&mut self, place: usize) -> PipeId {
        let (life, shard) = self.around.find(place, &self.lives).expect("somewhere there is a node");
        self.lives[life].connect(shard)
    }

    /// A client sends bytes.
    pub fn send(&mut self, pipe: PipeId, bytes: &[u8]) {
        self.lives[pipe.life()].send(pipe, bytes);
    }

    /// A client reads what has come for it.
    pub fn read(&mut self, pipe: PipeId, bytes_max: usize) -> Vec<u8> {
        self.lives[pipe.life()].read(pipe, bytes_max)
    }

    /// A client says no more; what it said still arrives.
    pub fn hang_up(&mut self, pipe: PipeId) {
        self.lives[pipe.life()].hang_up(pipe);
    }

    /// A connection breaks; chance says how much of what was sent still arrives.
    pub fn cut(&mut self, pipe: PipeId) {
        self.lives[pipe.life()].cut(pipe);
    }

    /// Whether all is said that will be said on a stream.
    pub fn is_over(&self, pipe: PipeId) -> bool {
        self.lives[pipe.life()].is_over(pipe)
    }

    /// Whether the shard has let go of a stream.
    pub fn is_closed(&self, pipe: PipeId) -> bool {
        self.lives[pipe.life()].is_closed(pipe)
    }

    /// Whether a client has something to read.
    pub fn has_unread(&self, pipe: PipeId) -> bool {
        self.lives[pipe.life()].has_unread(pipe)
    }

    /// Somebody whom chance chooses does some of what is to be done. Says whether there was anything.
    pub fn turn(&mut self) -> bool {
        self.around.turn(&mut self.lives, self.now_ms)
    }

    /// Everybody does what is to be done until nothing is left. Says whether it came to that.
    pub fn settle(&mut self) -> bool {
        for _ in 0..TURNS_MAX {
            if !self.turn() {
                return true;
            }
        }
        self.note_fault("the world finds no rest".into());
        false
    }

    /// Everybody does all that is to be done, in the same order every time, until nothing is left.
    pub fn settle_in_step(&mut self) {
        self.around.settle_in_step(&mut self.lives, self.now_ms);
    }

    /// When somebody wants to be woken next.
    pub fn next_wake_ms(&self) -> Option<u64> {
        self.around.next_wake_ms(&self.lives)
    }

    /// Moves the clock and wakes those who want to be.
    pub fn wake(&mut self, now_ms: u64) {
        assert!(now_ms >= self.now_ms, "time does not go back");
        self.now_ms = now_ms;
        self.around.wake(&mut self.lives, now_ms);
    }

    /// The node at a site is told to go away.
    pub fn drain(&mut self, site: usize) {
        if let Some(life) = self.life_at(site) {
            self.lives[life].drain();
        }
    }

    /// Something befalls the cluster, or the node and its disk.
    pub fn befall(&mut self, fault: Fault) {
        self.around.befall(fault, &mut self.lives, self.now_ms);
    }

    /// The lives that have ended since the last call.
    pub fn take_ended(&mut self) -> Vec<usize> {
        self.around.take_ended()
    }

    /// Whether there is any node to connect to.
    pub fn is_anywhere(&self) -> bool {
        self.around.find(0, &self.lives).is_some()
    }

    /// How a room stands in the broker or on the disk, if that knows it.
    pub fn standing(&self, room: &RoomId) -> Option<(Position, Lineage)> {
        self.around.standing(room)
    }

    /// The message of a room that is on the disk at an offset.
    pub fn kept_at(&self, room: &RoomId, offset: u64) -> Option<Arc<Message>> {
        self.around.kept_at(room, offset)
    }

    /// Which of its outages a life is in, if there is no broker for it.
    pub fn outage(&self, life: usize) -> Option<u64> {
        self.around.outage(life)
    }

    /// Whether every node is there and has all that it needs.
    pub fn is_whole(&self) -> bool {
        self.around.is_whole(self.now_ms)
    }

    /// Which start of which node is at a site.
    pub fn life_at(&self, site: usize) -> Option<usize> {
        self.around.life_at(site)
    }

    /// Bytes that all shards keep for clients that read too slowly.
    pub fn queued_bytes(&self) -> usize {
        self.living().map(|life| self.lives[life].queued_bytes()).sum()
    }

    /// Asserts that what each shard keeps agrees with itself. Says what each holds, and the most it keeps for any one.
    pub fn audit(&self) -> impl Iterator<Item = (Holdings, Burden)> {
        self.living().flat_map(|life| self.lives[life].audit())
    }

    /// What anybody still holds or waits for; nothing when nobody was ever here.
    pub fn remains(&self) -> Vec<String> {
        let of_nodes = self.living().flat_map(|life| self.lives[life].remains());
        of_nodes.chain(self.around.remains(self.now_ms)).collect()
    }

    /// What was done that may not be done, since the last call.
    pub fn take_faults(&mut self) -> Vec<String> {
        let of_nodes = self.lives.iter_mut().flat_map(Node::take_faults);
        of_nodes.chain(self.around.take_faults()).collect()
    }

    /// Somebody else has seen what may not be done.
    pub fn note_fault(&mut self, fault: String) {
        self.lives[0].note_fault(fault);
    }

    /// The starts of nodes that have not ended.
    fn living(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.around.sites()).filter_map(|site| self.life_at(site))
    }
}

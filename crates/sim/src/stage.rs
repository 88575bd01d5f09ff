//! Where it all happens: a world, the actors in it, and the ledger that watches.

use crate::actor::Actor;
use crate::cluster::Fault;
use crate::ledger::{Ledger, Trouble};
use crate::pipe::PipeId;
use crate::random::Random;
use crate::world::World;

/// A world, the actors in it, and the ledger that watches.
pub struct Stage {
    /// The nodes, and what lies between them.
    pub node: World,
    /// The actors.
    pub actors: Vec<Actor>,
    /// What they were told, and whether that can be right.
    pub ledger: Ledger,
    /// Streams of those who mean no good, or are there no more.
    pub intruders: Vec<PipeId>,
    /// Decides who reads when, and how much.
    pub random: Random,
    /// The largest piece in which clients read.
    pub piece_bytes: usize,
}

/// A shard that is woken more often than this at one moment is not going to sleep.
const WAKES_MAX: u32 = 1000;

impl Stage {
    /// The node takes some turns, and clients read now and then.
    pub fn work(&mut self, turns: usize) {
        for _ in 0..turns {
            self.node.turn();
            if !self.actors.is_empty() && self.random.chance(500) {
                let actor = self.random.below(self.actors.len());
                self.read(actor);
            }
        }
    }

    /// Everybody does what is to be done until nothing is left.
    pub fn settle(&mut self) {
        loop {
            if !self.node.settle() {
                return;
            }
            let mut has_read = false;
            for actor in 0..self.actors.len() {
                while self.actors[actor].has_news(&self.node) && self.read(actor) {
                    has_read = true;
                }
            }
            for intruder in &self.intruders {
                has_read |=
                    self.node.has_unread(*intruder) && !self.node.read(*intruder, usize::MAX).is_empty();
            }
            if !has_read {
                return;
            }
        }
    }

    /// Time passes, and everybody does what is to be done in the meantime.
    pub fn wait(&mut self, ms: u64) {
        let end_ms = self.node.now().monotonic_ms + ms;
        let mut wakes = 0;
        self.settle();
        while let Some(due_ms) = self.next_wake_ms().filter(|due_ms| *due_ms <= end_ms) {
            let now_ms = self.node.now().monotonic_ms;
            wakes = if due_ms > now_ms { 0 } else { wakes + 1 };
            if wakes > WAKES_MAX {
                self.node.note_fault(format!("a shard wants to be woken at {due_ms} ms again and again"));
                break;
            }
            self.wake(due_ms.max(now_ms));
            self.settle();
        }
        self.wake(end_ms);
        self.settle();
    }

    /// The clock jumps: nobody was awake in between.
    pub fn leap(&mut self, ms: u64) {
        self.ledger.note_leap(ms);
        self.wake(self.node.now().monotonic_ms + ms);
    }

    /// Something befalls the cluster.
    pub fn befall(&mut self, fault: Fault) {
        let life = |site| self.node.life_at(site);
        if let Fault::Drain { site, .. } = fault
            && let Some(life) = life(site)
        {
            self.ledger.note_drain(life);
        }
        self.ledger.note_trouble(Trouble::of(&fault));
        self.node.befall(fault);
        self.note_ends();
    }

    /// When a node wants to be woken next, or a client has something to ask again.
    fn next_wake_ms(&self) -> Option<u64> {
        let of_actors = self.actors.iter().filter_map(Actor::again_ms);
        self.node.next_wake_ms().into_iter().chain(of_actors).min()
    }

    fn wake(&mut self, now_ms: u64) {
        self.node.wake(now_ms);
        self.ledger.note_time(now_ms);
        self.note_ends();
        let Self { node, actors, ledger, .. } = self;
        actors.iter_mut().for_each(|actor| actor.ask_again(node, ledger));
    }

    /// Whose node has ended may be cut off without a word.
    fn note_ends(&mut self) {
        for life in self.node.take_ended() {
            self.actors.iter().for_each(|actor| actor.be_forsaken(life, &mut self.ledger));
        }
    }

    fn read(&mut self, actor: usize) -> bool {
        let bytes_max = self.random.between(1, self.piece_bytes);
        self.actors[actor].read(bytes_max, &mut self.node, &mut self.ledger)
    }
}

//! Mail on its way between shards: delayed by chance, in order between each two.

use std::collections::VecDeque;

use shard::{Mail, ShardId};

use crate::random::Random;

/// Mail on its way.
pub(crate) struct Mailroom {
    shards: usize,
    /// From each shard to each, with the turn in which it arrives at the earliest.
    ways: Vec<VecDeque<(u64, Mail)>>,
}

impl Mailroom {
    pub(crate) fn new(shards: usize) -> Self {
        Self { shards, ways: (0..shards * shards).map(|_| VecDeque::new()).collect() }
    }

    pub(crate) fn send(
        &mut self,
        from: ShardId,
        to: ShardId,
        mail: Mail,
        turn: u64,
        turns_max: u64,
        random: &mut Random,
    ) {
        let delay = random.below(turns_max as usize + 1) as u64;
        self.ways[from.0 as usize * self.shards + to.0 as usize].push_back((turn + delay, mail));
    }

    /// The shards from which something has arrived at `to`.
    pub(crate) fn arrived(&self, to: usize, turn: u64) -> impl Iterator<Item = usize> {
        let ways = self.ways.iter().skip(to).step_by(self.shards).enumerate();
        ways.filter(move |(_, way)| way.front().is_some_and(|(due, _)| *due <= turn)).map(|(from, _)| from)
    }

    /// The next mail of a way on which something has arrived.
    pub(crate) fn take(&mut self, from: usize, to: usize) -> Option<Mail> {
        self.ways[from * self.shards + to].pop_front().map(|(_, mail)| mail)
    }

    /// The turn in which something arrives next.
    pub(crate) fn next_turn(&self) -> Option<u64> {
        self.ways.iter().filter_map(|way| Some(way.front()?.0)).min()
    }
}

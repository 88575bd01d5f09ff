//! What a machine holds when nothing is left to be done, for tests that begin and end with nobody.

use super::Machine;
use super::requests::{Awaited, Wire};

impl Machine {
    /// What is still held or waited for, but for signs of life; nothing when no shard attends to anything.
    pub fn remains(&self) -> Vec<String> {
        let mut remains = Vec::new();
        let mut note = |what: &str, count: usize| {
            if count > 0 {
                remains.push(format!("{what}: {count}"));
            }
        };
        note("rooms attended to", self.rooms.len());
        note("rooms to attend to", self.to_attend.len());
        note("attends without an answer", self.attending);
        note("rooms to look at again", self.doubts.len());
        note("rooms to leave", self.leaving.len());
        note("posts", self.posts.len());
        note("nodes to bury", self.nodes.unburied());
        note("requests without an answer", unanswered(&self.commands) + unanswered(&self.listener));
        remains
    }
}

fn unanswered(wire: &Wire) -> usize {
    wire.awaited.values().filter(|awaited| !matches!(awaited, Awaited::Renew(_))).count()
}

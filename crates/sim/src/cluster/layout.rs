//! How a cluster is laid out, and what its nodes may know of that.

use backplanes::{NodeId, OutagePolicy, OutageRule};
use chat::RoomId;
use shard::Settings;

use super::climate::Climate;

/// How a cluster is laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// How many nodes there are.
    pub sites: usize,
    /// How it is between nodes and broker.
    pub climate: Climate,
    /// How many messages of a room the broker keeps.
    pub history_messages: usize,
    /// How many tags of posts a room remembers.
    pub tags_per_room: usize,
    /// A message is accepted once so many replicas have it too. There is one.
    pub wait_replicas: u32,
    /// What happens in rooms while there is no broker.
    pub outage_rules: Vec<OutageRule>,
    /// What may befall it, of a thousand deeds so many.
    pub perils: Perils,
}

/// How often, of a thousand deeds, something befalls a cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct Perils {
    /// A line between a node and the broker breaks, or carries nothing any more, or nothing passes there for a while.
    pub lines: u32,
    /// The broker restarts, or fails over.
    pub brokers: u32,
    /// A node is killed.
    pub nodes: u32,
    /// A replica takes the broker's place while some still reach that, or hears nothing of it for a while.
    pub replicas: u32,
    /// A node takes its leave, or all do, one after the other.
    pub leaves: u32,
}

impl Layout {
    /// Whether members of a room on one node go on among themselves while that finds no broker.
    pub fn is_local(&self, room: &RoomId) -> bool {
        let fits = |rule: &&OutageRule| {
            rule.rooms == "*"
                || room.is_public()
                    && match rule.rooms.strip_suffix('*') {
                        Some(start) => room.name().starts_with(start),
                        None => room.name() == rule.rooms,
                    }
        };
        self.outage_rules.iter().find(fits).is_some_and(|rule| rule.policy == OutagePolicy::Local)
    }

    /// What a node's backplane may know of the configuration.
    pub(super) fn backplane(
        &self,
        settings: &Settings,
        shards: u16,
        node: NodeId,
        epoch_seed: u64,
    ) -> backplanes::Settings {
        backplanes::Settings {
            node,
            shards,
            epoch_seed,
            tags_per_room: self.tags_per_room,
            history_messages: self.history_messages,
            room_idle_ms: settings.room_idle_ms,
            inbox_idle_ms: settings.inbox_idle_ms,
            wait_replicas: self.wait_replicas,
            outage_rules: self.outage_rules.clone(),
            ..backplanes::Settings::default()
        }
    }
}

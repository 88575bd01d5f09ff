//! What things are called inside a node, and sessions everywhere.

use backplanes::NodeId;
use chat::Time;

/// Which shard of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u16);

impl ShardId {
    /// The one that speaks for its node to other nodes, and to the world.
    pub(crate) const FIRST: Self = Self(0);
}

/// One byte stream of a shard. A slot is used again with another generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId {
    /// Small and dense.
    pub slot: u32,
    /// Differs between two uses of the slot.
    pub generation: u32,
}

/// One session of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey {
    /// The node that owns it.
    pub node: NodeId,
    /// The shard that owns it there.
    pub shard: ShardId,
    /// Its place there.
    pub slot: u32,
    /// Differs between two uses of the place.
    pub generation: u32,
}

impl SessionKey {
    /// No session, and nobody who asks.
    pub(crate) const NOBODY: Self =
        Self { node: NodeId(0), shard: ShardId(0), slot: u32::MAX - 1, generation: 0 };

    pub(crate) const BYTES: usize = 14;

    /// Its node, shard, slot and generation.
    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..4].copy_from_slice(&self.node.0.to_be_bytes());
        bytes[4..6].copy_from_slice(&self.shard.0.to_be_bytes());
        bytes[6..10].copy_from_slice(&self.slot.to_be_bytes());
        bytes[10..].copy_from_slice(&self.generation.to_be_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = bytes;
        Self {
            node: NodeId(u32::from_be_bytes([a, b, c, d])),
            shard: ShardId(u16::from_be_bytes([e, f])),
            slot: u32::from_be_bytes([g, h, i, j]),
            generation: u32::from_be_bytes([k, l, m, n]),
        }
    }
}

/// The two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Milliseconds that only ever grow.
    pub monotonic_ms: u64,
    /// The time of day.
    pub wall: Time,
}

//! What things are called inside a node.

use chat::Time;

/// Which shard of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShardId(pub u16);

/// One byte stream of a shard. A slot is used again with another generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StreamId {
    /// Small and dense.
    pub slot: u32,
    /// Differs between two uses of the slot.
    pub generation: u32,
}

/// One session of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey {
    /// The shard that owns it.
    pub shard: ShardId,
    /// Its place there.
    pub slot: u32,
    /// Differs between two uses of the place.
    pub generation: u32,
}

/// The two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Milliseconds that only ever grow.
    pub monotonic_ms: u64,
    /// The time of day.
    pub wall: Time,
}

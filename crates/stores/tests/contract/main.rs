//! What every store promises, run over every entry of the list, and what the one that outlives the process promises besides.

mod kept;
mod outward;
mod promises;
mod shard;

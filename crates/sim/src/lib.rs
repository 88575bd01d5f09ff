//! A pretend world around one node, with or without a file, or around a cluster and its broker: streams, mail and time made from a seed, an oracle
//! that knows what every client must have seen, and conversations that are replayed byte for byte.
//!
//! Time is advanced here and never slept; nothing here touches a socket or a clock.

mod actor;
mod allowance;
mod cluster;
#[cfg(feature = "house")]
mod house;
mod ledger;
mod mailroom;
mod node;
mod pipe;
mod random;
pub mod scenario;
mod stage;
mod streets;
mod surroundings;
pub mod transcript;
mod world;

pub use actor::{Actor, Tamper};
pub use allowance::Allowance;
pub use cluster::{Climate, Cluster, Fault, Layout, Memory, Perils};
pub use ledger::{Conduct, Ledger, Mark, Rules, SessionNo, Speech, Trouble};
pub use node::{DAWN, Node, alone};
pub use pipe::{PipeId, Weather};
pub use random::Random;
pub use stage::Stage;
pub use streets::Thief;
pub use world::World;

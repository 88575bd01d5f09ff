//! How shards meet the machine: one thread a shard, one epoll a thread, and nothing clever.
//!
//! A *turn* waits for events, hands each to the shard as an input, and lets it flush what gathered. The reactor carries values: it does
//! not know what is in a room, a message or a packet.

mod clock;
mod limits;
mod listener;
mod mailroom;
mod node;
mod office;
mod secured;
mod streams;
mod tls;
mod turns;

pub use clock::monotonic_us;
pub use limits::raise_open_files;
pub use listener::Listen;
pub use node::{Links, Node, NodeError, Note, Open, Publish, Tell};
pub use office::{Office, Reply};
pub use secured::Handshakes;
pub use tls::{PairFiles, Tls, TlsError};

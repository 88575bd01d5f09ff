//! A node beside servers of Socket.IO: in one cluster with those that have the stock adapter for Redis, as one of them.
//!
//! [`join`] puts a *bridge* around the node's backplane. What the node's clients say goes out as the broadcasts that such servers understand;
//! what those broadcast is told in the rooms here, and what they want done with the clients here is done. To shards the bridge is the
//! backplane, to the backplane it is the shards; neither knows of it.
//!
//! `bridge` is a pure machine and `between` what goes to and from shards; `service` speaks with Redis, on a thread of its own.

mod between;
mod bridge;
mod link;
mod marks;
mod peers;
mod resp;
mod service;
mod url;

pub use link::join;
pub use wire::socketio::adapter::Dialect;

/// Whether a text says where a Redis is that a node can stand beside others at.
pub fn is_redis(url: &str) -> bool {
    url::Address::read(url).is_some()
}

/// How a node stands beside servers of Socket.IO.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which adapter they have.
    pub dialect: Dialect,
    /// Their Redis: `redis://[[user]:password@]host[:port]`.
    pub url: String,
    /// How their channels begin (`key` of the classic adapter, `channelPrefix` of the sharded one).
    pub prefix: String,
    /// Differs for every start of a node.
    pub node: u32,
    /// How many shards the node has.
    pub shards: u16,
    /// Namespaces besides `/`.
    pub namespaces: Vec<String>,
    /// The event that is a message in a room; empty: none is.
    pub message: String,
    /// The event that is a message to everybody; empty: none is.
    pub all: String,
    /// Bare signs that are told as events.
    pub relay: Vec<String>,
    /// The longest message, in bytes.
    pub max_message_bytes: usize,
}

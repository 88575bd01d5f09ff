//! What a node makes of a broker, as a pure machine: asks of its shards and replies of the broker in, requests and arrivals out.
//!
//! Knows no sockets, no clock and no Redis. One machine for each broker of a node; a room is one broker's.

use crate::{Arrival, Ask};

use super::broker::{Channel, Heard, Line, Reply, Request};

/// What a machine is told.
#[derive(Clone, Debug)]
pub enum Input {
    /// A shard asks for something.
    Ask {
        /// The shard.
        shard: u16,
        /// What for.
        ask: Ask,
    },
    /// A line is there. Nothing is listened to on a new listener.
    Up {
        /// Which.
        line: Line,
        /// Which life of the broker it leads to: changes when the broker restarts, or another one takes its place.
        run: Box<str>,
    },
    /// A line is gone: none of the requests made on it is answered any more.
    Cut(Line),
    /// The answer to a request.
    Reply {
        /// The request's number.
        id: u64,
        /// The answer.
        reply: Reply,
    },
    /// Something was published.
    Heard {
        /// Where.
        channel: Channel,
        /// What.
        what: Heard,
    },
    /// Time has passed. Told at least every [`TICK_MS`].
    Tick,
}

/// How often a machine is told that time passes, in milliseconds.
pub const TICK_MS: u64 = 100;

/// What a machine wants done.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What the broker is asked, in order, each with the number its answer will carry.
    pub requests: Vec<(u64, Request)>,
    /// What arrives at which shard.
    pub arrivals: Vec<(u16, Arrival)>,
}

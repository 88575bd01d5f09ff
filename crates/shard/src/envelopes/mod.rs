//! What nodes tell each other: envelopes, each from a shard of one node to a shard of another. They may be lost, and none is believed to be
//! one before it is read whole.
//!
//! An envelope begins with its kind in one byte and, in the next two, the shard that it is for, so that whoever carries it need not know more.
//! Then come the shard that it is from, its version, and what its kind has to say.

#[cfg(test)]
mod tests;
mod wording;

use std::sync::Arc;

use access::Revocation;
use chat::Bidding;

use crate::bids::Replied;
use crate::errands::Errand;
use crate::{Decree, ShardId};

/// The most bytes of a stream that go in one envelope.
pub(crate) const CARRIED_BYTES_MAX: usize = 64 * 1024;

/// What is good no more and goes in one envelope.
pub(crate) const REVOKED_MAX: usize = 100;

/// What one node tells another.
#[derive(Debug, PartialEq)]
pub(crate) enum Envelope {
    /// To a shard that has a session: a request for it has come, and the way back is this tunnel.
    Dig {
        /// The tunnel, by the number that the shard has given it which the request came to.
        tunnel: u64,
        /// The request's head.
        request: Vec<u8>,
    },
    /// From one end of a tunnel to the other.
    Through {
        /// Which way.
        way: Way,
        /// The tunnel.
        tunnel: u64,
        /// How many words have gone before it this way.
        number: u32,
        /// What.
        word: Word,
    },
    /// From one end of a tunnel to where the other would be: it is no more.
    Fallen {
        /// Which way.
        way: Way,
        /// The tunnel.
        tunnel: u64,
    },
    /// The shard is there still, and has ends of tunnels.
    Beat,
    /// Of a strand that was cut off.
    Errand(Errand),
    /// An application wants something done on the node.
    Bid(Arc<Bidding>),
    /// What a shard has to say to that.
    Replied(Box<Replied>),
    /// To all other nodes: who was believed by one of these is to be parted with.
    Revoked(Vec<Revocation>),
    /// To all other nodes: what holds on every shard.
    Decree(Box<Decree>),
    /// To all other nodes: how this one is, in words of the operators' side.
    Card(Arc<str>),
}

/// Which way something goes through a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the client to the session.
    In,
    /// From the session to the client.
    Out,
}

/// What one end of a tunnel says to the other.
#[derive(Debug, PartialEq)]
pub(crate) enum Word {
    /// Bytes of the stream.
    Bytes(Vec<u8>),
    /// So many of them were passed on: as many more may come.
    Took(u32),
    /// The client says no more.
    HungUp,
    /// The last bytes of an answer: the stream is free for the next request.
    Answered(Vec<u8>),
    /// Nothing more will be said to the client.
    Finished,
    /// What the client says from now on is to be held: its session may come over.
    Hold,
    /// It is held.
    Held,
    /// The session, which goes on where the client is: this is the last word.
    Moved(Vec<u8>),
    /// It does not come over now.
    Stays,
}

/// The shard that an envelope is for, whatever else it may be.
pub(crate) fn addressee(bytes: &[u8]) -> Option<ShardId> {
    let [_, high, low, ..] = bytes else { return None };
    Some(ShardId(u16::from_be_bytes([*high, *low])))
}

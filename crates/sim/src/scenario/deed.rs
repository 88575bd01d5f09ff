//! Deeds: the things that happen in a scenario, each a value that can be told, left out or done again.

use std::fmt;

use crate::cluster::Fault;

/// One thing that happens. `who` and `to` are places in the cast, `room` one in the list of rooms.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "fields are named for what they are, and the line above each deed says the rest"
)]
pub enum Deed {
    /// Connects, and goes where it was.
    Connect { who: usize, shard: usize },
    /// Loses its connection; chance says how much of what it sent still arrives.
    Cut { who: usize },
    /// Is gone without anybody being told.
    Vanish { who: usize },
    /// Says goodbye.
    Close { who: usize },
    /// Joins a room, and wants to stay there.
    Join { who: usize, room: usize },
    /// Leaves a room for good.
    Leave { who: usize, room: usize },
    /// Posts so many messages of so many bytes at once.
    Post { who: usize, room: usize, count: usize, bytes: usize, kind: BodyKind },
    /// Says something to a user.
    Direct { who: usize, to: usize, bytes: usize },
    /// Reads older messages, before where it stands.
    Recall { who: usize, room: usize, limit: usize },
    /// Shows the room a passing sign.
    Signal { who: usize, room: usize },
    /// Asks for the time.
    AskTime { who: usize },
    /// Stops reading.
    Pause { who: usize },
    /// Reads on.
    Resume { who: usize },
    /// Somebody who means no good connects to a shard.
    Intrude { shard: usize, manner: Manner },
    /// The node and the clients do some of what is to be done.
    Work { turns: usize },
    /// Time passes.
    Wait { ms: u64 },
    /// The clock jumps.
    Leap { ms: u64 },
    /// All comes to rest, and is looked at.
    Settle,
    /// The node is told to go away.
    Drain,
    /// Asks again for what could not be done when it asked.
    Repeat { who: usize },
    /// Something befalls the cluster.
    Befall(Fault),
    /// Whoever was sent away, or lost its node, connects again, to one shard after the other.
    Return { shard: usize },
}

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// Words.
    Text,
    /// JSON.
    Json,
    /// Words beside JSON.
    Both,
    /// Bytes.
    Binary,
    /// Words with a name, in the JSON of the demo.
    Demo,
}

/// How somebody means no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Sends bytes that mean nothing.
    Noise,
    /// Begins a request and never ends it.
    Half,
    /// Sends requests for what is not there.
    Requests,
    /// Opens a plain room and then sends bytes that mean nothing.
    NoiseInside,
    /// Speaks the rich protocol, with some bytes damaged.
    Damaged,
    /// Speaks the rich protocol well, and asks for what it may not have.
    Cheek,
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect { who, shard } => write!(f, "actor {who} connects to shard {shard}"),
            Self::Cut { who } => write!(f, "cut actor {who}"),
            Self::Vanish { who } => write!(f, "actor {who} vanishes"),
            Self::Close { who } => write!(f, "actor {who} says goodbye"),
            Self::Join { who, room } => write!(f, "actor {who} joins room {room}"),
            Self::Leave { who, room } => write!(f, "actor {who} leaves room {room}"),
            Self::Post { who, room, count, bytes, kind } => {
                write!(f, "actor {who} posts {count} × {bytes} bytes of {kind:?} to room {room}")
            }
            Self::Direct { who, to, bytes } => {
                write!(f, "actor {who} says {bytes} bytes to the user of actor {to}")
            }
            Self::Recall { who, room, limit } => {
                write!(f, "actor {who} recalls {limit} messages of room {room}")
            }
            Self::Signal { who, room } => write!(f, "actor {who} signals in room {room}"),
            Self::AskTime { who } => write!(f, "actor {who} asks for the time"),
            Self::Pause { who } => write!(f, "stall actor {who}"),
            Self::Resume { who } => write!(f, "actor {who} reads on"),
            Self::Intrude { shard, manner } => write!(f, "an intruder comes to shard {shard}: {manner:?}"),
            Self::Work { turns } => write!(f, "{turns} turns"),
            Self::Wait { ms } => write!(f, "time + {ms}ms"),
            Self::Leap { ms } => write!(f, "time jumps {ms}ms"),
            Self::Settle => f.write_str("all settles"),
            Self::Drain => f.write_str("the node drains"),
            Self::Repeat { who } => write!(f, "actor {who} asks again"),
            Self::Befall(fault) => fault.fmt(f),
            Self::Return { shard } => write!(f, "who was let go comes back, to shard {shard} and on"),
        }
    }
}

//! What a broker is asked and what it answers, by meaning: carried out by scripts on Redis, and by [`Model`] in tests and the simulator.
//!
//! Knows neither how that is written on a wire nor what the bytes of an entry say.

mod model;

use bytes::Bytes;
use chat::{Epoch, Here, Lineage, Position, RoomId};

use crate::NodeId;

pub use model::{Model, Publication};

/// How long a node that says nothing is taken for alive.
pub(super) const LEASE_MS: u64 = 5_000;

/// What a node asks of a broker. Requests of one line are carried out in the order they are asked; of those a [`Input::Cut`](super::machine::Input)
/// overtakes nobody knows which have been. Some are not answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// On the listener: hear what is published there from now on. [`Reply::Done`] once that is so of all of them.
    Listen(Vec<Channel>),
    /// On the listener: no more. Not answered.
    Unlisten(Vec<Channel>),
    /// Let the line go and make a new one. Not answered, but by `Cut` and `Up`.
    Redial(Line),
    /// [`Reply::Placed`], [`Reply::NoSuchUser`], [`Reply::Undecided`] or [`Reply::Unreplicated`].
    Post(Post),
    /// [`Reply::Attended`].
    Attend(Attend),
    /// A node has no audience for a room any more, which is published there as [`Heard::Here`] when it had been. Where nobody has one, the
    /// room is forgotten after a while. [`Reply::Done`].
    Forsake {
        /// The room.
        room: RoomId,
        /// The node, not only this one: also one that died.
        node: NodeId,
    },
    /// Who is in a room on this node now, published there as [`Heard::Here`]; nothing where the node does not attend, because it was taken for
    /// dead. [`Reply::Done`].
    Here {
        /// The room.
        room: RoomId,
        /// Who.
        here: Here,
    },
    /// Says something on a channel: [`Heard::Said`]. Not answered.
    Publish {
        /// Where.
        channel: Channel,
        /// What.
        bytes: Bytes,
    },
    /// This node is alive. [`Reply::Alive`].
    Renew,
    /// This node ends: it is taken for dead from now on. [`Reply::Done`].
    Resign,
    /// Some of the rooms that the broker keeps a node as having an audience for. [`Reply::Rooms`].
    Rooms(NodeId),
    /// All rooms that it keeps this node as having an audience for. [`Reply::Rooms`].
    Own,
    /// Nothing is kept of a node that died, or has left its rooms, unless it is alive again or there are rooms of it. [`Reply::Done`].
    Bury(NodeId),
}

/// Whether a broker that is in the run `now` has all that it said yes to in the run `kept`: the same one, or one that has only forgotten since
/// that it once was a replica. A run is named by a process, and behind a `-` by the history that it began as a master if it had been a replica.
pub(crate) fn is_one_life(kept: &str, now: &str) -> bool {
    let has_forgotten = || kept.strip_prefix(now).is_some_and(|rest| rest.starts_with('-'));
    kept == now || (!now.contains('-') && has_forgotten())
}

impl Request {
    /// The line it is asked on.
    pub fn line(&self) -> Line {
        match self {
            Self::Listen(_) | Self::Unlisten(_) | Self::Redial(Line::Listener) => Line::Listener,
            _ => Line::Commands,
        }
    }
}

/// The connections of a node to a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Where channels are heard.
    Listener,
    /// Where everything else is asked.
    Commands,
}

/// Where something is published, and heard by everybody who listens then.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// That of a room.
    Room(RoomId),
    /// That of a node.
    Node(NodeId),
}

/// A message wants to be the next of its room. Carried out in one piece:
///
/// 1. The head of the room is brought up to date ([`Model`] says how): that may begin a new epoch.
/// 2. If `key` is remembered, nothing happens: the answer is where the first one stands.
/// 3. If it was tried before, and the keys remembered do not go back to where the room stood then: [`Reply::Undecided`].
/// 4. Else it is given the next offset, kept in the log and published as [`Heard::Posted`], and the key is remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// The room. An inbox must be there already.
    pub room: RoomId,
    /// What is kept and published.
    pub entry: Bytes,
    /// Equal keys are the same message.
    pub key: Bytes,
    /// Whether it was asked for before, and may have been carried out.
    pub tried: Tried,
    /// The epoch that begins if one has to.
    pub fresh: Epoch,
}

/// Whether a post was asked for before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It was not.
    Never,
    /// It was, at a time when the room stood here or further on; `None`: it is not known where.
    At(Option<Position>),
}

/// A node has, or still has, an audience for a room, and wants to know how it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Attend {
    /// The room.
    pub room: RoomId,
    /// The last message the node knows; `None`: it knows none, and wants all that are kept.
    pub since: Option<Position>,
    /// Who is there on this node, if that is known: published as by [`Request::Here`] when the broker knew it otherwise.
    pub here: Option<Here>,
    /// The epoch that begins if one has to.
    pub fresh: Epoch,
}

/// What a broker answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is done.
    Done,
    /// A message stands here.
    Placed {
        /// Where.
        at: Position,
        /// It stood there before.
        repeated: bool,
    },
    /// The inbox is not there: its user is not and was not lately connected.
    NoSuchUser,
    /// Whether the message is there cannot be told any more.
    Undecided,
    /// The message is there, but not on as many replicas as it has to be.
    Unreplicated,
    /// How a room stands.
    Attended(Attended),
    /// Which nodes are alive.
    Alive {
        /// They, this one included.
        nodes: Vec<NodeId>,
        /// Nodes that were, and have not been buried.
        dead: Vec<NodeId>,
        /// This node had not been taken for alive any more, or never been.
        lapsed: bool,
    },
    /// Rooms.
    Rooms(Vec<RoomId>),
    /// The broker did not do it.
    Failed,
    /// Who would have done it cannot be reached now, or any more: nobody knows whether it was done. The line goes on for everything else.
    Unanswered,
    /// Of what was to be listened to this is not, because who has it cannot be reached now. Everything else is.
    Unheard(Vec<Channel>),
}

/// How a room stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Attended {
    /// Its newest message.
    pub head: Position,
    /// Which epochs it has come through.
    pub lineage: Lineage,
    /// What is kept after [`Attend::since`] if that is of the head's epoch, else all that is kept: ascending up to the head, without gaps.
    pub log: Vec<Entry>,
    /// Who is there on which other nodes.
    pub here: Vec<(NodeId, Here)>,
}

/// A message as a broker keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Where it stands.
    pub offset: u64,
    /// What was kept.
    pub entry: Bytes,
}

/// What is heard on a channel.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A room's new message.
    Posted {
        /// Where it stands.
        at: Position,
        /// What was kept.
        entry: Bytes,
    },
    /// Who is in a room on a node.
    Here {
        /// The node.
        node: NodeId,
        /// Who; `None`: nobody any more.
        here: Option<Here>,
    },
    /// [`Request::Publish`] of a node.
    Said {
        /// The node.
        from: NodeId,
        /// What.
        bytes: Bytes,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_ends_with_the_process_or_when_it_was_a_replica_and_not_when_that_is_forgotten() {
        let lives = [("a", "a"), ("a-h", "a-h"), ("a-h", "a")].map(|(kept, now)| is_one_life(kept, now));
        assert_eq!(lives, [true; 3]);
        let others =
            [("a", "b"), ("a", "a-h"), ("a-h", "a-i"), ("a-h", "b"), ("ab-h", "a"), ("a-h-i", "a-h")];
        assert_eq!(others.map(|(kept, now)| is_one_life(kept, now)), [false; 6]);
    }
}

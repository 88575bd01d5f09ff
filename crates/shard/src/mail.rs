//! What shards tell each other: requests to a room's home, and what homes answer. Mail between two shards keeps its order.

use std::sync::Arc;

use backplanes::NodeId;
use bytes::Bytes;
use chat::{
    Bidding, Body, Content, Counts, Event, Message, Position, Refusal, Resumption, RoomId, SignalName, Tag,
    Time, UserId,
};

use crate::bids::Replied;
use crate::errands::Errand;
use crate::headcount::Party;
use crate::latency::Heard;
use crate::{Decree, SessionKey, ShardId};

/// What one shard tells another.
#[derive(Debug)]
pub enum Mail {
    /// To a home: a session wants to be a member.
    Enter(Box<Enter>),
    /// To a home: a session is no longer a member.
    Exit(Exit),
    /// To a home: a guest in the room has taken a name.
    Named {
        /// The room.
        room: RoomId,
        /// The name.
        user: UserId,
    },
    /// To a home: a slow reader was made to miss who came and went.
    Unsure {
        /// The room.
        room: RoomId,
    },
    /// To a home: a message.
    Post(Box<Post>),
    /// To a home: older messages are wanted.
    Recall(Box<Recall>),
    /// To a home: a passing sign.
    Signal {
        /// The room.
        room: RoomId,
        /// Whose.
        user: Option<UserId>,
        /// The sign.
        signal: SignalName,
        /// What it carries.
        content: Option<Arc<Content>>,
    },
    /// From a home: the session is a member from here on.
    Entered(Box<Entered>),
    /// From a home: the session did not become a member.
    Barred {
        /// The session.
        to: SessionKey,
        /// The room.
        room: RoomId,
        /// Of the command.
        tag: Option<Tag>,
        /// Why.
        refusal: Refusal,
    },
    /// From a home: to everybody in the room.
    Told {
        /// The room.
        room: RoomId,
        /// What.
        event: Event,
        /// Since when it is on its way.
        heard: Heard,
    },
    /// From a home, to every other shard: whether so many are in the room that each shard serves those who come to it.
    Size {
        /// The room.
        room: RoomId,
        /// Whether it is large.
        is_large: bool,
    },
    /// Of a strand that was cut off.
    Errand(Errand),
    /// To the shard that it names: what another node has to say.
    Envelope {
        /// The other node.
        from: NodeId,
        /// What.
        bytes: Bytes,
    },
    /// To this shard itself: a server beside this node wants something done.
    Bidden(Arc<Bidding>),
    /// An application wants something done here.
    Bid {
        /// What.
        bidding: Arc<Bidding>,
        /// The shard that is answered.
        from: (NodeId, ShardId),
    },
    /// What a shard has to say to that.
    Replied {
        /// The node of the shard.
        from: NodeId,
        /// What.
        replied: Box<Replied>,
    },
    /// Another node has decreed something.
    Decreed(Arc<Decree>),
    /// To this shard itself, from a home: a message that is followed has its position.
    Placed {
        /// By what it is known to who follows it.
        trace: u16,
        /// Where it stands.
        at: Position,
    },
    /// From a home: to one session.
    Answer {
        /// The session.
        to: SessionKey,
        /// What.
        event: Event,
    },
    /// To the shard that counts somebody's sessions: there is one more.
    Came {
        /// Party.
        party: Party,
        /// It.
        session: SessionKey,
    },
    /// To the same: there is one less.
    Went {
        /// Party.
        party: Party,
    },
    /// From there: it is one too many.
    TooMany {
        /// The session.
        session: SessionKey,
    },
    /// To every other shard: the node goes away, and the wait for balancers is over here.
    Leaving {
        /// Where.
        shard: ShardId,
        /// So many are to be told there.
        clients: u64,
        /// When it was over.
        since: Time,
    },
}

/// A session wants to be a member.
#[derive(Debug)]
pub struct Enter {
    pub(crate) room: RoomId,
    pub(crate) session: SessionKey,
    pub(crate) user: Option<UserId>,
    pub(crate) since: Option<Position>,
    pub(crate) tag: Option<Tag>,
    /// It is in the room, on the node that it comes from.
    pub(crate) comes_over: bool,
}

/// A session is no longer a member.
#[derive(Debug)]
pub struct Exit {
    pub(crate) room: RoomId,
    pub(crate) shard: ShardId,
    pub(crate) user: Option<UserId>,
}

/// A message for a room.
#[derive(Debug)]
pub struct Post {
    pub(crate) room: RoomId,
    pub(crate) author: Option<UserId>,
    pub(crate) body: Body,
    pub(crate) tag: Option<Tag>,
    /// Who wants to know what became of it.
    pub(crate) reply_to: Option<SessionKey>,
    pub(crate) heard: Heard,
}

/// Older messages are wanted.
#[derive(Debug)]
pub struct Recall {
    pub(crate) room: RoomId,
    pub(crate) before: Option<Position>,
    pub(crate) limit: usize,
    pub(crate) tag: Option<Tag>,
    pub(crate) session: SessionKey,
}

/// The session is a member: everything told to the room from here on is for it too.
#[derive(Debug)]
pub struct Entered {
    pub(crate) to: SessionKey,
    pub(crate) room: RoomId,
    /// Whom the home has counted the session as.
    pub(crate) user: Option<UserId>,
    pub(crate) at: Position,
    pub(crate) tag: Option<Tag>,
    pub(crate) counts: Counts,
    pub(crate) present: Option<Arc<[UserId]>>,
    pub(crate) resumption: Resumption,
    /// What is gone, with [`Resumption::Partial`].
    pub(crate) lost: Option<(Position, Position)>,
    /// What came after the position asked for, as far as it is kept.
    pub(crate) missed: Vec<Arc<Message>>,
}

impl Entered {
    /// The position after which the session gets everything.
    pub(crate) fn stands_at(&self) -> Position {
        match self.missed.first() {
            Some(first) => Position { offset: first.at.offset - 1, ..first.at },
            None => self.at,
        }
    }
}

//! What shards tell each other: requests to a room's home, and what homes answer. Mail between two shards keeps its order.

use std::sync::Arc;

use chat::{
    Body, Content, Counts, Event, Message, Position, Refusal, Resumption, RoomId, SignalName, Tag, UserId,
};

use crate::records::{Claim, Record};
use crate::recovery::Reclaim;
use crate::{SessionKey, ShardId};

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
    },
    /// From a home, to every other shard: whether so many are in the room that each shard serves those who come to it.
    Size {
        /// The room.
        room: RoomId,
        /// Whether it is large.
        is_large: bool,
    },
    /// To the shard where a strand began: it was cut off.
    Remember {
        /// The strand.
        claim: Claim,
        /// In this session.
        session: SessionKey,
        /// What must be known so that it can go on.
        record: Box<Record>,
    },
    /// To the shard where a strand began: it is over.
    Forget {
        /// The strand.
        claim: Claim,
        /// In this session.
        session: SessionKey,
    },
    /// To the shard where a strand began: it is to go on in another session.
    Reclaim(Reclaim),
    /// From the shard where a strand began: the session in which it goes on is to end, so that it can go on in another.
    GiveUp {
        /// The session.
        session: SessionKey,
        /// Who wants to go on with it.
        reclaim: Reclaim,
    },
    /// From the shard where a strand began: what is remembered of it.
    Reclaimed {
        /// The session that wants to go on with it.
        to: SessionKey,
        /// The strand.
        claim: Claim,
        /// `None`: nothing.
        record: Option<Box<Record>>,
    },
    /// From a home: to one session.
    Answer {
        /// The session.
        to: SessionKey,
        /// What.
        event: Event,
    },
    /// To every other shard: the node goes away, and the wait for balancers is over here.
    Leaving {
        /// So many are to be told.
        sessions: u64,
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

//! How much clients may ask for and how many may be where, and what each such bound is called. docs/limits.md says what follows from which.

use crate::Rate;

/// How much clients may ask for, and how many may be where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What a session may say: messages, direct ones too, and signs, and questions for the time.
    pub session_posts: Rate,
    /// What all sessions of a user may say, on one shard.
    pub user_posts: Rate,
    /// What all sessions from an address may say, join and ask for, on one shard.
    pub address_posts: Rate,
    /// What may be said in a room.
    pub room_posts: Rate,
    /// How often a session may join, ask for history and say who it is.
    pub session_joins: Rate,
    /// Sessions that a user may have on the node; 0: any number.
    pub user_sessions_max: u32,
    /// Sessions that an address may have on the node; 0: any number.
    pub address_sessions_max: u32,
    /// How many streams this shard takes.
    pub connections: Rate,
    /// Where guests may do nothing, a session has so many milliseconds to say who it is; 0: as long as it likes.
    pub identify_timeout_ms: u64,
    /// Bytes that may wait on this shard, for clients and from them; 0: no bound.
    pub queue_bytes_max: usize,
    /// A session that asks for too much is not read from for so many milliseconds at a stretch; then it is refused.
    pub patience_ms: u64,
    /// Refusals at a stretch after which it is parted with.
    pub refusals_max: u32,
}

impl Limits {
    /// None at all.
    pub const NONE: Self = Self {
        session_posts: Rate::ANY,
        user_posts: Rate::ANY,
        address_posts: Rate::ANY,
        room_posts: Rate::ANY,
        session_joins: Rate::ANY,
        user_sessions_max: 0,
        address_sessions_max: 0,
        connections: Rate::ANY,
        identify_timeout_ms: 0,
        queue_bytes_max: 0,
        patience_ms: 10_000,
        refusals_max: 100,
    };

    /// Whether rates are of single sessions alone.
    pub(crate) fn are_of_sessions(&self) -> bool {
        self.user_posts.is_any() && self.address_posts.is_any() && self.room_posts.is_any()
    }
}

/// What somebody may come up against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// What a session may say.
    SessionPosts,
    /// What a session may join and ask for.
    SessionJoins,
    /// What all sessions of a user may say.
    UserPosts,
    /// What all sessions from an address may say, join and ask for.
    AddressPosts,
    /// What may be said in a room.
    RoomPosts,
    /// Sessions of a user.
    UserSessions,
    /// Sessions from an address.
    AddressSessions,
    /// Streams that a shard takes.
    Connections,
    /// Time to say who one is.
    IdentifyTime,
    /// Bytes that wait on a shard.
    QueueBytes,
}

impl Limit {
    /// Every one there is, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::SessionPosts,
        Self::SessionJoins,
        Self::UserPosts,
        Self::AddressPosts,
        Self::RoomPosts,
        Self::UserSessions,
        Self::AddressSessions,
        Self::Connections,
        Self::IdentifyTime,
        Self::QueueBytes,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionPosts => "session_posts",
            Self::SessionJoins => "session_joins",
            Self::UserPosts => "user_posts",
            Self::AddressPosts => "address_posts",
            Self::RoomPosts => "room_posts",
            Self::UserSessions => "user_sessions",
            Self::AddressSessions => "address_sessions",
            Self::Connections => "connections",
            Self::IdentifyTime => "identify_time",
            Self::QueueBytes => "queue_bytes",
        }
    }
}

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
}

impl Limit {
    /// Every one there is, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::SessionPosts, Self::SessionJoins, Self::UserPosts, Self::AddressPosts, Self::RoomPosts];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionPosts => "session_posts",
            Self::SessionJoins => "session_joins",
            Self::UserPosts => "user_posts",
            Self::AddressPosts => "address_posts",
            Self::RoomPosts => "room_posts",
        }
    }
}

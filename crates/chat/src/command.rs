//! What a client asks of chat.

use std::fmt;
use std::sync::Arc;

use crate::{Body, Content, Credentials, Position, RoomId, RoomNames, SignalName, UserId, Wish};

/// The id a client gives to a command: 1 to 64 bytes of UTF-8. Answers carry it, and a post with the same tag by the same
/// user in the same room is the same post.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tag(Arc<str>);

impl Tag {
    /// The longest tag, in bytes.
    pub const BYTES_MAX: usize = 64;

    /// Takes a tag as a client sent it; `None` when it is empty or too long.
    pub fn new(tag: &str) -> Option<Self> {
        (1..=Self::BYTES_MAX).contains(&tag.len()).then(|| Self(tag.into()))
    }

    /// The tag as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// What a client asks of chat. `tag` is what the answer will carry.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Say who one is; answered with `Welcome`, or with `Refreshed` when it was said before.
    Identify {
        /// By what it is to be believed.
        credentials: Credentials,
        /// Whether direct messages are wanted. Who wants none is not answered when all is well.
        takes_direct: bool,
        /// The last direct message seen, to be sent what came after it.
        inbox: Option<Position>,
        /// Carried by the answer.
        tag: Option<Tag>,
    },
    /// Become a member of a room; answered with `Joined`.
    Join {
        /// The room.
        room: RoomId,
        /// The last message seen, to be sent what came after it.
        since: Option<Position>,
        /// Carried by the answer.
        tag: Option<Tag>,
    },
    /// Stop being a member; answered with `Left`.
    Leave {
        /// The room.
        room: RoomId,
        /// Carried by the answer.
        tag: Option<Tag>,
    },
    /// Stop being a member of every room that is meant; not answered.
    LeaveAll {
        /// Which rooms.
        rooms: RoomNames,
    },
    /// Say something in a room; answered with `Accepted` when `reply` is wanted.
    Post {
        /// The room.
        room: RoomId,
        /// Who says it, where the message itself names somebody (the JSON of plain rooms); else the session's user does.
        author: Option<UserId>,
        /// What is said.
        body: Body,
        /// The message's id.
        tag: Option<Tag>,
        /// Whether the author wants an answer.
        reply: bool,
    },
    /// Say something to one user on all of their devices; answered with `Accepted`.
    Direct {
        /// The user.
        to: UserId,
        /// What is said.
        body: Body,
        /// The message's id.
        tag: Option<Tag>,
    },
    /// Read older messages; answered with `Page`.
    Recall {
        /// The room.
        room: RoomId,
        /// Messages before this one; without it, the newest.
        before: Option<Position>,
        /// How many at most.
        limit: usize,
        /// Carried by the answer.
        tag: Option<Tag>,
    },
    /// Show the room a passing sign; answered only when it is refused.
    Signal {
        /// The room.
        room: RoomId,
        /// The sign.
        signal: SignalName,
        /// What it carries.
        content: Option<Arc<Content>>,
        /// Carried by a refusal.
        tag: Option<Tag>,
    },
    /// Show a room a sign of the application's, from nobody, whoever is in it; not answered.
    Announce {
        /// The room.
        room: RoomId,
        /// The sign.
        signal: SignalName,
        /// What it carries.
        content: Arc<Content>,
    },
    /// Tell the servers beside this node an event of the application's; not answered.
    Proclaim {
        /// In which namespace, by its name.
        namespace: Box<str>,
        /// The name of the event.
        event: Box<str>,
        /// What it carries.
        content: Arc<Content>,
    },
    /// Have something done with clients of a namespace on every node, or ask the other nodes' applications; for applications.
    Bid {
        /// The namespace, by its name.
        namespace: Box<str>,
        /// What.
        wish: Box<Wish>,
        /// The number by which the session's protocol is told what all have answered; `None`: it does not want to know.
        number: Option<u32>,
    },
    /// Ask for the server's time; answered with `Time`.
    AskTime {
        /// Carried by the answer.
        tag: Option<Tag>,
    },
}

impl Command {
    /// Goes by a name, with nothing to prove it.
    pub fn go_by(user: UserId, inbox: Option<Position>, tag: Option<Tag>) -> Self {
        Self::Identify { credentials: Credentials::Name(user), takes_direct: true, inbox, tag }
    }
}

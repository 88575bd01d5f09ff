//! What chat tells a client.

use std::sync::Arc;

use crate::{Content, Counts, Farewell, Message, Position, Refusal, RoomId, SignalName, Tag, Time, UserId};

/// What chat tells a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The answer to `Identify`.
    Welcome {
        /// The command's tag.
        tag: Option<Tag>,
        /// The name the session goes by.
        user: UserId,
        /// The session's public id.
        session: Arc<str>,
        /// The server's time.
        time: Time,
        /// Seconds between the server's pings.
        ping_interval_s: u32,
        /// The newest position of the user's inbox.
        inbox: Position,
        /// Whether everything since the asked position follows.
        resumption: Resumption,
    },
    /// The answer to `Identify` of who has identified before: it is believed anew.
    Refreshed {
        /// The command's tag.
        tag: Option<Tag>,
        /// Until when; `None`: for good.
        until: Option<Time>,
    },
    /// What the session was believed by is good only until then, which is soon.
    Expiring {
        /// Until when.
        at: Time,
    },
    /// The answer to `Join`; the messages it promises follow it.
    Joined {
        /// The command's tag.
        tag: Option<Tag>,
        /// The room.
        room: RoomId,
        /// The position of the room's newest message.
        at: Position,
        /// Whether everything since the asked position follows.
        resumption: Resumption,
        /// How many are here, the new member included.
        counts: Counts,
        /// Who is here, in rooms small enough to say.
        present: Option<Arc<[UserId]>>,
    },
    /// The answer to `Leave`.
    Left {
        /// The command's tag.
        tag: Option<Tag>,
        /// The room.
        room: RoomId,
    },
    /// An operator has the session leave a room.
    Removed {
        /// The room.
        room: RoomId,
        /// Why, and whether it may come back.
        because: Refusal,
    },
    /// A message of a room.
    Posted(Arc<Message>),
    /// Who came and went since the last time.
    Presence(Arc<Presence>),
    /// A passing sign.
    Signal {
        /// The room.
        room: RoomId,
        /// Whose sign it is; `None`: a guest's.
        user: Option<UserId>,
        /// The sign.
        signal: SignalName,
        /// What it carries.
        content: Option<Arc<Content>>,
    },
    /// The answer to `Recall`: messages in ascending order.
    Page {
        /// The command's tag.
        tag: Option<Tag>,
        /// The room.
        room: RoomId,
        /// The messages.
        messages: Vec<Arc<Message>>,
        /// Whether there are older ones.
        more: bool,
    },
    /// The post is kept, at this position.
    Accepted {
        /// The post's tag.
        tag: Option<Tag>,
        /// Where it stands.
        at: Position,
    },
    /// The command with this tag was not done.
    Refused {
        /// The command's tag.
        tag: Option<Tag>,
        /// Why.
        refusal: Refusal,
    },
    /// Messages after `since` up to and including `at` will not be sent.
    Lost {
        /// The room.
        room: RoomId,
        /// The last message the client is known to have.
        since: Position,
        /// The last message that is missing.
        at: Position,
    },
    /// The server's time.
    Time {
        /// The command's tag.
        tag: Option<Tag>,
        /// The server's time.
        time: Time,
    },
    /// The server is about to close the connection.
    Closing(Farewell),
}

/// Who came and went in a room, and how many are here now.
#[derive(Clone, Debug, PartialEq)]
pub struct Presence {
    /// The room.
    pub room: RoomId,
    /// Users who came; `None` in rooms too large for lists.
    pub joined: Option<Vec<UserId>>,
    /// Users who went; `None` in rooms too large for lists.
    pub left: Option<Vec<UserId>>,
    /// How many are here now.
    pub counts: Counts,
}

/// What became of the wish to be sent everything since a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// There was no such wish.
    Fresh,
    /// Everything since then follows.
    Complete,
    /// Some of it is gone; a `Lost` says what, and what is left follows.
    Partial,
}

//! The mirror image of the port: a client's machine for each protocol. The simulator, the load generator and tests speak to a server
//! through it.
//!
//! As pure as the other side: bytes in, what was heard out. Masking keys come from a seed, so that equal logins write equal bytes.

use std::fmt;

use chat::{
    Command, Counts, Farewell, Position, Refusal, Resumption, RoomId, RoomName, SignalName, Tag, Time, UserId,
};

/// What a client is made from. A protocol that is not opened in a room passes over the room.
#[derive(Clone, Debug)]
pub struct Login {
    /// The `Host` that is asked for.
    pub host: String,
    /// The room of protocols that are opened in one.
    pub room: RoomName,
    /// The last message seen there, where opening can say it.
    pub since: Option<Position>,
    /// Whether permessage-deflate is offered, and used both ways when it is agreed on.
    pub deflate: bool,
    /// The longest message that is taken, in bytes, after inflating.
    pub max_message_bytes: usize,
    /// Where masking keys come from.
    pub seed: u64,
}

/// How a client's machine is made: the same for every folder of this crate. `None`: nobody chats through this gateway.
pub type Dial = fn(&Login) -> Option<Box<dyn Client>>;

/// A client's machine of one connection.
pub trait Client {
    /// Writes the first bytes. Called once, before anything else.
    fn open(&mut self, out: &mut Vec<u8>);

    /// Takes bytes from the front of `input` and says how many; what it leaves comes again in front of the next ones. Appends what
    /// was heard, and to `out` what the protocol answers by itself (pongs, the answer to a close).
    fn receive(
        &mut self,
        input: &mut [u8],
        out: &mut Vec<u8>,
        heard: &mut Vec<Heard>,
    ) -> Result<usize, ServerFault>;

    /// Writes a command. `false`, and nothing is written: this protocol has no words for it, or none before [`Heard::Opened`] and
    /// after the end. The tag of a post is left out where the protocol has none; nothing answers such a post.
    fn ask(&mut self, command: &Command, out: &mut Vec<u8>) -> bool;

    /// Ends the connection politely, where the protocol has words for it.
    fn close(&mut self, out: &mut Vec<u8>);

    /// What the client's next connection may go on from, where the protocol can, should this one break now.
    fn keepsake(&self) -> Option<Keepsake> {
        None
    }

    /// Goes on where an earlier connection broke, if the server lets it: [`Heard::Recovered`] instead of [`Heard::Opened`]. Called before
    /// [`Client::open`].
    fn go_on(&mut self, keepsake: Keepsake) {
        let _ = keepsake;
    }
}

/// What a client takes along from a connection that broke to its next one.
#[derive(Clone, Debug)]
pub struct Keepsake {
    /// By what it may come back.
    pub(crate) pid: String,
    /// The last message that it has seen.
    pub(crate) seen: Option<Position>,
    /// The name it goes by.
    pub(crate) user: Option<UserId>,
    /// The room that it is in.
    pub(crate) room: Option<RoomId>,
}

/// What a client heard. What a protocol does not tell is `None`.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The connection is open and commands may be asked.
    Opened,
    /// The connection is open and goes on where an earlier one broke: in the same rooms, by the same name, with what was missed.
    Recovered,
    /// The answer to an identify.
    Welcome {
        /// The command's.
        tag: Option<Tag>,
        /// The name this session goes by.
        user: UserId,
        /// The session's public id.
        session: Option<String>,
        /// The server's time.
        time: Option<Time>,
        /// The newest position of the inbox.
        inbox: Option<Position>,
        /// Whether everything since the position asked for follows.
        resumption: Resumption,
    },
    /// The answer to an identify of who has identified before.
    Refreshed {
        /// The command's.
        tag: Option<Tag>,
        /// Until when it is believed.
        until: Option<Time>,
    },
    /// What the client was believed by runs out.
    Expiring {
        /// When.
        at: Time,
    },
    /// The answer to a join.
    Joined {
        /// The command's.
        tag: Option<Tag>,
        /// The room.
        room: RoomId,
        /// The position of its newest message.
        at: Position,
        /// Whether everything since the position asked for follows.
        resumption: Resumption,
        /// How many are there.
        counts: Counts,
        /// Who.
        present: Option<Vec<UserId>>,
    },
    /// A message of a room or of the own inbox.
    Posted(Said),
    /// A post is kept.
    Accepted {
        /// The command's.
        tag: Option<Tag>,
        /// Where it stands.
        at: Position,
    },
    /// A command was not done.
    Refused {
        /// The command's.
        tag: Option<Tag>,
        /// Why.
        refusal: Refusal,
    },
    /// An operator has it leave a room.
    Removed {
        /// The room.
        room: RoomId,
        /// Why.
        because: Refusal,
    },
    /// Messages after `since` up to `at` will not come.
    Lost {
        /// The room.
        room: RoomId,
        /// The last one that this client has.
        since: Position,
        /// The last one that is missing.
        at: Position,
    },
    /// Who came and went.
    Presence {
        /// The room.
        room: RoomId,
        /// Users who came; `None` in rooms too large for lists.
        joined: Option<Vec<UserId>>,
        /// Users who went; `None` in rooms too large for lists.
        left: Option<Vec<UserId>>,
        /// How many are there.
        counts: Counts,
    },
    /// A passing sign.
    Signal {
        /// The room.
        room: RoomId,
        /// Whose.
        user: Option<UserId>,
        /// The sign.
        signal: SignalName,
        /// What it carries, as a JSON array.
        arguments: Option<String>,
    },
    /// The answer to a recall.
    Page {
        /// The command's.
        tag: Option<Tag>,
        /// The room.
        room: RoomId,
        /// In ascending order.
        messages: Vec<Said>,
        /// Whether there are older ones.
        more: bool,
    },
    /// The answer to a leave.
    Left {
        /// The command's.
        tag: Option<Tag>,
        /// The room.
        room: RoomId,
    },
    /// The answer to a question for the time.
    Time {
        /// The command's.
        tag: Option<Tag>,
        /// The server's time.
        time: Time,
    },
    /// The server is about to close the connection.
    Closing(Farewell),
    /// The connection is over: a close code, or the HTTP status that refused to open it.
    Closed {
        /// The code; 1005 where the server gave none.
        code: u16,
        /// The reason given.
        reason: String,
    },
    /// A sign of life.
    Pinged,
}

/// A message as a client heard it.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The room, or the own inbox.
    pub room: RoomId,
    /// Where it stands.
    pub at: Option<Position>,
    /// Who wrote it.
    pub user: Option<UserId>,
    /// The id its author gave it.
    pub tag: Option<Tag>,
    /// When it was accepted.
    pub time: Option<Time>,
    /// Its words.
    pub text: Option<String>,
    /// Its bytes.
    pub binary: Option<Vec<u8>>,
    /// Its JSON.
    pub data: Option<String>,
}

/// The server broke its protocol, as far as this client can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFault {
    /// What was wrong.
    pub detail: String,
}

impl ServerFault {
    pub(crate) fn new(detail: impl fmt::Display) -> Self {
        Self { detail: detail.to_string() }
    }
}

impl fmt::Display for ServerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for ServerFault {}

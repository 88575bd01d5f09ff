//! Biddings: what applications, and servers of another make beside which a node stands, want done with the clients that are connected to any
//! node, and what they are answered.

use std::sync::Arc;

use crate::{Content, RoomId, SignalName, UserId};

/// What somebody wants done, on this node or another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Bidding {
    /// The namespace that it is about, by its name.
    pub namespace: Box<str>,
    /// What it wants.
    pub wish: Wish,
    /// Whatever the answer is recognised by; `None`: there is none.
    pub ticket: Option<u64>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Clients are told a sign.
    Tell {
        /// Who.
        whom: Whom,
        /// A room of the namespace, for clients that are not told it in one they are in.
        within: RoomId,
        /// The sign.
        signal: SignalName,
        /// What it carries.
        content: Arc<Content>,
    },
    /// Clients enter rooms.
    Enter {
        /// Who.
        whom: Whom,
        /// Which rooms.
        rooms: Vec<RoomId>,
    },
    /// Clients leave rooms.
    Leave {
        /// Who.
        whom: Whom,
        /// Which rooms.
        rooms: Vec<RoomId>,
    },
    /// Clients leave the namespace.
    Dismiss {
        /// Who.
        whom: Whom,
        /// Their connections are closed, too.
        wholly: bool,
    },
    /// It is wanted to know who is there: answered with all of them, even with none.
    Name {
        /// Who is meant.
        whom: Whom,
    },
    /// An event for the application, which may answer.
    Serve {
        /// The name of the event.
        event: Box<str>,
        /// What it carries.
        content: Arc<Content>,
    },
}

/// Which clients of a namespace are meant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Whom {
    /// Those of one of these groups; none: everybody.
    pub of: Vec<Group>,
    /// But those of one of these.
    pub but: Vec<Group>,
}

/// Some clients.
#[derive(Clone, Debug, PartialEq)]
pub enum Group {
    /// The members of a room.
    Room(RoomId),
    /// The one that is called so in public.
    Alias(Box<str>),
}

/// A client as servers beside this node are told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// What it is called in public.
    pub alias: String,
    /// The name it goes by.
    pub user: Option<UserId>,
    /// The rooms it is in, those of other namespaces included.
    pub rooms: Vec<RoomId>,
}

/// What is answered to a bidding by each who is bidden.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// Who is there.
    pub peers: Vec<Peer>,
    /// What the application says, if it does: a JSON text.
    pub said: Option<String>,
}

/// What all have answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    /// Who is there.
    pub peers: Vec<Peer>,
    /// What the applications say, each a JSON text.
    pub said: Vec<String>,
}

impl Answers {
    /// One more has answered.
    pub fn add(&mut self, reply: Reply) {
        self.peers.extend(reply.peers);
        self.said.extend(reply.said);
    }
}

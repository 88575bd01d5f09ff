//! What servers of one circle tell each other.

use std::borrow::Cow;

/// What one server tells the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// What the teller is called; empty where it does not say. Who hears its own name has heard itself.
    pub from: Cow<'a, str>,
    /// What.
    pub said: Said<'a>,
}

/// What can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// An event for sockets.
    Broadcast(Broadcast<'a>),
    /// Sockets are to enter rooms (`socketsJoin`).
    Join {
        /// Which.
        who: Selection<'a>,
        /// Where.
        rooms: Vec<Cow<'a, str>>,
    },
    /// Sockets are to leave rooms (`socketsLeave`).
    Leave {
        /// Which.
        who: Selection<'a>,
        /// Where.
        rooms: Vec<Cow<'a, str>>,
    },
    /// Sockets are to be disconnected (`disconnectSockets`).
    Disconnect {
        /// Which.
        who: Selection<'a>,
        /// Whether their connections are to be closed, too.
        close: bool,
    },
    /// Which sockets are there? (`fetchSockets`) Each server answers with [`Answer::Sockets`].
    Fetch {
        /// Which are meant.
        who: Selection<'a>,
        /// What the answer must name.
        request: Cow<'a, str>,
    },
    /// Which rooms are there? (`allRooms`, in the classic adapter alone) Each server answers with [`Answer::Rooms`].
    Rooms {
        /// What the answer must name.
        request: Cow<'a, str>,
    },
    /// An event for the servers themselves (`serverSideEmit`).
    ServerSide {
        /// Its name and arguments, each a JSON text, attachments as placeholders.
        arguments: Vec<&'a str>,
        /// Each server answers with [`Answer::ServerSide`], and the answer must name this.
        request: Option<Cow<'a, str>>,
    },
}

/// Which sockets are meant: those that are in one of the rooms, or all if there are none, and in none of the others. Each socket is in the room
/// that has its id for a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection<'a> {
    /// In one of these.
    pub rooms: Vec<Cow<'a, str>>,
    /// In none of these.
    pub except: Vec<Cow<'a, str>>,
}

/// An event for sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broadcast<'a> {
    /// What it is called; not reserved.
    pub name: Cow<'a, str>,
    /// Each a JSON text, attachments as placeholders.
    pub arguments: Vec<&'a str>,
    /// For whom.
    pub to: Selection<'a>,
    /// It is not for those who cannot take it at this moment.
    pub is_volatile: bool,
    /// Acknowledgements are wanted: the server answers with [`Answer::Asked`], and for each acknowledgement with [`Answer::Acknowledged`].
    pub wants: Option<Wanted<'a>>,
}

/// The acknowledgements that an event wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// What the answers must name.
    pub request: Cow<'a, str>,
    /// How long they are waited for.
    pub timeout_ms: u64,
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// To [`Said::Fetch`]: the sockets that are here.
    Sockets(&'a [Peer<'a>]),
    /// To [`Said::Rooms`]: the rooms that are here.
    Rooms(&'a [&'a str]),
    /// To a broadcast: so many sockets here will acknowledge it.
    Asked(usize),
    /// To a broadcast: what one socket has acknowledged it with, a JSON text, attachments as placeholders.
    Acknowledged(&'a str),
    /// To [`Said::ServerSide`]: a JSON text, attachments as placeholders.
    ServerSide(&'a str),
}

/// A socket as other servers are told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer<'a> {
    /// Its id.
    pub id: &'a str,
    /// The JSON of what it came with.
    pub handshake: &'a str,
    /// The rooms it is in, without its own.
    pub rooms: &'a [&'a str],
    /// The JSON of what is known of it.
    pub data: &'a str,
}

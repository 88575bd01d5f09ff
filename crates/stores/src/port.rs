//! The port for stores: messages go in at the end of their room, and are read back by position.
//!
//! A node opens one [`Link`], and each of its shards holds a [`Store`] of it, its own end. Some stores answer at once, some when the disk has;
//! homes do not know which.

use std::path::PathBuf;
use std::sync::Arc;

use chat::{Happening, Lineage, Message, Position, Refusal, RoomId, Time, UserId};

use crate::{LeftBehind, Outbox, Outward};

/// How much of a room's history a shard has at hand; what exceeds any of the bounds goes, oldest first.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Messages a room.
    pub messages_max: usize,
    /// Milliseconds since a message was accepted.
    pub age_max_ms: u64,
    /// Bytes a room, each message by its [`Message::weight`].
    pub bytes_max: usize,
}

/// What a store that outlives the process may know of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// The folder that everything is in.
    pub folder: PathBuf,
    /// How many shards the node has.
    pub shards: u16,
    /// Differs for every start of a node, and cannot be guessed: epochs are made from it.
    pub epoch_seed: u64,
    /// The node puts messages in order by itself: rooms go on where they are known to stand. Otherwise others say how they stand.
    pub is_alone: bool,
    /// Public rooms that are kept: names, or beginnings followed by `*`. All others are, too.
    pub rooms: Vec<String>,
    /// So many of the newest messages of a room are told when it is recognised.
    pub recent_messages: usize,
    /// How much is kept.
    pub retention: Retention,
    /// What of what happens is told beyond the node; `None`: nothing, by the store.
    pub outward: Option<Outward>,
}

/// How much of each room is kept for good; what exceeds any of the bounds goes, oldest first, a while later. 0: no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Messages a room.
    pub messages_max: u64,
    /// Milliseconds since a message was accepted.
    pub age_max_ms: u64,
    /// Bytes a room, each message by its [`Message::weight`].
    pub bytes_max: u64,
}

/// How a store is opened for a node: the same for every folder of this crate. Each of `wakes` wakes the shard of its place: there is something
/// to be collected.
pub type Open = fn(&Disk, Vec<Wake>) -> Result<Box<dyn Link>, OpenError>;

/// Wakes a shard.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Makes a shard's end where the shard will live.
pub type End = Box<dyn FnOnce(&Settings) -> Box<dyn Store> + Send>;

/// Why a store could not be opened, for a person: which key, its value, and what to do.
#[derive(Debug)]
pub struct OpenError(pub String);

/// A node's link to its store. Letting it fall, after all ends, ends it: whatever was given to it is kept by then, if it can be.
pub trait Link: Send {
    /// The end of a shard. Asked for once a shard.
    fn end(&mut self, shard: u16) -> End;

    /// How it is.
    fn health(&self) -> Health;

    /// What waits to be told beyond the node, where the store has that told ([`Disk::outward`]).
    fn outbox(&self) -> Option<Arc<dyn Outbox>> {
        None
    }
}

/// How it is with a node's store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Why it does not keep what it should, for a person; `None`: it does.
    pub fault: Option<String>,
    /// Whether anything outlives the process.
    pub is_durable: bool,
    /// What has happened since the start.
    pub tally: Tally,
    /// Messages that wait to be kept.
    pub waiting: u64,
    /// Bytes of the files.
    pub file_bytes: u64,
}

/// What has happened between a node and its disk, in numbers that only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages kept.
    pub kept: u64,
    /// Messages that were not kept for want of room in the queue, and left a hole.
    pub left_out: u64,
    /// Groups in which they were kept.
    pub commits: u64,
    /// Microseconds that took.
    pub commit_us: u64,
    /// Times that something was read for a shard.
    pub reads: u64,
    /// Messages let go because of the bounds of what is kept.
    pub let_go: u64,
    /// Times that the disk did not do what it was asked to.
    pub faults: u64,
}

/// A shard's end of what keeps the history of rooms, within its bounds.
///
/// Contract: a room is recognised, then adopted, then appended to, until it is forgotten. What is asked with a ticket is answered at once or told
/// later, once.
pub trait Store {
    /// What is known of a room that is about to be opened; `None`: [`Told::Recognised`] says it later.
    fn recognise(&mut self, room: &RoomId) -> Option<Recognised>;

    /// A room stands at `head` now, with these messages up to there, ascending and without gaps; what is kept goes on in as far as its lineage
    /// says. When `tail` is empty and the room stands where it was known to, nothing changes.
    fn adopt(&mut self, room: &RoomId, head: Position, lineage: &Lineage, tail: &[Arc<Message>]);

    /// What can be promised to whoever posts to a room; `Err`: nothing that should be, for now.
    fn promise(&self, room: &RoomId) -> Result<Promise, Refusal>;

    /// Keeps a message. Its position is the one after the room's newest, or starts another epoch, which ends what was kept before.
    fn append(&mut self, message: &Arc<Message>);

    /// Whether the message at a position of a room is kept as was promised; [`Keeps::Later`]: [`Told::Kept`] or [`Told::Faulty`] follows.
    fn keeps(&self, room: &RoomId, at: Position) -> Keeps;

    /// The messages after a position, as far as they are still kept, the newest of them if they weigh more than `bytes_max`; `None`:
    /// [`Told::Since`] says it later.
    fn since(&mut self, room: &RoomId, position: Position, wish: Wish) -> Option<Since>;

    /// At most `limit` messages before a position, or the newest; `None`: [`Told::Page`] says it later.
    fn before(&mut self, room: &RoomId, before: Option<Position>, limit: usize, wish: Wish) -> Option<Page>;

    /// Appends what is to be told since the last time. Says whether there is more than it took.
    fn collect(&mut self, told: &mut Vec<Told>) -> bool;

    /// Lets go of what is at hand of a room.
    fn forget(&mut self, room: &RoomId);

    /// How many messages are at hand, and how many bytes they weigh.
    fn size(&self) -> (usize, usize);

    /// Whether it has told beyond the node what happens ([`Store::announce`]).
    fn announces(&self) -> bool {
        false
    }

    /// Has something told beyond the node, once or more, after what it was given before, whatever becomes of the process. A message is announced
    /// after it was appended, if it is, and before it is asked whether it is kept: it is not until it is certain to be told.
    fn announce(&mut self, happening: Happening) {
        let _ = happening;
    }

    /// A user is in a room on this node now (1), or is not any more (-1); `None`: so many more guests are, or less.
    fn count_here(&mut self, room: RoomId, user: Option<UserId>, change: i64) {
        let _ = (room, user, change);
    }

    /// Those who were counted and not counted out when the process ended that had the store before, by room.
    fn left_behind(&self) -> Arc<[LeftBehind]> {
        Arc::default()
    }
}

/// What is read is read under these circumstances.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The moment.
    pub now: Time,
    /// No more than so many bytes, each message by its [`Message::weight`].
    pub bytes_max: usize,
    /// What a later answer is recognised by.
    pub ticket: u64,
}

/// What is known of a room; `Err`: that cannot be said for now.
pub type Recognised = Result<Option<Box<Known>>, Refusal>;

/// How a room stood.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Where it goes on from.
    pub head: Position,
    /// Which positions of former epochs mean the same in this one.
    pub lineage: Lineage,
    /// Its newest messages, ascending.
    pub recent: Vec<Arc<Message>>,
}

/// What is promised to who posts to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// That others get it.
    Passing,
    /// That it is kept, whatever happens to the process, once it is accepted.
    Lasting,
}

/// Whether a message is kept as was promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// It is.
    Already,
    /// It will be.
    Later,
    /// It will not be, or nobody knows.
    Never,
}

/// What a store tells when it is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// What is known of a room.
    Recognised {
        /// The room.
        room: RoomId,
        /// What.
        recognised: Recognised,
    },
    /// Everything of a room up to here is kept.
    Kept {
        /// The room.
        room: RoomId,
        /// Up to here.
        at: Position,
    },
    /// What is not kept yet may never be.
    Faulty,
    /// The answer to [`Store::since`].
    Since {
        /// Its ticket.
        ticket: u64,
        /// The answer.
        since: Since,
    },
    /// The answer to [`Store::before`].
    Page {
        /// Its ticket.
        ticket: u64,
        /// The answer.
        page: Page,
    },
}

/// The messages after a position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Since {
    /// Ascending, the newest last, without gaps.
    pub messages: Vec<Arc<Message>>,
    /// Whether `messages` is all there was after the position.
    pub complete: bool,
}

/// A piece of history, ascending.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The messages.
    pub messages: Vec<Arc<Message>>,
    /// Whether older ones are kept.
    pub more: bool,
}

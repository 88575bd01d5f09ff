//! What shards' ends and the thread that serves them tell each other. What is under way is bounded where it is sent: at the ends.

use std::sync::Arc;

use chat::{Epoch, Happening, Lineage, Message, Position, RoomId, UserId};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::clerk::Ledger;
use crate::{ReadWaiting, Wake};

/// What is to be written, in order for each shard.
pub(super) enum Write {
    /// How a room stands.
    Adopt(Box<Adoption>),
    /// A message of a room.
    Message {
        /// The shard that is told.
        shard: u16,
        /// The life of the room.
        life: i64,
        /// What all messages of this life weigh, up to this one.
        sum: u64,
        /// The message.
        message: Arc<Message>,
        /// It is told beyond the node, too.
        is_announced: bool,
    },
    /// Something about what is told beyond the node.
    Tidings(Tidings),
    /// The oldest messages of a life go.
    Trim(Trim),
    /// A room that has no messages and was not opened in this run goes.
    Forget(i64),
}

/// What is written of what is told beyond the node.
pub(super) enum Tidings {
    /// Something is to be told. The shard is told when that is certain, of a message with its place.
    Announce { shard: u16, happening: Happening, place: Option<(RoomId, u64)> },
    /// Somebody is in a room here, or is not any more.
    Count { shard: u16, room: RoomId, user: Option<UserId>, change: i64 },
    /// These were told, or so many of them given up.
    Settle { numbers: Vec<i64>, given_up: u64 },
    /// There was no room for so many.
    Lose(u64),
}

/// How a room stands.
pub(super) struct Adoption {
    pub(super) room: RoomId,
    pub(super) life: i64,
    pub(super) epoch: Epoch,
    pub(super) head: u64,
    pub(super) lineage: Lineage,
    /// The run that has opened it; 0: others may show more of it.
    pub(super) run: i64,
    /// What stands behind this offset did not live on.
    pub(super) cut_behind: Option<u64>,
    /// The life before this one, which is over.
    pub(super) ends: Option<i64>,
    /// What is reported to a shard once this is kept.
    pub(super) then: Option<(u16, Report)>,
}

/// The oldest messages of a life go, up to an offset.
pub(super) struct Trim {
    pub(super) life: i64,
    /// The offset, and how many messages that are.
    pub(super) up_to: u64,
    pub(super) messages: u64,
    /// Nothing else will be left of the life.
    pub(super) is_last: bool,
    /// Whoever waits for it to be done.
    pub(super) done: oneshot::Sender<()>,
}

/// What is to be read.
pub(super) enum Read {
    /// How a room stood.
    Room {
        /// The shard that is told.
        shard: u16,
        /// The room.
        room: RoomId,
    },
    /// A piece of a room's history.
    Span(Span),
    /// What waits to be told beyond the node.
    Outbox {
        /// Behind this number.
        after: i64,
        limit: usize,
        /// Notes what was handed out.
        ledger: Arc<Ledger>,
        then: ReadWaiting,
    },
}

/// The newest messages between two offsets, neither included.
#[derive(Clone)]
pub(super) struct Span {
    pub(super) shard: u16,
    /// What it is recognised by.
    pub(super) key: usize,
    pub(super) room: RoomId,
    pub(super) life: i64,
    pub(super) epoch: Epoch,
    pub(super) after: u64,
    pub(super) before: u64,
    pub(super) limit: usize,
    pub(super) bytes_max: usize,
}

/// What a shard's end is told.
pub(super) enum Report {
    /// How a room stood; `Err`: that cannot be read.
    Room { room: RoomId, found: Result<Option<Box<Found>>, ()> },
    /// So many things are written, with the newest message of each room among them, and the offsets of messages that are certain to be told beyond the node.
    Written { things: usize, newest: Vec<(RoomId, Position)>, announced: Vec<(RoomId, u64)> },
    /// A piece of history, ascending, and whether older ones are kept; `None`: it cannot be read.
    Span { key: usize, found: Option<(Vec<Arc<Message>>, bool)> },
    /// Nothing can be written for now.
    Faulty,
    /// It can again.
    Well,
}

/// How a room stood.
pub(super) struct Found {
    pub(super) life: i64,
    pub(super) head: Position,
    pub(super) lineage: Lineage,
    /// What all its messages weigh, those that are gone included.
    pub(super) sum: u64,
    pub(super) recent: Vec<Arc<Message>>,
}

/// The way to a shard's end.
#[derive(Clone)]
pub(super) struct Outlet {
    pub(super) reports: UnboundedSender<Report>,
    pub(super) wake: Wake,
}

impl Outlet {
    pub(super) fn report(&self, report: Report) {
        // A shard that has ended needs no reports.
        if self.reports.send(report).is_ok() {
            (self.wake)();
        }
    }
}

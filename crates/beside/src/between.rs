//! What goes between the shards and the bridge.

use std::collections::VecDeque;
use std::sync::Arc;

use backplanes::{Arrival, Order, Signal};
use chat::{Author, Body, Content, Reply, RoomId};
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;

/// From a shard.
#[derive(Debug)]
pub(crate) enum Up {
    /// It is home to a room.
    Attended(RoomId, u16),
    /// It is not any more.
    Forsaken(RoomId),
    /// Somebody here has said something in a room, and it has its place.
    Posted(RoomId, Author, Body),
    /// Somebody here gives a sign.
    Signalled(RoomId, Signal),
    /// The application says something to servers, in a namespace, under a name.
    Proclaimed(Box<str>, Box<str>, Arc<Content>),
    /// The answer to a bidding.
    Replied(u64, Reply),
}

/// To a shard.
#[derive(Debug)]
pub(crate) enum Down {
    /// As if from the backplane.
    Arrival(Arrival),
    /// A message from beside, that wants its place.
    Order(Order),
}

/// More is not kept for a bridge that does not keep up; what is said then is not told to others.
const BACKLOG_MAX: usize = 1 << 16;

/// A shard's way to the bridge.
pub(crate) struct Outgoing {
    sender: Sender<Up>,
    backlog: VecDeque<Up>,
}

impl Outgoing {
    pub(crate) fn new(sender: Sender<Up>) -> Self {
        Self { sender, backlog: VecDeque::new() }
    }

    pub(crate) fn send(&mut self, up: Up) {
        let may_be_lost = matches!(up, Up::Posted(..) | Up::Signalled(..) | Up::Proclaimed(..));
        if self.backlog.len() < BACKLOG_MAX || !may_be_lost {
            self.backlog.push_back(up);
        }
        self.go_on();
    }

    /// Sends what found no room before.
    pub(crate) fn go_on(&mut self) {
        while let Some(up) = self.backlog.pop_front() {
            match self.sender.try_send(up) {
                Ok(()) => {}
                Err(TrySendError::Full(up)) => return self.backlog.push_front(up),
                Err(TrySendError::Closed(_)) => return self.backlog.clear(),
            }
        }
    }
}

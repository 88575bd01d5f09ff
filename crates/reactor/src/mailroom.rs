//! Mail between shards: a bounded queue for each pair, batches of a turn, and a bell that rings only for who sleeps.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{read, write};
use shard::{Luggage, Mail, ShardId};

use crate::streams::Passage;

/// Batches under way between two shards.
const BATCHES_MAX: usize = 1024;
/// Mail that found no room, above which a shard takes no more from its clients.
const HELD_BACK_MAX: usize = 16 * 1024;

/// What goes from one shard to another.
pub(crate) enum Parcel {
    /// For the shard.
    Mail(Mail),
    /// A client's stream, and what goes along with it.
    Stream(Passage, Luggage),
}

type Batch = Vec<Parcel>;

/// Wakes a shard that waits for events.
#[derive(Debug)]
pub(crate) struct Bell {
    event: OwnedFd,
    /// The shard is about to wait, or waits: whoever has something for it rings, once.
    armed: AtomicBool,
    /// Somebody who is no shard has something for it, and it has not looked since.
    called: AtomicBool,
}

impl Bell {
    pub(crate) fn new() -> std::io::Result<Self> {
        let event = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self { event, armed: AtomicBool::new(false), called: AtomicBool::new(false) })
    }

    /// Wakes the shard if it waits.
    pub(crate) fn ring(&self) {
        if self.armed.swap(false, Ordering::SeqCst) {
            // A full counter is a bell that rings already.
            let _ = write(&self.event, &1_u64.to_ne_bytes());
        }
    }

    /// Has the shard look for what it has been given by somebody who is no shard, now or, in the middle of a turn, right after it.
    pub(crate) fn call(&self) {
        self.called.store(true, Ordering::SeqCst);
        self.ring();
    }

    /// Whether somebody has called since the last turn began.
    pub(crate) fn is_called(&self) -> bool {
        self.called.load(Ordering::SeqCst)
    }

    /// From here on the shard is woken when something is put in for it.
    pub(crate) fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    /// A turn begins, which will look everywhere.
    pub(crate) fn quieten(&self) {
        self.called.store(false, Ordering::SeqCst);
        if !self.armed.swap(false, Ordering::SeqCst) {
            let mut count = [0; 8];
            // Nothing to read: it was not rung after all.
            let _ = read(&self.event, &mut count);
        }
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

/// The post of one shard: what it sends to the others and what they send to it.
pub(crate) struct Mailbox {
    outgoing: Vec<Option<Outgoing>>,
    incoming: Vec<Consumer<Batch>>,
}

struct Outgoing {
    queue: Producer<Batch>,
    bell: Arc<Bell>,
    /// What this turn, or earlier ones that found no room, have for the shard.
    batch: Batch,
}

/// The mailboxes of shards, one for each bell.
pub(crate) fn connect(bells: &[Arc<Bell>]) -> Vec<Mailbox> {
    let mut boxes: Vec<_> =
        bells.iter().map(|_| Mailbox { outgoing: Vec::new(), incoming: Vec::new() }).collect();
    for from in 0..bells.len() {
        for (to, bell) in bells.iter().enumerate() {
            if from == to {
                boxes[from].outgoing.push(None);
                continue;
            }
            let (queue, consumer) = RingBuffer::new(BATCHES_MAX);
            boxes[from].outgoing.push(Some(Outgoing { queue, bell: bell.clone(), batch: Vec::new() }));
            boxes[to].incoming.push(consumer);
        }
    }
    boxes
}

impl Mailbox {
    pub(crate) fn put(&mut self, to: ShardId, parcel: Parcel) {
        let outgoing = self.outgoing[to.0 as usize].as_mut().expect("a shard keeps mail to itself");
        outgoing.batch.push(parcel);
    }

    /// Sends what the turn has gathered.
    pub(crate) fn send(&mut self) {
        for outgoing in self.outgoing.iter_mut().flatten().filter(|outgoing| !outgoing.batch.is_empty()) {
            let batch = std::mem::take(&mut outgoing.batch);
            match outgoing.queue.push(batch) {
                Ok(()) => outgoing.bell.ring(),
                Err(rtrb::PushError::Full(batch)) => outgoing.batch = batch,
            }
        }
    }

    /// Whether so much mail found no room that clients must wait.
    pub(crate) fn is_congested(&self) -> bool {
        self.outgoing.iter().flatten().any(|outgoing| outgoing.batch.len() > HELD_BACK_MAX)
    }

    /// Whether some mail found no room.
    pub(crate) fn holds_back(&self) -> bool {
        self.outgoing.iter().flatten().any(|outgoing| !outgoing.batch.is_empty())
    }

    /// Whether the others have begun to read all that was sent to them.
    pub(crate) fn is_read(&self) -> bool {
        let is_read =
            |outgoing: &Outgoing| outgoing.batch.is_empty() && outgoing.queue.slots() == BATCHES_MAX;
        self.outgoing.iter().flatten().all(is_read)
    }

    /// Takes a batch that has come in.
    pub(crate) fn take(&mut self) -> Option<Batch> {
        self.incoming.iter_mut().find_map(|queue| queue.pop().ok())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.incoming.iter().all(Consumer::is_empty)
    }
}

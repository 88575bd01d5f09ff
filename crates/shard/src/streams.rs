//! The streams of a shard: what is kept of each, and nothing that an idle one does not need.

use gateways::{Lane, MAIN};

use crate::StreamId;
use crate::origins::{Origin, Origins};

/// Sessions and audiences are numbered by their place in a slab.
pub(crate) type Place = u32;

/// No session.
pub(crate) const NOBODY: Place = u32::MAX;

/// No stream.
pub(crate) const NOWHERE: StreamId = StreamId { slot: u32::MAX, generation: 0 };

/// One byte stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    /// Whose it is, or [`NOBODY`] while it asks or is being closed.
    pub(crate) session: Place,
    /// Which of its session's streams it is.
    pub(crate) lane: Lane,
    pub(crate) phase: Phase,
    /// The world takes no more for now.
    pub(crate) stalled: bool,
    /// Nothing more comes in; what was asked before is still answered.
    pub(crate) ended: bool,
    /// It is in the list of streams to be flushed.
    pub(crate) touched: bool,
    /// A deadline for its request head is running.
    pub(crate) greeted: bool,
    /// When its last request was answered, so that a busy keep-alive stream is not idle.
    pub(crate) asked_ms: u64,
    /// Bytes for this stream alone, sent before anything told to rooms.
    pub(crate) own: Vec<u8>,
    /// Bytes that came in and could not be judged yet.
    pub(crate) tail: Vec<u8>,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It takes a request head.
    Asking,
    /// It belongs to a session.
    Open,
    /// What it still has is sent, then nothing more is written; what comes in is thrown away.
    Closing,
    /// Nothing more is written; the other side may still say goodbye.
    Finished,
}

/// The streams of a shard by their slots.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    slots: Vec<Option<Stream>>,
    count: usize,
    /// Of those that take requests.
    pub(crate) origins: Origins,
}

impl Streams {
    pub(crate) fn insert(&mut self, id: StreamId, origin: Origin, now_ms: u64) {
        let slot = id.slot as usize;
        if slot >= self.slots.len() {
            self.slots.resize_with(slot + 1, || None);
        }
        assert!(self.slots[slot].is_none(), "a slot holds one stream at a time");
        self.slots[slot] = Some(Stream {
            id,
            session: NOBODY,
            lane: MAIN,
            phase: Phase::Asking,
            stalled: false,
            ended: false,
            touched: false,
            greeted: true,
            asked_ms: now_ms,
            own: Vec::new(),
            tail: Vec::new(),
        });
        self.origins.insert(id, origin);
        self.count += 1;
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<&Stream> {
        self.slots.get(id.slot as usize)?.as_ref().filter(|stream| stream.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.slots.get_mut(id.slot as usize)?.as_mut().filter(|stream| stream.id == id)
    }

    pub(crate) fn remove(&mut self, id: StreamId) {
        if self.get(id).is_some() {
            self.slots[id.slot as usize] = None;
            self.origins.remove(id);
            self.count -= 1;
            self.shrink();
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.slots.iter().flatten()
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Gives memory back once most of it is empty slots at the end.
    fn shrink(&mut self) {
        while let Some(None) = self.slots.last() {
            self.slots.pop();
        }
        if self.slots.len() * 4 < self.slots.capacity() {
            self.slots.shrink_to(self.slots.len() * 2);
        }
    }
}

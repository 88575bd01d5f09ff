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

/// Slots from here on are of streams that have come through tunnels. The world has no such, and is never told of them.
const FAR: u32 = 1 << 31;

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
    /// It is not read, because its client asks for too much.
    pub(crate) held: bool,
    /// It is in the list of streams to be flushed.
    pub(crate) touched: bool,
    /// A deadline for its request head is running.
    pub(crate) greeted: bool,
    /// When its last request was answered, so that a busy keep-alive stream is not idle.
    pub(crate) asked_ms: u64,
    /// So much of the backlog is counted.
    counted: u32,
    /// Of most streams there is none; never an empty box.
    backlog: Option<Box<Backlog>>,
}

/// What waits on a stream.
#[derive(Debug, Default)]
struct Backlog {
    /// Bytes for this stream alone, sent before anything told to rooms.
    own: Vec<u8>,
    /// Bytes that came in and could not be judged yet.
    tail: Vec<u8>,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It takes a request head.
    Asking,
    /// It belongs to a session.
    Open,
    /// Its request is for a session of another node, and goes there.
    Tunnelled,
    /// What it still has is sent, then nothing more is written; what comes in is thrown away.
    Closing,
    /// Nothing more is written; the other side may still say goodbye.
    Finished,
}

/// The streams of a shard.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    near: Slots,
    far: Slots,
    /// How many are not read.
    held: usize,
    /// Bytes that wait on all of them, in both directions.
    waiting_bytes: usize,
    /// Of those that take requests.
    pub(crate) origins: Origins,
}

/// Streams by their slots.
#[derive(Debug, Default)]
struct Slots {
    slots: Vec<Option<Stream>>,
    count: usize,
}

impl StreamId {
    /// The id of a stream that has come through a tunnel.
    pub(crate) fn far(place: u32, generation: u32) -> Self {
        Self { slot: FAR | place, generation }
    }

    /// Whether the stream has come through a tunnel.
    pub(crate) fn is_far(self) -> bool {
        self.slot & FAR != 0
    }

    /// Its place among its like.
    pub(crate) fn place(self) -> usize {
        (self.slot & !FAR) as usize
    }
}

impl Streams {
    pub(crate) fn insert(&mut self, id: StreamId, origin: Origin, now_ms: u64) {
        self.like_mut(id).insert(id, now_ms);
        self.origins.insert(id, origin);
    }

    pub(crate) fn get(&self, id: StreamId) -> Option<&Stream> {
        let like = if id.is_far() { &self.far } else { &self.near };
        like.slots.get(id.place())?.as_ref().filter(|stream| stream.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.like_mut(id).slots.get_mut(id.place())?.as_mut().filter(|stream| stream.id == id)
    }

    pub(crate) fn remove(&mut self, id: StreamId) {
        if let Some(stream) = self.get(id) {
            let (held, counted) = (usize::from(stream.held), stream.counted as usize);
            self.held -= held;
            self.waiting_bytes -= counted;
            self.like_mut(id).remove(id.place());
            self.origins.remove(id);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.near.slots.iter().chain(&self.far.slots).flatten()
    }

    /// Notes whether a stream is read. Says whether that is new.
    pub(crate) fn set_held(&mut self, id: StreamId, holds: bool) -> bool {
        let Some(stream) = self.get_mut(id) else { return false };
        let was_held = std::mem::replace(&mut stream.held, holds);
        self.held = self.held + usize::from(holds) - usize::from(was_held);
        was_held != holds
    }

    /// Counts what waits on a stream as it is now.
    pub(crate) fn count(&mut self, id: StreamId) {
        let Some(stream) = self.get_mut(id) else { return };
        let counted = stream.waiting_bytes() as u32;
        let before = std::mem::replace(&mut stream.counted, counted);
        self.waiting_bytes = self.waiting_bytes + counted as usize - before as usize;
    }

    /// Bytes that wait on all streams, as far as they were counted.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// How many are not read.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// How many the world has.
    pub(crate) fn len(&self) -> usize {
        self.near.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.near.count + self.far.count == 0
    }

    fn like_mut(&mut self, id: StreamId) -> &mut Slots {
        if id.is_far() { &mut self.far } else { &mut self.near }
    }
}

impl Stream {
    /// Bytes that wait on it, in both directions.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.own().len() + self.tail().len()
    }

    /// Bytes for this stream alone, sent before anything told to rooms.
    pub(crate) fn own(&self) -> &[u8] {
        self.backlog.as_ref().map_or(&[], |backlog| &backlog.own)
    }

    /// Bytes that came in and could not be judged yet.
    pub(crate) fn tail(&self) -> &[u8] {
        self.backlog.as_ref().map_or(&[], |backlog| &backlog.tail)
    }

    /// Puts bytes behind those for this stream alone.
    pub(crate) fn push_own(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.backlog.get_or_insert_default().own.extend_from_slice(bytes);
        }
    }

    /// So many of the bytes for this stream alone are sent.
    pub(crate) fn drop_own(&mut self, sent: usize) {
        if sent < self.own().len() {
            self.backlog.get_or_insert_default().own.drain(..sent);
        } else {
            self.take_own();
        }
    }

    pub(crate) fn take_own(&mut self) -> Vec<u8> {
        self.take(|backlog| &mut backlog.own)
    }

    pub(crate) fn take_tail(&mut self) -> Vec<u8> {
        self.take(|backlog| &mut backlog.tail)
    }

    /// Keeps bytes that cannot be judged yet; there are none so far.
    pub(crate) fn keep_tail(&mut self, tail: Vec<u8>) {
        if !tail.is_empty() {
            self.backlog.get_or_insert_default().tail = tail;
        }
    }

    fn take(&mut self, which: impl FnOnce(&mut Backlog) -> &mut Vec<u8>) -> Vec<u8> {
        let Some(backlog) = &mut self.backlog else { return Vec::new() };
        let taken = std::mem::take(which(backlog));
        if backlog.own.is_empty() && backlog.tail.is_empty() {
            self.backlog = None;
        }
        taken
    }
}

impl Slots {
    fn insert(&mut self, id: StreamId, now_ms: u64) {
        let slot = id.place();
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
            held: false,
            touched: false,
            greeted: true,
            asked_ms: now_ms,
            counted: 0,
            backlog: None,
        });
        self.count += 1;
    }

    fn remove(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.count -= 1;
        self.shrink();
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

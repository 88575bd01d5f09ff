//! A pretend byte stream between a client and a shard: two bounded buffers, and how each end has let go of it.
//!
//! Knows nothing of what the bytes mean. What a shard may do to a stream is held against what it does.

use std::collections::VecDeque;

use shard::{Luggage, StreamId};

use crate::random::Random;

/// A stream as its client knows it: the start of a node that it leads to, and which of the streams there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipeId {
    life: u32,
    index: u32,
}

impl PipeId {
    pub(crate) fn new(life: u32, index: u32) -> Self {
        Self { life, index }
    }

    /// Which of the streams of its node it is.
    pub(crate) fn index(self) -> usize {
        self.index as usize
    }

    /// Which of a world's starts of nodes it leads to.
    pub(crate) fn life(self) -> usize {
        self.life as usize
    }
}

/// How bytes travel.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// What the system buffers towards a client, in bytes.
    pub socket_bytes: usize,
    /// Writes that are cut short although all would fit, in a thousand.
    pub short_writes: u32,
    /// The largest piece in which bytes reach a shard.
    pub piece_bytes: usize,
    /// How many turns mail between shards is under way at most.
    pub mail_turns: u64,
    /// Inputs that a shard takes in a turn at most.
    pub inputs_per_turn: usize,
}

impl Weather {
    /// Everything arrives at once and whole.
    pub const CALM: Self = Self {
        socket_bytes: 1 << 20,
        short_writes: 0,
        piece_bytes: usize::MAX,
        mail_turns: 0,
        inputs_per_turn: usize::MAX,
    };
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) id: StreamId,
    /// The shard was told of it.
    pub(crate) knocked: bool,
    /// Another shard has handed it over, and this one was not told yet.
    luggage: Option<Luggage>,
    /// Sent by the client and not yet given to the shard.
    upstream: VecDeque<u8>,
    /// Written by the shard and not yet read by the client.
    downstream: VecDeque<u8>,
    /// The client sends nothing more once `upstream` is empty.
    client: ClientEnd,
    server: ServerEnd,
    /// A write took less than it was given: the shard waits to be told when more fits.
    stalled: bool,
    /// The shard does not want to read it.
    held: bool,
    /// Its place among those that have something for their shard.
    pub(crate) turn: Option<usize>,
}

/// How far the client's end has let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientEnd {
    Open,
    /// It has hung up, and the shard does not know yet.
    HungUp,
    /// The shard knows.
    Known,
}

/// How far the shard has let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ServerEnd {
    Open,
    Finished,
    Closed,
}

/// What a pipe has for its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    Knock,
    Handed,
    Bytes,
    Writable,
    HungUp,
}

impl Pipe {
    pub(crate) fn new(id: StreamId) -> Self {
        Self {
            id,
            knocked: false,
            luggage: None,
            upstream: VecDeque::new(),
            downstream: VecDeque::new(),
            client: ClientEnd::Open,
            server: ServerEnd::Open,
            stalled: false,
            held: false,
            turn: None,
        }
    }

    /// What may be told to the shard next.
    pub(crate) fn ready(&self, weather: &Weather) -> Option<Ready> {
        if self.server == ServerEnd::Closed {
            return None;
        }
        if !self.knocked {
            return Some(Ready::Knock);
        }
        if self.luggage.is_some() {
            return Some(Ready::Handed);
        }
        if !self.upstream.is_empty() && !self.held {
            return Some(Ready::Bytes);
        }
        if self.stalled && self.downstream.len() * 2 < weather.socket_bytes {
            return Some(Ready::Writable);
        }
        (self.client == ClientEnd::HungUp && !self.held).then_some(Ready::HungUp)
    }

    /// It goes to another shard, where it has another id.
    pub(crate) fn hand_over(&mut self, id: StreamId, luggage: Luggage) -> Result<(), &'static str> {
        (self.id, self.luggage, self.stalled) = (id, Some(luggage), false);
        if self.server == ServerEnd::Open { Ok(()) } else { Err("hands over a stream that it has finished") }
    }

    /// What came along with it from another shard.
    pub(crate) fn take_luggage(&mut self) -> Option<Luggage> {
        self.luggage.take()
    }

    /// The next bytes for the shard.
    pub(crate) fn take_piece(&mut self, bytes_max: usize) -> Vec<u8> {
        take(&mut self.upstream, bytes_max)
    }

    pub(crate) fn told(&mut self, ready: Ready) {
        match ready {
            Ready::Knock => self.knocked = true,
            Ready::Handed | Ready::Bytes => {}
            Ready::Writable => self.stalled = false,
            Ready::HungUp => self.client = ClientEnd::Known,
        }
    }

    /// The shard writes. Says how many bytes were taken.
    pub(crate) fn write(
        &mut self,
        bytes: &[u8],
        weather: &Weather,
        random: &mut Random,
    ) -> Result<usize, &'static str> {
        if self.server != ServerEnd::Open {
            return Err("writes to a stream that it has finished");
        }
        if self.stalled {
            return Err("writes to a stream that takes no more");
        }
        let room = weather.socket_bytes.saturating_sub(self.downstream.len());
        let mut taken = bytes.len().min(room);
        if taken > 0 && random.chance(weather.short_writes) {
            taken = random.below(taken);
        }
        self.downstream.extend(&bytes[..taken]);
        self.stalled = taken < bytes.len();
        Ok(taken)
    }

    pub(crate) fn finish(&mut self) -> Result<(), &'static str> {
        match std::mem::replace(&mut self.server, ServerEnd::Finished) {
            ServerEnd::Open => Ok(()),
            _ => Err("finishes a stream twice"),
        }
    }

    pub(crate) fn close(&mut self) -> Result<(), &'static str> {
        match std::mem::replace(&mut self.server, ServerEnd::Closed) {
            ServerEnd::Closed => Err("closes a stream twice"),
            _ => Ok(()),
        }
    }

    /// The shard does not want to read on, or does again.
    pub(crate) fn hold(&mut self, holds: bool) {
        self.held = holds;
    }

    /// The node is there no more.
    pub(crate) fn perish(&mut self) {
        self.server = ServerEnd::Closed;
    }

    /// The client sends.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if self.client == ClientEnd::Open {
            self.upstream.extend(bytes);
        }
    }

    /// The client reads.
    pub(crate) fn read(&mut self, bytes_max: usize) -> Vec<u8> {
        take(&mut self.downstream, bytes_max)
    }

    /// The client says no more; what it said still arrives.
    pub(crate) fn hang_up(&mut self) {
        if self.client == ClientEnd::Open {
            self.client = ClientEnd::HungUp;
        }
    }

    /// The connection breaks: of what the client sent, only the first `arriving` bytes still arrive, and it reads nothing more.
    pub(crate) fn cut(&mut self, arriving: usize) {
        self.upstream.truncate(arriving);
        self.downstream.clear();
        self.hang_up();
    }

    /// What the client sent and the shard was not given yet, in bytes.
    pub(crate) fn upstream_bytes(&self) -> usize {
        self.upstream.len()
    }

    /// Whether the client can read on.
    pub(crate) fn has_unread(&self) -> bool {
        !self.downstream.is_empty()
    }

    /// Whether the shard has said all it will say.
    pub(crate) fn is_over(&self) -> bool {
        self.server != ServerEnd::Open
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.server == ServerEnd::Closed
    }
}

/// The first bytes of a buffer, at most so many.
fn take(buffer: &mut VecDeque<u8>, bytes_max: usize) -> Vec<u8> {
    let length = buffer.len().min(bytes_max);
    let (front, back) = buffer.as_slices();
    let from_front = front.len().min(length);
    let taken = [&front[..from_front], &back[..length - from_front]].concat();
    drop(buffer.drain(..length));
    taken
}

//! The sockets of a shard, and the effects it has on them.

use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};
use shard::{Effects, Luggage, Mail, Notice, ShardId, StreamId};

use crate::mailroom::{Mailbox, Parcel};
use crate::node::Note;

/// What a shard's effects act on.
pub(crate) struct World {
    pub(crate) epoll: OwnedFd,
    pub(crate) mailbox: Mailbox,
    note: Note,
    slots: Vec<Slot>,
    vacant: Vec<u32>,
    /// How many sockets were ever taken in.
    generations: u32,
}

/// A place for a socket, and which of all sockets it is.
struct Slot {
    socket: Option<OwnedFd>,
    generation: u32,
    /// The shard waits for more room.
    stalled: bool,
    /// epoll tells of room; asked for at the first stall and left so.
    watched: bool,
}

/// What became of a look into a socket.
pub(crate) enum Received {
    /// So many bytes; there may be more.
    More(usize),
    /// So many bytes, and no more for now.
    Last(usize),
    /// Nothing for now.
    Nothing,
    /// Nothing ever again.
    End,
}

impl World {
    pub(crate) fn new(epoll: OwnedFd, mailbox: Mailbox, note: Note) -> Self {
        Self { epoll, mailbox, note, slots: Vec::new(), vacant: Vec::new(), generations: 0 }
    }

    /// Takes a socket in. `None`: the machine would not tell of its events.
    pub(crate) fn insert(&mut self, socket: OwnedFd) -> Option<StreamId> {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(Slot { socket: None, generation: 0, stalled: false, watched: false });
            self.slots.len() as u32 - 1
        });
        self.generations = self.generations.wrapping_add(1);
        let id = StreamId { slot, generation: self.generations };
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        if epoll::add(&self.epoll, &socket, EventData::new_u64(token(id)), flags).is_err() {
            self.vacant.push(slot);
            return None;
        }
        self.slots[slot as usize] =
            Slot { socket: Some(socket), generation: id.generation, stalled: false, watched: false };
        Some(id)
    }

    pub(crate) fn receive(&self, id: StreamId, buffer: &mut [u8]) -> Received {
        let Some(socket) = self.socket(id) else { return Received::Nothing };
        match recv(socket, &mut *buffer, RecvFlags::empty()) {
            Ok((0, _)) => Received::End,
            Ok((length, _)) if length == buffer.len() => Received::More(length),
            Ok((length, _)) => Received::Last(length),
            Err(Errno::AGAIN | Errno::INTR) => Received::Nothing,
            Err(_) => Received::End,
        }
    }

    /// Whether the shard waits for room on this stream; from here on it does not.
    pub(crate) fn take_stall(&mut self, id: StreamId) -> bool {
        self.slots.get_mut(id.slot as usize).is_some_and(|slot| {
            slot.generation == id.generation && slot.socket.is_some() && std::mem::take(&mut slot.stalled)
        })
    }

    /// Empties a slot.
    fn take_out(&mut self, id: StreamId) -> Option<OwnedFd> {
        self.socket(id)?;
        let socket = self.slots[id.slot as usize].socket.take();
        self.vacant.push(id.slot);
        if self.vacant.len() == self.slots.len() {
            (self.slots, self.vacant) = (Vec::new(), Vec::new());
        }
        socket
    }

    fn socket(&self, id: StreamId) -> Option<&OwnedFd> {
        self.slots.get(id.slot as usize).filter(|slot| slot.generation == id.generation)?.socket.as_ref()
    }

    /// The shard will be told when there is room again.
    fn stall(&mut self, id: StreamId) {
        let slot = &mut self.slots[id.slot as usize];
        slot.stalled = true;
        let Some(socket) = slot.socket.as_ref().filter(|_| !slot.watched) else { return };
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::OUT | EventFlags::ET;
        slot.watched =
            epoll::modify(&self.epoll, socket.as_fd(), EventData::new_u64(token(id)), flags).is_ok();
    }
}

impl Effects for World {
    fn write(&mut self, stream: StreamId, bytes: &[u8]) -> usize {
        let Some(socket) = self.socket(stream) else { return bytes.len() };
        let sent = match send(socket, bytes, SendFlags::NOSIGNAL) {
            Ok(sent) => sent,
            Err(Errno::AGAIN | Errno::INTR | Errno::NOBUFS) => 0,
            // The socket is broken: epoll says so too, and what was for it is gone.
            Err(_) => bytes.len(),
        };
        if sent < bytes.len() {
            self.stall(stream);
        }
        sent
    }

    fn finish(&mut self, stream: StreamId) {
        if let Some(socket) = self.socket(stream) {
            // A socket that is not connected any more has nothing to shut.
            let _ = shutdown(socket, Shutdown::Write);
        }
    }

    fn close(&mut self, stream: StreamId) {
        // Closing a socket takes it out of epoll.
        drop(self.take_out(stream));
    }

    fn mail(&mut self, to: ShardId, mail: Mail) {
        self.mailbox.put(to, Parcel::Mail(mail));
    }

    fn note(&mut self, notice: &Notice) {
        (self.note)(notice);
    }

    fn hand_over(&mut self, stream: StreamId, to: ShardId, luggage: Luggage) {
        let Some(socket) = self.take_out(stream) else { return };
        // It cannot fail for a socket that was put in; were it told of here still, its id is nobody's any more.
        let _ = epoll::delete(&self.epoll, &socket);
        self.mailbox.put(to, Parcel::Socket(socket, luggage));
    }
}

/// What epoll carries for a stream.
pub(crate) fn token(id: StreamId) -> u64 {
    u64::from(id.generation) << 32 | u64::from(id.slot)
}

/// The stream of a token.
pub(crate) fn stream_of(token: u64) -> StreamId {
    StreamId { slot: token as u32, generation: (token >> 32) as u32 }
}

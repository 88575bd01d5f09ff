//! The sockets of a shard, and the effects it has on them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};
use shard::{Effects, Luggage, Mail, News, Notice, Report, ShardId, StreamId, Ticket};

use crate::mailroom::{Mailbox, Parcel};
use crate::node::{Note, Tell};
use crate::office::Waiting;
use crate::secured::{Entry, Flushed, Secured};

/// What a shard's effects act on.
pub(crate) struct World {
    pub(crate) epoll: OwnedFd,
    pub(crate) mailbox: Mailbox,
    pub(crate) secured: Secured,
    /// Operators that wait to hear from the shard.
    pub(crate) awaited: Waiting,
    note: Note,
    tell: Tell,
    slots: Vec<Slot>,
    vacant: Vec<u32>,
    /// Streams that are read again.
    pub(crate) released: Vec<StreamId>,
    /// How many sockets were ever taken in.
    generations: u32,
}

/// A place for a socket, and which of all sockets it is.
#[derive(Default)]
struct Slot {
    socket: Option<OwnedFd>,
    generation: u32,
    /// The shard waits for more room.
    stalled: bool,
    /// The shard does not want to read it.
    held: bool,
    /// epoll tells of room; asked for at the first stall and left so.
    watched: bool,
}

/// A stream on its way to another shard: its socket, and what there is to it if it is under TLS.
pub(crate) type Passage = (OwnedFd, Option<Box<Entry>>);

/// What became of a look into a socket.
pub(crate) enum Received {
    /// So many bytes; there may be more.
    More(usize),
    /// So many bytes, and no more for now. Of a stream under TLS it may be none, though something has come.
    Last(usize),
    /// Nothing for now.
    Nothing,
    /// Nothing ever again.
    End,
}

impl World {
    pub(crate) fn new(
        epoll: OwnedFd,
        mailbox: Mailbox,
        secured: Secured,
        (note, tell): (Note, Tell),
    ) -> Self {
        let awaited = Waiting::default();
        Self {
            epoll,
            mailbox,
            secured,
            awaited,
            note,
            tell,
            slots: Vec::new(),
            vacant: Vec::new(),
            released: Vec::new(),
            generations: 0,
        }
    }

    /// Takes a socket in. `None`: the machine would not tell of its events.
    pub(crate) fn insert(&mut self, socket: OwnedFd) -> Option<StreamId> {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
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
            Slot { socket: Some(socket), generation: id.generation, ..Slot::default() };
        Some(id)
    }

    /// Takes a stream in that another shard had.
    pub(crate) fn take_over(&mut self, (socket, entry): Passage) -> Option<StreamId> {
        let id = self.insert(socket)?;
        if entry.is_some_and(|entry| self.secured.insert(id, entry)) {
            self.watch(id);
        }
        Some(id)
    }

    pub(crate) fn receive(&mut self, id: StreamId, buffer: &mut [u8]) -> Received {
        let Some(socket) = socket_of(&self.slots, id) else { return Received::Nothing };
        // Its edges pass unseen; it is looked at once it is read again.
        if self.slots[id.slot as usize].held {
            return Received::Nothing;
        }
        if self.secured.has(id) {
            let received = self.secured.receive(id, socket, buffer);
            if !self.flush(id) {
                self.watch(id);
            }
            return received;
        }
        match recv(socket, &mut *buffer, RecvFlags::empty()) {
            Ok((0, _)) => Received::End,
            Ok((length, _)) if length == buffer.len() => Received::More(length),
            Ok((length, _)) => Received::Last(length),
            Err(Errno::AGAIN | Errno::INTR) => Received::Nothing,
            Err(_) => Received::End,
        }
    }

    /// There is room on this stream. Says whether the shard waits for it; from here on it does not.
    pub(crate) fn take_room(&mut self, id: StreamId) -> bool {
        if self.secured.has(id) && !self.flush(id) {
            return false;
        }
        self.slots.get_mut(id.slot as usize).is_some_and(|slot| {
            slot.generation == id.generation && slot.socket.is_some() && std::mem::take(&mut slot.stalled)
        })
    }

    /// Sends what of a stream under TLS waits for the network. Says whether all of it is gone.
    fn flush(&mut self, id: StreamId) -> bool {
        let Some(socket) = socket_of(&self.slots, id) else { return true };
        let flushed = self.secured.flush(id, socket);
        match flushed {
            Flushed::Waits | Flushed::All => {}
            Flushed::Finished => shut(socket),
            Flushed::Closed => drop(self.take_out(id)),
        }
        flushed != Flushed::Waits
    }

    /// Lets go of those streams that had their time to send what they had.
    pub(crate) fn let_go(&mut self) {
        while let Some(id) = self.secured.next_overdue() {
            drop(self.take_out(id));
        }
    }

    /// Empties a slot.
    fn take_out(&mut self, id: StreamId) -> Option<Passage> {
        socket_of(&self.slots, id)?;
        let entry = self.secured.remove(id);
        let socket = self.slots[id.slot as usize].socket.take();
        self.vacant.push(id.slot);
        if self.vacant.len() == self.slots.len() {
            (self.slots, self.vacant) = (Vec::new(), Vec::new());
        }
        socket.map(|socket| (socket, entry))
    }

    /// The shard will be told when there is room again.
    fn stall(&mut self, id: StreamId) {
        self.slots[id.slot as usize].stalled = true;
        self.watch(id);
    }

    /// From here on epoll tells of room on this stream.
    fn watch(&mut self, id: StreamId) {
        let slot = &mut self.slots[id.slot as usize];
        let Some(socket) = slot.socket.as_ref().filter(|_| !slot.watched) else { return };
        let flags = EventFlags::IN | EventFlags::RDHUP | EventFlags::OUT | EventFlags::ET;
        slot.watched =
            epoll::modify(&self.epoll, socket.as_fd(), EventData::new_u64(token(id)), flags).is_ok();
    }
}

impl Effects for World {
    fn write(&mut self, stream: StreamId, bytes: &[u8]) -> usize {
        let Some(socket) = socket_of(&self.slots, stream) else { return bytes.len() };
        let (sent, owes) = if self.secured.has(stream) {
            self.secured.write(stream, socket, bytes)
        } else {
            (send_some(socket, bytes), false)
        };
        if sent < bytes.len() {
            self.stall(stream);
        } else if owes {
            self.watch(stream);
        }
        sent
    }

    fn finish(&mut self, stream: StreamId) {
        let Some(socket) = socket_of(&self.slots, stream) else { return };
        if !self.secured.has(stream) || self.secured.finish(stream, socket) {
            shut(socket);
        } else {
            self.watch(stream);
        }
    }

    fn secure(&mut self, stream: StreamId, bytes: &[u8]) {
        if socket_of(&self.slots, stream).is_some() {
            self.secured.begin(stream, bytes);
        }
    }

    fn hold(&mut self, stream: StreamId, holds: bool) {
        if socket_of(&self.slots, stream).is_none() {
            return;
        }
        let was_held = std::mem::replace(&mut self.slots[stream.slot as usize].held, holds);
        if was_held && !holds {
            self.released.push(stream);
        }
    }

    fn close(&mut self, stream: StreamId) {
        if self.secured.has(stream)
            && let Some(socket) = socket_of(&self.slots, stream)
            && !self.secured.close(stream, socket)
        {
            return self.watch(stream);
        }
        // Closing a socket takes it out of epoll.
        drop(self.take_out(stream));
    }

    fn mail(&mut self, to: ShardId, mail: Mail) {
        self.mailbox.put(to, Parcel::Mail(mail));
    }

    fn note(&mut self, notice: &Notice) {
        (self.note)(notice);
    }

    fn tell(&mut self, news: News) {
        (self.tell)(news);
    }

    fn report(&mut self, ticket: Ticket, report: Report) {
        self.awaited.tell(ticket, report);
    }

    fn hand_over(&mut self, stream: StreamId, to: ShardId, luggage: Luggage) {
        let Some(passage) = self.take_out(stream) else { return };
        // It cannot fail for a socket that was put in; were it told of here still, its id is nobody's any more.
        let _ = epoll::delete(&self.epoll, &passage.0);
        self.mailbox.put(to, Parcel::Stream(passage, luggage));
    }
}

/// The socket of a stream that is there.
fn socket_of(slots: &[Slot], id: StreamId) -> Option<BorrowedFd<'_>> {
    let slot = slots.get(id.slot as usize).filter(|slot| slot.generation == id.generation)?;
    slot.socket.as_ref().map(OwnedFd::as_fd)
}

/// Sends what the network takes. Says how much that is.
pub(crate) fn send_some(socket: BorrowedFd<'_>, bytes: &[u8]) -> usize {
    match send(socket, bytes, SendFlags::NOSIGNAL) {
        Ok(sent) => sent,
        Err(Errno::AGAIN | Errno::INTR | Errno::NOBUFS) => 0,
        // The socket is broken: epoll says so too, and what was for it is gone.
        Err(_) => bytes.len(),
    }
}

/// Lets the other side know that nothing more will be written.
fn shut(socket: BorrowedFd<'_>) {
    // A socket that is not connected any more has nothing to shut.
    let _ = shutdown(socket, Shutdown::Write);
}

/// What epoll carries for a stream.
pub(crate) fn token(id: StreamId) -> u64 {
    u64::from(id.generation) << 32 | u64::from(id.slot)
}

/// The stream of a token.
pub(crate) fn stream_of(token: u64) -> StreamId {
    StreamId { slot: token as u32, generation: (token >> 32) as u32 }
}

//! The streams of a shard that are under TLS: how each is read and written, and when hands are shaken.
//!
//! To shake hands takes a processor a thousand times as long as to read a message, so it has its own time in every turn, in the order in which
//! clients came; who is beyond it waits for the next turn, and talk goes on in between.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};
use shard::StreamId;

use crate::streams::{Received, send_some};
use crate::tls::{PIECE_BYTES, SEALED_BYTES_MAX, Secure, Stage, Tls};

/// For so long hands are shaken in a turn; begun is finished.
const HANDSHAKE_TIME: Duration = Duration::from_millis(1);
/// The end of the last record has so long to go where nothing else is to come.
const LINGER: Duration = Duration::from_secs(5);
/// Bytes read from a stream at once, with those that were kept of it.
const READ_BYTES: usize = 64 * 1024;

/// What became of those who wanted to speak TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handshakes {
    /// Streams that are under TLS now.
    pub streams: usize,
    /// They have shaken hands.
    pub full: u64,
    /// They have done so in the short way of clients that were here before.
    pub resumed: u64,
    /// They have done something wrong, or did not want what is offered.
    pub failed: u64,
    /// They went away before it was done, or were cut because it took too long.
    pub abandoned: u64,
}

/// The streams of a shard that are under TLS.
pub(crate) struct Secured {
    tls: Option<Arc<Tls>>,
    /// By slot.
    streams: Vec<Option<Box<Entry>>>,
    /// Those that have something to go on with, and are not done shaking hands.
    shaking: VecDeque<StreamId>,
    /// Those that shards have let go of, with the end of a record still to be sent, and until when.
    lingering: VecDeque<(Instant, StreamId)>,
    /// How long hands were shaken in this turn.
    spent: Duration,
    pub(crate) handshakes: Handshakes,
    // Buffers used again by every stream.
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    sealed: Vec<u8>,
}

/// A stream under TLS, wherever it is.
pub(crate) struct Entry {
    id: StreamId,
    secure: Secure,
    /// It has not been looked at since it began.
    is_fresh: bool,
    /// It stands in the queue of those that shake hands.
    is_queued: bool,
    /// Its end was told of, behind what there is to read.
    is_ending: bool,
    /// Nothing more will be written, once all is sent.
    is_finishing: bool,
    /// Its shard has let go of it, and does not know it any more.
    is_closing: bool,
}

/// How it stands with what waits for the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Some of it still does.
    Waits,
    /// Nothing does.
    All,
    /// Nothing does, and nothing more will be written.
    Finished,
    /// Nothing does, and nobody knows the stream any more.
    Closed,
}

impl Secured {
    pub(crate) fn new(tls: Option<Arc<Tls>>) -> Self {
        let bytes = |count| if tls.is_some() { vec![0; count] } else { Vec::new() };
        Self {
            streams: Vec::new(),
            shaking: VecDeque::new(),
            lingering: VecDeque::new(),
            spent: Duration::ZERO,
            handshakes: Handshakes::default(),
            incoming: bytes(READ_BYTES),
            outgoing: Vec::new(),
            sealed: bytes(SEALED_BYTES_MAX),
            tls,
        }
    }

    /// A stream that has begun as TLS does.
    pub(crate) fn begin(&mut self, id: StreamId, received: &[u8]) {
        // Nobody who speaks TLS says more than that before it is answered.
        let received = &received[..received.len().min(READ_BYTES)];
        let secure = self.tls.as_ref().and_then(|tls| tls.secure(received));
        let secure = secure.expect("shards are told that there is TLS where there is");
        self.insert(
            id,
            Box::new(Entry {
                id,
                secure,
                is_fresh: true,
                is_queued: false,
                is_ending: false,
                is_finishing: false,
                is_closing: false,
            }),
        );
        self.queue(id, false);
    }

    /// A stream that comes from another shard. Says whether something of it is still to be sent.
    pub(crate) fn insert(&mut self, id: StreamId, mut entry: Box<Entry>) -> bool {
        entry.id = id;
        let slot = id.slot as usize;
        if slot >= self.streams.len() {
            self.streams.resize_with(slot + 1, || None);
        }
        let owes = !entry.secure.unsent.is_empty();
        self.streams[slot] = Some(entry);
        self.handshakes.streams += 1;
        owes
    }

    /// Takes out a stream that is gone, or goes to another shard.
    pub(crate) fn remove(&mut self, id: StreamId) -> Option<Box<Entry>> {
        let entry = self.streams.get_mut(id.slot as usize)?.take()?;
        self.handshakes.streams -= 1;
        self.handshakes.abandoned += u64::from(entry.secure.stage == Stage::Handshake);
        while let Some(None) = self.streams.last() {
            self.streams.pop();
        }
        if self.streams.len() * 4 < self.streams.capacity() {
            self.streams.shrink_to(self.streams.len() * 2);
        }
        Some(entry)
    }

    pub(crate) fn has(&self, id: StreamId) -> bool {
        matches!(self.streams.get(id.slot as usize), Some(Some(_)))
    }

    fn get_mut(&mut self, id: StreamId) -> Option<&mut Entry> {
        self.streams.get_mut(id.slot as usize)?.as_deref_mut().filter(|entry| entry.id == id)
    }

    /// Hands may be shaken again for a while.
    pub(crate) fn begin_turn(&mut self) {
        self.spent = Duration::ZERO;
    }

    pub(crate) fn is_shaking(&self) -> bool {
        !self.shaking.is_empty()
    }

    /// Whether a stream that has something to read is gone on with when its turn to shake hands comes.
    pub(crate) fn puts_off(&mut self, id: StreamId, is_ending: bool) -> bool {
        let shakes = self.get_mut(id).is_some_and(|entry| entry.secure.stage == Stage::Handshake);
        if shakes {
            self.queue(id, is_ending);
        }
        shakes
    }

    fn queue(&mut self, id: StreamId, is_ending: bool) {
        let Some(entry) = self.get_mut(id) else { return };
        entry.is_ending |= is_ending;
        if !std::mem::replace(&mut entry.is_queued, true) {
            self.shaking.push_back(id);
        }
    }

    /// The next stream to go on shaking hands with, and whether its end was told of, if there is time for it in this turn.
    pub(crate) fn next_handshake(&mut self) -> Option<(StreamId, bool)> {
        if self.spent >= HANDSHAKE_TIME {
            return None;
        }
        let id = self.shaking.pop_front()?;
        if self.shaking.is_empty() {
            self.shaking = VecDeque::new();
        }
        let is_ending = self.get_mut(id).is_some_and(|entry| {
            entry.is_queued = false;
            std::mem::take(&mut entry.is_ending)
        });
        Some((id, is_ending))
    }

    /// Reads a stream once; what was encrypted in it goes into `plain`.
    pub(crate) fn receive(&mut self, id: StreamId, socket: BorrowedFd<'_>, plain: &mut [u8]) -> Received {
        let Some(entry) = self.streams.get_mut(id.slot as usize).and_then(Option::as_deref_mut) else {
            return Received::Nothing;
        };
        if entry.is_closing {
            return Received::Nothing;
        }
        if matches!(entry.secure.stage, Stage::Ended | Stage::Broken) {
            return Received::End;
        }
        let kept = entry.secure.kept();
        let (length, more) = if std::mem::take(&mut entry.is_fresh) {
            (0, true)
        } else {
            let room = &mut self.incoming[kept..];
            match recv(socket, &mut *room, RecvFlags::empty()) {
                Ok((0, _)) => return Received::End,
                Ok((length, _)) => (length, length == room.len()),
                Err(Errno::AGAIN | Errno::INTR) => return Received::Nothing,
                Err(_) => return Received::End,
            }
        };
        let shakes = (entry.secure.stage == Stage::Handshake).then(Instant::now);
        let opened = entry.secure.open(&mut self.incoming[..kept + length], plain, &mut self.outgoing);
        entry.send(socket, &self.outgoing);
        self.outgoing.clear();
        let is_over = matches!(entry.secure.stage, Stage::Ended | Stage::Broken);
        if let Some(began) = shakes {
            self.spent += began.elapsed();
            match entry.secure.stage {
                Stage::Handshake => {}
                Stage::Broken => self.handshakes.failed += 1,
                Stage::Open | Stage::Ended if entry.secure.is_resumed() => self.handshakes.resumed += 1,
                Stage::Open | Stage::Ended => self.handshakes.full += 1,
            }
        }
        match opened {
            0 if is_over => Received::End,
            _ if more || is_over => Received::More(opened),
            _ => Received::Last(opened),
        }
    }

    /// Encrypts and sends. Says how much was taken, and whether some of that waits for the network.
    pub(crate) fn write(&mut self, id: StreamId, socket: BorrowedFd<'_>, bytes: &[u8]) -> (usize, bool) {
        let Some(entry) = self.streams.get_mut(id.slot as usize).and_then(Option::as_deref_mut) else {
            return (bytes.len(), false);
        };
        if !entry.flush(socket) {
            return (0, true);
        }
        let mut taken = 0;
        for piece in bytes.chunks(PIECE_BYTES) {
            let Some(length) = entry.secure.seal(piece, &mut self.sealed) else {
                // Nobody hears any more: what was for it is gone, and its end is to be read, whatever there is before it.
                let _ = shutdown(socket, Shutdown::Both);
                return (bytes.len(), false);
            };
            taken += piece.len();
            entry.send(socket, &self.sealed[..length]);
            if !entry.secure.unsent.is_empty() {
                return (taken, true);
            }
        }
        (taken, false)
    }

    /// Sends what waits for the network. That it was the last is said once.
    pub(crate) fn flush(&mut self, id: StreamId, socket: BorrowedFd<'_>) -> Flushed {
        let Some(entry) = self.get_mut(id) else { return Flushed::All };
        match entry.flush(socket) {
            false => Flushed::Waits,
            true if entry.is_closing => Flushed::Closed,
            true if std::mem::take(&mut entry.is_finishing) => Flushed::Finished,
            true => Flushed::All,
        }
    }

    /// Says that nothing more will be written. Says whether that is sent, with everything before it.
    pub(crate) fn finish(&mut self, id: StreamId, socket: BorrowedFd<'_>) -> bool {
        let Some(entry) = self.streams.get_mut(id.slot as usize).and_then(Option::as_deref_mut) else {
            return true;
        };
        if let Some(length) = entry.secure.part(&mut self.sealed) {
            entry.send(socket, &self.sealed[..length]);
        }
        entry.is_finishing = !entry.secure.unsent.is_empty();
        !entry.is_finishing
    }

    /// Its shard lets go of a stream. Says whether the socket can go too, or has the end of a record to send.
    pub(crate) fn close(&mut self, id: StreamId, socket: BorrowedFd<'_>) -> bool {
        let is_sent = self.finish(id, socket);
        let Some(entry) = self.get_mut(id).filter(|entry| !is_sent && entry.secure.has_talked()) else {
            return true;
        };
        entry.is_closing = true;
        self.lingering.push_back((Instant::now() + LINGER, id));
        false
    }

    /// A stream that had its time to send what it had.
    pub(crate) fn next_overdue(&mut self) -> Option<StreamId> {
        let (until, _) = self.lingering.front()?;
        if *until > Instant::now() {
            return None;
        }
        self.lingering.pop_front().map(|(_, id)| id)
    }
}

impl Entry {
    /// Sends, behind what waits for the network; what it does not take waits too.
    fn send(&mut self, socket: BorrowedFd<'_>, bytes: &[u8]) {
        let unsent = &mut self.secure.unsent;
        let sent = if unsent.is_empty() && !bytes.is_empty() { send_some(socket, bytes) } else { 0 };
        unsent.extend_from_slice(&bytes[sent..]);
    }

    /// Sends what waits. Says whether all of it is gone.
    fn flush(&mut self, socket: BorrowedFd<'_>) -> bool {
        let unsent = &mut self.secure.unsent;
        if !unsent.is_empty() {
            let sent = send_some(socket, unsent);
            unsent.drain(..sent);
            if unsent.is_empty() {
                *unsent = Vec::new();
            }
        }
        unsent.is_empty()
    }
}

#[cfg(test)]
mod tests;

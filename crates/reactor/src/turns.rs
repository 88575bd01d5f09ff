//! The turns of one shard: wait, take all inputs, flush; again.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{SocketAddrAny, SocketFlags, acceptfrom_with};
use shard::{Input, Now, Settings, Shard, StreamId};

use crate::clock::{Clock, monotonic_us};
use crate::limits::open_files_max;
use crate::mailroom::{Bell, Mailbox, Parcel};
use crate::node::{Note, Publish, Tell};
use crate::office::Window;
use crate::secured::Secured;
use crate::streams::{Received, World, stream_of};
use crate::tls::Tls;

/// Events taken in before anything is written.
const EVENTS_PER_TURN: usize = 128;
/// Connections accepted in a turn on one listener.
const ACCEPTS_PER_TURN: usize = 256;
/// Batches of mail read in a turn.
const BATCHES_PER_TURN: usize = 64;
/// Files that clients leave to the rest of the node, health checks and metrics among them. The system gives out the lowest number
/// that is free, so a high number says that few are left.
const KEPT_FILES: u64 = 16;
/// How long listeners are not looked at when the machine has no room for another connection.
const REST_MS: u64 = 100;
/// Instructions of operators taken in a turn.
const INSTRUCTIONS_PER_TURN: usize = 16;
/// Bytes read from a stream at once.
const READ_BYTES: usize = 64 * 1024;
/// How often a shard shows its numbers.
const PUBLISH_INTERVAL_MS: u64 = 1000;

/// Slots are numbered from 0, so no stream has these for its token.
const BELL_TOKEN: u64 = u64::MAX;
const LISTENER_TOKENS: std::ops::RangeInclusive<u64> = (u64::MAX - 1024)..=(u64::MAX - 1);

/// What the whole node tells its shards.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// Part with everybody.
    pub(crate) drain: AtomicBool,
    /// Shards that have, and have nobody left. They stay, for the sake of rooms that have their homes there.
    pub(crate) left: AtomicUsize,
    /// Stop, whoever is still there.
    pub(crate) stop: AtomicBool,
    /// How often there were new settings.
    pub(crate) renewals: AtomicU32,
    /// The newest, for each shard, until it has taken them.
    pub(crate) settings: Mutex<Vec<Option<Box<Settings>>>>,
}

/// One shard with its part of the machine.
pub(crate) struct Turns {
    shard: Shard,
    /// The number of the shard.
    index: u16,
    world: World,
    bell: Arc<Bell>,
    window: Window,
    orders: Arc<Orders>,
    listeners: Vec<OwnedFd>,
    /// Streams with files of this number or a higher one are turned away.
    files_max: u64,
    /// When the listeners are looked at again, after the machine had no room for another connection.
    listening_again_ms: Option<u64>,
    clock: Clock,
    buffer: Vec<u8>,
    /// Streams that may have more to read than was read, and whether they end behind it.
    again: Vec<(StreamId, bool)>,
    /// As many new settings as were taken.
    renewals: u32,
    draining: bool,
    drained: bool,
    publish: Publish,
    publish_due_ms: u64,
}

impl Turns {
    pub(crate) fn new(
        (shard, index): (Shard, u16),
        listeners: Vec<OwnedFd>,
        (mailbox, window): (Mailbox, Window),
        bell: Arc<Bell>,
        orders: Arc<Orders>,
        tls: Option<Arc<Tls>>,
        (publish, note, tell): (Publish, Note, Tell),
    ) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, bell.as_fd(), EventData::new_u64(BELL_TOKEN), EventFlags::IN)?;
        for (listener, token) in listeners.iter().zip(LISTENER_TOKENS) {
            epoll::add(&epoll, listener, EventData::new_u64(token), EventFlags::IN)?;
        }
        Ok(Self {
            shard,
            index,
            world: World::new(epoll, mailbox, Secured::new(tls), (note, tell)),
            bell,
            window,
            orders,
            listeners,
            files_max: open_files_max().saturating_sub(KEPT_FILES),
            listening_again_ms: None,
            clock: Clock::start(),
            buffer: vec![0; READ_BYTES],
            again: Vec::new(),
            renewals: 0,
            draining: false,
            drained: false,
            publish,
            publish_due_ms: 0,
        })
    }

    /// Works until the node stops.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS_PER_TURN);
        let mut more = false;
        while !self.orders.stop.load(Ordering::Relaxed) {
            events.clear();
            if self.world.mailbox.is_congested() {
                std::thread::yield_now();
            } else {
                self.wait(more, &mut events)?;
            }
            more = self.turn(&events);
        }
        Ok(())
    }

    fn wait(&mut self, more: bool, events: &mut Vec<Event>) -> io::Result<()> {
        self.bell.arm();
        let at_once = more
            || !self.again.is_empty()
            || !self.world.released.is_empty()
            || !self.world.mailbox.is_empty()
            || self.bell.is_called()
            || self.world.secured.is_shaking();
        let timeout_ms = if at_once { 0 } else { self.patience_ms() };
        let timeout =
            Timespec { tv_sec: (timeout_ms / 1000) as i64, tv_nsec: (timeout_ms % 1000 * 1_000_000) as _ };
        match epoll::wait(&self.world.epoll, rustix::buffer::spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.bell.quieten();
        Ok(())
    }

    /// How long there is nothing to do unless something happens.
    fn patience_ms(&self) -> u64 {
        if self.world.mailbox.holds_back() || (self.draining && !self.world.mailbox.is_read()) {
            return 1;
        }
        let now_ms = self.clock.now().0.monotonic_ms;
        let wakes_ms = [self.shard.next_wake_ms(), self.listening_again_ms].into_iter().flatten();
        wakes_ms.fold(self.publish_due_ms, u64::min).saturating_sub(now_ms).min(PUBLISH_INTERVAL_MS)
    }

    /// Takes in what has happened and sends what gathered. Says whether there is more to send at once.
    fn turn(&mut self, events: &[Event]) -> bool {
        let (now, now_us) = self.clock.now();
        self.shard.begin_turn(now_us);
        self.obey(now);
        self.world.secured.begin_turn();
        self.world.let_go();
        if self.listening_again_ms.is_some_and(|again_ms| again_ms <= now.monotonic_ms) {
            self.listening_again_ms = None;
            self.watch_listeners(EventFlags::IN);
        }
        // They may have ended meanwhile.
        self.again.extend(self.world.released.drain(..).map(|id| (id, true)));
        for (id, ending) in std::mem::take(&mut self.again) {
            self.look(id, ending, now);
        }
        for event in events {
            self.take_event(event.data.u64(), event.flags, now);
        }
        while let Some((id, ending)) = self.world.secured.next_handshake() {
            self.read(id, ending, now);
        }
        self.read_mail(now);
        self.take_instructions(now);
        self.shard.step(Input::Arrivals, now, &mut self.world);
        // After what has come in: a shard that was held up is not to take its clients for silent.
        if self.shard.next_wake_ms().is_some_and(|wake_ms| wake_ms <= now.monotonic_ms) {
            self.shard.step(Input::Tick, now, &mut self.world);
        }
        let more = self.shard.flush(now, &mut self.world);
        if self.shard.is_timed() {
            self.shard.end_turn(monotonic_us());
        }
        self.world.mailbox.send();
        if self.draining {
            self.leave(now);
        }
        if now.monotonic_ms >= self.publish_due_ms {
            self.publish_due_ms = now.monotonic_ms + PUBLISH_INTERVAL_MS;
            (self.publish)(&self.shard, &self.world.secured.handshakes);
        }
        more
    }

    fn take_event(&mut self, token: u64, flags: EventFlags, now: Now) {
        if token == BELL_TOKEN {
            return;
        }
        if LISTENER_TOKENS.contains(&token) {
            return self.accept((token - LISTENER_TOKENS.start()) as usize, now);
        }
        let id = stream_of(token);
        if flags.contains(EventFlags::OUT) && self.world.take_room(id) {
            self.shard.step(Input::Writable(id), now, &mut self.world);
        }
        let ending = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        if ending || flags.contains(EventFlags::IN) {
            self.look(id, ending, now);
        }
    }

    /// Reads a stream that has something, unless it has to wait for its turn to shake hands.
    fn look(&mut self, id: StreamId, ending: bool, now: Now) {
        if !self.world.secured.puts_off(id, ending) {
            self.read(id, ending, now);
        }
    }

    /// Reads a stream once. Edges are told of once, so one that may have more is remembered, and one that ends until it has.
    fn read(&mut self, id: StreamId, ending: bool, now: Now) {
        let (length, more) = match self.world.receive(id, &mut self.buffer) {
            Received::More(length) => (length, true),
            Received::Last(length) => (length, ending),
            Received::Nothing => return,
            Received::End => return self.shard.step(Input::HungUp(id), now, &mut self.world),
        };
        if more {
            self.again.push((id, ending));
        }
        if length > 0 {
            self.shard.step(Input::Bytes(id, &mut self.buffer[..length]), now, &mut self.world);
        }
    }

    fn read_mail(&mut self, now: Now) {
        for _ in 0..BATCHES_PER_TURN {
            if self.world.mailbox.is_empty() {
                return;
            }
            self.note_drained(false);
            let Some(batch) = self.world.mailbox.take() else { return };
            for parcel in batch {
                let input = match parcel {
                    Parcel::Mail(mail) => Input::Mail(mail),
                    Parcel::Stream(passage, luggage) => match self.world.take_over(passage) {
                        Some(id) => Input::Handed(id, luggage),
                        None => Input::TurnedAway,
                    },
                };
                self.shard.step(input, now, &mut self.world);
            }
        }
    }

    fn take_instructions(&mut self, now: Now) {
        for _ in 0..INSTRUCTIONS_PER_TURN {
            let Some((ticket, wanted)) = self.window.take(&mut self.world.awaited) else { return };
            self.shard.step(Input::Instruction(ticket, wanted), now, &mut self.world);
        }
        // There may be more than a turn takes.
        self.bell.call();
    }

    fn accept(&mut self, listener: usize, now: Now) {
        for _ in 0..ACCEPTS_PER_TURN {
            let wait_ms = self.shard.knock_wait_ms(now);
            if wait_ms > 0 && !self.draining {
                return self.rest(wait_ms.max(REST_MS / 4), now);
            }
            let Some(socket) = self.listeners.get(listener) else { return };
            match acceptfrom_with(socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok((stream, other_side)) => self.let_in(stream, other_side, now),
                Err(Errno::CONNABORTED | Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => return self.rest(REST_MS, now),
            }
        }
    }

    fn let_in(&mut self, stream: OwnedFd, other_side: Option<SocketAddrAny>, now: Now) {
        let other_side = other_side.and_then(|address| SocketAddr::try_from(address).ok());
        let address = other_side.map_or(Ipv4Addr::UNSPECIFIED.into(), |address| address.ip());
        let has_room = (stream.as_raw_fd() as u64) < self.files_max;
        let input = match has_room.then(|| self.world.insert(stream)).flatten() {
            Some(id) => Input::Knock(id, address),
            None => Input::TurnedAway,
        };
        self.shard.step(input, now, &mut self.world);
    }

    /// A connection that cannot be accepted, or has come too soon, stays where it is, and would be told of again and again.
    fn rest(&mut self, ms: u64, now: Now) {
        self.listening_again_ms = Some(now.monotonic_ms + ms);
        self.watch_listeners(EventFlags::empty());
    }

    fn watch_listeners(&self, flags: EventFlags) {
        for (listener, token) in self.listeners.iter().zip(LISTENER_TOKENS) {
            // It was put in when the shard started and needs no more memory now.
            let _ = epoll::modify(&self.world.epoll, listener, EventData::new_u64(token), flags);
        }
    }

    fn obey(&mut self, now: Now) {
        let renewals = self.orders.renewals.load(Ordering::Acquire);
        if renewals != self.renewals {
            self.renewals = renewals;
            let mut settings = self.orders.settings.lock().unwrap_or_else(PoisonError::into_inner);
            let own = settings.get_mut(usize::from(self.index)).and_then(Option::take);
            drop(settings);
            if let Some(settings) = own {
                self.shard.step(Input::Settings(settings), now, &mut self.world);
            }
        }
        if !self.draining && self.orders.drain.load(Ordering::Relaxed) {
            self.draining = true;
            self.shard.step(Input::Drain, now, &mut self.world);
        }
    }

    /// Lets go of the listeners once connections are of no use, with who knocks already let in, and says when nobody is left.
    fn leave(&mut self, now: Now) {
        if !self.listeners.is_empty() && !self.shard.takes_streams() {
            (0..self.listeners.len()).for_each(|listener| self.accept(listener, now));
            self.listeners.clear();
        }
        let (is_drained, mailbox) = (self.shard.is_drained(), &self.world.mailbox);
        let is_drained = is_drained && mailbox.is_empty() && mailbox.is_read();
        self.note_drained(is_drained);
    }

    /// Says whether nobody is left here. What a shard has sent is read by who says no to that before, so when all say yes nothing is under way
    /// between them.
    fn note_drained(&mut self, is_drained: bool) {
        match (std::mem::replace(&mut self.drained, is_drained), is_drained) {
            (false, true) => drop(self.orders.left.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.orders.left.fetch_sub(1, Ordering::Relaxed)),
            _ => {}
        }
    }
}

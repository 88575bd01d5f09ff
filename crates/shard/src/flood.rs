//! Clients that ask for more than they may in a time. First they are slowed: what they have asked too soon waits, and their stream is not read
//! until there is room again, so that the network holds them back. Who goes on all the same, or cannot be slowed, is refused, and who
//! goes on after many refusals is parted with.

use access::Guests;
use chat::{Command, Farewell, Refusal, Tag};
use hashbrown::HashMap;

use crate::alarms::Alarm;
use crate::bucket::Bucket;
use crate::streams::{Phase, Place};
use crate::{Effects, Limit, Now, Rate, Shard, StreamId};

/// Who has asked for no more than it may for so long has begun anew.
const PAUSE_MS: u64 = 5000;

/// A shard for which too much waits looks so much later for new streams.
const CROWDED_MS: u64 = 100;

/// So many bytes are given to the protocol of a session at once, so that little has been read when it turns out to be too much.
pub(crate) const SLICE_BYTES: usize = 1024;

/// The sessions that have asked for too much just now, by their places.
#[derive(Debug, Default)]
pub(crate) struct Floods(HashMap<Place, Flood>);

/// A stretch in which a session goes on asking for too much.
#[derive(Clone, Copy, Debug)]
struct Flood {
    since_ms: u64,
    last_ms: u64,
    refusals: u32,
    /// When it is looked whether there is room again.
    due_ms: u64,
}

/// What a command takes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Toll {
    /// Nothing.
    Free,
    /// What may be said, by whoever is asked, and in the room of this audience.
    Post(Option<Place>),
    /// What may be asked for.
    Join,
}

/// What becomes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paid {
    /// It is done.
    Now,
    /// It has come too soon: it is to wait, and the session is looked at again when there is room.
    Later,
    /// It has come too soon, and is not done.
    Never(Refusal),
}

impl Floods {
    /// A session has asked for too much once more.
    fn note(&mut self, place: Place, now_ms: u64) -> &mut Flood {
        let new = Flood { since_ms: now_ms, last_ms: now_ms, refusals: 0, due_ms: 0 };
        let flood = self.0.entry(place).or_insert(new);
        if now_ms - flood.last_ms > PAUSE_MS {
            *flood = new;
        }
        flood.last_ms = now_ms;
        flood
    }

    /// A session is looked at again after so long. Says whether that is news: otherwise it is sooner.
    fn is_to_be_watched(&mut self, place: Place, wait_ms: u64, now: Now) -> bool {
        let flood = self.note(place, now.monotonic_ms);
        let is_news = flood.due_ms <= now.monotonic_ms;
        if is_news {
            flood.due_ms = now.monotonic_ms + wait_ms;
        }
        is_news
    }

    /// A session is refused once more. Says whether that is too often.
    fn is_over(&mut self, place: Place, refusals_max: u32, now: Now) -> bool {
        let flood = self.note(place, now.monotonic_ms);
        flood.refusals += 1;
        flood.refusals > refusals_max
    }

    /// The session is over.
    pub(crate) fn forget(&mut self, place: Place) {
        if !self.0.is_empty() {
            self.0.remove(&place);
            self.shrink();
        }
    }

    /// Forgets a session that has kept within bounds for long enough.
    pub(crate) fn forget_if_over(&mut self, place: Place, now: Now) {
        if self.0.get(&place).is_some_and(|flood| now.monotonic_ms - flood.last_ms > PAUSE_MS) {
            self.forget(place);
        }
    }

    fn shrink(&mut self) {
        if self.0.is_empty() {
            *self = Self::default();
        }
    }
}

/// It may be asked for again after so many milliseconds.
pub(crate) fn too_fast(wait_ms: u64) -> Refusal {
    Refusal::TooFast { retry_after_ms: wait_ms.try_into().unwrap_or(u32::MAX) }
}

impl Shard {
    /// What a command takes from. What only applications ask for is free.
    pub(crate) fn toll(&self, command: &Command) -> Toll {
        let audience = |room| match self.settings.limits.room_posts.is_any() {
            true => None,
            false => self.audiences.find(room),
        };
        match command {
            Command::Post { room, .. } | Command::Signal { room, .. } => Toll::Post(audience(room)),
            Command::Direct { .. } | Command::AskTime { .. } => Toll::Post(None),
            Command::Identify { .. } | Command::Join { .. } | Command::Recall { .. } => Toll::Join,
            Command::Leave { .. }
            | Command::LeaveAll { .. }
            | Command::Announce { .. }
            | Command::Proclaim { .. }
            | Command::Bid { .. } => Toll::Free,
        }
    }

    /// Takes the toll of a command of a session.
    pub(crate) fn pay(&mut self, place: Place, toll: Toll, now: Now) -> Paid {
        let mut longest = (Limit::SessionPosts, 0);
        self.visit_buckets(place, toll, now, |limit, bucket, rate| {
            let wait_ms = bucket.wait_ms(rate, now);
            if wait_ms > longest.1 {
                longest = (limit, wait_ms);
            }
        });
        if let (limit, wait_ms @ 1..) = longest {
            return self.slow(place, limit, wait_ms, now);
        }
        self.visit_buckets(place, toll, now, |_, bucket, rate| bucket.take(rate, now));
        Paid::Now
    }

    /// Shows every bucket that a toll is taken from.
    fn visit_buckets(
        &mut self,
        place: Place,
        toll: Toll,
        now: Now,
        mut visit: impl FnMut(Limit, &mut Bucket, Rate),
    ) {
        let Self { sessions, settings, audiences, callers, .. } = self;
        let Some(session) = sessions.get_mut(place) else { return };
        let limits = &settings.limits;
        match toll {
            Toll::Free => return,
            Toll::Post(_) => visit(Limit::SessionPosts, &mut session.posts, limits.session_posts),
            Toll::Join => visit(Limit::SessionJoins, &mut session.joins, limits.session_joins),
        }
        if limits.are_of_sessions() {
            return;
        }
        if !limits.address_posts.is_any() {
            let source = session.address.into();
            visit(Limit::AddressPosts, callers.of_sources.of(&source, now), limits.address_posts);
        }
        let Toll::Post(audience) = toll else { return };
        if let Some(user) = session.user.as_ref().filter(|_| !limits.user_posts.is_any()) {
            visit(Limit::UserPosts, callers.of_users.of(user, now), limits.user_posts);
        }
        if let Some(audience) = audience {
            visit(Limit::RoomPosts, &mut audiences.get_mut(audience).posts, limits.room_posts);
        }
    }

    /// A command has come too soon. Where the session can be slowed, and was not for long enough, it is.
    fn slow(&mut self, place: Place, limit: Limit, wait_ms: u64, now: Now) -> Paid {
        self.tally.limit(limit);
        let flood = *self.floods.note(place, now.monotonic_ms);
        let stream = self.stream_to_hold(place);
        match stream.filter(|_| now.monotonic_ms - flood.since_ms < self.settings.limits.patience_ms) {
            Some(stream) => {
                self.hold(stream, true);
                if self.floods.is_to_be_watched(place, wait_ms, now) {
                    self.set_alarm(place, Alarm::Paced, wait_ms, now);
                }
                Paid::Later
            }
            None => Paid::Never(too_fast(wait_ms)),
        }
    }

    /// Refuses what was asked too soon. Who was refused so too often is parted with.
    pub(crate) fn refuse_flood(&mut self, place: Place, tag: Option<Tag>, refusal: Refusal, now: Now) {
        let stream = self.stream_to_hold(place);
        if self.floods.is_over(place, self.settings.limits.refusals_max, now) {
            self.tally.refused(refusal);
            self.part(place, Farewell::TooFast, now);
        } else {
            self.refuse(place, tag, refusal, now);
        }
        // What still comes is not even thrown away.
        if let Some(stream) = stream.filter(|_| self.sessions.get(place).is_none()) {
            self.hold(stream, true);
        }
    }

    /// Reads a session again that was not read because much was put off, once all of it is done.
    pub(crate) fn read_on(&mut self, place: Place, now: Now) {
        let Some(session) = self.sessions.get_mut(place).filter(|session| session.extras.waiting().is_none())
        else {
            return;
        };
        let stream = session.stream;
        if self.streams.get(stream).is_some_and(|stream| stream.held) {
            session.note_heard(now);
            self.hold(stream, false);
            self.take_ahead(stream, now);
        }
    }

    /// What a protocol has refused by itself counts too, though it was told already.
    pub(crate) fn charge_refused(&mut self, place: Place, times: usize, now: Now) {
        for _ in 0..times {
            match self.pay(place, Toll::Post(None), now) {
                Paid::Now => {}
                Paid::Later => return,
                Paid::Never(_) if self.floods.is_over(place, self.settings.limits.refusals_max, now) => {
                    return self.part(place, Farewell::TooFast, now);
                }
                Paid::Never(_) => {}
            }
        }
    }

    /// There is room again for what a session asks for.
    pub(crate) fn paced(&mut self, place: Place, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        // That nothing was read from it was our doing.
        session.note_heard(now);
        let stream = session.stream;
        self.hold(stream, false);
        self.go_on(place, now);
        if self.streams.get(stream).is_some_and(|stream| !stream.held) {
            self.take_ahead(stream, now);
        }
    }

    /// How many milliseconds it is too soon to take another stream; 0: it is not.
    pub fn knock_wait_ms(&mut self, now: Now) -> u64 {
        if self.is_crowded {
            return CROWDED_MS;
        }
        let wait_ms = self.knocks.wait_ms(self.settings.limits.connections, now);
        if wait_ms > 0 {
            self.tally.limit(Limit::Connections);
        }
        wait_ms
    }

    /// A session is to say who it is, where that has to be done in time.
    pub(crate) fn await_name(&mut self, place: Place, now: Now) {
        let bars_guests = self.settings.rules.guests == Guests::Barred;
        if bars_guests && self.settings.limits.identify_timeout_ms > 0 {
            self.nameless.push(now.monotonic_ms, self.sessions.key(place));
        }
    }

    /// Parts with sessions that have not said in time who they are.
    pub(crate) fn part_with_nameless(&mut self, now: Now) {
        while let Some(key) = self.nameless.pop_due(now.monotonic_ms) {
            let Some(place) = self.sessions.find(key) else { continue };
            if self.sessions.get(place).is_some_and(|session| session.user.is_none()) {
                self.tally.limit(Limit::IdentifyTime);
                self.part(place, Farewell::IdentifyTimeout, now);
            }
        }
    }

    /// The stream whose client is held back when it is not read; `None`: there is none. Who asks by requests of HTTP just makes another one, and
    /// what comes through a tunnel is read at its other end.
    pub(crate) fn stream_to_hold(&self, place: Place) -> Option<StreamId> {
        let session = self.sessions.get(place).filter(|session| session.protocol.form().is_some())?;
        let stream = self.streams.get(session.stream).filter(|stream| stream.phase == Phase::Open)?;
        (!stream.id.is_far()).then_some(stream.id)
    }

    /// Has a stream read no more, or again.
    pub(crate) fn hold(&mut self, id: StreamId, holds: bool) {
        if self.streams.set_held(id, holds) {
            self.holds.push(id);
        }
    }

    /// Tells the world which streams are not read, and which are again.
    pub(crate) fn tell_holds(&mut self, effects: &mut dyn Effects) {
        for id in self.holds.drain(..) {
            if let Some(stream) = self.streams.get(id) {
                effects.hold(id, stream.held);
            }
        }
    }
}

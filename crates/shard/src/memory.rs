//! All that waits on a shard, for clients that read slowly and from clients that have sent more than could be judged, and what happens when it is too
//! much: nobody new is taken, and those for whom most waits are parted with until there is room again.

use chat::Farewell;

use crate::sessions::{PENDING, Session};
use crate::streams::{NOBODY, Place};
use crate::waiting::Waiting;
use crate::{Effects, Limit, Now, Shard, StreamId};

/// It is not looked again so soon who has most: what was kept for those who went is let go a lap later.
const REST_MS: u64 = 20;

/// Somebody for whom, or from whom, something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hoarder {
    Session(Place),
    /// A stream of no session, by its slot and generation.
    Stream(u32, u32),
}

impl Shard {
    /// Bytes that wait here.
    pub(crate) fn queued_bytes(&self) -> usize {
        let of_sessions = self.sessions.kept_bytes() + self.sessions.put_off_bytes;
        self.audiences.kept_bytes() + self.streams.waiting_bytes() + of_sessions
    }

    /// Looks whether too much waits, and parts with those for whom most does until a quarter of what may is free.
    pub(crate) fn mind_memory(&mut self, now: Now, effects: &mut dyn Effects) {
        let max = self.settings.limits.queue_bytes_max;
        let (queued, enough) = (self.queued_bytes(), max - max / 4);
        if max == 0 || queued <= if self.is_crowded { enough } else { max } {
            self.is_crowded = false;
            return;
        }
        self.is_crowded = true;
        if now.monotonic_ms < self.hoarders_due_ms {
            return;
        }
        self.hoarders_due_ms = now.monotonic_ms + REST_MS;
        let mut to_free = queued - enough;
        for (bytes, hoarder) in self.hoarders() {
            self.tally.limit(Limit::QueueBytes);
            self.dispossess(hoarder, now, effects);
            to_free = to_free.saturating_sub(bytes);
            if to_free == 0 {
                break;
            }
        }
    }

    /// Everybody for whom something waits, those with most first.
    fn hoarders(&self) -> Vec<(usize, Hoarder)> {
        let sessions =
            self.sessions.iter().map(|(place, session)| (self.hoard(session), Hoarder::Session(place)));
        let of_nobody = self.streams.iter().filter(|stream| stream.session == NOBODY);
        let streams = of_nobody
            .map(|stream| (stream.waiting_bytes(), Hoarder::Stream(stream.id.slot, stream.id.generation)));
        let mut hoarders: Vec<_> = sessions.chain(streams).filter(|(bytes, _)| *bytes > 0).collect();
        hoarders.sort_unstable_by(|one, other| other.cmp(one));
        hoarders
    }

    /// Bytes that wait for a session and from it. What its rooms keep for it they may keep for others too.
    fn hoard(&self, session: &Session) -> usize {
        let streams = session.streams().filter_map(|id| self.streams.get(id));
        let on_streams: usize = streams.map(|stream| stream.waiting_bytes()).sum();
        let put_off = session.extras.waiting().map_or(0, Waiting::bytes);
        let entered = session.rooms.iter().filter(|membership| membership.member != PENDING);
        let in_rooms: usize = entered
            .map(|membership| {
                let audience = self.audiences.get(membership.audience);
                let reader = audience.members[membership.member as usize];
                audience.logs[usize::from(reader.log)].after(reader.cursor).len()
            })
            .sum();
        on_streams + session.extras.own().len() + put_off + in_rooms
    }

    /// Parts with somebody. What waited on streams that take no more is let go with them.
    fn dispossess(&mut self, hoarder: Hoarder, now: Now, effects: &mut dyn Effects) {
        match hoarder {
            Hoarder::Stream(slot, generation) => {
                self.tally.streams_cut += 1;
                self.cut(StreamId { slot, generation }, now, effects);
            }
            Hoarder::Session(place) => {
                let Some(session) = self.sessions.get(place) else { return };
                let streams: Vec<StreamId> = session.streams().collect();
                self.part(place, Farewell::Overloaded, now);
                for id in streams {
                    if self.streams.get(id).is_some_and(|stream| stream.stalled) {
                        self.cut(id, now, effects);
                    }
                }
            }
        }
    }
}

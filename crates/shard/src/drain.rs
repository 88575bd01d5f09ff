//! Taking leave. A node that goes away first works as ever for a while, so that balancers notice. Then its clients are told to come back, in
//! paced batches, so that who takes them in is not stormed; who was not told yet is served as ever. Whoever is here when time is nearly up is told
//! then. Newcomers are told at once.
//!
//! A client is told when nothing is on its way to it: what was asked has been answered, what was said has been sent, a poll waits. One of whom
//! that does not become true soon is told all the same.

use std::collections::VecDeque;

use chat::Farewell;
use gateways::Protocol;

use crate::deadlines::Deadlines;
use crate::pace::{BATCH_MS, Pace};
use crate::sessions::PENDING;
use crate::streams::{NOWHERE, Place};
use crate::{Mail, Now, SessionKey, Shard, ShardId};

/// Sessions parted with in a turn.
const TOLD_PER_TURN: u32 = 128;
/// Places looked at in a turn.
const LOOKS_PER_TURN: usize = 1024;
/// What is on its way to a client, or owed to it, is waited for so long.
const PATIENCE_MS: u64 = 2000;
/// A stream that asks nothing is closed after so long.
const IDLE_MS: u64 = 1000;
/// So long before time is up everybody who is left is told.
const LAST_MS: u64 = 1000;
/// Clients that were told come back elsewhere within so long, and are asked after here.
const COME_BACK_MS: u64 = 3000;
/// What rooms still have for a client is put in front of its farewell, about so much of it.
const LAST_BYTES: usize = 64 * 1024;

/// A node that goes away, as one of its shards sees it.
#[derive(Debug)]
pub(crate) struct Drain {
    /// Until then everything is as ever.
    leave_ms: u64,
    /// From then on nobody is waited for.
    last_ms: u64,
    /// Sessions that were here when the wait was over.
    own: Option<u64>,
    /// Those of the shards that have said so, and how many have not.
    elsewhere: u64,
    unheard: u16,
    /// Known when all shards have said how many they have.
    pace: Option<Pace>,
    round: Round,
    /// The place of the session to be looked at next in this round.
    next: Place,
    /// Sessions whose turn it was when they could not be told.
    late: VecDeque<Late>,
    /// Time is nearly up.
    is_last: bool,
    /// How many were told to come back, and over how long they are spread.
    told: u32,
    spread_ms: u32,
    /// There is more to do at once.
    goes_on: bool,
    /// Until then other nodes may ask for what is remembered here of clients that were told; `None`: nobody is expected to.
    asked_until_ms: Option<u64>,
}

/// A session that is waited for.
#[derive(Debug)]
struct Late {
    session: SessionKey,
    until_ms: u64,
    /// When it is looked at again.
    again_ms: u64,
}

/// Who comes next.
enum Next {
    /// A session, which may be waited for until then.
    Session(Place, u64),
    /// Nobody is at the place that was looked at.
    Nobody,
    /// All were looked at.
    Done,
}

/// Who is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Those without a stream of their own: every request of theirs may need the listeners, which others do not.
    Polls,
    Everybody,
}

impl Shard {
    /// The node goes away.
    pub(crate) fn drain(&mut self, now: Now) {
        if self.drain.is_some() {
            return;
        }
        let leave_ms = now.monotonic_ms + self.settings.drain_wait_ms;
        let last_ms = self.settings.drain_ms.saturating_sub(LAST_MS.min(self.settings.drain_ms / 2));
        self.drain = Some(Drain {
            leave_ms,
            last_ms: leave_ms + last_ms,
            own: None,
            elsewhere: 0,
            unheard: self.settings.shards - 1,
            pace: None,
            round: Round::Polls,
            next: 0,
            late: VecDeque::new(),
            is_last: false,
            told: 0,
            spread_ms: self.settings.reconnect_spread_ms,
            goes_on: false,
            asked_until_ms: None,
        });
        self.gateways.iter_mut().for_each(|gateway| gateway.retire());
        self.leave_when_due(now);
    }

    /// Whether the node goes away and the wait for balancers is over.
    pub(crate) fn is_leaving(&self) -> bool {
        self.drain.as_ref().is_some_and(|drain| drain.own.is_some())
    }

    /// Whether the node goes away and everybody here has been told, is gone, and has come for what is remembered of it elsewhere.
    pub fn is_drained(&self) -> bool {
        let is_asked =
            self.records.len() > 0 && self.drain.as_ref().is_some_and(|drain| drain.asked_until_ms.is_some());
        self.is_leaving() && self.streams.is_empty() && self.sessions.len() == 0 && !is_asked
    }

    /// Whether what is remembered of a session that ends now can be of use: a node that leaves others behind is asked for it while it is there.
    pub(crate) fn is_worth_remembering(&self) -> bool {
        !self.is_leaving() || self.homes.are_shared()
    }

    /// Something is remembered here that other nodes may ask for.
    pub(crate) fn note_remembered(&mut self, now: Now) {
        if let Some(drain) = self.drain.as_mut().filter(|drain| drain.own.is_some()) {
            drain.asked_until_ms = Some(now.monotonic_ms + COME_BACK_MS);
        }
    }

    /// Those who have not come back by now are not expected any more.
    pub(crate) fn stop_expecting(&mut self, now: Now) {
        if let Some(drain) = &mut self.drain {
            drain.asked_until_ms = drain.asked_until_ms.filter(|until_ms| *until_ms > now.monotonic_ms);
        }
    }

    /// Whether connections are of use: to newcomers while they are let in, and to those who poll.
    pub fn takes_streams(&self) -> bool {
        !self.is_leaving() || self.sessions.lingering() > 0
    }

    /// Whether a newcomer is told to come back at once.
    pub(crate) fn turns_away(&self, protocol: &mut dyn Protocol, now: Now) -> bool {
        self.is_leaving() && !(is_visitor(protocol) && self.takes_posts(now))
    }

    /// Whether messages of visitors are taken in: until everybody should have been told.
    fn takes_posts(&self, now: Now) -> bool {
        let Some(drain) = self.drain.as_ref().filter(|drain| drain.own.is_some()) else { return true };
        let end_ms = drain.pace.map_or(drain.last_ms, |pace| pace.end_ms().min(drain.last_ms));
        now.monotonic_ms < end_ms
    }

    pub(crate) fn next_drain_ms(&self) -> Option<u64> {
        let drain = self.drain.as_ref()?;
        match (drain.own, drain.pace) {
            (None, _) => Some(drain.leave_ms),
            _ if self.clients() == 0 => drain.asked_until_ms,
            (_, None) => Some(drain.last_ms),
            (_, Some(pace)) => Some(pace.next_ms()),
        }
    }

    /// Begins to take leave once the wait is over: the other shards are told how many clients are here, and streams that ask nothing are given
    /// a moment.
    pub(crate) fn leave_when_due(&mut self, now: Now) {
        let sessions = self.clients();
        let Some(drain) = &mut self.drain else { return };
        if drain.own.is_some() || now.monotonic_ms < drain.leave_ms {
            return;
        }
        drain.own = Some(sessions);
        let own = self.settings.shard;
        for shard in (0..self.settings.shards).map(ShardId).filter(|shard| *shard != own) {
            self.send_mail(shard, Mail::Leaving { sessions });
        }
        let mut greetings = std::mem::replace(&mut self.greetings, Deadlines::new(IDLE_MS));
        while let Some(stream) = greetings.pop() {
            self.greetings.push(now.monotonic_ms, stream);
        }
        self.set_pace(now);
    }

    /// Another shard has so many sessions.
    pub(crate) fn heard_leaving(&mut self, sessions: u64, now: Now) {
        // It may have been told to go before this one.
        self.drain(now);
        let Some(drain) = &mut self.drain else { return };
        drain.elsewhere += sessions;
        drain.unheard -= 1;
        self.set_pace(now);
    }

    fn set_pace(&mut self, now: Now) {
        let Some(drain) = &mut self.drain else { return };
        if let (Some(own), 0) = (drain.own, drain.unheard) {
            let per_second = u64::from(self.settings.drain_sessions_per_second);
            drain.pace = Some(Pace::new(now.monotonic_ms, per_second, own, own + drain.elsewhere));
        }
    }

    /// Whether somebody may be told at once.
    pub(crate) fn is_draining_sessions(&self) -> bool {
        self.drain.as_ref().is_some_and(|drain| drain.goes_on) && self.clients() > 0
    }

    /// Tells the next few sessions, each with a delay of its own.
    pub(crate) fn drain_slice(&mut self, now: Now) {
        if !self.is_leaving() {
            return;
        }
        let (mut told, mut looks) = (self.let_tunnels_go(now), 0);
        let goes_on = loop {
            if !self.may_send_away(now) {
                break false;
            }
            if told >= TOLD_PER_TURN || looks == LOOKS_PER_TURN {
                break true;
            }
            looks += 1;
            match self.next_to_leave(now) {
                Next::Done => break false,
                Next::Nobody => {}
                Next::Session(place, until_ms) if until_ms <= now.monotonic_ms || self.is_settled(place) => {
                    told += 1;
                    self.send_away(place, now);
                }
                Next::Session(place, until_ms) => self.put_late(place, until_ms, now),
            }
        };
        if let Some(drain) = &mut self.drain {
            drain.goes_on = goes_on;
        }
    }

    /// What a client is told while the node goes away.
    pub(crate) fn farewell(&mut self) -> Farewell {
        let Some(drain) = &mut self.drain else { return Farewell::ServerRestart { delay_ms: 0 } };
        drain.told = drain.told.wrapping_add(1);
        Farewell::ServerRestart { delay_ms: spread(drain.told, drain.spread_ms) }
    }

    /// Whether another one may be told now.
    fn may_send_away(&mut self, now: Now) -> bool {
        let here = self.clients();
        let Some(drain) = &mut self.drain else { return false };
        // Also for whoever cannot be told even when time is up: it is looked after them again with the next batch.
        let has_left = drain.pace.as_mut().is_some_and(|pace| pace.left(now.monotonic_ms) > 0);
        if now.monotonic_ms < drain.last_ms {
            return has_left;
        }
        if !drain.is_last {
            drain.is_last = true;
            let spread_ms = drain.pace.map_or(0, |pace| pace.time_left_ms(here));
            drain.spread_ms = drain.spread_ms.max(u32::try_from(spread_ms).unwrap_or(u32::MAX));
        }
        true
    }

    /// Who may be told next, and until when that can wait.
    fn next_to_leave(&mut self, now: Now) -> Next {
        let Some(drain) = &mut self.drain else { return Next::Done };
        let is_due = |late: &Late| drain.is_last || late.again_ms <= now.monotonic_ms;
        if let Some(late) = drain.late.pop_front_if(|late| is_due(late)) {
            let until_ms = late.until_ms.min(drain.last_ms);
            return self
                .sessions
                .find(late.session)
                .map_or(Next::Nobody, |place| Next::Session(place, until_ms));
        }
        if drain.next >= self.sessions.places() {
            if drain.round == Round::Everybody {
                if let Some(pace) = &mut drain.pace {
                    pace.forgo();
                }
                return Next::Done;
            }
            (drain.round, drain.next) = (Round::Everybody, 0);
        }
        let place = drain.next;
        drain.next += 1;
        let polls = drain.round == Round::Polls;
        match self.sessions.get(place) {
            Some(session) if polls == (session.stream == NOWHERE) => {
                Next::Session(place, (now.monotonic_ms + PATIENCE_MS).min(drain.last_ms))
            }
            _ => Next::Nobody,
        }
    }

    fn put_late(&mut self, place: Place, until_ms: u64, now: Now) {
        let (session, again_ms) = (self.sessions.key(place), now.monotonic_ms + BATCH_MS);
        if let Some(drain) = &mut self.drain {
            drain.late.push_back(Late { session, until_ms, again_ms });
        }
    }

    /// Whether nothing is on its way to the session, or owed to it.
    pub(crate) fn is_settled(&mut self, place: Place) -> bool {
        let Some(session) = self.sessions.get_mut(place) else { return true };
        let is_waiting = session.waiting.is_some()
            || session.awaits_much
            || session.awaits_verdict
            || session.owed > 0
            || session.is_held();
        let is_entering = session.rooms.iter().any(|membership| membership.member == PENDING);
        if is_waiting || is_entering || is_visitor(&mut *session.protocol) {
            return false;
        }
        let awaits = session.protocol.spread().is_some_and(|spread| spread.awaits());
        match self.streams.get(session.stream) {
            Some(stream) => !stream.stalled,
            None => awaits && !self.has_kept(place),
        }
    }

    /// Tells a session to come back, behind all that there is for it.
    fn send_away(&mut self, place: Place, now: Now) {
        self.tell_missed_to(place, now);
        let Some(session) = self.sessions.get(place) else { return };
        let id = session.stream;
        match self.streams.get(id).map(|stream| stream.stalled) {
            None => drop(self.relay(place, now)),
            Some(true) => {}
            Some(false) => {
                let told = self.take_kept(place, LAST_BYTES);
                self.queue_own(id, &told);
            }
        }
        let farewell = self.farewell();
        self.part(place, farewell, now);
        self.note_told_to_leave();
    }

    fn note_told_to_leave(&mut self) {
        if let Some(pace) = self.drain.as_mut().and_then(|drain| drain.pace.as_mut()) {
            pace.take();
        }
    }

    /// Those who have to come back when the node is gone: sessions, and streams of such that go on elsewhere.
    fn clients(&self) -> u64 {
        (self.sessions.len() + self.tunnels.near.upgraded().count()) as u64
    }

    /// Closes the next few streams whose sessions are on other nodes. Says how many.
    fn let_tunnels_go(&mut self, now: Now) -> u32 {
        let upgraded = self.tunnels.near.upgraded().take(TOLD_PER_TURN as usize);
        let mut closed = 0;
        for id in upgraded.collect::<Vec<_>>() {
            if !self.may_send_away(now) {
                break;
            }
            self.close_politely(id, now);
            self.note_told_to_leave();
            closed += 1;
        }
        closed
    }
}

/// Whether a session is one request that takes nothing told to rooms: it ends by itself.
fn is_visitor(protocol: &mut dyn Protocol) -> bool {
    protocol.form().is_none() && protocol.spread().is_none()
}

/// A delay below `spread_ms`; those of neighbours in number lie far apart.
fn spread(number: u32, spread_ms: u32) -> u32 {
    let hash = number.wrapping_mul(0x9e37_79b1);
    ((u64::from(hash) * u64::from(spread_ms)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    #[test]
    fn delays_are_spread_over_the_whole_time() {
        let delays: Vec<u32> = (0..1000).map(|number| super::spread(number, 5000)).collect();
        let late = delays.iter().filter(|delay| **delay >= 2500).count();
        assert!((490..510).contains(&late), "{late} of 1000 in the later half");
        assert!(delays.iter().all(|delay| *delay < 5000));
    }
}

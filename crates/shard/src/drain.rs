//! Taking leave. A node that goes away first works as ever for a while, so that balancers notice. Then its clients are told to come back, at a
//! pace, so that who takes them in is not stormed; who was not told yet is served as ever. Whoever is here when time is nearly up is told
//! then. Newcomers are told at once.
//!
//! A client is told when nothing is on its way to it: what was asked has been answered, what was said has been sent, a poll waits. One of whom
//! that does not become true soon is told all the same. What is remembered of it waits here for a while, and then goes to another node
//! (`bequests.rs`).

use std::collections::VecDeque;

use chat::{Farewell, Time};
use gateways::Protocol;

use crate::deadlines::Deadlines;
use crate::pace::{CELL_MS, Pace};
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
    /// The wait is over.
    is_leaving: bool,
    /// The clients that each shard had when it was over there, when that was where it was last, and how many shards have not said so.
    clients: Vec<u64>,
    since: Time,
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
    /// How many were told to come back without a turn, and over how long they are spread.
    told: u32,
    spread_ms: u32,
    /// There is more to do at once.
    goes_on: bool,
    /// From then on nobody is expected to come for what is remembered here.
    bequest_ms: u64,
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
            is_leaving: false,
            clients: vec![0; usize::from(self.settings.shards)],
            since: Time(0),
            unheard: self.settings.shards,
            pace: None,
            round: Round::Polls,
            next: 0,
            late: VecDeque::new(),
            is_last: false,
            told: 0,
            spread_ms: self.settings.reconnect_spread_ms,
            goes_on: false,
            bequest_ms: leave_ms + (last_ms + self.settings.drain_ms) / 2,
        });
        self.gateways.iter_mut().for_each(|gateway| gateway.retire());
        self.leave_when_due(now);
    }

    /// Whether the node goes away and the wait for balancers is over.
    pub(crate) fn is_leaving(&self) -> bool {
        self.drain.as_ref().is_some_and(|drain| drain.is_leaving)
    }

    /// Whether the node goes away and everybody here has been told and is gone, and what was remembered here is remembered elsewhere.
    pub fn is_drained(&self) -> bool {
        let remembers = self.records.len() > 0 || self.reclaims.has_abandoned();
        self.is_leaving() && self.streams.is_empty() && self.sessions.len() == 0 && !remembers
    }

    /// Whether what is remembered of a session that ends now can be of use: a node that leaves others behind is asked for it while it is there.
    pub(crate) fn is_worth_remembering(&self) -> bool {
        !self.is_leaving() || self.homes.are_shared()
    }

    /// Whether nobody is expected any more to come for what is remembered here.
    pub(crate) fn is_to_hand_on(&self, now: Now) -> bool {
        self.is_leaving() && self.expected_until_ms().is_none_or(|until_ms| until_ms <= now.monotonic_ms)
    }

    /// Until when other nodes may ask for what is remembered here.
    fn expected_until_ms(&self) -> Option<u64> {
        let drain = self.drain.as_ref().filter(|_| self.homes.are_shared())?;
        self.records.newest_ms().map(|newest_ms| (newest_ms + COME_BACK_MS).min(drain.bequest_ms))
    }

    /// When something is to be done about what is remembered here.
    fn next_bequest_ms(&self) -> Option<u64> {
        let expected = self.expected_until_ms().filter(|_| self.records.len() > 0);
        self.bequests.next_ms().or(expected)
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
        let Some(drain) = self.drain.as_ref().filter(|drain| drain.is_leaving) else { return true };
        let end_ms = drain.pace.as_ref().map_or(drain.last_ms, |pace| pace.end_ms().min(drain.last_ms));
        now.monotonic_ms < end_ms
    }

    pub(crate) fn next_drain_ms(&self) -> Option<u64> {
        let drain = self.drain.as_ref()?;
        match (drain.is_leaving, &drain.pace) {
            (false, _) => Some(drain.leave_ms),
            _ if self.clients() == 0 => self.next_bequest_ms(),
            (_, None) => Some(drain.last_ms),
            (_, Some(pace)) => Some(pace.next_ms()),
        }
    }

    /// Begins to take leave once the wait is over: the other shards are told how many clients are here, and streams that ask nothing are given
    /// a moment.
    pub(crate) fn leave_when_due(&mut self, now: Now) {
        let (clients, since) = (self.clients(), now.wall);
        let Some(drain) = &mut self.drain else { return };
        if drain.is_leaving || now.monotonic_ms < drain.leave_ms {
            return;
        }
        drain.is_leaving = true;
        let own = self.settings.shard;
        for shard in (0..self.settings.shards).map(ShardId).filter(|shard| *shard != own) {
            self.send_mail(shard, Mail::Leaving { shard: own, clients, since });
        }
        let mut greetings = std::mem::replace(&mut self.greetings, Deadlines::new(IDLE_MS));
        while let Some(stream) = greetings.pop() {
            self.greetings.push(now.monotonic_ms, stream);
        }
        self.heard_leaving(own, clients, since, now);
    }

    /// The wait is over on a shard, which has so many clients. Once it is on all, each tells its own at the pace of all: they count the time
    /// from the same moment.
    pub(crate) fn heard_leaving(&mut self, shard: ShardId, clients: u64, since: Time, now: Now) {
        // Another one may have been told to go before this one.
        self.drain(now);
        let Some(drain) = &mut self.drain else { return };
        drain.clients[usize::from(shard.0)] = clients;
        (drain.since, drain.unheard) = (drain.since.max(since), drain.unheard - 1);
        if drain.unheard == 0 {
            let since_ms = now.monotonic_ms.saturating_sub(now.wall.0.saturating_sub(drain.since.0));
            let per_second = u64::from(self.settings.drain_sessions_per_second);
            let (own, clients) = (usize::from(self.settings.shard.0), drain.clients.clone());
            drain.pace = Some(Pace::new(since_ms, per_second, own, clients));
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

    /// What a client is told whose turn it is: it comes when it has its slot.
    fn farewell_in_turn(&mut self, now: Now) -> Farewell {
        let pace = self.drain.as_mut().and_then(|drain| drain.pace.as_mut());
        let Some(come_ms) = pace.and_then(Pace::take) else { return self.farewell() };
        let delay_ms = u32::try_from(come_ms.saturating_sub(now.monotonic_ms)).unwrap_or(u32::MAX);
        Farewell::ServerRestart { delay_ms }
    }

    /// What a client is told that has no turn.
    pub(crate) fn farewell(&mut self) -> Farewell {
        let Some(drain) = &mut self.drain else { return Farewell::ServerRestart { delay_ms: 0 } };
        drain.told = drain.told.wrapping_add(1);
        Farewell::ServerRestart { delay_ms: spread(drain.told, drain.spread_ms) }
    }

    /// Whether another one may be told now.
    fn may_send_away(&mut self, now: Now) -> bool {
        let Some(drain) = &mut self.drain else { return false };
        // Also for whoever cannot be told even when time is up: it is looked after them again in the next cell.
        let has_left = drain.pace.as_mut().is_some_and(|pace| pace.has_left(now.monotonic_ms));
        drain.is_last |= now.monotonic_ms >= drain.last_ms;
        has_left || drain.is_last
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
        let (session, again_ms) = (self.sessions.key(place), now.monotonic_ms + CELL_MS);
        if let Some(drain) = &mut self.drain {
            drain.late.push_back(Late { session, until_ms, again_ms });
        }
    }

    /// Whether nothing is on its way to the session, or owed to it.
    pub(crate) fn is_settled(&mut self, place: Place) -> bool {
        let Some(session) = self.sessions.get_mut(place) else { return true };
        let is_waiting = session.extras.waiting().is_some()
            || session.awaits_much
            || session.awaits_verdict
            || session.owed > 0
            || session.strands.as_ref().is_some_and(|strands| strands.is_resuming());
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
        let farewell = self.farewell_in_turn(now);
        self.part(place, farewell, now);
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
            // It is not told when it is to come, but it comes.
            self.farewell_in_turn(now);
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

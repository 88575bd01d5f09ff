//! Strands that go on where they were cut off: in another session, on another stream, perhaps on another shard.
//!
//! A session that asks for it enters the rooms of the strand again, each from where its client stands there, and is sent nothing of
//! rooms until all homes have answered. When one of them has not everything any more, the session leaves those rooms, and begins anew.

use std::sync::Arc;

use chat::{Event, Farewell, Message, Position, Resumption, RoomId, UserId};
use gateways::{Outbox, Recovery, SessionName, Strand};
use smallvec::SmallVec;

use crate::errands::{Errand, Reclaim};
use crate::journal::Journal;
use crate::mail::Entered;
use crate::records::{Claim, Record};
use crate::sessions::{PENDING, Session};
use crate::streams::Place;
use crate::{Now, SessionKey, Shard};

/// What a session may be recovered by.
#[derive(Debug, Default)]
pub(crate) struct Strands {
    begun: SmallVec<[(Claim, Journal); 1]>,
    resuming: Vec<Resuming>,
}

/// A strand that a session wants to go on with.
#[derive(Debug)]
struct Resuming {
    claim: Claim,
    seen: Option<Position>,
    /// What its shard remembered of it, once that has answered.
    record: Option<Record>,
    /// Where its client stands in the rooms.
    standing: Vec<(RoomId, Position)>,
    /// The session was a guest before.
    was_guest: bool,
    /// Rooms whose homes have not answered.
    awaited: usize,
    /// One of them has not everything any more.
    is_broken: bool,
    missed: Vec<Arc<Message>>,
    missed_bytes: usize,
}

impl Strands {
    /// Notes that everything of a room up to an offset went out.
    fn note(&mut self, room: &RoomId, offset: u64) {
        let _ = self.begun.iter_mut().any(|(_, journal)| journal.note(room, offset));
    }

    fn has(&self, claim: Claim) -> bool {
        self.begun.iter().any(|(begun, _)| *begun == claim)
            || self.resuming.iter().any(|resuming| resuming.claim == claim)
    }

    fn resuming(&mut self, claim: Claim) -> Option<&mut Resuming> {
        self.resuming.iter_mut().find(|resuming| resuming.claim == claim)
    }

    /// Which one waits for the home of a room.
    fn resuming_in(&mut self, room: &RoomId) -> Option<&mut Resuming> {
        self.resuming.iter_mut().find(|resuming| resuming.standing.iter().any(|(one, _)| one == room))
    }

    fn take_resuming(&mut self, claim: Claim) -> Option<Resuming> {
        let index = self.resuming.iter().position(|resuming| resuming.claim == claim)?;
        Some(self.resuming.remove(index))
    }

    fn knows(&self, strand: Strand) -> bool {
        self.begun.iter().any(|(claim, _)| claim.strand == strand)
            || self.resuming.iter().any(|resuming| resuming.claim.strand == strand)
    }
}

impl Session {
    /// Whether nothing of some room may be sent to it yet.
    pub(crate) fn is_held(&self) -> bool {
        self.standings().next().is_some()
    }

    /// Whether nothing of this room may be sent to it yet.
    pub(crate) fn is_held_in(&self, room: &RoomId) -> bool {
        self.standings().any(|(one, _)| one == room)
    }

    fn standings(&self) -> impl Iterator<Item = &(RoomId, Position)> {
        let resuming = self.strands.iter().flat_map(|strands| &strands.resuming);
        resuming.flat_map(|resuming| &resuming.standing)
    }
}

impl Shard {
    /// Does what a protocol asks about a strand of its session.
    pub(crate) fn recover(&mut self, place: Place, recovery: Recovery, now: Now) {
        match recovery {
            Recovery::Begin(strand) => self.begin(place, strand),
            Recovery::Resume { strand, of, seen } => self.resume(place, strand, of, seen, now),
            Recovery::End(strand) => self.end_strands(place, |claim| claim.strand == strand),
        }
    }

    fn begin(&mut self, place: Place, strand: Strand) {
        if self.settings.recovery_ms == 0 || self.sessions.get(place).is_none() {
            return;
        }
        let claim = Claim { began: self.sessions.key(place), strand };
        let Some(session) = self.sessions.get_mut(place) else { return };
        let strands = session.strands.get_or_insert_default();
        if !strands.knows(strand) {
            strands.begun.push((claim, Journal::default()));
        }
    }

    fn resume(&mut self, place: Place, strand: Strand, of: SessionName, seen: Option<Position>, now: Now) {
        let key = self.names.read(of).filter(|_| self.settings.recovery_ms > 0);
        let Some(session) = self.sessions.get_mut(place) else { return };
        let strands = session.strands.get_or_insert_default();
        let is_quiet = |began: &SessionKey| self.tunnels.peers.is_quiet(began.node, now.monotonic_ms);
        let Some(began) = key.filter(|began| !strands.knows(strand) && !is_quiet(began)) else {
            return self.tell_recovered(place, strand, false, now);
        };
        let claim = Claim { began, strand };
        strands.resuming.push(Resuming {
            claim,
            seen,
            record: None,
            standing: Vec::new(),
            was_guest: false,
            awaited: 0,
            is_broken: false,
            missed: Vec::new(),
            missed_bytes: 0,
        });
        let session = self.sessions.key(place);
        if began.node != self.settings.node {
            self.reclaims.push(now.monotonic_ms, (session, claim));
        }
        self.send_errand(Errand::Reclaim(Reclaim { claim, session, is_ended: false }));
    }

    /// Begins anew where another node does not say what it remembers.
    pub(crate) fn give_reclaims_up(&mut self, now: Now) {
        while let Some((session, claim)) = self.reclaims.pop_due(now.monotonic_ms) {
            let Some(place) = self.sessions.find(session) else { continue };
            let strands = self.sessions.get_mut(place).and_then(|session| session.strands.as_mut());
            if strands
                .and_then(|strands| strands.resuming(claim))
                .is_some_and(|resuming| resuming.record.is_none())
            {
                self.tunnels.peers.note_quiet(claim.began.node, now.monotonic_ms);
                self.begin_anew(place, claim, now);
            }
        }
    }

    /// Does an errand that was sent here.
    pub(crate) fn run_errand(&mut self, errand: Errand, now: Now) {
        match errand {
            Errand::Remember { claim, session, record } => {
                self.records.put(claim, session, *record, now);
                self.note_remembered(now);
            }
            Errand::Forget { claim, session } => self.records.forget(claim, session),
            Errand::Reclaim(reclaim) => self.reclaim(reclaim, now),
            Errand::GiveUp { session, reclaim } => self.give_up(session, reclaim, now),
            Errand::Reclaimed { to, claim, record } => self.reclaimed(to, claim, record, now),
        }
    }

    /// Ends strands on purpose: nothing is remembered of them.
    fn end_strands(&mut self, place: Place, is_meant: impl Fn(&Claim) -> bool) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let Some(strands) = &mut session.strands else { return };
        let mut ended: SmallVec<[Claim; 1]> = SmallVec::new();
        strands.begun.retain(|(claim, _)| {
            let is_ended = is_meant(claim);
            ended.extend(is_ended.then_some(*claim));
            !is_ended
        });
        for claim in ended {
            self.forget(claim, place);
        }
    }

    /// What was held back cannot be sent any more.
    pub(crate) fn break_off(&mut self, place: Place) {
        let strands = self.sessions.get_mut(place).and_then(|session| session.strands.as_mut());
        for resuming in strands.into_iter().flat_map(|strands| &mut strands.resuming) {
            resuming.is_broken |= resuming.record.is_some();
        }
    }

    /// A client that must not come back cannot go on either.
    pub(crate) fn end_if_final(&mut self, place: Place, farewell: Farewell) {
        if !farewell.may_reconnect() {
            self.end_strands(place, |_| true);
        }
    }

    fn forget(&mut self, claim: Claim, place: Place) {
        let session = self.sessions.key(place);
        if claim.began != session {
            self.send_errand(Errand::Forget { claim, session });
        }
    }

    /// Notes what a session has been sent of its rooms so far.
    pub(crate) fn note_sent(&mut self, place: Place) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let Some(strands) = &mut session.strands else { return };
        for membership in session.rooms.iter().filter(|membership| membership.member != PENDING) {
            let audience = self.audiences.get(membership.audience);
            let reader = audience.members[membership.member as usize];
            let log = &audience.logs[usize::from(reader.log)];
            strands.note(&audience.room, log.offset_before(reader.cursor));
        }
    }

    /// Notes that a session has been sent a message by itself, behind everything before.
    pub(crate) fn note_told(&mut self, place: Place, message: &Message) {
        let strands = self.sessions.get_mut(place).and_then(|session| session.strands.as_mut());
        if let Some(strands) = strands {
            strands.note(&message.room, message.at.offset);
        }
    }

    /// Notes that a session is in a room, of which it has everything up to a position.
    pub(crate) fn note_entered(&mut self, place: Place, room: &RoomId, at: Position) {
        self.note_sent(place);
        let Some(session) = self.sessions.get_mut(place) else { return };
        let Some(strands) = &mut session.strands else { return };
        let strand = session.protocol.strand_of(room);
        if let Some((_, journal)) = strands.begun.iter_mut().find(|(claim, _)| claim.strand == strand) {
            journal.enter(room, at);
        }
    }

    /// Notes that a session is no longer in a room.
    pub(crate) fn note_left(&mut self, place: Place, room: &RoomId) {
        self.note_sent(place);
        let strands = self.sessions.get_mut(place).and_then(|session| session.strands.as_mut());
        for (_, journal) in strands.into_iter().flat_map(|strands| &mut strands.begun) {
            journal.leave(room);
        }
    }

    /// A session is over. What it could be recovered by is remembered where its strands began.
    pub(crate) fn remember(&mut self, key: SessionKey, session: &mut Session) {
        let Some(strands) = session.strands.take().filter(|_| self.is_worth_remembering()) else {
            return;
        };
        let Strands { begun, resuming } = *strands;
        for (claim, journal) in begun {
            self.send_record(claim, key, Record { user: session.user.clone(), journal });
        }
        for Resuming { claim, record, .. } in resuming {
            if let Some(record) = record {
                self.send_record(claim, key, record);
            }
        }
    }

    fn send_record(&mut self, claim: Claim, session: SessionKey, record: Record) {
        self.send_errand(Errand::Remember { claim, session, record: Box::new(record) });
    }

    /// A session wants to go on with a strand that began here. Where it still goes on, unnoticed that its client is gone, it ends first.
    fn reclaim(&mut self, reclaim: Reclaim, now: Now) {
        let Reclaim { claim, session, is_ended } = reclaim;
        let record = self.records.take(claim, session);
        let goes_on_in = self.records.moved_to(claim).unwrap_or(claim.began);
        if record.is_none() && !is_ended && goes_on_in != session {
            let ended = Reclaim { is_ended: true, ..reclaim };
            return match (goes_on_in.node, goes_on_in.shard) == (self.settings.node, self.settings.shard) {
                true => self.give_up(goes_on_in, ended, now),
                false => self.send_errand(Errand::GiveUp { session: goes_on_in, reclaim: ended }),
            };
        }
        self.send_errand(Errand::Reclaimed { to: session, claim, record: record.map(Box::new) });
    }

    /// A client has come back before it was noticed that it was gone: its former session ends. What is remembered of it goes ahead of the
    /// answer.
    fn give_up(&mut self, former: SessionKey, reclaim: Reclaim, now: Now) {
        let strands = self.sessions.find(former).and_then(|place| {
            let session = self.sessions.get(place)?;
            session.strands.as_ref().map(|strands| (place, strands))
        });
        if let Some((place, strands)) = strands
            && strands.has(reclaim.claim)
        {
            self.end_session(place, "came_back", now);
        }
        self.send_errand(Errand::Reclaim(reclaim));
    }

    /// The shard where a strand began has said what it remembers of it.
    fn reclaimed(&mut self, to: SessionKey, claim: Claim, record: Option<Box<Record>>, now: Now) {
        let place = self.sessions.find(to);
        let strands = place.and_then(|place| self.sessions.get_mut(place)?.strands.as_mut());
        let resuming = strands.and_then(|strands| strands.resuming(claim));
        let (Some(place), Some(resuming)) = (place, resuming) else {
            if let Some(record) = record {
                self.send_record(claim, to, *record);
            }
            return;
        };
        let seen = resuming.seen;
        let standing = record.as_ref().and_then(|record| record.journal.standing(seen));
        match (record, standing) {
            (Some(record), Some(standing)) if self.may_enter(place, record.user.as_ref(), &standing) => {
                self.enter_again(place, claim, *record, standing, now);
            }
            _ => self.begin_anew(place, claim, now),
        }
    }

    /// Whether a session may be in these rooms, as this user, besides those that it is in.
    fn may_enter(&self, place: Place, user: Option<&UserId>, standing: &[(RoomId, Position)]) -> bool {
        let Some(session) = self.sessions.get(place) else { return false };
        let public_rooms = standing.iter().filter(|(room, _)| room.is_public()).count();
        let is_in =
            |room: &RoomId| self.audiences.find(room).and_then(|audience| session.member_of(audience));
        (session.user.is_none() || session.user.as_ref() == user)
            && public_rooms + self.audiences.public_rooms(session) <= self.settings.rooms_per_session
            && standing.iter().all(|(room, _)| is_in(room).is_none())
    }

    fn enter_again(
        &mut self,
        place: Place,
        claim: Claim,
        record: Record,
        standing: Vec<(RoomId, Position)>,
        now: Now,
    ) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let was_guest = session.user.is_none();
        let user = record.user.clone();
        let strands = session.strands.get_or_insert_default();
        let Some(resuming) = strands.resuming(claim) else { return };
        (resuming.awaited, resuming.was_guest) = (standing.len(), was_guest);
        (resuming.record, resuming.standing) = (Some(record), standing.clone());
        if let Some(user) = user.as_ref().filter(|_| was_guest) {
            self.name(place, user);
        }
        self.note_direct(place);
        for (room, since) in standing {
            self.enter(place, room, user.clone(), Some(since), None);
        }
        self.conclude(place, claim, now);
    }

    /// Whether a session enters a room for the sake of a strand that is to go on.
    pub(crate) fn is_to_go_on_in(&self, place: Place, room: &RoomId) -> bool {
        self.sessions.get(place).is_some_and(|session| session.is_held_in(room))
    }

    /// A home has let the session in again.
    pub(crate) fn entered_again(&mut self, place: Place, entered: Entered, now: Now) {
        let bytes_max = self.settings.session_queue_bytes / 2;
        self.heard_of(place, &entered.room, now, |resuming| {
            let bytes: usize = entered.missed.iter().map(|message| message.weight()).sum();
            resuming.missed_bytes += bytes;
            resuming.missed.extend(entered.missed);
            resuming.is_broken |=
                entered.resumption != Resumption::Complete || resuming.missed_bytes > bytes_max;
        });
    }

    /// A home has not let the session in again.
    pub(crate) fn barred_again(&mut self, place: Place, room: &RoomId, now: Now) {
        self.heard_of(place, room, now, |resuming| resuming.is_broken = true);
    }

    fn heard_of(&mut self, place: Place, room: &RoomId, now: Now, note: impl FnOnce(&mut Resuming)) {
        let strands = self.sessions.get_mut(place).and_then(|session| session.strands.as_mut());
        let resuming = strands.and_then(|strands| strands.resuming_in(room));
        let Some(resuming) = resuming else { return };
        resuming.awaited -= 1;
        note(resuming);
        let claim = resuming.claim;
        self.conclude(place, claim, now);
    }

    /// Goes on with a strand, or begins anew, when all homes have answered.
    fn conclude(&mut self, place: Place, claim: Claim, now: Now) {
        let strands = self.sessions.get_mut(place).and_then(|session| session.strands.as_mut());
        let resuming = strands.and_then(|strands| strands.resuming(claim));
        let Some(resuming) = resuming.filter(|resuming| resuming.awaited == 0) else { return };
        if resuming.is_broken {
            return self.leave_again(place, claim, now);
        }
        self.go_on_with(place, claim, now);
    }

    /// The strand goes on: the client is told so, and then what it missed.
    fn go_on_with(&mut self, place: Place, claim: Claim, now: Now) {
        self.note_sent(place);
        let Some(session) = self.sessions.get_mut(place) else { return };
        let Some(strands) = &mut session.strands else { return };
        let Some(resuming) = strands.take_resuming(claim) else { return };
        let Resuming { seen, standing, missed, .. } = resuming;
        strands.begun.push((claim, Journal::resumed(seen, standing)));
        session.awaits_much = false;
        self.tally.recoveries_complete += 1;
        self.tell_recovered(place, claim.strand, true, now);
        for message in missed {
            self.deliver(place, &Event::Posted(message.clone()), now);
            self.note_told(place, &message);
        }
        self.let_go_on(place, now);
    }

    /// Not everything is kept any more: the session leaves the rooms that it has entered for it.
    fn leave_again(&mut self, place: Place, claim: Claim, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let resuming = session.strands.as_mut().and_then(|strands| strands.resuming(claim));
        let Some(Resuming { standing, was_guest, .. }) = resuming else { return };
        let (standing, was_guest) = (std::mem::take(standing), *was_guest);
        for (room, _) in standing {
            if let Some(index) = self.membership(place, &room) {
                self.walk_out(place, index, room);
            }
        }
        if let Some(session) =
            self.sessions.get_mut(place).filter(|session| session.rooms.is_empty() && was_guest)
        {
            session.user = None;
        }
        self.begin_anew(place, claim, now);
    }

    /// The strand cannot go on: another one begins.
    fn begin_anew(&mut self, place: Place, claim: Claim, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        session.awaits_much = false;
        if let Some(strands) = &mut session.strands {
            strands.take_resuming(claim);
        }
        self.forget(claim, place);
        self.tell_recovered(place, claim.strand, false, now);
        self.let_go_on(place, now);
    }

    fn tell_recovered(&mut self, place: Place, strand: Strand, is_recovered: bool, now: Now) {
        self.tally.recoveries_failed += u64::from(!is_recovered);
        let Some(session) = self.sessions.get_mut(place) else { return };
        let id = session.stream;
        let mut out = Outbox::default();
        session.protocol.recovered(strand, is_recovered, &mut out);
        self.act(id, place, &mut out, now);
    }

    /// What was held back goes out, to this session alone: everybody else in its rooms has been sent it.
    fn let_go_on(&mut self, place: Place, now: Now) {
        if self.is_to_reform(place) {
            self.reform(place);
        }
        self.note_direct(place);
        let Some(session) = self.sessions.get(place) else { return };
        self.touch(session.stream);
        self.keep(place, &[]);
        self.sent.push(place);
        self.go_on(place, now);
    }
}

//! Strands that go on where they were cut off: in another session, on another stream, perhaps on another shard.
//!
//! A session that asks for it enters the rooms of the strand again, each from where its client stands there, and is sent nothing of
//! rooms until all homes have answered. When one of them has not everything any more, the session leaves those rooms, and begins anew.

use std::sync::Arc;

use access::Right;
use chat::{Event, Farewell, Message, Position, Resumption, RoomId, UserId};
use gateways::{Outbox, Recovery, SessionName, Strand};
use smallvec::SmallVec;

use crate::frames::Turn;
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
pub(crate) struct Resuming {
    pub(crate) claim: Claim,
    pub(crate) seen: Option<Position>,
    /// How many of those who may remember it have been asked and have not answered.
    pub(crate) asked: usize,
    /// Everybody has been asked.
    pub(crate) is_asked_around: bool,
    /// What was remembered of it, once that is known.
    pub(crate) record: Option<Record>,
    /// Where its client stands in the rooms.
    positions: Vec<(RoomId, Position)>,
    /// The session was a guest before.
    was_guest: bool,
    /// Rooms whose homes have not answered.
    awaited: usize,
    /// One of them has not everything any more.
    is_broken: bool,
    missed: Vec<Arc<Message>>,
    missed_bytes: usize,
    /// What its rooms have told it behind that, put into the form that it takes since.
    carried: Vec<u8>,
    /// Rooms that go by another epoch here: where its client stands there, and where that is here.
    turned: Vec<(RoomId, Position, Position)>,
    /// The whole session comes from another node, where it was this one, with these strands: nobody is told.
    moved: Option<(SessionKey, Vec<(Claim, Journal)>)>,
}

impl Resuming {
    fn new(claim: Claim, seen: Option<Position>) -> Self {
        Self {
            claim,
            seen,
            asked: 0,
            is_asked_around: false,
            record: None,
            positions: Vec::new(),
            was_guest: false,
            awaited: 0,
            is_broken: false,
            missed: Vec::new(),
            missed_bytes: 0,
            carried: Vec::new(),
            turned: Vec::new(),
            moved: None,
        }
    }
}

impl Strands {
    /// Notes that everything of a room up to an offset went out.
    fn note(&mut self, room: &RoomId, offset: u64) {
        let _ = self.begun.iter_mut().any(|(_, journal)| journal.note(room, offset));
    }

    /// Notes that a room went on in another epoch.
    fn turn(&mut self, room: &RoomId, turn: Turn) {
        self.begun.iter_mut().for_each(|(_, journal)| journal.turn(room, turn.before, turn.to));
    }

    pub(crate) fn has(&self, claim: Claim) -> bool {
        let moved = self.resuming.iter().filter_map(|resuming| resuming.moved.as_ref());
        let begun = self.begun.iter().chain(moved.flat_map(|(_, moved)| moved));
        begun.into_iter().any(|(begun, _)| *begun == claim)
            || self.resuming.iter().any(|resuming| resuming.claim == claim)
    }

    pub(crate) fn is_resuming(&self) -> bool {
        !self.resuming.is_empty()
    }

    /// Whether its session comes from another node, and its rooms are asked.
    pub(crate) fn come_over(&self) -> bool {
        self.resuming.iter().any(|resuming| resuming.moved.is_some())
    }

    /// The strands that go on in it.
    pub(crate) fn begun(&self) -> Vec<(Claim, Journal)> {
        self.begun.to_vec()
    }

    pub(crate) fn resuming(&mut self, claim: Claim) -> Option<&mut Resuming> {
        self.resuming.iter_mut().find(|resuming| resuming.claim == claim)
    }

    /// Which one waits for the home of a room.
    fn resuming_in(&mut self, room: &RoomId) -> Option<&mut Resuming> {
        self.resuming.iter_mut().find(|resuming| resuming.positions.iter().any(|(one, _)| one == room))
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
        self.positions().next().is_some()
    }

    /// Whether nothing of this room may be sent to it yet.
    pub(crate) fn is_held_in(&self, room: &RoomId) -> bool {
        self.positions().any(|(one, _)| one == room)
    }

    fn positions(&self) -> impl Iterator<Item = &(RoomId, Position)> {
        let resuming = self.strands.iter().flat_map(|strands| &strands.resuming);
        resuming.flat_map(|resuming| &resuming.positions)
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
        let Some(began) = key.filter(|_| !strands.knows(strand)) else {
            return self.tell_recovered(place, strand, false, now);
        };
        if self.is_leaving() {
            return self.leave_it_be(place, now);
        }
        let Some(session) = self.sessions.get_mut(place) else { return };
        let strands = session.strands.get_or_insert_default();
        let claim = Claim { began, strand };
        strands.resuming.push(Resuming::new(claim, seen));
        self.ask_for(place, claim, now);
    }

    /// A node that leaves takes nothing that it would have to hand on at once: the strand stays where it is, and its client asks for it at
    /// the node that it comes to next.
    fn leave_it_be(&mut self, place: Place, now: Now) {
        let farewell = self.farewell();
        self.part(place, farewell, now);
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

    /// The session has moved to another stream: what its rooms have told it while they are held back is put into the form that it takes
    /// there. Where a room has turned meanwhile, too much would have to be.
    pub(crate) fn carry_over(&mut self, place: Place) {
        for membership in self.entered_rooms(place, |is_held| is_held) {
            let audience = self.audiences.get(membership.audience);
            let room = audience.room.clone();
            let reader = audience.members[membership.member as usize];
            let log = &audience.logs[usize::from(reader.log)];
            let has_turned = log.turns_before(log.end()).count() > log.turns_before(reader.cursor).count();
            let (mut told, mut out) = (Vec::new(), Outbox::default());
            self.take_told(membership, &mut told);
            let Some(session) = self.sessions.get_mut(place) else { return };
            if let Some(spread) = session.protocol.spread() {
                spread.relay(&told, &mut out);
            }
            let strands = session.strands.as_mut();
            if let Some(resuming) = strands.and_then(|strands| strands.resuming_in(&room)) {
                resuming.carried.append(&mut out.bytes);
                resuming.is_broken |= has_turned;
            }
        }
    }

    /// A client that must not come back cannot go on either.
    pub(crate) fn end_if_final(&mut self, place: Place, farewell: Farewell) {
        if !farewell.may_reconnect() {
            self.end_strands(place, |_| true);
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
            log.turns_before(reader.cursor).for_each(|turn| strands.turn(&audience.room, turn));
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

    /// A strand that a session wants to go on with.
    pub(crate) fn resuming(&mut self, place: Place, claim: Claim) -> Option<&mut Resuming> {
        self.sessions.get_mut(place)?.strands.as_mut()?.resuming(claim)
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
    pub(crate) fn remember(&mut self, key: SessionKey, session: &mut Session, now: Now) {
        let Some(strands) = session.strands.take().filter(|_| self.is_worth_remembering()) else {
            return;
        };
        let Strands { begun, resuming } = *strands;
        for (claim, journal) in begun {
            self.send_record(claim, Record { session: key, user: session.user.clone(), journal });
        }
        for Resuming { claim, record, moved, asked, .. } in resuming {
            if let Some((_, moved)) = moved {
                for (claim, journal) in moved {
                    self.send_record(claim, Record { session: key, user: session.user.clone(), journal });
                }
            } else if let Some(record) = record {
                self.send_record(claim, Record { session: key, ..record });
            } else {
                self.reclaims.abandon(key, claim, asked, now);
            }
        }
    }

    /// Whether a session may be in these rooms, as this user, besides those that it is in.
    pub(crate) fn may_enter(
        &self,
        place: Place,
        user: Option<&UserId>,
        positions: &[(RoomId, Position)],
    ) -> bool {
        let Some(session) = self.sessions.get(place) else { return false };
        let public_rooms = positions.iter().filter(|(room, _)| room.is_public()).count();
        let is_in =
            |room: &RoomId| self.audiences.find(room).and_then(|audience| session.member_of(audience));
        let may_be = match (&session.user, user) {
            (None, Some(user)) => {
                let proven = self.proof_of(session);
                self.settings.rules.names_are_free() && proven.is_none_or(|(_, name)| name == user.as_str())
            }
            (None, None) => true,
            (own, user) => own.as_ref() == user,
        };
        let is_allowed = |room: &RoomId| {
            self.settings.rules.check(Right::Join, room, user, session.standing.as_ref()).is_ok()
        };
        may_be
            && public_rooms + self.audiences.public_rooms(session) <= self.settings.rooms_per_session
            && positions.iter().all(|(room, _)| is_in(room).is_none() && is_allowed(room))
    }

    pub(crate) fn enter_again(
        &mut self,
        place: Place,
        claim: Claim,
        record: Record,
        positions: Vec<(RoomId, Position)>,
        now: Now,
    ) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let was_guest = session.user.is_none();
        let user = record.user.clone();
        let strands = session.strands.get_or_insert_default();
        let Some(resuming) = strands.resuming(claim) else { return };
        (resuming.awaited, resuming.was_guest) = (positions.len(), was_guest);
        (resuming.record, resuming.positions) = (Some(record), positions.clone());
        if let Some(user) = user.as_ref().filter(|_| was_guest) {
            self.name(place, user);
        }
        self.note_direct(place);
        for (room, since) in positions {
            self.enter(place, room, user.clone(), Some(since), None);
        }
        self.conclude(place, claim, now);
    }

    /// A session from another node goes on in all of its rooms, without its client knowing.
    pub(crate) fn go_on_in_all(
        &mut self,
        place: Place,
        user: Option<UserId>,
        positions: Vec<(RoomId, Position)>,
        moved: (SessionKey, Vec<(Claim, Journal)>),
        now: Now,
    ) {
        let key = self.sessions.key(place);
        let claim = Claim { began: key, strand: Strand::MAX };
        let Some(session) = self.sessions.get_mut(place) else { return };
        session.user = user.clone();
        session.strands.get_or_insert_default().resuming.push(Resuming {
            is_asked_around: true,
            record: Some(Record { session: key, user: user.clone(), journal: Journal::default() }),
            positions: positions.clone(),
            awaited: positions.len(),
            moved: Some(moved),
            ..Resuming::new(claim, None)
        });
        self.note_direct(place);
        for (room, since) in positions {
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
        let at = entered.stands_at();
        self.heard_of(place, &entered.room, now, |resuming| {
            let stood = resuming.positions.iter().find(|(room, _)| *room == entered.room);
            let turned = stood.filter(|(_, since)| since.epoch != at.epoch);
            resuming.turned.extend(turned.map(|(room, since)| (room.clone(), *since, at)));
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
        let resuming = self.resuming(place, claim).filter(|resuming| resuming.awaited == 0);
        let Some(resuming) = resuming else { return };
        match (resuming.is_broken, &resuming.moved) {
            (true, Some(_)) => return self.send_back(place, now),
            (true, None) => return self.leave_again(place, claim, now),
            (false, _) => {}
        }
        self.go_on_with(place, claim, now);
    }

    /// The strand goes on: the client is told so, and then what it missed.
    fn go_on_with(&mut self, place: Place, claim: Claim, now: Now) {
        self.note_sent(place);
        let Some(session) = self.sessions.get_mut(place) else { return };
        let Some(strands) = &mut session.strands else { return };
        let Some(resuming) = strands.take_resuming(claim) else { return };
        let Resuming { seen, positions, missed, carried, turned, moved, .. } = resuming;
        session.awaits_much = false;
        let arrived = moved
            .as_ref()
            .map(|(left, moved)| (*left, moved.iter().map(|(claim, _)| *claim).collect::<Vec<_>>()));
        match moved {
            Some((_, moved)) => strands.begun.extend(moved),
            None => strands.begun.push((claim, Journal::resumed(seen, positions))),
        }
        for (room, before, to) in turned {
            strands.begun.iter_mut().for_each(|(_, journal)| journal.turn(&room, before, to));
        }
        if strands.begun.is_empty() && strands.resuming.is_empty() {
            session.strands = None;
        }
        if let Some((left, arrived)) = arrived {
            arrived.into_iter().for_each(|claim| self.note_arrival(place, claim, left));
        } else {
            self.tally.recoveries_complete += 1;
            self.note_stay(place, claim);
            self.tell_recovered(place, claim.strand, true, now);
        }
        for message in missed {
            self.deliver(place, &Event::Posted(message.clone()), now);
            self.note_told(place, &message);
        }
        if let Some(session) = self.sessions.get(place) {
            self.queue_own(session.stream, &carried);
        }
        self.let_go_on(place, now);
    }

    /// Not everything is kept any more: the session leaves the rooms that it has entered for it.
    fn leave_again(&mut self, place: Place, claim: Claim, now: Now) {
        let Some(Resuming { positions, was_guest, .. }) = self.resuming(place, claim) else { return };
        let (positions, was_guest) = (std::mem::take(positions), *was_guest);
        for (room, _) in positions {
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
    pub(crate) fn begin_anew(&mut self, place: Place, claim: Claim, now: Now) {
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

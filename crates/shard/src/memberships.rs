//! How sessions come into rooms, and go: what homes are asked and what they answer, and the places that sessions have in audiences.

use access::Right;
use chat::{Event, Position, Refusal, Resumption, RoomId, RoomNames, Tag, UserId};
use gateways::Form;

use crate::headcount::Party;
use crate::mail::{Enter, Entered, Exit, Mail};
use crate::sessions::{Membership, PENDING, Session};
use crate::streams::Place;
use crate::{Attention, Deed, Now, SessionKey, Shard};

impl Shard {
    /// A client wants to be in a room.
    pub(crate) fn ask_to_join(
        &mut self,
        place: Place,
        room: RoomId,
        since: Option<Position>,
        tag: Option<Tag>,
        now: Now,
    ) -> Result<(), Refusal> {
        self.check_rules(place, Right::Join, &room)?;
        self.check_stay(place, &room, now)?;
        self.join_if_decided(place, room, since, tag, now)
    }

    /// The session may be in the room, for all that anybody has against it.
    pub(crate) fn join(
        &mut self,
        place: Place,
        room: RoomId,
        since: Option<Position>,
        tag: Option<Tag>,
    ) -> Result<(), Refusal> {
        if self.membership(place, &room).is_some() {
            // Nobody asks for the room of everybody by name; who goes on may be in it.
            return if room.is_everybody() { Ok(()) } else { Err(Refusal::AlreadyJoined) };
        }
        let Some(session) = self.sessions.get(place) else { return Ok(()) };
        if room.is_public() && self.audiences.public_rooms(session) >= self.settings.rooms_per_session {
            return Err(Refusal::TooManyRooms);
        }
        let user = session.user.clone();
        self.enter(place, room, user, since, tag);
        Ok(())
    }

    /// Asks the room's home to let the session in.
    pub(crate) fn enter(
        &mut self,
        place: Place,
        room: RoomId,
        user: Option<UserId>,
        since: Option<Position>,
        tag: Option<Tag>,
    ) {
        let audience = self.audiences.hold(&room, || self.settings.slow_policy(&room));
        let key = self.sessions.key(place);
        let Some(session) = self.sessions.get_mut(place) else { return };
        session.rooms.push(Membership { audience, member: PENDING });
        session.awaits_much |= since.is_some();
        let comes_over = session.strands.as_ref().is_some_and(|strands| strands.come_over());
        let home = self.settings.home_of(&room);
        let enter = Enter { room, session: key, user, since, tag, comes_over };
        self.send_mail(home, Mail::Enter(Box::new(enter)));
    }

    /// A home let the session in: it is told, sent what it missed, and is a member from here on.
    pub(crate) fn entered(&mut self, mut entered: Entered, now: Now) {
        let Some((place, index)) = self.pending(entered.to, &entered.room) else {
            // It has ended meanwhile, and the home has counted it all the same.
            let Entered { room, user, .. } = entered;
            let home = self.settings.home_of(&room);
            return self.send_mail(home, Mail::Exit(Exit { room, shard: self.settings.shard, user }));
        };
        if !self.is_to_go_on_in(place, &entered.room) {
            self.withhold(place, &mut entered);
        }
        self.become_member(place, index, entered.at);
        match entered.resumption {
            Resumption::Fresh => {}
            Resumption::Complete => self.tally.resumes_complete += 1,
            Resumption::Partial => self.tally.resumes_partial += 1,
        }
        if let Some(audience) = self.audiences.find(&entered.room) {
            let audience = self.audiences.get_mut(audience);
            audience.counts = entered.counts;
            // The audience's copy of the name, which sessions that keep a name then share.
            entered.room = audience.room.clone();
        }
        let room = entered.room.clone();
        // It may have been ruled meanwhile, or while it was away.
        let stays = self.check_stay(place, &room, now);
        if self.is_to_go_on_in(place, &entered.room) {
            self.entered_again(place, entered, now);
        } else {
            self.note_entered(place, &entered.room, entered.stands_at());
            self.welcome(place, entered, now);
            self.go_on(place, now);
        }
        if let Err(because) = stays {
            self.expel_one(place, &room, because, now);
        }
    }

    /// Keeps from a session what the room's rules keep from it. What it asked for and does not get, it is told of as lost.
    fn withhold(&self, place: Place, entered: &mut Entered) {
        if self.check_rules(place, Right::See, &entered.room).is_err() {
            entered.present = None;
        }
        if self.check_rules(place, Right::Recall, &entered.room).is_ok() || entered.missed.is_empty() {
            return;
        }
        let since = entered.lost.map_or(entered.stands_at(), |(since, _)| since);
        (entered.resumption, entered.lost) = (Resumption::Partial, Some((since, entered.at)));
        entered.missed = Vec::new();
    }

    /// The session becomes a member at the position where the room stood when its home let it in.
    fn become_member(&mut self, place: Place, index: usize, at: Position) {
        let Some(session) = self.sessions.get(place) else { return };
        let room = &self.audiences.get(session.rooms[index].audience).room;
        let Some(form) = self.form_in(session, room) else { return };
        let Some(session) = self.sessions.get_mut(place) else { return };
        let membership = &mut session.rooms[index];
        let audience = self.audiences.get_mut(membership.audience);
        membership.member = audience.enter(place, session.stream, form, at);
        let room = &audience.room;
        if room.is_public() && self.settings.attention >= Attention::Sessions {
            let room = room.clone();
            self.note(place, Attention::Sessions, || Deed::Joined(room));
        }
        self.note_direct(place);
    }

    /// The form in which a session reads a room; `None`: it takes nothing told to rooms.
    pub(crate) fn form_in(&self, session: &Session, room: &RoomId) -> Option<Form> {
        let (user, standing) = (session.user.as_ref(), session.standing.as_ref());
        let names_users = self.settings.rules.check(Right::See, room, user, standing).is_ok();
        Some(Form { gateway: session.gateway, variant: session.protocol.form()?, names_users })
    }

    /// Tells a session that it was let in, and what it missed.
    fn welcome(&mut self, place: Place, entered: Entered, now: Now) {
        let Entered { to, room, user, at, tag, counts, present, resumption, lost, missed } = entered;
        let event = match user.filter(|_| room.is_inbox()) {
            Some(user) => {
                self.name(place, &user);
                let session = to.to_string().into();
                let ping_interval_s = (self.settings.gateways.ping_interval_ms / 1000) as u32;
                Event::Welcome { tag, user, session, time: now.wall, ping_interval_s, inbox: at, resumption }
            }
            None => Event::Joined { tag, room: room.clone(), at, resumption, counts, present },
        };
        self.deliver(place, &event, now);
        if let Event::Welcome { .. } = event {
            self.mind_expiry(place, now);
        }
        if let Some((since, at)) = lost.filter(|_| resumption == Resumption::Partial) {
            self.deliver(place, &Event::Lost { room, since, at }, now);
        }
        for message in missed {
            self.deliver(place, &Event::Posted(message.clone()), now);
            self.note_told(place, &message);
        }
        if let Some(session) = self.sessions.get_mut(place).filter(|_| resumption != Resumption::Fresh) {
            session.awaits_much = false;
        }
    }

    /// The session goes by a name from here on, in the rooms that it came to as a guest too.
    pub(crate) fn name(&mut self, place: Place, user: &UserId) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        session.user = Some(user.clone());
        self.count_in(place, Party::User(user.clone()));
        self.note(place, Attention::Sessions, || Deed::LoggedIn(user.clone()));
        let Some(session) = self.sessions.get(place) else { return };
        let joined = session.rooms.iter().map(|membership| &self.audiences.get(membership.audience).room);
        let rooms: Vec<RoomId> = joined.filter(|room| room.is_public()).cloned().collect();
        for room in rooms {
            let home = self.settings.home_of(&room);
            self.send_mail(home, Mail::Named { room, user: user.clone() });
        }
    }

    /// A home did not let the session in.
    pub(crate) fn barred(
        &mut self,
        to: SessionKey,
        room: &RoomId,
        tag: Option<Tag>,
        refusal: Refusal,
        now: Now,
    ) {
        let Some((place, index)) = self.pending(to, room) else { return };
        if let Some(session) = self.sessions.get_mut(place) {
            session.awaits_much = false;
            if room.is_inbox() {
                session.standing = None;
            }
            let membership = session.rooms.remove(index);
            self.audiences.release(membership.audience);
        }
        self.note_direct(place);
        if self.is_to_go_on_in(place, room) {
            return self.barred_again(place, room, now);
        }
        self.refuse(place, tag, refusal, now);
        self.go_on(place, now);
    }

    /// The session and which of its memberships waits for this room's home.
    fn pending(&self, key: SessionKey, room: &RoomId) -> Option<(Place, usize)> {
        let place = self.sessions.find(key)?;
        let index = self.membership(place, room)?;
        let waits = self.sessions.get(place)?.rooms[index].member == PENDING;
        waits.then_some((place, index))
    }

    /// Which of the session's memberships is in the room.
    pub(crate) fn membership(&self, place: Place, room: &RoomId) -> Option<usize> {
        let audience = self.audiences.find(room)?;
        self.sessions.get(place)?.member_of(audience)
    }

    /// A client wants to be in a room no longer.
    pub(crate) fn leave(
        &mut self,
        place: Place,
        room: RoomId,
        tag: Option<Tag>,
        now: Now,
    ) -> Result<(), Refusal> {
        let index = self.membership(place, &room).ok_or(Refusal::NotJoined)?;
        self.tell_missed_in(place, &room, now);
        self.note_left(place, &room);
        self.walk_out(place, index, room.clone());
        self.deliver(place, &Event::Left { room, tag }, now);
        Ok(())
    }

    pub(crate) fn leave_all(&mut self, place: Place, names: &RoomNames, now: Now) -> Result<(), Refusal> {
        let Some(session) = self.sessions.get(place) else { return Ok(()) };
        let joined = session.rooms.iter().map(|membership| &self.audiences.get(membership.audience).room);
        let meant = |room: &&RoomId| room.is_public() && names.contain(room.name());
        for room in joined.filter(meant).cloned().collect::<Vec<_>>() {
            self.leave(place, room, None, now)?;
        }
        Ok(())
    }

    /// The session is in a room no longer, and the room's home is told.
    pub(crate) fn walk_out(&mut self, place: Place, index: usize, room: RoomId) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let user = session.user.clone();
        let membership = session.rooms.remove(index);
        self.leave_audience(membership);
        self.note_direct(place);
        self.note(place, Attention::Sessions, || Deed::Left(room.clone()));
        let home = self.settings.home_of(&room);
        self.send_mail(home, Mail::Exit(Exit { room, shard: self.settings.shard, user }));
    }

    pub(crate) fn leave_audience(&mut self, membership: Membership) {
        let Membership { audience, member } = membership;
        if member != PENDING {
            let moved = self.audiences.remove_member(audience, member);
            if let Some(session) = moved.and_then(|moved| self.sessions.get_mut(moved))
                && let Some(index) = session.member_of(audience)
            {
                session.rooms[index].member = member;
            }
        }
        self.audiences.release(audience);
    }
}

//! What sessions ask of chat, and what homes answer them.

use std::sync::Arc;

use access::Right;
use chat::{
    Body, Command, Content, Event, Position, Refusal, Resumption, RoomId, RoomNames, SignalName, Tag, UserId,
};
use gateways::{Form, Outbox};

use crate::headcount::Party;
use crate::latency::Heard;
use crate::mail::{Enter, Entered, Exit, Mail, Post, Recall};
use crate::sessions::{Membership, PENDING, Session};
use crate::standing::Saying;
use crate::streams::{NOBODY, Place};
use crate::{Attention, Deed, Now, SessionKey, Shard};

impl Shard {
    /// Does a command that hangs on nothing that was asked before.
    pub(crate) fn carry_out(&mut self, place: Place, command: Command, now: Now) {
        let tag = tag_of(&command).cloned();
        let done = match command {
            Command::Identify { credentials, takes_direct, inbox, tag } => {
                self.identify(place, credentials, (takes_direct, inbox), tag, now)
            }
            Command::Join { room, since, tag } => self.ask_to_join(place, room, since, tag, now),
            Command::Leave { room, tag } => self.leave(place, room, tag, now),
            Command::LeaveAll { rooms } => self.leave_all(place, &rooms, now),
            Command::Post { room, author, body, tag, reply } => {
                self.ask_to_post(place, Saying { room, author, body, tag, reply }, now)
            }
            Command::Direct { to, body, tag } => self.direct(place, to, (body, tag), now),
            Command::Recall { room, before, limit, tag } => {
                self.recall(place, Recall { room, before, limit, tag, session: self.sessions.key(place) })
            }
            Command::Signal { room, signal, content, .. } => self.signal(place, room, (signal, content), now),
            Command::Announce { room, signal, content } => {
                let home = self.settings.home_of(&room);
                self.send_mail(home, Mail::Signal { room, user: None, signal, content: Some(content) });
                Ok(())
            }
            Command::Proclaim { namespace, event, content } => {
                self.proclaim(namespace, event, content, now);
                Ok(())
            }
            Command::Bid { namespace, wish, number } => self.bid(place, namespace, *wish, number, now),
            Command::AskTime { tag } => {
                self.deliver(place, &Event::Time { tag, time: now.wall }, now);
                Ok(())
            }
        };
        if let Err(refusal) = done {
            self.refuse(place, tag, refusal, now);
        }
    }

    fn ask_to_join(
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

    fn leave(&mut self, place: Place, room: RoomId, tag: Option<Tag>, now: Now) -> Result<(), Refusal> {
        let index = self.membership(place, &room).ok_or(Refusal::NotJoined)?;
        self.tell_missed_in(place, &room, now);
        self.note_left(place, &room);
        self.walk_out(place, index, room.clone());
        self.deliver(place, &Event::Left { room, tag }, now);
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

    fn leave_all(&mut self, place: Place, names: &RoomNames, now: Now) -> Result<(), Refusal> {
        let Some(session) = self.sessions.get(place) else { return Ok(()) };
        let joined = session.rooms.iter().map(|membership| &self.audiences.get(membership.audience).room);
        let meant = |room: &&RoomId| room.is_public() && names.contain(room.name());
        for room in joined.filter(meant).cloned().collect::<Vec<_>>() {
            self.leave(place, room, None, now)?;
        }
        Ok(())
    }

    fn ask_to_post(&mut self, place: Place, saying: Saying, now: Now) -> Result<(), Refusal> {
        self.check_size(&saying.body)?;
        self.check_present(place, &saying.room)?;
        self.check_rules(place, Right::Post, &saying.room)?;
        self.check_speech(place, &saying.room, now)?;
        self.post_if_decided(place, saying, now)
    }

    /// The session may say that, for all that anybody has against it.
    pub(crate) fn post(&mut self, place: Place, saying: Saying) -> Result<(), Refusal> {
        let Saying { room, author, body, tag, reply } = saying;
        let user = self.user_of(place);
        let is_free = user.is_none() && self.settings.rules.names_are_free();
        if author.is_some() && author != user && !is_free {
            return Err(Refusal::NotYours);
        }
        let author = author.or(user);
        let reply_to = if reply { self.owe(place) } else { None };
        self.tally.posts += 1;
        self.note(place, Attention::Messages, || Deed::Said { room: room.clone(), bytes: body.len() });
        let heard = self.hears(place, author.as_ref(), &room);
        let post = Post { author, body, tag, reply_to, room, heard };
        self.send_mail(self.settings.home_of(&post.room), Mail::Post(Box::new(post)));
        Ok(())
    }

    fn direct(
        &mut self,
        place: Place,
        to: UserId,
        (body, tag): (Body, Option<Tag>),
        now: Now,
    ) -> Result<(), Refusal> {
        self.check_size(&body)?;
        let author = Some(self.user_of(place).ok_or(Refusal::NotIdentified)?);
        let room = RoomId::inbox(to);
        self.check_speech(place, &room, now)?;
        let home = self.settings.home_of(&room);
        self.tally.posts += 1;
        self.note(place, Attention::Messages, || Deed::Said { room: room.clone(), bytes: body.len() });
        let heard = self.hears(place, author.as_ref(), &room);
        let post = Post { room, author, body, tag, reply_to: self.owe(place), heard };
        self.send_mail(home, Mail::Post(Box::new(post)));
        Ok(())
    }

    /// A message is on its way from here.
    fn hears(&mut self, place: Place, author: Option<&UserId>, room: &RoomId) -> Heard {
        let heard = self.turn.hears();
        if !self.traces.is_wanting() {
            return heard;
        }
        let session = self.sessions.key(place);
        Heard { trace: self.traces.catch(session, author, room, heard.us), ..heard }
    }

    /// Notes that the session is to hear of one more message what became of it, and says who that is.
    fn owe(&mut self, place: Place) -> Option<SessionKey> {
        self.sessions.get_mut(place)?.owed += 1;
        Some(self.sessions.key(place))
    }

    fn recall(&mut self, place: Place, recall: Recall) -> Result<(), Refusal> {
        self.membership(place, &recall.room).ok_or(Refusal::NotJoined)?;
        self.check_rules(place, Right::Recall, &recall.room)?;
        let Some(session) = self.sessions.get_mut(place) else { return Ok(()) };
        session.awaits_much = true;
        self.send_mail(self.settings.home_of(&recall.room), Mail::Recall(Box::new(recall)));
        Ok(())
    }

    fn signal(
        &mut self,
        place: Place,
        room: RoomId,
        (signal, content): (SignalName, Option<Arc<Content>>),
        now: Now,
    ) -> Result<(), Refusal> {
        self.membership(place, &room).ok_or(Refusal::NotJoined)?;
        if content.as_ref().is_some_and(|content| content.len() > self.settings.gateways.max_message_bytes) {
            return Err(Refusal::MessageTooLarge);
        }
        self.check_rules(place, Right::Post, &room)?;
        self.check_sign(place, &room, now)?;
        let user = self.user_of(place);
        self.send_mail(self.settings.home_of(&room), Mail::Signal { room, user, signal, content });
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

    pub(crate) fn answer(&mut self, to: SessionKey, event: &Event, now: Now) {
        let Some(place) = self.sessions.find(to) else { return self.answer_office(to, event) };
        match event {
            Event::Refused { refusal, .. } => self.tally.refused(*refusal),
            Event::Accepted { .. } => self.traces.note_accepted(to),
            _ => {}
        }
        self.deliver(place, event, now);
        let Some(session) = self.sessions.get_mut(place) else { return };
        if let Event::Page { .. } = event {
            session.awaits_much = false;
            self.go_on(place, now);
        } else {
            session.owed -= 1;
        }
    }

    /// Tells one session.
    pub(crate) fn deliver(&mut self, place: Place, event: &Event, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let mut out = Outbox { bytes: std::mem::take(&mut self.words), ..Outbox::default() };
        let id = session.stream;
        session.protocol.deliver(event, &mut out);
        // A client whose credentials are believed may go on with what it has begun.
        match out.commands.is_empty() && !out.reforms {
            true => self.settle(place, id, &mut out, now),
            false => self.act(id, place, &mut out, now),
        }
        self.words = out.bytes;
    }

    pub(crate) fn refuse(&mut self, place: Place, tag: Option<Tag>, refusal: Refusal, now: Now) {
        self.tally.refused(refusal);
        self.deliver(place, &Event::Refused { tag, refusal }, now);
    }

    /// The session, if it is still there, is over: its streams are closed and its rooms are told. A home that has not answered yet is told
    /// once it has.
    pub(crate) fn end_session(&mut self, place: Place, because: &'static str, now: Now) {
        let Some(session) = self.sessions.get_mut(place) else { return };
        let mut out = Outbox::default();
        session.protocol.end(&mut out);
        for command in out.commands {
            self.carry_out(place, command, now);
        }
        // One of them may have been refused, and the answer too much for the stream.
        if self.sessions.get(place).is_none() {
            return;
        }
        self.note_sent(place);
        self.note(place, Attention::Sessions, || Deed::Disconnected { because });
        let key = self.sessions.key(place);
        let mut session = self.sessions.remove(place);
        self.floods.forget(place);
        self.count_out(place);
        self.remember(key, &mut session);
        for id in session.streams() {
            if let Some(stream) = self.streams.get_mut(id) {
                stream.session = NOBODY;
                self.close_politely(id, now);
            }
        }
        for membership in &session.rooms {
            let room = self.audiences.get(membership.audience).room.clone();
            self.leave_audience(*membership);
            if membership.member == PENDING {
                continue;
            }
            let exit = Exit { room, shard: self.settings.shard, user: session.user.clone() };
            self.send_mail(self.settings.home_of(&exit.room), Mail::Exit(exit));
        }
        self.rest_if_nobody();
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
        let (user, standing) = (session.user.as_ref(), session.standing.as_deref());
        let names_users = self.settings.rules.check(Right::See, room, user, standing).is_ok();
        Some(Form { gateway: session.gateway, variant: session.protocol.form()?, names_users })
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

    /// Which of the session's memberships is in the room.
    pub(crate) fn membership(&self, place: Place, room: &RoomId) -> Option<usize> {
        let audience = self.audiences.find(room)?;
        self.sessions.get(place)?.member_of(audience)
    }

    /// The session and which of its memberships waits for this room's home.
    fn pending(&self, key: SessionKey, room: &RoomId) -> Option<(Place, usize)> {
        let place = self.sessions.find(key)?;
        let index = self.membership(place, room)?;
        let waits = self.sessions.get(place)?.rooms[index].member == PENDING;
        waits.then_some((place, index))
    }

    pub(crate) fn user_of(&self, place: Place) -> Option<UserId> {
        self.sessions.get(place)?.user.clone()
    }

    pub(crate) fn check_size(&self, body: &Body) -> Result<(), Refusal> {
        // The text may be found in the payload and stand beside it once more: together they may be longer than what was sent.
        let text_bytes = body.as_text().map_or(0, str::len);
        if body.payload.bytes.len().max(text_bytes) > self.settings.gateways.max_message_bytes {
            return Err(Refusal::MessageTooLarge);
        }
        Ok(())
    }

    /// A session that takes nothing told to rooms is a visitor: it need not be a member to post.
    fn check_present(&self, place: Place, room: &RoomId) -> Result<(), Refusal> {
        let visitor = self.sessions.get(place).is_some_and(|session| session.protocol.form().is_none());
        if visitor || self.membership(place, room).is_some() { Ok(()) } else { Err(Refusal::NotJoined) }
    }
}

pub(crate) fn tag_of(command: &Command) -> Option<&Tag> {
    match command {
        Command::Identify { tag, .. }
        | Command::Join { tag, .. }
        | Command::Leave { tag, .. }
        | Command::Post { tag, .. }
        | Command::Direct { tag, .. }
        | Command::Recall { tag, .. }
        | Command::Signal { tag, .. }
        | Command::AskTime { tag } => tag.as_ref(),
        Command::LeaveAll { .. }
        | Command::Announce { .. }
        | Command::Proclaim { .. }
        | Command::Bid { .. } => None,
    }
}

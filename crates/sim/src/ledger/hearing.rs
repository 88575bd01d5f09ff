//! What each thing that a client hears means for the ledger.

use chat::{Position, Refusal, Resumption, RoomId, Tag, Time, UserId};
use gateways::{Heard, Said};

use super::mark::Mark;
use super::pace::Kind;
use super::rooms::MISSED_MAX;
use super::session::{Asked, Speech, What};
use super::stay::Stay;
use super::{Ledger, PostState, SessionNo, Trouble, shown};

impl Ledger {
    /// A client hears something.
    pub fn hear(&mut self, session: SessionNo, heard: &Heard, now: Time) {
        match heard {
            Heard::Opened => self.opened(session),
            // Where it goes on the client knows.
            Heard::Recovered => self.let_into_everybody(session),
            Heard::Welcome { tag, user, time, inbox, resumption, .. } => {
                if let Some(time) = time {
                    self.check_time(session, *time, now);
                }
                self.welcomed(session, tag, user, *inbox, *resumption);
            }
            Heard::Joined { tag, room, at, resumption, counts, present } => {
                self.joined(session, tag, room, *at, *resumption);
                let tells_presence = !self.sessions[session.0].speech.is_of_events();
                if let Some(stay) = self.stay(session, room).filter(|_| tells_presence) {
                    stay.counts = Some(*counts);
                    stay.list = present.as_ref().map(|present| present.iter().cloned().collect());
                }
            }
            Heard::Posted(said) => self.posted(session, said, now),
            Heard::Accepted { tag, at } => self.accepted(session, tag, *at, now),
            Heard::Refused { tag, refusal } => self.refused(session, tag, *refusal),
            Heard::Lost { room, since, at } => self.lost(session, room, *since, *at),
            Heard::Presence { room, joined, left, counts } => match self.stay(session, room) {
                Some(stay) => stay.note_presence(joined.as_deref(), left.as_deref(), *counts),
                None => self.complain(session, &format!("hears of presence in {room:?}, where it is not")),
            },
            Heard::Signal { room, .. } => {
                if self.stay(session, room).is_none() {
                    self.complain(session, &format!("hears a signal in {room:?}, where it is not"));
                }
            }
            Heard::Page { tag, room, messages, .. } => self.page(session, tag, room, messages),
            Heard::Left { tag, room } => {
                let asked =
                    self.answer(session, tag, |what| matches!(what, What::Leave { room: of } if of == room));
                if asked.is_some() && self.sessions[session.0].stays.remove(room).is_none() {
                    self.complain(session, &format!("has left {room:?}, where it was not"));
                }
            }
            Heard::Time { tag, time } => {
                self.check_time(session, *time, now);
                if let Some(asked) = self.answer(session, tag, |what| *what == What::Time) {
                    self.granted(session, &asked);
                }
            }
            Heard::Closing(farewell) => {
                self.parted(session, farewell.code(), farewell.reason());
                self.note(session, |conduct| conduct.is_leaving = true);
            }
            Heard::Closed { code, reason } => {
                self.parted(session, *code, reason);
                self.gone(session);
            }
            Heard::Removed { room, because } => {
                self.complain(session, &format!("is out of {room:?} ({because:?}), where no operator is"));
            }
            Heard::Refreshed { .. } | Heard::Expiring { .. } => {
                self.complain(session, "hears of a proof that it has never shown");
            }
            Heard::Pinged => {}
        }
    }

    fn opened(&mut self, session: SessionNo) {
        let room = match &self.sessions[session.0].speech {
            Speech::Plain(room) => room.clone(),
            Speech::Events { .. } => {
                self.let_into_everybody(session);
                RoomId::everybody()
            }
            _ => return,
        };
        self.sessions[session.0].stays.insert(room, Stay::default());
    }

    /// It has not asked for that, and it counts as a join all the same.
    fn let_into_everybody(&mut self, session: SessionNo) {
        self.sessions[session.0].pace.ask(Kind::Joins, false, self.now_ms);
    }

    fn welcomed(
        &mut self,
        session: SessionNo,
        tag: &Option<Tag>,
        user: &UserId,
        at: Option<Position>,
        resumption: Resumption,
    ) {
        let Some(asked) = self.answer(session, tag, |what| matches!(what, What::Identify { .. })) else {
            return;
        };
        self.granted(session, &asked);
        let What::Identify { inbox: since } = asked.what else { return };
        if self.sessions[session.0].user.as_ref() != Some(user) {
            self.complain(session, &format!("is welcomed as {user:?}"));
        }
        let room = RoomId::inbox(user.clone());
        match at {
            Some(at) => self.begin(session, room, at, since, resumption),
            None => self.enter(session, room, Stay::default()),
        }
    }

    fn joined(
        &mut self,
        session: SessionNo,
        tag: &Option<Tag>,
        room: &RoomId,
        at: Position,
        resumption: Resumption,
    ) {
        let fits = |what: &What| matches!(what, What::Join { room: of, .. } if of == room);
        let Some(asked) = self.answer(session, tag, fits) else { return };
        self.granted(session, &asked);
        let What::Join { since, .. } = asked.what else { return };
        let is_behind = |floor: Position| floor.epoch == at.epoch && at.offset < floor.offset;
        if asked.floor.is_some_and(is_behind) && self.rooms.layout.is_none() {
            self.complain(
                session,
                &format!("joins {room:?} at {at}, which stood at {:?} before", asked.floor),
            );
        }
        self.begin(session, room.clone(), at, since, resumption);
    }

    fn begin(
        &mut self,
        session: SessionNo,
        room: RoomId,
        at: Position,
        since: Option<Position>,
        resumption: Resumption,
    ) {
        let within = self.rules.resumes_within;
        // A node that goes on by itself cannot have what was said elsewhere.
        let is_apart = self.trouble > Trouble::None && self.room(&room).is_local;
        if let Some(since) = since.filter(|since| since.epoch == at.epoch)
            && resumption == Resumption::Partial
            && !is_apart
            && at.offset.saturating_sub(since.offset) <= within
        {
            self.complain(session, &format!("was away from {since} to {at} and cannot have what was said"));
        }
        self.room(&room).note_head(at);
        let is_placed = self.sessions[session.0].speech.tells_places();
        let room_book = self.rooms.open(&room);
        let stay =
            if is_placed { Stay::begin(at, since, resumption, room_book) } else { Ok(Stay::default()) };
        match stay {
            Ok(stay) => self.enter(session, room, stay),
            Err(fault) => self.complain(session, &format!("in {room:?}, {fault}")),
        }
    }

    fn enter(&mut self, session: SessionNo, room: RoomId, stay: Stay) {
        if self.sessions[session.0].stays.insert(room.clone(), stay).is_some() {
            self.complain(session, &format!("joins {room:?} twice"));
        }
    }

    fn posted(&mut self, session: SessionNo, said: &Said, now: Time) {
        if let Some(time) = said.time {
            self.check_time(session, time, now);
        }
        let mark = Mark::of(said);
        self.check_said(session, said, mark);
        let room = self.rooms.open(&said.room);
        let fault = match self.sessions[session.0].stays.get_mut(&said.room) {
            Some(stay) => stay.show(said.at, mark, room).err(),
            None => Some("is not there".into()),
        };
        if let Some(fault) = fault {
            self.complain(session, &format!("in {:?}, {fault}", said.room));
        }
    }

    /// A message is what its author made it, wherever it is shown.
    fn check_said(&mut self, session: SessionNo, said: &Said, mark: Option<Mark>) {
        let Some(mark) = mark else { return };
        let Some(post) = self.posts.get(&mark) else {
            return self.complain(session, &format!("is shown {mark}, which nobody has posted"));
        };
        let speech = &self.sessions[session.0].speech;
        let is_plain = matches!(speech, Speech::Plain(_));
        let tells_tags = speech.tells_tags() && !post.is_retagged;
        let fault = if post.room != said.room {
            format!("is shown {mark} in {:?}, posted in {:?}", said.room, post.room)
        } else if post.author != said.user && post.is_signed && (post.has_words || !is_plain) {
            format!("is shown {mark} by {:?}, posted by {:?}", said.user, post.author)
        } else if tells_tags && post.tag != said.tag {
            format!("is shown {mark} as {:?}, posted as {:?}", said.tag, post.tag)
        } else if post.state == PostState::Refused {
            format!("is shown {mark} at {}, which was refused", shown(said.at))
        } else {
            return;
        };
        self.complain(session, &fault);
    }

    fn accepted(&mut self, session: SessionNo, tag: &Option<Tag>, at: Position, now: Time) {
        let Some(asked) = self.answer(session, tag, |what| matches!(what, What::Post { .. })) else { return };
        self.granted(session, &asked);
        let What::Post { room, mark } = asked.what else { return };
        if let Some(post) = self.posts.get_mut(&mark) {
            post.state = PostState::Accepted;
        }
        // Who reads late is told late.
        let is_fresh = !self.sessions[session.0].conduct.is_slow;
        let is_durable = self.rules.is_durable;
        let book = self.room(&room);
        book.accepted.extend((is_fresh && !is_durable).then_some((at, now)));
        book.kept.extend(is_durable.then_some((mark, at)));
        if let Err(fault) = book.place(at, Some(mark)) {
            self.complain(session, &format!("in {room:?}, {fault}"));
        }
    }

    /// A session is given what it has asked for. Where nothing holds answers up but its own haste, no more than it may have by now.
    fn granted(&mut self, session: SessionNo, asked: &Asked) {
        let book = &mut self.sessions[session.0];
        let Some(kind) = asked.what.kind() else { return };
        let is_due = book.pace.grant(kind, self.now_ms);
        if !is_due && !book.conduct.is_slow {
            self.complain(session, &format!("is granted {:?}, and more than it may have by now", asked.what));
        }
    }

    fn refused(&mut self, session: SessionNo, tag: &Option<Tag>, refusal: Refusal) {
        let Some(asked) = self.answer(session, tag, |_| true) else { return };
        if let (Refusal::TooFast { retry_after_ms }, Some(kind)) = (refusal, asked.what.kind())
            && !self.sessions[session.0].pace.refuse(kind, retry_after_ms.into(), self.now_ms)
        {
            self.complain(session, &format!("is told to ask again after {retry_after_ms} ms"));
        }
        // An earlier try may have been taken, and its answer lost; a visitor may be sent away after its post was taken, and the answer of a
        // broker may be lost too.
        let is_visitor = self.sessions[session.0].speech == Speech::Poster;
        let is_sent_away = refusal == Refusal::Unavailable || (refusal == Refusal::Draining && is_visitor);
        if let What::Post { mark, .. } = &asked.what
            && !is_sent_away
            && let Some(post) = self.posts.get_mut(mark).filter(|post| post.tries == 1)
        {
            post.state = PostState::Refused;
        }
        if let What::Identify { .. } = asked.what {
            self.sessions[session.0].user = None;
            self.posts.values_mut().filter(|post| post.by == session).for_each(|post| post.is_signed = false);
        }
        if !self.may_refuse(session, &asked, refusal) {
            self.complain(session, &format!("is refused {:?} for {}", asked.what, refusal.code()));
        }
    }

    fn may_refuse(&self, session: SessionNo, asked: &Asked, refusal: Refusal) -> bool {
        match (refusal, &asked.what) {
            (Refusal::RoomFull | Refusal::Overloaded, What::Join { .. } | What::Identify { .. }) => {
                self.rules.may_be_full
            }
            (Refusal::Overloaded, What::Post { .. }) | (Refusal::TooManyRooms, What::Join { .. }) => {
                self.rules.may_be_full
            }
            (Refusal::Draining, _) => self.is_draining(session),
            (Refusal::TooFast { .. }, _) => asked.is_hasty,
            // Members of one node go on among themselves as long as there is no broker.
            (Refusal::Unavailable, What::Post { .. })
                if asked.outage.is_some()
                    && asked.outage.as_ref() == self.outages.get(&self.sessions[session.0].conduct.node) =>
            {
                false
            }
            (Refusal::Unavailable, What::Post { .. } | What::Join { .. } | What::Identify { .. }) => {
                self.trouble.max(asked.trouble) > Trouble::None
            }
            (Refusal::NoSuchUser, What::Post { room, .. })
                if self.trouble.max(asked.trouble) >= Trouble::Loss =>
            {
                room.is_inbox()
            }
            (Refusal::NoSuchUser, What::Post { room, .. }) => {
                let is_there = |reader: SessionNo| {
                    let reader = &self.sessions[reader.0];
                    reader.is_attentive() && reader.stays.contains_key(room)
                };
                room.is_inbox() && !asked.reader.is_some_and(is_there)
            }
            (Refusal::NotIdentified, What::Post { room, .. }) => {
                room.is_inbox() && self.sessions[session.0].user.is_none()
            }
            (
                Refusal::NotJoined,
                What::Post { room, .. }
                | What::Leave { room }
                | What::Recall { room, .. }
                | What::Signal { room },
            ) => !self.sessions[session.0].stays.contains_key(room),
            _ => false,
        }
    }

    fn lost(&mut self, session: SessionNo, room: &RoomId, since: Position, at: Position) {
        let kept = self.rooms.layout.as_ref().map(|layout| layout.history_messages);
        let is_too_much = self.trouble == Trouble::Cut && kept < Some(MISSED_MAX);
        let is_excused = is_too_much || self.trouble >= Trouble::Loss;
        let has_parted = self.trouble > Trouble::None && since.epoch != at.epoch;
        let book = self.rooms.open(room);
        let may_lose =
            self.sessions[session.0].conduct.is_slow || is_excused || (book.is_local && has_parted);
        let fault = match self.sessions[session.0].stays.get_mut(room) {
            Some(stay) => stay.lose(since, at, may_lose, book).err(),
            None => Some("is not there".into()),
        };
        self.room(room).note_head(at);
        if let Some(fault) = fault {
            self.complain(session, &format!("in {room:?}, {fault}"));
        }
    }

    fn page(&mut self, session: SessionNo, tag: &Option<Tag>, room: &RoomId, messages: &[Said]) {
        let fits = |what: &What| matches!(what, What::Recall { room: of, .. } if of == room);
        let Some(asked) = self.answer(session, tag, fits) else { return };
        self.granted(session, &asked);
        let What::Recall { before, .. } = asked.what else { return };
        let mut expected = None;
        for said in messages {
            let Some(at) = said.at else {
                return self.complain(session, "is given a page without positions");
            };
            if expected.is_some_and(|expected| expected != at) {
                self.complain(session, &format!("is given a page of {room:?} with a gap before {at}"));
            }
            expected = Some(Position { epoch: at.epoch, offset: at.offset + 1 });
            let mark = Mark::of(said);
            self.check_said(session, said, mark);
            if let Err(fault) = self.room(room).place(at, mark) {
                self.complain(session, &format!("in a page of {room:?}, {fault}"));
            }
        }
        if let (Some(end), Some(before)) = (expected, before)
            && end != before
            && !(end.offset == before.offset && self.room(room).goes_on(before, end.epoch))
        {
            self.complain(
                session,
                &format!("is given a page of {room:?} that ends before {end}, not {before}"),
            );
        }
    }

    fn parted(&mut self, session: SessionNo, code: u16, reason: &str) {
        let is_draining = self.is_draining(session);
        let book = &mut self.sessions[session.0];
        let conduct = book.conduct;
        let may_be_barred = self.rules.may_be_full || self.trouble.max(book.trouble) > Trouble::None;
        let is_full = matches!(book.speech, Speech::Plain(_) | Speech::Reader(..)) && may_be_barred;
        let is_due = match code {
            _ if conduct.is_leaving => true,
            // It has read so slowly that it did not connect in time.
            1002 => conduct.is_slow && book.speech.is_of_events() && book.stays.is_empty(),
            4008 => conduct.is_slow,
            4009 => conduct.is_silent || conduct.is_slow,
            4012 => is_draining,
            4513 => book.pace.was_eager(),
            503 => is_draining || is_full,
            4013 => is_full || is_draining || book.unanswered().count() > self.rules.flood,
            4508 => is_full,
            _ => false,
        };
        if !is_due {
            self.complain(session, &format!("is parted with: {code} {reason}"));
        }
    }

    /// What an answer is for; a complaint when nothing is.
    fn answer(
        &mut self,
        session: SessionNo,
        tag: &Option<Tag>,
        fits: impl Fn(&What) -> bool,
    ) -> Option<Asked> {
        let asked = self.sessions[session.0].answer(tag, fits);
        if asked.is_none() {
            self.complain(session, &format!("is answered {tag:?}, which it did not ask"));
        }
        asked
    }

    /// Times are of the server's clock, which clients here can read: never ahead of it.
    fn check_time(&mut self, session: SessionNo, time: Time, now: Time) {
        if time > now || time < crate::DAWN {
            self.complain(session, &format!("is told that it is {time:?} at {now:?}"));
        }
    }
}

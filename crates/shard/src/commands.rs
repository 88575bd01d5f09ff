//! What sessions ask of chat, and what they are answered.

use std::sync::Arc;

use access::Right;
use chat::{Command, Content, Event, Refusal, RoomId, SignalName, Tag, UserId};
use gateways::Outbox;

use crate::mail::{Mail, Recall};
use crate::posting::Saying;
use crate::streams::Place;
use crate::{Now, SessionKey, Shard};

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

    pub(crate) fn user_of(&self, place: Place) -> Option<UserId> {
        self.sessions.get(place)?.user.clone()
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

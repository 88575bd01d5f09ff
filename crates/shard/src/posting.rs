//! The way of what a session says: whether it may, for its size, its place, the rules, the rulings of operators and whoever decides, and then as
//! mail to the home of its room. What becomes of it there is told by [`Shard::answer`].

use access::Right;
use chat::{Body, Refusal, RoomId, Tag, UserId};

use crate::latency::Heard;
use crate::mail::{Mail, Post};
use crate::streams::Place;
use crate::{Attention, Deed, Now, SessionKey, Shard};

/// What a session says in a room.
#[derive(Debug)]
pub(crate) struct Saying {
    pub(crate) room: RoomId,
    /// Whom the message itself names.
    pub(crate) author: Option<UserId>,
    pub(crate) body: Body,
    pub(crate) tag: Option<Tag>,
    /// Its author wants an answer.
    pub(crate) reply: bool,
}

impl Shard {
    /// A client wants to say something in a room.
    pub(crate) fn ask_to_post(&mut self, place: Place, saying: Saying, now: Now) -> Result<(), Refusal> {
        self.check_size(&saying.body)?;
        self.check_present(place, &saying.room)?;
        self.check_rules(place, Right::Post, &saying.room)?;
        self.check_speech(place, &saying.room, now)?;
        self.post_if_decided(place, saying, now)
    }

    /// Whether something is no larger than a message may be.
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

    /// A client wants to say something to a user.
    pub(crate) fn direct(
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
}

//! The events that every client may say: what they ask of chat, and what they are acknowledged with.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use chat::{
    Body, Command, Content, Event, Payload, PayloadKind, Refusal, RoomId, SignalName, Tag, Text, UserId,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::socketio;

use super::namespaces::{Namespace, Namespaces};
use super::profile::Profile;
use crate::members::{Member, credentials, required, user};
use crate::object::Object;

/// An event as it came.
pub(super) struct Asking<'a> {
    pub(super) namespaces: &'a Namespaces,
    /// In which it was said.
    pub(super) namespace: Namespace,
    pub(super) event: &'a socketio::Event<'a>,
    pub(super) attachments: &'a [Vec<u8>],
    /// Of the acknowledgement, if one is wanted.
    pub(super) tag: Option<Tag>,
}

/// The first argument of the events that are understood.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asks<'a> {
    #[serde(borrow)]
    room: Member<'a>,
    #[serde(borrow, rename = "userId")]
    user_id: Member<'a>,
    #[serde(borrow)]
    username: Member<'a>,
    #[serde(borrow)]
    password: Member<'a>,
    #[serde(borrow)]
    token: Member<'a>,
    #[serde(borrow)]
    message: Member<'a>,
}

/// What stands in the place of an attachment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Placeholder {
    #[serde(rename = "_placeholder")]
    is_placeholder: bool,
    num: usize,
}

/// What an event asks for.
type Ask<'a> = fn(Asking<'a>) -> Result<Command, Refusal>;

/// What an event of that name asks for; nothing, if it is none of those that are understood.
pub(super) fn find<'a>(profile: &Profile, name: &str) -> Option<Ask<'a>> {
    let names = &profile.events;
    let asks: [(&String, Ask<'a>); 6] = [
        (&names.message, Asking::post),
        (&names.join_room, Asking::join),
        (&names.leave_room, Asking::leave),
        (&names.all, Asking::post_to_all),
        (&names.log_in, Asking::identify),
        (&names.send_message, Asking::direct),
    ];
    let known = asks.into_iter().find(|(known, _)| *known == name && !name.is_empty()).map(|(_, ask)| ask);
    known.or_else(|| profile.relay.iter().any(|relayed| relayed == name).then_some(Asking::relay as Ask<'a>))
}

impl<'a> Asking<'a> {
    fn join(self) -> Result<Command, Refusal> {
        let room = self.room(self.asks()?.room)?;
        Ok(Command::Join { room, since: None, tag: self.tag })
    }

    fn leave(self) -> Result<Command, Refusal> {
        let room = self.room(self.asks()?.room)?;
        Ok(Command::Leave { room, tag: self.tag })
    }

    fn post(self) -> Result<Command, Refusal> {
        let asks = self.asks()?;
        let author = asks.user_id.map(|name| user(Some(name))).transpose()?;
        let (room, body) = (self.room(asks.room)?, self.body(asks.message)?);
        Ok(Command::Post { room, author, body, reply: self.tag.is_some(), tag: self.tag })
    }

    fn post_to_all(self) -> Result<Command, Refusal> {
        let asks = self.asks()?;
        let author = asks.user_id.map(|name| user(Some(name))).transpose()?;
        let (room, body) = (RoomId::everybody(), self.body(asks.message)?);
        Ok(Command::Post { room, author, body, reply: self.tag.is_some(), tag: self.tag })
    }

    /// The first argument names the room, or is its name.
    fn relay(self) -> Result<Command, Refusal> {
        let first = self.event.arguments.first().ok_or(Refusal::BadRequest)?;
        let room = match serde_json::from_str::<Cow<'_, str>>(first) {
            Ok(name) => self.namespaces.room(self.namespace, &name)?,
            Err(_) => self.room(self.asks()?.room)?,
        };
        let signal = SignalName::new(&self.event.name).ok_or(Refusal::BadRequest)?;
        let attachments = self.attachments.iter().map(|bytes| Bytes::copy_from_slice(bytes)).collect();
        let content = Content { arguments: self.event.arguments.join(",").into(), attachments };
        Ok(Command::Signal { room, signal, content: Some(Arc::new(content)), tag: self.tag })
    }

    fn identify(self) -> Result<Command, Refusal> {
        let asks = self.asks()?;
        let credentials = credentials(asks.username, asks.password, asks.token)?;
        Ok(Command::Identify { credentials, takes_direct: true, inbox: None, tag: self.tag })
    }

    fn direct(self) -> Result<Command, Refusal> {
        let asks = self.asks()?;
        let (to, body) = (UserId::clone(&user(asks.username)?), self.body(asks.message)?);
        Ok(Command::Direct { to, body, tag: self.tag })
    }

    fn asks(&self) -> Result<Asks<'a>, Refusal> {
        match self.event.arguments.first() {
            Some(first) => serde_json::from_str(first).map_err(|_| Refusal::BadRequest),
            None => Ok(Asks::default()),
        }
    }

    fn room(&self, member: Member<'_>) -> Result<RoomId, Refusal> {
        self.namespaces.room(self.namespace, &required(member)?)
    }

    fn body(&self, message: Member<'_>) -> Result<Body, Refusal> {
        body(message, self.attachments)
    }
}

/// A text, bytes, or any other JSON as it was written. Bytes inside of JSON are refused.
fn body(message: Member<'_>, attachments: &[Vec<u8>]) -> Result<Body, Refusal> {
    let message: &RawValue = message.ok_or(Refusal::BadRequest)?;
    let payload = |kind, bytes: &[u8]| Payload { kind, bytes: Bytes::copy_from_slice(bytes) };
    if !attachments.is_empty() {
        let placeholder: Placeholder =
            serde_json::from_str(message.get()).map_err(|_| Refusal::BadRequest)?;
        let attachment = attachments.get(placeholder.num).filter(|_| placeholder.is_placeholder);
        let bytes = attachment.ok_or(Refusal::BadRequest)?;
        return Ok(Body { payload: payload(PayloadKind::Binary, bytes), text: Text::None });
    }
    match serde_json::from_str::<Cow<'_, str>>(message.get()) {
        Ok(text) => Ok(Body::text(&text)),
        Err(_) => {
            Ok(Body { payload: payload(PayloadKind::Json, message.get().as_bytes()), text: Text::None })
        }
    }
}

/// Whose message it is, and what it says, where a JSON text is an object of just that.
pub(super) fn read_message(argument: &str, attachments: &[Vec<u8>]) -> Option<(Option<UserId>, Body)> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Told<'a> {
        #[serde(borrow, default, rename = "userId")]
        user_id: Member<'a>,
        #[serde(borrow)]
        message: &'a RawValue,
    }
    let Told { user_id, message } = serde_json::from_str(argument).ok()?;
    let author = match user_id {
        None => None,
        Some(nobody) if nobody.get() == "\"\"" => None,
        named => Some(user(named).ok()?),
    };
    Some((author, body(Some(message), attachments).ok()?))
}

/// The tag of what is answered; `None`: it is no answer.
pub(super) fn answered(event: &Event) -> Option<Option<&Tag>> {
    match event {
        Event::Joined { tag, .. }
        | Event::Accepted { tag, .. }
        | Event::Left { tag, .. }
        | Event::Welcome { tag, .. }
        | Event::Refreshed { tag, .. }
        | Event::Refused { tag, .. } => Some(tag.as_ref()),
        _ => None,
    }
}

/// Appends what an acknowledgement says.
pub(super) fn write_answer(event: &Event, out: &mut Vec<u8>) {
    let object = Object::start(out);
    match event {
        Event::Joined { at, counts, present, .. } => object
            .shown("at", at)
            .number("members", u64::from(counts.members))
            .number("guests", u64::from(counts.guests))
            .users("present", present.as_deref())
            .end(),
        Event::Accepted { at, .. } => object.shown("at", at).end(),
        Event::Refused { refusal, .. } => object.refusal(*refusal).end(),
        _ => object.end(),
    }
}

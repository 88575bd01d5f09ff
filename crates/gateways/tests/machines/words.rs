//! What tests talk about: one room, a few people, and messages of every kind.

use std::sync::Arc;

use bytes::Bytes;
use chat::{
    Body, Content, Epoch, Message, Payload, PayloadKind, Position, RoomId, SignalName, Tag, Text, Time,
    UserId,
};

use crate::line::login;

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).expect("a valid name")
}

pub(crate) fn lobby() -> RoomId {
    RoomId::public(login().room)
}

pub(crate) fn tag(tag: &str) -> Option<Tag> {
    Some(Tag::new(tag).expect("a valid tag"))
}

pub(crate) fn at(offset: u64) -> Position {
    Position { epoch: Epoch(1_700_000_000_000), offset }
}

pub(crate) fn body(kind: PayloadKind, payload: &'static [u8], text: Text) -> Body {
    Body { payload: Payload { kind, bytes: Bytes::from_static(payload) }, text }
}

pub(crate) fn own(text: &str) -> Text {
    Text::Own(text.into())
}

pub(crate) fn typing() -> SignalName {
    SignalName::new("typing").expect("a valid signal")
}

pub(crate) fn content(arguments: &str, attachments: &[&'static [u8]]) -> Arc<Content> {
    let attachments = attachments.iter().map(|bytes| Bytes::from_static(bytes)).collect();
    Arc::new(Content { arguments: arguments.into(), attachments })
}

/// Ann's, at 43.
pub(crate) fn message(room: RoomId, body: Body) -> Arc<Message> {
    Arc::new(Message { room, at: at(43), author: Some(user("ann")), time: Time(5), tag: tag("c-1"), body })
}

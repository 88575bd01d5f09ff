//! What servers beside this node need of the sockets here, and what `message` and `all` are in their words and in ours.

use chat::{Body, Content, PayloadKind, UserId};
use serde_json::value::RawValue;

use super::events;
use super::sockets::Sockets;
use crate::object::Object;

/// What `message` and `all` carry, as every client is told them.
pub fn write_message(author: Option<&UserId>, body: &Body) -> Content {
    let mut json = Vec::new();
    write_object(("userId", author), body, &mut json);
    let attachments = match body.payload.kind {
        PayloadKind::Binary if body.as_text().is_none() => vec![body.payload.bytes.clone()],
        _ => Vec::new(),
    };
    Content { arguments: String::from_utf8(json).expect("JSON is text").into(), attachments }
}

/// Whose message it is, and what it says, if what an event carries is no more and no less than what every client is told of one.
pub fn read_message(arguments: &[&str], attachments: &[Vec<u8>]) -> Option<(Option<UserId>, Body)> {
    let [argument] = arguments else { return None };
    events::read_message(argument, attachments)
}

/// Appends `{userId, message}`, the first under the name it has in the event.
pub(super) fn write_object((name, author): (&str, Option<&UserId>), body: &Body, out: &mut Vec<u8>) {
    let object = Object::start(out).string(name, author.map_or("", UserId::as_str));
    match (body.as_text(), body.payload.kind) {
        (Some(words), _) => object.string("message", words),
        (None, PayloadKind::Binary) => object.json("message", "{\"_placeholder\":true,\"num\":0}"),
        (None, _) => object.json("message", std::str::from_utf8(&body.payload.bytes).unwrap_or("null")),
    }
    .end();
}

/// What a bare sign of somebody who does not speak Socket.IO carries, as every client is told it.
pub fn write_sign(room: &str, user: Option<&UserId>) -> Content {
    let mut json = Vec::new();
    Object::start(&mut json).string("room", room).string("userId", user.map_or("", UserId::as_str)).end();
    Content { arguments: String::from_utf8(json).expect("JSON is text").into(), attachments: Vec::new() }
}

/// What a JSON text says that is a string.
pub fn text(json: &str) -> Option<Box<str>> {
    serde_json::from_str(json).ok()
}

/// The values of an event, each as JSON.
pub fn values(content: &Content) -> Vec<Box<str>> {
    let array = format!("[{}]", content.arguments);
    let values: Vec<&RawValue> = serde_json::from_str(&array).unwrap_or_default();
    values.into_iter().map(|value| value.get().into()).collect()
}

impl Sockets {
    /// The id of the socket in a namespace that the client is connected to.
    pub(super) fn public_id(&self, namespace: &str) -> Option<String> {
        let namespace = self.profile.namespaces.find(namespace)?;
        self.is_connected_to(namespace).then(|| self.id(namespace).as_str().to_owned())
    }
}

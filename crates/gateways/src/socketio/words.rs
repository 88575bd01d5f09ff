//! The events of chat under the names that Socket.IO clients know them by.

use std::borrow::Cow;
use std::slice;

use bytes::Bytes;
use chat::{Event, Message, PayloadKind, RoomId};
use wire::socketio::{self, Body, Packet};

use super::form::Said;
use super::namespaces::Namespace;
use super::profile::Profile;
use crate::object::Object;

/// Writes what rooms tell, for sessions that are told what belongs to no namespace in one of them.
pub(super) struct Words<'a> {
    pub(super) profile: &'a Profile,
    pub(super) home: Option<Namespace>,
}

impl Words<'_> {
    /// Hands the packet of an event to `take`, if clients are told of such.
    pub(super) fn write(&self, event: &Event, take: &mut dyn FnMut(Said<'_>)) {
        match event {
            Event::Posted(message) => self.write_posted(message, take),
            Event::Lost { room, since, at } => {
                let Some((namespace, name)) = self.told(room) else { return };
                let mut json = Vec::new();
                Object::start(&mut json).string("room", name).shown("since", since).shown("at", at).end();
                say(namespace, &self.profile.events.lost, &json, &[], take);
            }
            _ => {}
        }
    }

    fn write_posted(&self, message: &Message, take: &mut dyn FnMut(Said<'_>)) {
        let Some((namespace, _)) = self.told(&message.room) else { return };
        let names = &self.profile.events;
        let (name, author) = match message.room.is_inbox() {
            true => (&names.new_message, "username"),
            false => (&names.message, "userId"),
        };
        let payload = &message.body.payload;
        let attachments = match payload.kind {
            PayloadKind::Binary => slice::from_ref(&payload.bytes),
            _ => &[],
        };
        let mut json = Vec::new();
        let user = message.author.as_ref().map_or("", |user| user.as_str());
        let object = Object::start(&mut json).string(author, user);
        let object = match (message.body.as_text(), payload.kind) {
            (Some(words), _) => object.string("message", words),
            (None, PayloadKind::Binary) => object.json("message", "{\"_placeholder\":true,\"num\":0}"),
            (None, _) => object.json("message", std::str::from_utf8(&payload.bytes).unwrap_or("null")),
        };
        object.end();
        say(namespace, name, &json, attachments, take);
    }

    /// The namespace in which a room is told, and its name there.
    fn told<'r>(&self, room: &'r RoomId) -> Option<(&str, &'r str)> {
        let (namespace, name) = match room.is_inbox() {
            true => (self.home?, room.name()),
            false => self.profile.namespaces.split(room.name()),
        };
        Some((self.profile.namespaces.name(namespace), name))
    }
}

/// Hands over an event with one argument, if it has a name.
fn say(namespace: &str, name: &str, json: &[u8], attachments: &[Bytes], take: &mut dyn FnMut(Said<'_>)) {
    if name.is_empty() {
        return;
    }
    let argument = std::str::from_utf8(json).expect("JSON is text");
    let event = socketio::Event {
        name: Cow::Borrowed(name),
        arguments: vec![argument],
        id: None,
        attachments: attachments.len(),
    };
    take(Said { packet: &Packet { namespace, body: Body::Event(event) }, attachments });
}

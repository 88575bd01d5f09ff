//! The events of chat under the names that Socket.IO clients know them by.

use std::borrow::Cow;
use std::slice;

use bytes::Bytes;
use chat::{Content, Event, Message, PayloadKind, RoomId, RoomKind, SignalName, UserId};
use serde_json::value::RawValue;
use wire::engineio::Revision;
use wire::socketio::{self, Body, Packet};

use super::beside::write_object;
use super::form::{Said, WireForm};
use super::namespaces::Namespace;
use super::profile::Profile;
use crate::object::Object;

/// Writes what rooms tell, for sessions that are told what belongs to no namespace in one of them.
pub(super) struct Words<'a> {
    pub(super) profile: &'a Profile,
    pub(super) home: Option<Namespace>,
    /// They are told where each message stands.
    pub(super) positions: bool,
}

impl<'a> Words<'a> {
    /// For sessions of a form.
    pub(super) fn of(profile: &'a Profile, form: WireForm) -> Self {
        let positions = profile.recovery && form.carrier.revision == Revision::V4;
        Self { profile, home: form.home, positions }
    }

    /// Hands the packet of an event to `take`, if clients are told of such.
    pub(super) fn write(&self, event: &Event, take: &mut dyn FnMut(Said<'_>)) {
        match event {
            Event::Posted(message) => self.write_posted(message, take),
            Event::Lost { room, since, at } => {
                let Some((namespace, name)) = self.told(room) else { return };
                let json = json(|object| object.string("room", name).shown("since", since).shown("at", at));
                say(namespace, &self.profile.events.lost, vec![&json], &[], take);
            }
            Event::Removed { room, because } => {
                let Some((namespace, name)) = self.told(room) else { return };
                let json = json(|object| object.string("room", name).refusal(*because));
                say(namespace, &self.profile.events.removed, vec![&json], &[], take);
            }
            Event::Signal { room, user, signal, content } => {
                let is_relayed = || self.profile.relay.iter().any(|name| name == signal.as_str());
                match content {
                    Some(content) => self.write_relayed(room, signal, content, take),
                    None if is_relayed() => self.write_signal(room, user.as_ref(), signal, take),
                    None => {}
                }
            }
            _ => {}
        }
    }

    /// An event that a client of Socket.IO or an application said, as it was said; whether it may is seen to where it is said.
    fn write_relayed(
        &self,
        room: &RoomId,
        name: &SignalName,
        content: &Content,
        take: &mut dyn FnMut(Said<'_>),
    ) {
        let Some((namespace, _)) = self.told(room) else { return };
        let array = format!("[{}]", content.arguments);
        let Ok(arguments) = serde_json::from_str::<Vec<&RawValue>>(&array) else { return };
        let arguments = arguments.into_iter().map(RawValue::get).collect();
        say(namespace, name.as_str(), arguments, &content.attachments, take);
    }

    /// A sign of somebody who does not speak Socket.IO.
    fn write_signal(
        &self,
        room: &RoomId,
        user: Option<&UserId>,
        name: &SignalName,
        take: &mut dyn FnMut(Said<'_>),
    ) {
        let Some((namespace, room)) = self.told(room) else { return };
        let user = user.map_or("", UserId::as_str);
        let json = json(|object| object.string("room", room).string("userId", user));
        say(namespace, name.as_str(), vec![&json], &[], take);
    }

    fn write_posted(&self, message: &Message, take: &mut dyn FnMut(Said<'_>)) {
        let Some((namespace, _)) = self.told(&message.room) else { return };
        let names = &self.profile.events;
        let (name, author) = match message.room.kind() {
            RoomKind::Public => (&names.message, "userId"),
            RoomKind::Everybody => (&names.all, "userId"),
            RoomKind::Inbox => (&names.new_message, "username"),
        };
        let payload = &message.body.payload;
        let attachments = match payload.kind {
            PayloadKind::Binary => slice::from_ref(&payload.bytes),
            _ => &[],
        };
        let mut json = Vec::new();
        write_object((author, message.author.as_ref()), &message.body, &mut json);
        let json = String::from_utf8(json).expect("JSON is text");
        // The client shows it when it comes back ("Connection state recovery": the offset is the last argument).
        let position = format!("\"{}\"", message.at);
        let arguments = if self.positions { vec![&*json, &*position] } else { vec![&*json] };
        say(namespace, name, arguments, attachments, take);
    }

    /// The namespace in which a room is told, and its name there.
    fn told<'r>(&self, room: &'r RoomId) -> Option<(&str, &'r str)> {
        let (namespace, name) = match room.is_public() {
            true => self.profile.namespaces.split(room.name()),
            false => (self.home?, room.name()),
        };
        Some((self.profile.namespaces.name(namespace), name))
    }
}

/// A JSON object.
fn json(write: impl FnOnce(Object<'_>) -> Object<'_>) -> String {
    let mut json = Vec::new();
    write(Object::start(&mut json)).end();
    String::from_utf8(json).expect("JSON is text")
}

/// Hands over an event, if it has a name.
fn say(
    namespace: &str,
    name: &str,
    arguments: Vec<&str>,
    attachments: &[Bytes],
    take: &mut dyn FnMut(Said<'_>),
) {
    if name.is_empty() {
        return;
    }
    let event =
        socketio::Event { name: Cow::Borrowed(name), arguments, id: None, attachments: attachments.len() };
    take(Said { packet: &Packet { namespace, body: Body::Event(event) }, attachments });
}

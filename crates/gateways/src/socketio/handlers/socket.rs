//! A client in a namespace as handlers see it, and the events that it sends. Knows nothing of what carries them.

use core::net::IpAddr;
use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use chat::{
    Body, Command, Content, Credentials, Payload, PayloadKind, Refusal, RoomId, SignalName, Text, UserId,
};
use serde_json::Value;
use wire::socketio::{Body as Said, Event, Packet, is_reserved};

use super::arguments::{Arguments, Values};
use crate::socketio::engine::Engine;
use crate::socketio::handled::Awaited;
use crate::socketio::namespaces::Namespace;
use crate::socketio::sockets::Sockets;
use crate::{Outbox, Wake};

/// A client that is connected to a namespace, while a handler runs.
pub struct Socket<'a> {
    pub(in crate::socketio) sockets: &'a mut Sockets,
    pub(in crate::socketio) namespace: Namespace,
    pub(in crate::socketio) engine: &'a Engine,
    pub(in crate::socketio) out: &'a mut Outbox,
    pub(in crate::socketio) has_recovered: bool,
}

/// An event that a client has sent.
pub struct Call<'a> {
    event: &'a str,
    values: Values<'a>,
    wants_answer: bool,
    answer: RefCell<Option<Arguments>>,
}

/// Everybody in a room.
pub struct Members<'s, 'a> {
    socket: &'s mut Socket<'a>,
    room: RoomId,
}

impl<'a> Socket<'a> {
    pub(in crate::socketio) fn new(
        sockets: &'a mut Sockets,
        namespace: Namespace,
        engine: &'a Engine,
        out: &'a mut Outbox,
    ) -> Self {
        Self { sockets, namespace, engine, out, has_recovered: false }
    }

    /// What the client knows as `socket.id`: nobody else's, and another one in every namespace.
    pub fn id(&self) -> String {
        self.sockets.id(self.namespace).as_str().to_owned()
    }

    /// Where the client is, as far as is known: the other side of its first connection, or whom proxies that are trusted have named.
    pub fn address(&self) -> IpAddr {
        self.sockets.owed.as_ref().expect("there is an application").address
    }

    /// The namespace that the handler is for.
    pub fn namespace(&self) -> &str {
        self.sockets.name(self.namespace)
    }

    /// Whether the client goes on where it was cut off, in the rooms that it was in; known to the handler of its connection.
    pub fn has_recovered(&self) -> bool {
        self.has_recovered
    }

    /// Tells this client an event.
    ///
    /// # Panics
    ///
    /// If the name is one that clients keep for themselves, as `connect` and `disconnect` are; so do all that emit.
    pub fn emit(&mut self, event: &str, arguments: impl Into<Arguments>) {
        let mut said = std::mem::take(&mut self.out.bytes);
        self.write(event, None, &arguments.into(), &mut said);
        self.out.bytes = said;
    }

    /// Tells this client an event, unless it cannot take it at this moment.
    pub fn emit_volatile(&mut self, event: &str, arguments: impl Into<Arguments>) {
        let mut said = std::mem::take(&mut self.out.passing);
        self.write(event, None, &arguments.into(), &mut said);
        self.out.passing = said;
    }

    /// Tells this client an event and calls `then` with its acknowledgement, or with nothing when that has not come in time. `then` is not
    /// called when the client has left the namespace before. `Err`: the client owes so many acknowledgements that no more is asked of it.
    pub fn emit_with_ack(
        &mut self,
        event: &str,
        arguments: impl Into<Arguments>,
        timeout: Duration,
        then: impl FnOnce(&mut Socket<'_>, Option<Values<'_>>) + 'static,
    ) -> Result<(), Refusal> {
        let then = Awaited::Client(Box::new(then));
        let id = self.sockets.await_answer(self.namespace, then).ok_or(Refusal::Overloaded)?;
        let mut said = std::mem::take(&mut self.out.bytes);
        self.write(event, Some(u64::from(id)), &arguments.into(), &mut said);
        self.out.bytes = said;
        let after_ms = timeout.as_millis().try_into().unwrap_or(u32::MAX);
        self.out.wakes.push(Wake { after_ms, what_for: id });
        Ok(())
    }

    /// Lets the client into a room, where it is told what is said there.
    pub fn join(&mut self, room: &str) -> Result<(), Refusal> {
        let room = self.room(room)?;
        self.ask(Command::Join { room, since: None, tag: None });
        Ok(())
    }

    /// Takes the client out of a room.
    pub fn leave(&mut self, room: &str) -> Result<(), Refusal> {
        let room = self.room(room)?;
        self.ask(Command::Leave { room, tag: None });
        Ok(())
    }

    /// Everybody in a room, on every shard, of every protocol that knows events; the client itself too, if it is there. It needs not be.
    pub fn to(&mut self, room: &str) -> Result<Members<'_, 'a>, Refusal> {
        let room = self.room(room)?;
        Ok(Members { socket: self, room })
    }

    /// Says something in a room that the client is in, on its behalf: a message like any other, with its place in the order and in the history.
    /// A string is a text; any other value is told as it is.
    pub fn post(&mut self, room: &str, message: impl Into<Value>) -> Result<(), Refusal> {
        let (room, body) = (self.room(room)?, body(&message.into()));
        self.ask(Command::Post { room, author: None, body, tag: None, reply: false });
        Ok(())
    }

    /// Says bytes in a room that the client is in, on its behalf.
    pub fn post_bytes(&mut self, room: &str, bytes: impl Into<Bytes>) -> Result<(), Refusal> {
        let (room, body) = (self.room(room)?, payload(PayloadKind::Binary, bytes.into()));
        self.ask(Command::Post { room, author: None, body, tag: None, reply: false });
        Ok(())
    }

    /// Gives the client a user's name, under which it is found and shown from here on.
    pub fn log_in(&mut self, user: &str) -> Result<(), Refusal> {
        let user = UserId::new(user).map_err(|_| Refusal::BadName)?;
        let credentials = Credentials::Vouched(user);
        self.ask(Command::Identify { credentials, takes_direct: true, inbox: None, tag: None });
        Ok(())
    }

    /// Says something to one user on all of their devices, on behalf of the client, which must be logged in.
    pub fn direct(&mut self, user: &str, message: impl Into<Value>) -> Result<(), Refusal> {
        let to = UserId::new(user).map_err(|_| Refusal::BadName)?;
        self.ask(Command::Direct { to, body: body(&message.into()), tag: None });
        Ok(())
    }

    /// Makes the client leave the namespace. It is told so and does not come back by itself.
    pub fn disconnect(&mut self) {
        self.sockets.send_away(self.namespace, self.engine, self.out);
    }

    pub(super) fn room(&self, name: &str) -> Result<RoomId, Refusal> {
        self.sockets.room(self.namespace, name)
    }

    pub(super) fn ask(&mut self, command: Command) {
        self.out.commands.push(command);
    }

    /// Appends an event as the session takes it now.
    fn write(&self, event: &str, id: Option<u64>, arguments: &Arguments, out: &mut Vec<u8>) {
        assert!(!is_reserved(event), "{event:?} is no event's name");
        if !self.sockets.is_connected_to(self.namespace) {
            return;
        }
        let attachments = arguments.attachments();
        let event =
            Event { name: event.into(), arguments: arguments.texts(), id, attachments: attachments.len() };
        let packet = Packet { namespace: self.namespace(), body: Said::Event(event) };
        self.sockets.say_with(&packet, attachments, self.engine, out);
    }
}

impl Members<'_, '_> {
    /// Tells them an event, once, whoever is there at this moment; it has no place in the history. The name has at most 32 bytes.
    pub fn emit(self, event: &str, arguments: impl Into<Arguments>) -> Result<(), Refusal> {
        assert!(!is_reserved(event), "{event:?} is no event's name");
        let signal = SignalName::new(event).ok_or(Refusal::BadName)?;
        let content: Content = arguments.into().into();
        self.socket.ask(Command::Announce { room: self.room, signal, content: content.into() });
        Ok(())
    }
}

impl<'a> Call<'a> {
    pub(in crate::socketio) fn new(event: &'a str, values: Values<'a>, wants_answer: bool) -> Self {
        Self { event, values, wants_answer, answer: RefCell::default() }
    }

    /// The name of the event.
    pub fn event(&self) -> &'a str {
        self.event
    }

    /// What it carries.
    pub fn values(&self) -> Values<'a> {
        self.values
    }

    /// One of its values, if it is there and of that type.
    pub fn get<T: serde::Deserialize<'a>>(&self, index: usize) -> Result<T, Refusal> {
        self.values.get(index).ok_or(Refusal::BadRequest)
    }

    /// Whether the client wants an acknowledgement.
    pub fn wants_answer(&self) -> bool {
        self.wants_answer
    }

    /// Acknowledges it, if the client wants that, when the handler is done. The first answer counts.
    pub fn ack(&self, arguments: impl Into<Arguments>) {
        self.answer.borrow_mut().get_or_insert_with(|| arguments.into());
    }

    pub(in crate::socketio) fn into_answer(self) -> Option<Arguments> {
        self.answer.into_inner()
    }
}

fn body(message: &Value) -> Body {
    match message {
        Value::String(text) => Body::text(text),
        other => payload(PayloadKind::Json, other.to_string().into()),
    }
}

fn payload(kind: PayloadKind, bytes: Bytes) -> Body {
    Body { payload: Payload { kind, bytes }, text: Text::None }
}

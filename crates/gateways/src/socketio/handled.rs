//! The sockets of a connection before an application: its handlers are called for what the client does, and what they say finds its way.

use core::net::IpAddr;
use std::collections::BTreeMap;

use chat::{Answers, Event, Refusal, RoomId};
use wire::socketio::{self, Ack, Body, Packet};

use super::engine::Engine;
use super::events;
use super::handlers::{Arguments, Call, NamespaceHandlers, Socket, Values};
use super::namespaces::Namespace;
use super::profile::Profile;
use super::sockets::Sockets;
use crate::Outbox;

/// A client may owe so many acknowledgements.
const AWAITED_MAX: usize = 256;

/// Larger numbers wake a session for something else.
const ID_MAX: u32 = u32::MAX / 2;

/// What a client shows that shows nothing.
const NOTHING_SHOWN: &str = "{}";

/// What an application may ask about a client, and what the two owe each other.
pub(super) struct Owed {
    pub(super) address: IpAddr,
    last_id: u32,
    /// By their ids, what is done with the acknowledgements that the client owes, and with what other nodes answer.
    awaited: BTreeMap<u32, (Namespace, Awaited)>,
    /// What those have shown who are not greeted before it is known whether they go on where they were cut off.
    ungreeted: BTreeMap<Namespace, Option<Box<str>>>,
}

impl Owed {
    /// Of a client at an address.
    pub(super) fn new(address: IpAddr) -> Self {
        Self { address, last_id: 0, awaited: BTreeMap::new(), ungreeted: BTreeMap::new() }
    }
}

/// What is done with an answer, or for want of one.
pub(super) enum Awaited {
    /// The client acknowledges an event.
    Client(ThenClient),
    /// All nodes have answered.
    Servers(ThenServers),
}

type ThenClient = Box<dyn FnOnce(&mut Socket<'_>, Option<Values<'_>>)>;
type ThenServers = Box<dyn FnOnce(&mut Socket<'_>, Option<&Answers>)>;

impl Sockets {
    /// Whether the application lets a client connect that shows this. `Err`: why not.
    pub(super) fn judge(&self, namespace: Namespace, shown: Option<&str>) -> Result<(), String> {
        let values = Values { texts: &[shown.unwrap_or(NOTHING_SHOWN)], attachments: &[] };
        handlers(&self.profile, namespace).map_or(Ok(()), |handlers| handlers.judge(values))
    }

    /// Whether there is an application in a namespace.
    pub(super) fn has_application(&self, namespace: Namespace) -> bool {
        handlers(&self.profile, namespace).is_some()
    }

    /// The client will have connected.
    pub(super) fn put_off_greeting(&mut self, namespace: Namespace, shown: Option<&str>) {
        if handlers(&self.profile, namespace).is_some() {
            self.owed().ungreeted.insert(namespace, shown.map(Into::into));
        }
    }

    /// The client has connected, as was to be expected.
    pub(super) fn greet_after_all(
        &mut self,
        namespace: Namespace,
        has_recovered: bool,
        engine: &Engine,
        out: &mut Outbox,
    ) {
        let owed = self.owed.as_mut();
        if let Some(shown) = owed.and_then(|owed| owed.ungreeted.remove(&namespace)) {
            self.greet(namespace, shown.as_deref(), has_recovered, engine, out);
        }
    }

    /// The client has connected.
    pub(super) fn greet(
        &mut self,
        namespace: Namespace,
        shown: Option<&str>,
        has_recovered: bool,
        engine: &Engine,
        out: &mut Outbox,
    ) {
        let profile = self.profile.clone();
        let Some(handlers) = handlers(&profile, namespace) else { return };
        let values = Values { texts: &[shown.unwrap_or(NOTHING_SHOWN)], attachments: &[] };
        let mut socket = Socket { sockets: self, namespace, engine, out, has_recovered };
        if let Err(refusal) = handlers.connected(&mut socket, values) {
            socket.disconnect();
            out.refusals.push(refusal);
        }
    }

    /// The client has left, whatever way.
    pub(super) fn miss(&mut self, namespace: Namespace, engine: &Engine, out: &mut Outbox) {
        if let Some(owed) = &mut self.owed {
            owed.awaited.retain(|_, (of, _)| *of != namespace);
            if owed.ungreeted.remove(&namespace).is_some() {
                return;
            }
        }
        let profile = self.profile.clone();
        if let Some(handlers) = handlers(&profile, namespace) {
            handlers.disconnected(&mut Socket::new(self, namespace, engine, out));
        }
    }

    /// Has the handler of an event called. Says whether there is one.
    pub(super) fn call(
        &mut self,
        namespace: Namespace,
        event: &socketio::Event<'_>,
        attachments: &[Vec<u8>],
        engine: &Engine,
        out: &mut Outbox,
    ) -> bool {
        let profile = self.profile.clone();
        let handlers = handlers(&profile, namespace);
        let Some(handler) = handlers.and_then(|handlers| handlers.find(&event.name)) else { return false };
        let call =
            Call::new(&event.name, Values { texts: &event.arguments, attachments }, event.id.is_some());
        let outcome = handler(&mut Socket::new(self, namespace, engine, out), &call);
        out.refusals.extend(outcome.err());
        let Some(id) = event.id.filter(|_| self.is_connected_to(namespace)) else { return true };
        match (outcome, call.into_answer()) {
            (Ok(()), Some(answer)) => self.answer(namespace, id, &answer, engine, &mut out.bytes),
            (Ok(()), None) => {}
            (Err(refusal), _) => self.answer_refusal(namespace, id, refusal, engine, &mut out.bytes),
        }
        true
    }

    /// Acknowledges an event.
    fn answer(&self, namespace: Namespace, id: u64, answer: &Arguments, engine: &Engine, out: &mut Vec<u8>) {
        let attachments = answer.attachments();
        let ack = Ack { id, arguments: answer.texts(), attachments: attachments.len() };
        let packet = Packet { namespace: self.name(namespace), body: Body::Ack(ack) };
        self.say_with(&packet, attachments, engine, out);
    }

    /// Acknowledges an event that was not done.
    pub(super) fn answer_refusal(
        &self,
        namespace: Namespace,
        id: u64,
        refusal: Refusal,
        engine: &Engine,
        out: &mut Vec<u8>,
    ) {
        let answer = Event::Refused { tag: None, refusal };
        self.acknowledge(namespace, id, engine, out, |out| events::write_answer(&answer, out));
    }

    /// From here on an answer is awaited. Says under which id; `None`: too many are.
    pub(super) fn await_answer(&mut self, namespace: Namespace, then: Awaited) -> Option<u32> {
        let owed = self.owed();
        if owed.awaited.len() >= AWAITED_MAX {
            return None;
        }
        owed.last_id = owed.last_id % ID_MAX + 1;
        owed.awaited.insert(owed.last_id, (namespace, then));
        Some(owed.last_id)
    }

    /// The client has acknowledged an event.
    pub(super) fn take_answer(
        &mut self,
        namespace: Namespace,
        ack: &Ack<'_>,
        attachments: &[Vec<u8>],
        engine: &Engine,
        out: &mut Outbox,
    ) {
        let is_owed = |of, awaited: &Awaited| of == namespace && matches!(awaited, Awaited::Client(_));
        let awaited = u32::try_from(ack.id).ok().and_then(|id| self.no_longer_await(id, is_owed));
        let Some((_, Awaited::Client(then))) = awaited else { return };
        let values = Values { texts: &ack.arguments, attachments };
        then(&mut Socket::new(self, namespace, engine, out), Some(values));
    }

    /// All nodes have answered.
    pub(super) fn take_answers(&mut self, id: u32, answers: &Answers, engine: &Engine, out: &mut Outbox) {
        let awaited = self.no_longer_await(id, |_, awaited| matches!(awaited, Awaited::Servers(_)));
        let Some((namespace, Awaited::Servers(then))) = awaited else { return };
        then(&mut Socket::new(self, namespace, engine, out), Some(answers));
    }

    /// The time for an answer is up, if it has not come.
    pub(super) fn give_up(&mut self, id: u32, engine: &Engine, out: &mut Outbox) {
        let Some((namespace, awaited)) = self.no_longer_await(id, |_, _| true) else { return };
        let mut socket = Socket::new(self, namespace, engine, out);
        match awaited {
            Awaited::Client(then) => then(&mut socket, None),
            Awaited::Servers(then) => then(&mut socket, None),
        }
    }

    fn owed(&mut self) -> &mut Owed {
        self.owed.as_mut().expect("there is an application")
    }

    fn no_longer_await(
        &mut self,
        id: u32,
        is_meant: impl Fn(Namespace, &Awaited) -> bool,
    ) -> Option<(Namespace, Awaited)> {
        let awaited = &mut self.owed.as_mut()?.awaited;
        let (of, which) = awaited.get(&id)?;
        if is_meant(*of, which) { awaited.remove(&id) } else { None }
    }

    /// The client is made to leave a namespace.
    pub(super) fn send_away(&mut self, namespace: Namespace, engine: &Engine, out: &mut Outbox) {
        if self.is_connected_to(namespace) && !self.has_ended {
            let packet = Packet { namespace: self.name(namespace), body: Body::Disconnect };
            self.say(&packet, engine, &mut out.bytes);
            self.disconnect(namespace, engine, out);
        }
    }

    /// The session is over: the client has left every namespace.
    pub(super) fn miss_all(&mut self, engine: &Engine, out: &mut Outbox) {
        if !std::mem::replace(&mut self.has_ended, true) {
            for namespace in self.connected.iter() {
                self.miss(namespace, engine, out);
            }
        }
    }

    /// The room that a namespace knows by a name.
    pub(super) fn room(&self, namespace: Namespace, name: &str) -> Result<RoomId, Refusal> {
        self.profile.namespaces.room(namespace, name)
    }
}

fn handlers(profile: &Profile, namespace: Namespace) -> Option<&NamespaceHandlers> {
    profile.handlers.find(profile.namespaces.name(namespace))
}

//! The sockets of one connection, one for each namespace that the client has connected to: what it says there, what it is told there, and
//! how it comes and goes. Knows nothing of what carries the packets.

use core::net::{IpAddr, Ipv4Addr};
use std::borrow::Cow;

use bytes::Bytes;
use chat::{Answers, Command, Event, Farewell, RoomId, Tag};
use wire::engineio::Revision;
use wire::socketio::{
    self, Ack, Assembled, Body, Connected as Welcome, Decoder, Limits, Packet, Received, Rejection, msgpack,
};

use super::engine::Engine;
use super::events::{self, Asking};
use super::form::{Parser, Said, WireForm};
use super::handled::Owed;
use super::id::SocketId;
use super::namespaces::{Connected, Namespace};
use super::packed::PackedSockets;
use super::profile::SharedProfile;
use super::recovery::{Claim, Returned};
use super::showing::Shown;
use super::upper::Upper;
use super::words::Words;
use crate::{Outbox, Recovery, SessionName, Strand, Variant, Violation, Wake};

const ATTACHMENTS_MAX: usize = 16;

/// The session is woken to see whether its client has connected to a namespace.
pub(super) const CONNECTION_DUE: u32 = u32::MAX;

/// The sockets of a session.
pub(super) struct Sockets {
    pub(super) profile: SharedProfile,
    /// What the ids of the sockets follow from. A secret, like every name of a session.
    pub(super) origin: SessionName,
    parser: Parser,
    decoder: Decoder,
    pub(super) connected: Connected,
    pub(super) returned: Returned,
    /// Of clients that have shown something.
    pub(super) shown: Option<Box<Shown>>,
    /// A packet has come.
    has_begun: bool,
    /// The session is over.
    pub(super) has_ended: bool,
    /// What is between the client and an application, where there is one.
    pub(super) owed: Option<Box<Owed>>,
    /// How many tags it has given.
    pub(super) tags: u64,
}

impl Sockets {
    pub(super) fn new(profile: SharedProfile, origin: SessionName, address: IpAddr) -> Self {
        let (parser, decoder, connected) = (Parser::default(), Decoder::new(), Connected::default());
        let has_application = profile.handlers.namespaces().next().is_some();
        Self {
            profile,
            origin,
            parser,
            decoder,
            connected,
            returned: Returned::default(),
            shown: None,
            has_begun: false,
            has_ended: false,
            owed: has_application.then(|| Box::new(Owed::new(address))),
            tags: 0,
        }
    }

    /// Those of a client that has been here before, or on another node; `None`: there is an application, which has not been told of it.
    pub(super) fn going_on(
        profile: SharedProfile,
        origin: SessionName,
        is_msgpack: bool,
        tags: u64,
    ) -> Option<Self> {
        let parser = if is_msgpack { Parser::Msgpack } else { Parser::Text };
        let sockets = Self::new(profile, origin, Ipv4Addr::UNSPECIFIED.into());
        sockets.owed.is_none().then_some(Self { parser, has_begun: true, tags, ..sockets })
    }

    /// Whether attachments are still to come.
    pub(super) fn is_in_the_middle(&self) -> bool {
        self.decoder.is_waiting()
    }

    pub(super) fn is_msgpack(&self) -> bool {
        self.parser == Parser::Msgpack
    }

    pub(super) fn is_connected_to(&self, namespace: Namespace) -> bool {
        self.connected.contains(namespace)
    }

    /// The form in which the session takes what it is told now.
    pub(super) fn form(&self, engine: &Engine) -> WireForm {
        let carrier = match self.parser {
            Parser::Text => engine.carrier(),
            Parser::Msgpack => engine.carrier().without_deflate(),
        };
        WireForm { carrier, parser: self.parser, home: self.connected.home() }
    }

    /// Acknowledges an event with one argument, which `write` appends.
    pub(super) fn acknowledge(
        &self,
        namespace: Namespace,
        id: u64,
        engine: &Engine,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let mut json = Vec::new();
        write(&mut json);
        let arguments = vec![std::str::from_utf8(&json).expect("JSON is text")];
        let body = Body::Ack(Ack { id, arguments, attachments: 0 });
        self.say(&Packet { namespace: self.name(namespace), body }, engine, out);
    }

    /// A client that begins with a binary message has the msgpack parser. One of revision 3 is told something before it has shown which it
    /// has, so it cannot choose.
    fn may_choose_parser(&self, engine: &Engine) -> bool {
        engine.revision() == Revision::V4 && !self.has_begun && !self.decoder.is_waiting()
    }

    /// Appends a packet without attachments as the session takes it now.
    pub(super) fn say(&self, packet: &Packet<'_>, engine: &Engine, out: &mut Vec<u8>) {
        self.say_with(packet, &[], engine, out);
    }

    /// Appends a packet as the session takes it now.
    pub(super) fn say_with(
        &self,
        packet: &Packet<'_>,
        attachments: &[Bytes],
        engine: &Engine,
        out: &mut Vec<u8>,
    ) {
        let form = self.form(engine);
        let plain = WireForm { carrier: form.carrier.without_deflate(), ..form };
        plain.write(engine.codec(), &Said { packet, attachments }, out);
    }

    pub(super) fn name(&self, namespace: Namespace) -> &str {
        self.profile.namespaces.name(namespace)
    }

    pub(super) fn id(&self, namespace: Namespace) -> SocketId {
        let origin = self.returned.origin(namespace).unwrap_or(self.origin);
        SocketId::of(origin, self.name(namespace))
    }

    /// The tag of a command whose answer is the acknowledgement of an event. It is shown to others, so it tells no secret. None is like
    /// another, whatever ids clients give and wherever their sockets began: no message is taken for an earlier one.
    fn tag(&mut self, namespace: Namespace, id: u64) -> Option<Tag> {
        let serial = self.tags;
        self.tags += 1;
        Tag::new(&format!("{}-{id}-{serial}", self.mark(namespace).as_str()))
    }

    /// The event that a tag acknowledges.
    fn read_tag(&self, tag: &Tag) -> Option<(Namespace, u64)> {
        let of = |namespace| {
            let (id, _) = tag
                .as_str()
                .strip_prefix(self.mark(namespace).as_str())?
                .strip_prefix('-')?
                .split_once('-')?;
            id.parse().ok()
        };
        self.connected.iter().find_map(|namespace| Some((namespace, of(namespace)?)))
    }

    /// What begins the tags of a socket on this connection.
    fn mark(&self, namespace: Namespace) -> SocketId {
        SocketId::of(self.origin, self.name(namespace))
    }

    fn limits(&self) -> Limits {
        Limits { max_attachments: ATTACHMENTS_MAX, max_bytes: self.profile.max_message_bytes }
    }

    fn take_assembled(
        &mut self,
        assembled: &Assembled,
        engine: &Engine,
        out: &mut Outbox,
    ) -> Result<(), Violation> {
        self.take(&assembled.packet(), assembled.attachments(), engine, out)
    }

    fn take(
        &mut self,
        packet: &Packet<'_>,
        attachments: &[Vec<u8>],
        engine: &Engine,
        out: &mut Outbox,
    ) -> Result<(), Violation> {
        self.has_begun = true;
        if let Body::Connect(auth) = packet.body {
            self.connect(packet.namespace, auth, engine, out);
            return Ok(());
        }
        let namespace = self.profile.namespaces.find(packet.namespace);
        let Some(namespace) = namespace.filter(|namespace| self.connected.contains(*namespace)) else {
            return Err(broken("a packet for a namespace that is not connected"));
        };
        match &packet.body {
            Body::Event(event) => self.take_event(namespace, event, attachments, engine, out),
            Body::Disconnect => self.disconnect(namespace, engine, out),
            Body::Ack(ack) => self.take_answer(namespace, ack, attachments, engine, out),
            Body::Connect(_) | Body::ConnectError(_) => {
                return Err(broken("a packet that only servers send"));
            }
        }
        Ok(())
    }

    /// The client wants to be connected to a namespace.
    fn connect(&mut self, asked: &str, auth: Option<&str>, engine: &Engine, out: &mut Outbox) {
        let (name, _) = socketio::split_query(asked);
        let Some(namespace) = self.profile.namespaces.find(name) else {
            return self.reject(name, &because("Invalid namespace"), engine, &mut out.bytes);
        };
        if let Err(reason) = self.judge(namespace, auth) {
            return self.reject(name, &because(&reason), engine, &mut out.bytes);
        }
        self.connect_believed(namespace, auth, engine, out);
    }

    /// Connects the client.
    pub(super) fn admit(
        &mut self,
        namespace: Namespace,
        auth: Option<&str>,
        engine: &Engine,
        out: &mut Outbox,
    ) {
        let may_go_on = self.profile.recovery && engine.revision() == Revision::V4;
        let claim = Claim::read(auth.filter(|_| may_go_on));
        // One that was here on this very connection, and left, would take an equal name for a sign that nothing was lost.
        let has_left = claim.is_some_and(|claim| claim.began == self.origin);
        let claim = claim.filter(|_| !has_left);
        if !self.connected.has_been() && claim.is_none() {
            self.join_everybody(out);
        }
        let (is_new, home) = (!self.is_connected_to(namespace), self.connected.home());
        self.connected.insert(namespace);
        out.reforms |= self.connected.home() != home;
        match claim {
            Some(claim) => {
                self.put_off_greeting(namespace, auth);
                return out.recovery.push(self.returned.ask(namespace, claim));
            }
            None if may_go_on && !has_left => self.begin_anew(namespace, engine, out),
            None => self.welcome(namespace, None, engine, &mut out.bytes),
        }
        if is_new {
            self.greet(namespace, auth, false, engine, out);
        }
    }

    fn join_everybody(&self, out: &mut Outbox) {
        if !self.profile.events.all.is_empty() {
            out.commands.push(Command::Join { room: RoomId::everybody(), since: None, tag: None });
        }
    }

    fn begin_anew(&self, namespace: Namespace, engine: &Engine, out: &mut Outbox) {
        out.recovery.push(Recovery::Begin(namespace.0));
        self.welcome(namespace, Some(self.origin), engine, &mut out.bytes);
    }

    /// Tells the client that it is connected, and by what it may come back.
    fn welcome(&self, namespace: Namespace, origin: Option<SessionName>, engine: &Engine, out: &mut Vec<u8>) {
        let pid = origin.map(|origin| Cow::Owned(origin.to_string()));
        let mut payload = Vec::new();
        Welcome { sid: Cow::Borrowed(self.id(namespace).as_str()), pid }.write(&mut payload);
        let payload = std::str::from_utf8(&payload).expect("it is JSON");
        let body = Body::Connect((engine.revision() == Revision::V4).then_some(payload));
        self.say(&Packet { namespace: self.name(namespace), body }, engine, out);
    }

    pub(super) fn reject(&self, name: &str, rejection: &Rejection<'_>, engine: &Engine, out: &mut Vec<u8>) {
        let mut payload = Vec::new();
        match engine.revision() {
            Revision::V4 => rejection.write(&mut payload),
            Revision::V3 => rejection.write_message(&mut payload),
        }
        let payload = std::str::from_utf8(&payload).expect("it is JSON");
        let body = Body::ConnectError(Some(payload));
        self.say(&Packet { namespace: name, body }, engine, out);
    }

    /// The client leaves a namespace; its connection stays.
    pub(super) fn disconnect(&mut self, namespace: Namespace, engine: &Engine, out: &mut Outbox) {
        let home = self.connected.home();
        self.connected.remove(namespace);
        out.reforms |= self.connected.home() != home;
        self.returned.remove(namespace);
        out.recovery.push(Recovery::End(namespace.0));
        self.miss(namespace, engine, out);
        out.commands.push(Command::LeaveAll { rooms: self.profile.namespaces.rooms(namespace) });
    }

    fn take_event(
        &mut self,
        namespace: Namespace,
        event: &socketio::Event<'_>,
        attachments: &[Vec<u8>],
        engine: &Engine,
        out: &mut Outbox,
    ) {
        if self.call(namespace, event, attachments, engine, out) {
            return;
        }
        let Some(ask) = events::find(&self.profile, &event.name) else { return };
        let tag = event.id.and_then(|id| self.tag(namespace, id));
        match ask(Asking { namespaces: &self.profile.namespaces, namespace, event, attachments, tag }) {
            Ok(command) => out.commands.push(command),
            Err(refusal) => {
                out.refusals.push(refusal);
                let Some(id) = event.id else { return };
                self.answer_refusal(namespace, id, refusal, engine, &mut out.bytes);
            }
        }
    }
}

impl Upper for Sockets {
    fn take_text(&mut self, text: &str, engine: &Engine, out: &mut Outbox) -> Result<(), Violation> {
        if self.parser == Parser::Msgpack {
            return Err(broken("text from a client of the msgpack parser"));
        }
        let limits = self.limits();
        match self.decoder.receive_text(text, &limits).map_err(|fault| broken(fault.explanation()))? {
            Received::Packet(packet) => self.take(&packet, &[], engine, out),
            Received::Assembled(assembled) => self.take_assembled(&assembled, engine, out),
            Received::Part => Ok(()),
        }
    }

    fn take_binary(&mut self, bytes: &[u8], engine: &Engine, out: &mut Outbox) -> Result<(), Violation> {
        let limits = self.limits();
        if self.parser == Parser::Msgpack || self.may_choose_parser(engine) {
            let assembled = msgpack::read(bytes, &limits).map_err(|fault| broken(fault.explanation()))?;
            self.parser = Parser::Msgpack;
            return self.take_assembled(&assembled, engine, out);
        }
        let received = self.decoder.receive_binary(Cow::Borrowed(bytes), &limits);
        match received.map_err(|fault| broken(fault.explanation()))? {
            Received::Assembled(assembled) => self.take_assembled(&assembled, engine, out),
            _ => Ok(()),
        }
    }

    /// A client of revision 4 is connected from the beginning, and told so.
    fn begin(&mut self, engine: &Engine, out: &mut Outbox) {
        match engine.revision() {
            Revision::V3 => self.connect("/", None, engine, out),
            Revision::V4 => {
                let after_ms = self.profile.connect_timeout_ms;
                out.wakes.push(Wake { after_ms, what_for: CONNECTION_DUE });
            }
        }
    }

    /// Tells this session alone.
    fn deliver(&mut self, event: &Event, engine: &Engine, out: &mut Outbox) {
        if self.hear_verdict(event, engine, out) {
            return;
        }
        let out = &mut out.bytes;
        match events::answered(event) {
            Some(tag) => {
                let Some((namespace, id)) = tag.and_then(|tag| self.read_tag(tag)) else { return };
                self.acknowledge(namespace, id, engine, out, |out| events::write_answer(event, out));
            }
            None => {
                let form = self.form(engine);
                let words = Words::of(&self.profile, form);
                words.write(event, &mut |said| form.write(engine.codec(), &said, out));
            }
        }
    }

    fn form(&self, engine: &Engine) -> Option<Variant> {
        Some(self.form(engine).variant())
    }

    /// A client that has connected to no namespace by then is not waited for.
    fn wake(&mut self, what_for: u32, engine: &Engine, out: &mut Outbox) -> Option<Farewell> {
        if what_for != CONNECTION_DUE {
            self.give_up(what_for, engine, out);
            return None;
        }
        (!self.connected.has_been()).then_some(Farewell::ProtocolError)
    }

    fn end(&mut self, engine: &Engine, out: &mut Outbox) {
        self.miss_all(engine, out);
    }

    /// In all namespaces.
    fn take_leave(&self, engine: &Engine, out: &mut Vec<u8>) {
        for namespace in self.connected.iter() {
            self.say(&Packet { namespace: self.name(namespace), body: Body::Disconnect }, engine, out);
        }
    }

    fn pack(&self) -> Option<PackedSockets> {
        self.pack()
    }

    fn alias(&self, namespace: &str) -> Option<String> {
        self.public_id(namespace)
    }

    fn dismiss(&mut self, namespace: &str, engine: &Engine, out: &mut Outbox) {
        if let Some(namespace) = self.profile.namespaces.find(namespace) {
            self.send_away(namespace, engine, out);
        }
    }

    /// The namespace in which what is told to a room is part of the strand.
    fn strand_of(&self, room: &RoomId) -> Strand {
        let Namespace(strand) = match room.is_public() {
            true => self.profile.namespaces.split(room.name()).0,
            false => self.connected.home().unwrap_or(Namespace::MAIN),
        };
        strand
    }

    fn answered(&mut self, number: u32, answers: &Answers, engine: &Engine, out: &mut Outbox) {
        self.take_answers(number, answers, engine, out);
    }

    /// The answer to a socket that wants to go on where it was cut off.
    fn recovered(&mut self, strand: Strand, goes_on: bool, engine: &Engine, out: &mut Outbox) {
        let namespace = Namespace(strand);
        self.join_everybody(out);
        if goes_on {
            let origin = self.returned.go_on(namespace);
            self.welcome(namespace, origin, engine, &mut out.bytes);
        } else {
            self.returned.remove(namespace);
            self.begin_anew(namespace, engine, out);
        }
        self.greet_after_all(namespace, goes_on, engine, out);
    }
}

fn because(reason: &str) -> Rejection<'_> {
    Rejection { message: Cow::Borrowed(reason), data: None }
}

fn broken(detail: &'static str) -> Violation {
    Violation { farewell: Farewell::BadMessage, detail }
}

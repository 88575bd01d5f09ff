//! One Socket.IO client: what it says becomes commands, what it is told becomes packets.

use std::borrow::Cow;

use bytes::Bytes;
use chat::{Body, Command, Event, Farewell, Payload, PayloadKind, Refusal, RoomId, RoomName, Tag, Text, UserId};
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::engineio::{Packet, PacketType, Revision};
use wire::http::Head;
use wire::socketio::{self, ArgumentsWriter, Assembled, Body as Content, Connected, Decoder, Limits, Received};

use super::call::Asked;
use super::engine::{Engine, Upper};
use super::words;
use crate::members::{Member, required, user};
use crate::object::Object;
use crate::{Lane, Outbox, Protocol, Spread, Variant, Violation};

const NAMESPACE: &str = "/";
const ATTACHMENTS_MAX: usize = 16;

/// A client that has not connected to the namespace after so many pings is not waited for.
const PINGS_UNCONNECTED_MAX: u8 = 2;

pub(super) struct Session {
    engine: Engine,
    talk: Talk,
}

/// What the client has said so far.
struct Talk {
    sid: Box<str>,
    decoder: Decoder,
    is_connected: bool,
    pings_unconnected: u8,
    max_bytes: usize,
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
    message: Member<'a>,
}

impl Session {
    pub(super) fn new(engine: Engine, sid: String) -> Self {
        let max_bytes = engine.max_message_bytes();
        let talk =
            Talk { sid: sid.into(), decoder: Decoder::new(), is_connected: false, pings_unconnected: 0, max_bytes };
        Self { engine, talk }
    }

    /// A client of revision 4 is connected from the beginning, and told so.
    pub(super) fn begin(&mut self, packets: &mut Vec<u8>) {
        if self.engine.revision() == Revision::V3 {
            self.talk.is_connected = true;
            self.engine.write(&Packet::Text(PacketType::Message, "0"), packets);
        }
    }

    pub(super) fn answer_handshake(&self, asked: &Asked, head: &Head<'_>, packets: &[u8], out: &mut Outbox) {
        self.engine.answer_handshake(asked, head, packets, out);
    }

    fn is_mine<'t>(&self, tag: &'t Tag) -> Option<&'t str> {
        tag.as_str().strip_prefix(&*self.talk.sid)?.strip_prefix('-')
    }

    /// Acknowledges what the client asked with the tag, if it wants to know.
    fn acknowledge(&self, tag: Option<&Tag>, out: &mut Outbox, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(id) = tag.and_then(|tag| self.is_mine(tag)?.parse().ok()) else { return };
        let mut text = Vec::new();
        ArgumentsWriter::ack(NAMESPACE, id, 0, &mut text).with(write).end();
        self.engine.write_text(&text, &mut out.bytes);
    }
}

impl Protocol for Session {
    fn receive(&mut self, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        self.engine.receive_main(input, &mut self.talk, out)
    }

    fn deliver(&mut self, event: &Event, out: &mut Outbox) {
        match event {
            Event::Joined { tag, at, counts, present, .. } => {
                self.acknowledge(tag.as_ref(), out, |out| {
                    let object = Object::start(out).shown("at", at);
                    let object = object.number("members", u64::from(counts.members));
                    let object = object.number("guests", u64::from(counts.guests));
                    object.users("present", present.as_deref()).end();
                });
            }
            Event::Accepted { tag, at } => {
                self.acknowledge(tag.as_ref(), out, |out| Object::start(out).shown("at", at).end());
            }
            Event::Left { tag, .. } | Event::Welcome { tag, .. } => {
                self.acknowledge(tag.as_ref(), out, |out| out.extend_from_slice(b"{}"));
            }
            Event::Refused { tag, refusal } => {
                self.acknowledge(tag.as_ref(), out, |out| write_refusal(*refusal, out));
            }
            event => {
                let (engine, bytes) = (&self.engine, &mut out.bytes);
                words::write_event(event, &mut |said| engine.write_said(&said, bytes));
            }
        }
    }

    fn form(&self) -> Option<Variant> {
        Some(self.engine.form().variant())
    }

    fn ping(&mut self, out: &mut Outbox) -> bool {
        if !self.talk.is_connected {
            self.talk.pings_unconnected += 1;
            out.is_over |= self.talk.pings_unconnected > PINGS_UNCONNECTED_MAX;
        }
        let must_answer = !self.beats();
        if must_answer {
            self.engine.write(&Packet::Text(PacketType::Ping, ""), &mut out.bytes);
        }
        must_answer
    }

    /// Clients of revision 3 ping by themselves.
    fn beats(&self) -> bool {
        self.engine.revision() == Revision::V3
    }

    fn part(&mut self, farewell: Farewell, out: &mut Outbox) {
        self.engine.part(farewell, out);
    }

    fn spread(&mut self) -> Option<&mut dyn Spread> {
        Some(self)
    }
}

impl Spread for Session {
    fn attach(&mut self, head: &Head<'_>, out: &mut Outbox) -> Option<Lane> {
        self.engine.attach(head, out)
    }

    fn receive(&mut self, lane: Lane, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        self.engine.receive(lane, input, &mut self.talk, out)
    }

    fn detach(&mut self, lane: Lane, _: &mut Outbox) {
        self.engine.detach(lane);
    }

    fn lingers(&self) -> bool {
        self.engine.lingers()
    }

    fn awaits(&self) -> bool {
        self.engine.awaits()
    }

    fn relay(&mut self, told: &[u8], out: &mut Outbox) {
        self.engine.relay(told, out);
    }
}

impl Upper for Talk {
    fn take_text(&mut self, text: &str, engine: &Engine, out: &mut Outbox) -> Result<(), Violation> {
        let limits = self.limits();
        match self.decoder.receive_text(text, &limits).map_err(|fault| broken(fault.explanation()))? {
            Received::Packet(packet) => self.take(&packet, &[], engine, out),
            Received::Assembled(assembled) => self.take_assembled(&assembled, engine, out),
            Received::Part => Ok(()),
        }
    }

    fn take_binary(&mut self, bytes: &[u8], engine: &Engine, out: &mut Outbox) -> Result<(), Violation> {
        let limits = self.limits();
        let received = self.decoder.receive_binary(Cow::Borrowed(bytes), &limits);
        match received.map_err(|fault| broken(fault.explanation()))? {
            Received::Assembled(assembled) => self.take_assembled(&assembled, engine, out),
            _ => Ok(()),
        }
    }
}

impl Talk {
    fn limits(&self) -> Limits {
        Limits { max_attachments: ATTACHMENTS_MAX, max_bytes: self.max_bytes }
    }

    fn take_assembled(&mut self, assembled: &Assembled, engine: &Engine, out: &mut Outbox) -> Result<(), Violation> {
        self.take(&assembled.packet(), assembled.attachments(), engine, out)
    }

    fn take(
        &mut self,
        packet: &socketio::Packet<'_>,
        attachments: &[Vec<u8>],
        engine: &Engine,
        out: &mut Outbox,
    ) -> Result<(), Violation> {
        match &packet.body {
            Content::Connect(_) => {
                self.connect(packet.namespace, engine, out);
                Ok(())
            }
            _ if !self.is_connected => Err(broken("a packet before the connection to a namespace")),
            _ if packet.namespace != NAMESPACE => Err(broken("a packet for a namespace without a connection")),
            Content::Event(event) => {
                self.take_event(event, attachments, engine, out);
                Ok(())
            }
            Content::Disconnect => {
                (self.is_connected, out.is_over) = (false, true);
                Ok(())
            }
            Content::Ack(_) => Ok(()),
            Content::ConnectError(_) => Err(broken("a packet that only servers send")),
        }
    }

    fn connect(&mut self, namespace: &str, engine: &Engine, out: &mut Outbox) {
        let (name, _) = socketio::split_query(namespace);
        let mut text = Vec::new();
        if name == NAMESPACE {
            self.is_connected = true;
            let mut payload = Vec::new();
            Connected { sid: Cow::Borrowed(&self.sid), pid: None }.write(&mut payload);
            let payload = String::from_utf8(payload).expect("it is JSON");
            let payload = (engine.revision() == Revision::V4).then_some(&*payload);
            socketio::Packet { namespace: name, body: Content::Connect(payload) }.write(&mut text);
        } else {
            let payload = match engine.revision() {
                Revision::V4 => "{\"message\":\"Invalid namespace\"}",
                Revision::V3 => "\"Invalid namespace\"",
            };
            socketio::Packet { namespace: name, body: Content::ConnectError(Some(payload)) }.write(&mut text);
        }
        engine.write_text(&text, &mut out.bytes);
    }

    fn take_event(
        &self,
        event: &socketio::Event<'_>,
        attachments: &[Vec<u8>],
        engine: &Engine,
        out: &mut Outbox,
    ) {
        match self.read(event, attachments) {
            Ok(Some(command)) => out.commands.push(command),
            Ok(None) => {}
            Err(refusal) => {
                out.refusals.push(refusal);
                let Some(id) = event.id else { return };
                let mut text = Vec::new();
                ArgumentsWriter::ack(NAMESPACE, id, 0, &mut text).with(|out| write_refusal(refusal, out)).end();
                engine.write_text(&text, &mut out.bytes);
            }
        }
    }

    /// What an event asks for; nothing, if it is none of those that are understood.
    fn read(&self, event: &socketio::Event<'_>, attachments: &[Vec<u8>]) -> Result<Option<Command>, Refusal> {
        let asks: Asks<'_> = match event.arguments.first() {
            Some(first) => serde_json::from_str(first).map_err(|_| Refusal::BadRequest)?,
            None => Asks::default(),
        };
        let tag = event.id.and_then(|id| Tag::new(&format!("{}-{id}", self.sid)));
        Ok(Some(match &*event.name {
            "joinRoom" => Command::Join { room: room(asks.room)?, since: None, tag },
            "leaveRoom" => Command::Leave { room: room(asks.room)?, tag },
            words::MESSAGE => {
                let author = asks.user_id.map(|name| user(Some(name))).transpose()?;
                let body = body(asks.message, attachments)?;
                Command::Post { room: room(asks.room)?, author, body, reply: tag.is_some(), tag }
            }
            "log in" => Command::Identify { user: user(asks.username)?, inbox: None, tag },
            "send message" => {
                let body = body(asks.message, attachments)?;
                Command::Direct { to: UserId::clone(&user(asks.username)?), body, tag }
            }
            _ => return Ok(None),
        }))
    }
}

fn room(member: Member<'_>) -> Result<RoomId, Refusal> {
    RoomName::new(&required(member)?).map(RoomId::public).map_err(|_| Refusal::BadName)
}

/// A text, bytes, or any other JSON as it was written.
fn body(message: Member<'_>, attachments: &[Vec<u8>]) -> Result<Body, Refusal> {
    let message: &RawValue = message.ok_or(Refusal::BadRequest)?;
    if let [attachment] = attachments {
        let payload = Payload { kind: PayloadKind::Binary, bytes: Bytes::copy_from_slice(attachment) };
        return Ok(Body { payload, text: Text::None });
    }
    match serde_json::from_str::<Cow<'_, str>>(message.get()) {
        Ok(text) => Ok(Body::text(&text)),
        Err(_) if attachments.is_empty() => {
            let bytes = Bytes::copy_from_slice(message.get().as_bytes());
            Ok(Body { payload: Payload { kind: PayloadKind::Json, bytes }, text: Text::None })
        }
        Err(_) => Err(Refusal::BadRequest),
    }
}

fn write_refusal(refusal: Refusal, out: &mut Vec<u8>) {
    Object::start(out).refusal(refusal).end();
}

fn broken(detail: &'static str) -> Violation {
    Violation { farewell: Farewell::BadMessage, detail }
}

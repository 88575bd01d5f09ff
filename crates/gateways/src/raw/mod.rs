//! Plain rooms: `ws://host/{room}`. What a member sends is what every member gets.
//!
//! Opening the WebSocket joins the room that the path names. The JSON of the well-known demo is understood and spoken to
//! members that wrote in another protocol.

mod client;
mod demo;

use bytes::Bytes;
use chat::{
    Body, Command, Event, Farewell, Message, Payload, PayloadKind, Refusal, RoomId, RoomName, Text, UserId,
};
use wire::url::decode_segment;
use wire::websocket::{Kind, is_upgrade};

pub(crate) use client::client;

use crate::bearer::Bearer;
use crate::websocket::{Codec, SharedCodec, Socket};
use crate::{Admission, Call, Gateway, Outbox, Protocol, Settings, Then, Variant, Violation};

/// Opens the gateway.
pub(crate) fn open(settings: &Settings) -> Box<dyn Gateway> {
    Box::new(Raw { codec: Codec::shared(settings), bearer: Bearer::new(settings) })
}

struct Raw {
    codec: SharedCodec,
    bearer: Bearer,
}

impl Gateway for Raw {
    fn admit(&mut self, call: &Call<'_, '_>, out: &mut Outbox) -> Admission {
        let head = call.head;
        if !is_upgrade(head) {
            return Admission::NotMine;
        }
        let Some(room) = room_of(head.path) else {
            refuse(Refusal::BadName, out);
            return Admission::Answered;
        };
        let identify = match self.bearer.identify(head) {
            Ok(identify) => identify,
            Err(refusal) => {
                refuse(refusal, out);
                return Admission::Answered;
            }
        };
        match Socket::open(head, None, &self.codec, out) {
            Some(socket) => {
                out.commands.extend(identify);
                out.commands.push(Command::Join { room: room.clone(), since: None, tag: None });
                Admission::Open(Box::new(PlainRoom { socket, room }))
            }
            None => Admission::Answered,
        }
    }

    fn encode(&mut self, variant: Variant, event: &Event, out: &mut Vec<u8>) {
        if let Event::Posted(message) = event {
            write_message(&mut self.codec.borrow_mut(), variant, message, out);
        }
    }
}

/// One member of a plain room.
struct PlainRoom {
    socket: Socket,
    room: RoomId,
}

impl Protocol for PlainRoom {
    fn receive(&mut self, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        let room = &self.room;
        self.socket.receive(input, out, |kind, payload, out| {
            out.commands.push(post(room, kind, payload));
            Ok(())
        })
    }

    fn deliver(&mut self, event: &Event, out: &mut Outbox) {
        match event {
            Event::Posted(message) => {
                write_message(
                    &mut self.socket.codec().borrow_mut(),
                    self.socket.variant(),
                    message,
                    &mut out.bytes,
                );
            }
            // The shard's own copy of the name, so that a thousand members do not keep a thousand.
            Event::Joined { room, .. } => self.room = room.clone(),
            // The node takes its leave, of this member too: that is what it is told.
            Event::Refused { refusal: Refusal::Draining, .. } => {}
            // It goes on reading. There are no words for that it was not heard.
            Event::Refused { refusal: Refusal::Muted | Refusal::SlowMode { .. }, .. } => {}
            Event::Refused { refusal: because, .. } | Event::Removed { because, .. } => {
                Socket::part(Farewell::after(*because), out);
            }
            _ => {}
        }
    }

    fn form(&self) -> Option<Variant> {
        Some(self.socket.variant())
    }

    fn ping(&mut self, out: &mut Outbox) -> bool {
        Socket::ping(out)
    }

    fn echoes(&self) -> bool {
        true
    }

    fn part(&mut self, farewell: Farewell, out: &mut Outbox) {
        Socket::part(farewell, out);
    }
}

/// The room that a path names: everything after its first slash, percent-decoded.
fn room_of(path: &str) -> Option<RoomId> {
    let name = decode_segment(path.strip_prefix('/')?).ok()?;
    RoomName::new(&name).ok().map(RoomId::public)
}

fn refuse(refusal: Refusal, out: &mut Outbox) {
    let headers = [("Content-Type", "text/plain; charset=utf-8"), ("Connection", "close")];
    let body = format!("{}: {}\n", refusal.code(), refusal.reason());
    out.refusals.push(refusal);
    wire::http::write_response(&mut out.bytes, refusal.http_status(), &headers, body.as_bytes());
    out.then = Then::Close;
}

fn post(room: &RoomId, kind: Kind, payload: &[u8]) -> Command {
    let said = demo::read(kind, payload);
    let (author, text) = match said {
        Some(said) => (said.user.and_then(|user| UserId::new(&user).ok()), Text::Own(said.text.into())),
        None if kind == Kind::Text => (None, Text::Payload),
        None => (None, Text::None),
    };
    let payload_kind = if kind == Kind::Binary { PayloadKind::Binary } else { PayloadKind::Text };
    let payload = Payload { kind: payload_kind, bytes: Bytes::copy_from_slice(payload) };
    Command::Post { room: room.clone(), author, body: Body { payload, text }, tag: None, reply: false }
}

fn write_message(codec: &mut Codec, variant: Variant, message: &Message, out: &mut Vec<u8>) {
    let payload = &message.body.payload;
    let kind = if payload.kind == PayloadKind::Binary { Kind::Binary } else { Kind::Text };
    codec.write_message(variant, kind, out, |out| match (payload.kind, message.body.as_text()) {
        (PayloadKind::None | PayloadKind::Json, Some(text)) => demo::write(message, text, out),
        _ => out.extend_from_slice(&payload.bytes),
    });
}

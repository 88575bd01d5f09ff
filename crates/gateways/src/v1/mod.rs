//! The rich protocol, `ws://host/v1` with the subprotocol `heimdallr.v1.json`: one JSON object per text message, both ways
//! (docs/protocol.md).

mod client;
mod commands;

use chat::{Event, Farewell};
use wire::websocket::{Kind, Opcode, is_upgrade, write_frame_with};

pub(crate) use client::client;

use self::commands::Unread;
use crate::json::write_event;
use crate::websocket::{Codec, SharedCodec, Socket};
use crate::{Admission, Call, Gateway, Outbox, Protocol, Settings, Variant, Violation};

const PATH: &str = "/v1";
const SUBPROTOCOL: &str = "heimdallr.v1.json";

/// Opens the gateway.
pub(crate) fn open(settings: &Settings) -> Box<dyn Gateway> {
    Box::new(Rich { codec: Codec::shared(settings) })
}

struct Rich {
    codec: SharedCodec,
}

impl Gateway for Rich {
    fn admit(&mut self, call: &Call<'_, '_>, out: &mut Outbox) -> Admission {
        let head = call.head;
        let offered =
            head.path == PATH && head.list("sec-websocket-protocol").any(|name| name == SUBPROTOCOL);
        if !offered || !is_upgrade(head) {
            return Admission::NotMine;
        }
        match Socket::open(head, Some(SUBPROTOCOL), &self.codec, out) {
            Some(socket) => Admission::Open(Box::new(Conversation { socket })),
            None => Admission::Answered,
        }
    }

    fn encode(&mut self, variant: Variant, event: &Event, out: &mut Vec<u8>) {
        write_message(&mut self.codec.borrow_mut(), variant, event, out);
    }
}

/// One client of the rich protocol.
struct Conversation {
    socket: Socket,
}

impl Protocol for Conversation {
    fn receive(&mut self, input: &mut [u8], out: &mut Outbox) -> Result<usize, Violation> {
        self.socket.receive(input, out, take)
    }

    fn deliver(&mut self, event: &Event, out: &mut Outbox) {
        write_message(&mut self.socket.codec().borrow_mut(), self.socket.variant(), event, &mut out.bytes);
    }

    fn form(&self) -> Option<Variant> {
        Some(self.socket.variant())
    }

    fn ping(&mut self, out: &mut Outbox) -> bool {
        Socket::ping(out)
    }

    fn part(&mut self, farewell: Farewell, out: &mut Outbox) {
        write_uncompressed(&Event::Closing(farewell), out);
        Socket::part(farewell, out);
    }
}

fn take(kind: Kind, payload: &[u8], out: &mut Outbox) -> Result<(), Violation> {
    if kind == Kind::Binary {
        return Err(bad_message("a binary message"));
    }
    match commands::read(payload) {
        Ok(command) => out.commands.push(command),
        Err(Unread::NotAnObject) => return Err(bad_message("not a JSON object")),
        Err(Unread::Refused { tag, refusal }) => {
            out.refusals.push(refusal);
            write_uncompressed(&Event::Refused { tag, refusal }, out);
        }
    }
    Ok(())
}

fn bad_message(detail: &'static str) -> Violation {
    Violation { farewell: Farewell::BadMessage, detail }
}

fn write_message(codec: &mut Codec, variant: Variant, event: &Event, out: &mut Vec<u8>) {
    codec.write_message(variant, Kind::Text, out, |out| write_event(event, out));
}

/// Any message may go uncompressed (RFC 7692 §6).
fn write_uncompressed(event: &Event, out: &mut Outbox) {
    write_frame_with(&mut out.bytes, Opcode::Text, |out| write_event(event, out));
}

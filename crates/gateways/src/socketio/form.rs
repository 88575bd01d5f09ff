//! The forms in which sessions take what is told to rooms, numbered.

use std::borrow::Cow;

use bytes::Bytes;
use wire::engineio::{Packet, PacketType, Revision};
use wire::socketio::{self, msgpack};
use wire::websocket::{Kind, Opcode, write_frame};

use super::namespaces::Namespace;
use super::poll::write_kept;
use crate::Variant;
use crate::websocket::{PLAIN, SharedCodec};

/// How packets are carried: a revision over a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carrier {
    pub(super) revision: Revision,
    pub(super) is_polling: bool,
    pub(super) text_only: bool,
    /// The WebSocket's, [`PLAIN`] while polling.
    pub(super) deflate: Variant,
}

/// How packets of Socket.IO are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Parser {
    /// As text with attachments.
    #[default]
    Text,
    /// As one binary message, with what the clients call the msgpack parser.
    Msgpack,
}

/// One form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WireForm {
    pub(super) carrier: Carrier,
    pub(super) parser: Parser,
    /// Where the session is told what belongs to no namespace; without one it is not told.
    pub(super) home: Option<Namespace>,
}

/// A packet of Socket.IO, and the attachments that belong to it.
pub(super) struct Said<'a> {
    pub(super) packet: &'a socketio::Packet<'a>,
    pub(super) attachments: &'a [Bytes],
}

const DEFLATE_BITS: Variant = 0b1111;
const V3_BIT: Variant = 1 << 4;
const POLLING_BIT: Variant = 1 << 5;
const TEXT_ONLY_BIT: Variant = 1 << 6;
const MSGPACK_BIT: Variant = 1 << 7;
const HOME_SHIFT: u32 = 8;
const NO_HOME: u8 = u8::MAX;

impl WireForm {
    pub(super) fn of(variant: Variant) -> Self {
        let [home, _] = variant.to_be_bytes();
        let carrier = Carrier {
            revision: if variant & V3_BIT == 0 { Revision::V4 } else { Revision::V3 },
            is_polling: variant & POLLING_BIT != 0,
            text_only: variant & TEXT_ONLY_BIT != 0,
            deflate: variant & DEFLATE_BITS,
        };
        let parser = if variant & MSGPACK_BIT == 0 { Parser::Text } else { Parser::Msgpack };
        Self { carrier, parser, home: (home != NO_HOME).then_some(Namespace(home)) }
    }

    pub(super) fn variant(self) -> Variant {
        let bit = |is_set: bool, bit: Variant| if is_set { bit } else { 0 };
        let Carrier { revision, is_polling, text_only, deflate } = self.carrier;
        let home = self.home.map_or(NO_HOME, |Namespace(place)| place);
        deflate
            | bit(revision == Revision::V3, V3_BIT)
            | bit(is_polling, POLLING_BIT)
            | bit(text_only, TEXT_ONLY_BIT)
            | bit(self.parser == Parser::Msgpack, MSGPACK_BIT)
            | Variant::from(home) << HOME_SHIFT
    }

    /// Appends a packet of Socket.IO as messages of Engine.IO.
    pub(super) fn write(self, codec: &SharedCodec, said: &Said<'_>, out: &mut Vec<u8>) {
        let mut bytes = Vec::new();
        if self.parser == Parser::Msgpack {
            msgpack::write(said.packet, said.attachments, &mut bytes);
            return self.carrier.write(&Packet::Binary(Cow::Owned(bytes)), out);
        }
        said.packet.write(&mut bytes);
        let text = Packet::Text(PacketType::Message, std::str::from_utf8(&bytes).expect("packets are text"));
        match (self.carrier.deflate, self.carrier.revision) {
            (PLAIN, _) => self.carrier.write(&text, out),
            (deflate, revision) => codec.borrow_mut().write_message(deflate, Kind::Text, out, |out| {
                text.write_text(revision, out);
            }),
        }
        for attachment in said.attachments {
            self.carrier.write(&Packet::Binary(Cow::Borrowed(attachment)), out);
        }
    }
}

impl Carrier {
    /// The same, nothing compressed.
    pub(super) fn without_deflate(self) -> Self {
        Self { deflate: PLAIN, ..self }
    }

    /// Appends a packet of Engine.IO: a message of the WebSocket, or one of the packets that are kept for a poll.
    pub(super) fn write(self, packet: &Packet<'_>, out: &mut Vec<u8>) {
        if self.is_polling {
            write_kept(self.revision, packet, out);
        } else {
            write_frames(self.revision, self.text_only, packet, out);
        }
    }
}

/// Appends a packet as one message of a WebSocket.
pub(super) fn write_frames(revision: Revision, text_only: bool, packet: &Packet<'_>, out: &mut Vec<u8>) {
    let mut payload = Vec::new();
    let opcode = match packet.write_message(revision, !text_only, &mut payload) {
        Kind::Binary => Opcode::Binary,
        _ => Opcode::Text,
    };
    write_frame(out, opcode, &payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_back_from_its_number() {
        for home in [0, 1, 63, NO_HOME] {
            for carrier in 0..=0b1111_1111 {
                let variant = Variant::from(home) << HOME_SHIFT | carrier;
                assert_eq!(WireForm::of(variant).variant(), variant);
            }
        }
    }
}

//! One packet: its text, its binary form, and the two revisions' ways to put binary data into text.

use std::borrow::Cow;

use super::base64;
use super::fault::Fault;
use crate::json::write_base64;
use crate::websocket::Kind;

/// Which revision a client speaks, as its `EIO` parameter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    /// Of the clients of Socket.IO 2.
    V3,
    /// Of the clients of Socket.IO 3 and 4.
    V4,
}

/// What a packet is for (revision 4, "Protocol"; revision 3, "Packet").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PacketType {
    /// Begins a session, with what [`Open`](super::Open) holds.
    Open = b'0',
    /// Ends a transport.
    Close = b'1',
    /// Asks whether the other side is there.
    Ping = b'2',
    /// Answers a ping with the same data.
    Pong = b'3',
    /// Carries what the layer above says.
    Message = b'4',
    /// Moves the session to the transport that this packet comes over.
    Upgrade = b'5',
    /// Ends a poll that has nothing to say.
    Noop = b'6',
}

/// One packet. Only messages are ever binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// A packet of any type, with its text, which may be empty.
    Text(PacketType, &'a str),
    /// A message of bytes; borrowed unless it came as base64.
    Binary(Cow<'a, [u8]>),
}

/// The type byte of a binary message of revision 3: the number, not the digit.
const BINARY_MESSAGE: u8 = 4;

impl Revision {
    /// The revision that the parameter `EIO` names.
    pub fn from_parameter(eio: &str) -> Option<Self> {
        match eio {
            "3" => Some(Self::V3),
            "4" => Some(Self::V4),
            _ => None,
        }
    }

    /// The parameter `EIO`.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::V3 => "3",
            Self::V4 => "4",
        }
    }

    /// What stands before base64 (revision 4, "Packet encoding"; revision 3, "Payload").
    fn base64_prefix(self) -> &'static str {
        match self {
            Self::V3 => "b4",
            Self::V4 => "b",
        }
    }
}

impl PacketType {
    fn from_digit(digit: u8) -> Option<Self> {
        match digit {
            b'0' => Some(Self::Open),
            b'1' => Some(Self::Close),
            b'2' => Some(Self::Ping),
            b'3' => Some(Self::Pong),
            b'4' => Some(Self::Message),
            b'5' => Some(Self::Upgrade),
            b'6' => Some(Self::Noop),
            _ => None,
        }
    }
}

impl<'a> Packet<'a> {
    /// Reads the text of a packet: a text message of a WebSocket, or one packet of a payload of text.
    #[inline]
    pub fn read_text(text: &'a str, revision: Revision) -> Result<Self, Fault> {
        let first = *text.as_bytes().first().ok_or(Fault::EmptyPacket)?;
        if let Some(packet_type) = PacketType::from_digit(first) {
            return Ok(Self::Text(packet_type, &text[1..]));
        }
        if first != b'b' {
            return Err(Fault::PacketType);
        }
        let encoded = text.strip_prefix(revision.base64_prefix()).ok_or(Fault::BinaryType)?;
        base64::read(encoded).map(|bytes| Self::Binary(Cow::Owned(bytes)))
    }

    /// Reads a binary message of a WebSocket, or one binary packet of a payload of revision 3.
    pub fn read_binary(bytes: &'a [u8], revision: Revision) -> Result<Self, Fault> {
        match (revision, bytes) {
            (Revision::V4, _) => Ok(Self::Binary(Cow::Borrowed(bytes))),
            (Revision::V3, [BINARY_MESSAGE, content @ ..]) => Ok(Self::Binary(Cow::Borrowed(content))),
            (Revision::V3, []) => Err(Fault::EmptyPacket),
            (Revision::V3, [..=6, ..]) => Err(Fault::BinaryType),
            (Revision::V3, _) => Err(Fault::PacketType),
        }
    }

    /// Appends the text of the packet: `<type>[<data>]`, or base64 where it is binary.
    #[inline]
    pub fn write_text(&self, revision: Revision, out: &mut Vec<u8>) {
        match self {
            Self::Text(packet_type, text) => {
                out.push(*packet_type as u8);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Binary(bytes) => {
                out.extend_from_slice(revision.base64_prefix().as_bytes());
                write_base64(out, bytes);
            }
        }
    }

    /// Appends what one message of a WebSocket holds, and says of which kind that message is. Who asked for `b64=1` is
    /// sent text alone.
    pub fn write_message(&self, revision: Revision, takes_binary: bool, out: &mut Vec<u8>) -> Kind {
        match self {
            Self::Binary(bytes) if takes_binary => {
                write_binary(revision, bytes, out);
                Kind::Binary
            }
            _ => {
                self.write_text(revision, out);
                Kind::Text
            }
        }
    }

    /// Whether it is a binary message.
    pub fn is_binary(&self) -> bool {
        matches!(self, Self::Binary(_))
    }

    /// How long its text is, in the units that JavaScript counts: two for what is outside the basic plane.
    pub(super) fn text_length(&self, revision: Revision) -> usize {
        match self {
            Self::Text(_, text) => 1 + count_utf16(text),
            Self::Binary(bytes) => revision.base64_prefix().len() + base64::length(bytes.len()),
        }
    }
}

/// Appends a binary message: as it is, or behind its type byte.
pub(super) fn write_binary(revision: Revision, bytes: &[u8], out: &mut Vec<u8>) {
    if revision == Revision::V3 {
        out.push(BINARY_MESSAGE);
    }
    out.extend_from_slice(bytes);
}

/// One for every byte that begins a character, one more for those that begin four; without a branch, so that it compiles to
/// a few vector instructions.
fn count_utf16(text: &str) -> usize {
    text.bytes().map(|byte| usize::from(byte & 0xC0 != 0x80) + usize::from(byte >= 0xF0)).sum()
}

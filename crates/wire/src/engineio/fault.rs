//! What a peer can do wrong in an Engine.IO packet or payload.

use std::fmt;

/// Why bytes are no packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A packet without even a type.
    EmptyPacket,
    /// A type that is none of the seven.
    PacketType,
    /// Binary data in a packet that is not a message.
    BinaryType,
    /// Binary data in text that is not base64.
    Base64,
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// A payload of no packets.
    EmptyPayload,
    /// A packet's length that is not one, or more than there is.
    Length,
    /// A packet that is neither marked as text nor as binary.
    Marker,
    /// More packets in one payload than are taken.
    TooManyPackets,
    /// An open packet that does not say what one must.
    Open,
    /// A JSONP body or response that is not one.
    Jsonp,
}

impl Fault {
    /// What is wrong, in words for a log.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::EmptyPacket => "packet without a type",
            Self::PacketType => "unknown packet type",
            Self::BinaryType => "binary data in a packet that is not a message",
            Self::Base64 => "binary data that is not base64",
            Self::InvalidUtf8 => "text is not utf-8",
            Self::EmptyPayload => "payload without packets",
            Self::Length => "length that its packet does not have",
            Self::Marker => "packet neither text nor binary",
            Self::TooManyPackets => "too many packets in a payload",
            Self::Open => "malformed open packet",
            Self::Jsonp => "malformed jsonp",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explanation())
    }
}

impl std::error::Error for Fault {}

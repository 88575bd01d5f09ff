//! What a peer can do wrong in a Socket.IO packet.

use std::fmt;

/// Why a message is no packet. The specification wants the connection closed for every one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A type that is none of the seven, or no type.
    PacketType,
    /// A binary packet that does not say how many attachments follow.
    AttachmentCount,
    /// More attachments than are taken.
    TooManyAttachments,
    /// A packet and its attachments are longer than is taken.
    TooLarge,
    /// An attachment that no packet waits for.
    UnexpectedBinary,
    /// A packet where an attachment of the last one must come.
    UnexpectedText,
    /// Binary data is not named exactly once for each attachment.
    Placeholder,
    /// A namespace that does not begin with a slash, or holds a comma.
    Namespace,
    /// An id where none belongs, none where one does, or one too large.
    AckId,
    /// A payload that is not JSON, or not of the shape that its type wants.
    Payload,
    /// Arrays and objects inside each other beyond the bound.
    TooDeep,
    /// More arguments than are taken.
    TooManyArguments,
    /// An event whose name is neither a string nor an integer.
    EventName,
    /// An event with a name that is not for events.
    ReservedEvent,
    /// Bytes that are not MessagePack, or no packet in it.
    Msgpack,
}

impl Fault {
    /// What is wrong, in words for a log.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::PacketType => "unknown packet type",
            Self::AttachmentCount => "binary packet without a number of attachments",
            Self::TooManyAttachments => "too many attachments",
            Self::TooLarge => "packet with attachments too large",
            Self::UnexpectedBinary => "attachment without a packet",
            Self::UnexpectedText => "packet in the place of an attachment",
            Self::Placeholder => "placeholders do not fit the attachments",
            Self::Namespace => "malformed namespace",
            Self::AckId => "acknowledgement id missing, misplaced or too large",
            Self::Payload => "payload does not fit the packet type",
            Self::TooDeep => "payload nested too deeply",
            Self::TooManyArguments => "too many arguments",
            Self::EventName => "event without a name",
            Self::ReservedEvent => "reserved event name",
            Self::Msgpack => "not a packet in messagepack",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explanation())
    }
}

impl std::error::Error for Fault {}

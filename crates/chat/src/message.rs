//! The canonical message: what every protocol's message becomes once, and is written from many times.

use bytes::Bytes;

use crate::{Position, RoomId, Tag, Time, UserId};

/// One message of one room, immutable once it has its position.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The room it belongs to.
    pub room: RoomId,
    /// Where it stands there.
    pub at: Position,
    /// Who wrote it.
    pub author: Author,
    /// When it was accepted.
    pub time: Time,
    /// The id its client gave it.
    pub tag: Option<Tag>,
    /// What it says.
    pub body: Body,
}

/// Who wrote a message. `None`: a guest without a name.
pub type Author = Option<UserId>;

/// What a message says: the payload as it was sent, and the text in it for everybody who does not speak the author's protocol.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// The bytes as sent.
    pub payload: Payload,
    /// The words a person reads.
    pub text: Text,
}

/// The bytes of a message as its author's protocol carried them.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// How to read the bytes.
    pub kind: PayloadKind,
    /// The bytes; UTF-8 unless the kind is [`PayloadKind::Binary`].
    pub bytes: Bytes,
}

/// How the bytes of a payload are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// There is none: the text is all.
    None,
    /// A text frame of a plain room, verbatim.
    Text,
    /// A binary frame of a plain room, or an octet stream posted over HTTP.
    Binary,
    /// A JSON value, the `data` of the rich protocol.
    Json,
}

/// The words of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Text {
    /// There are none.
    None,
    /// The payload itself is the text.
    Payload,
    /// The text stands apart from the payload.
    Own(Box<str>),
}

impl Body {
    /// A body that is nothing but text.
    pub fn text(text: &str) -> Self {
        Self {
            payload: Payload { kind: PayloadKind::None, bytes: Bytes::new() },
            text: Text::Own(text.into()),
        }
    }

    /// The words of the message, if it has any.
    pub fn as_text(&self) -> Option<&str> {
        match &self.text {
            Text::None => None,
            Text::Payload => std::str::from_utf8(&self.payload.bytes).ok(),
            Text::Own(text) => Some(text),
        }
    }

    /// How many bytes the body holds.
    pub fn len(&self) -> usize {
        let own = if let Text::Own(text) = &self.text { text.len() } else { 0 };
        self.payload.bytes.len() + own
    }

    /// Whether the body holds no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Message {
    /// What keeping the message costs, in bytes: its parts and what stands around them.
    pub fn weight(&self) -> usize {
        size_of::<Self>() + self.body.len() + self.room.name().len()
    }
}

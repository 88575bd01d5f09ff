//! Messages and signs as bytes: what brokers keep and carry. All numbers are little-endian; lengths stand before what they measure.
//!
//! An entry: version, mark (node, number), time, kind of payload, kind of text, author, tag, own text, and the payload to the end.
//! A sign: version, user, name, and if it carries something its arguments and attachments.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use chat::{
    Author, Body, Content, Message, Payload, PayloadKind, Position, RoomId, SignalName, Tag, Text, Time,
    UserId,
};

use crate::{NodeId, Order, Signal};

/// The format written. Others are not read.
const VERSION: u8 = 1;
/// More attachments than this a sign does not have.
const ATTACHMENTS_MAX: usize = 1_000;

/// Which node's order became the message, and which of its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Mark {
    pub(super) node: NodeId,
    pub(super) number: u64,
}

impl Mark {
    pub(super) fn bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.node.0.to_le_bytes());
        bytes[4..].copy_from_slice(&self.number.to_le_bytes());
        bytes
    }
}

/// Writes an order as the entry it will be.
pub(super) fn write_entry(order: &Order, mark: Mark) -> Bytes {
    let Order { author, body, tag, time, .. } = order;
    let mut out = BytesMut::with_capacity(64 + body.len());
    out.put_u8(VERSION);
    out.put_slice(&mark.bytes());
    out.put_u64_le(time.0);
    out.put_u8(match body.payload.kind {
        PayloadKind::None => 0,
        PayloadKind::Text => 1,
        PayloadKind::Binary => 2,
        PayloadKind::Json => 3,
    });
    let (kind, text) = match &body.text {
        Text::None => (0, ""),
        Text::Payload => (1, ""),
        Text::Own(text) => (2, &**text),
    };
    out.put_u8(kind);
    put_short(&mut out, author.as_ref().map_or("", UserId::as_str));
    put_short(&mut out, tag.as_ref().map_or("", Tag::as_str));
    put_long(&mut out, text.as_bytes());
    out.put_slice(&body.payload.bytes);
    out.freeze()
}

/// Reads an entry as the message it is; `None`: it is not one.
pub(super) fn read_entry(room: &RoomId, at: Position, entry: &Bytes) -> Option<(Mark, Arc<Message>)> {
    let mut rest = Rest(entry.clone());
    if rest.byte()? != VERSION {
        return None;
    }
    let mark = rest.mark()?;
    let time = Time(u64::from_le_bytes(rest.array()?));
    let kind = match rest.byte()? {
        0 => PayloadKind::None,
        1 => PayloadKind::Text,
        2 => PayloadKind::Binary,
        3 => PayloadKind::Json,
        _ => return None,
    };
    let text_kind = rest.byte()?;
    let author = rest.author()?;
    let tag = match rest.short()? {
        tag if tag.is_empty() => None,
        tag => Some(Tag::new(text(&tag)?)?),
    };
    let own = rest.long()?;
    let text = match text_kind {
        0 => Text::None,
        1 => Text::Payload,
        2 => Text::Own(text(&own)?.into()),
        _ => return None,
    };
    let bytes = rest.0;
    if kind != PayloadKind::Binary {
        std::str::from_utf8(&bytes).ok()?;
    }
    let body = Body { payload: Payload { kind, bytes }, text };
    Some((mark, Arc::new(Message { room: room.clone(), at, author, time, tag, body })))
}

/// Reads only whose order an entry was.
pub(super) fn read_mark(entry: &Bytes) -> Option<Mark> {
    let mut rest = Rest(entry.clone());
    (rest.byte()? == VERSION).then(|| rest.mark())?
}

/// What makes a post the same as an earlier one: author and tag; of guests, who have no name to tell them apart and number their posts alike,
/// what they say too. A post without a tag is like no other than itself.
pub(super) fn key_of(order: &Order, mark: Mark) -> Bytes {
    let mut key = BytesMut::new();
    match (&order.author, &order.tag) {
        (_, None) => {
            key.put_u8(b'm');
            key.put_slice(&mark.bytes());
        }
        (Some(user), Some(tag)) => {
            key.put_u8(b'u');
            put_short(&mut key, user.as_str());
            key.put_slice(tag.as_str().as_bytes());
        }
        (None, Some(tag)) => {
            key.put_u8(b'g');
            key.put_u64_le(fingerprint(&order.body));
            key.put_slice(tag.as_str().as_bytes());
        }
    }
    key.freeze()
}

/// Writes a sign.
pub(super) fn write_signal(signal: &Signal) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(VERSION);
    put_short(&mut out, signal.user.as_ref().map_or("", UserId::as_str));
    put_short(&mut out, signal.signal.as_str());
    if let Some(content) = &signal.content {
        put_long(&mut out, content.arguments.as_bytes());
        for attachment in &content.attachments {
            put_long(&mut out, attachment);
        }
    }
    out.freeze()
}

/// Reads a sign; `None`: it is not one.
pub(super) fn read_signal(bytes: &Bytes) -> Option<Signal> {
    let mut rest = Rest(bytes.clone());
    if rest.byte()? != VERSION {
        return None;
    }
    let user = rest.author()?;
    let signal = SignalName::new(text(&rest.short()?)?)?;
    if rest.0.is_empty() {
        return Some(Signal { user, signal, content: None });
    }
    let arguments = text(&rest.long()?)?.into();
    let mut attachments = Vec::new();
    while !rest.0.is_empty() {
        if attachments.len() == ATTACHMENTS_MAX {
            return None;
        }
        attachments.push(rest.long()?);
    }
    Some(Signal { user, signal, content: Some(Arc::new(Content { arguments, attachments })) })
}

/// What has not been read yet.
struct Rest(Bytes);

impl Rest {
    fn take(&mut self, length: usize) -> Option<Bytes> {
        (length <= self.0.len()).then(|| self.0.split_to(length))
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.as_ref().try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn mark(&mut self) -> Option<Mark> {
        let node = NodeId(u32::from_le_bytes(self.array()?));
        Some(Mark { node, number: u64::from_le_bytes(self.array()?) })
    }

    fn short(&mut self) -> Option<Bytes> {
        let length = self.byte()?;
        self.take(length.into())
    }

    fn long(&mut self) -> Option<Bytes> {
        let length = u32::from_le_bytes(self.array()?);
        self.take(usize::try_from(length).ok()?)
    }

    fn author(&mut self) -> Option<Author> {
        let name = self.short()?;
        if name.is_empty() { Some(None) } else { UserId::new(text(&name)?).ok().map(Some) }
    }
}

fn text(bytes: &Bytes) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Names and tags have at most 255 bytes.
fn put_short(out: &mut BytesMut, text: &str) {
    out.put_u8(u8::try_from(text.len()).expect("names and tags have at most 255 bytes"));
    out.put_slice(text.as_bytes());
}

fn put_long(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32_le(u32::try_from(bytes.len()).expect("messages are bounded far below 4 GiB"));
    out.put_slice(bytes);
}

/// A number that bodies which say something else hardly share (FNV-1a).
fn fingerprint(body: &Body) -> u64 {
    let text = body.as_text().unwrap_or("").bytes();
    let bytes = body.payload.bytes.iter().copied().chain([0xFF]).chain(text);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use chat::{Epoch, RoomName};
    use proptest::prelude::*;

    use super::*;

    fn lobby() -> RoomId {
        RoomId::public(RoomName::new("lobby").expect("a valid name"))
    }

    fn bodies() -> impl Strategy<Value = Body> {
        let payload = prop_oneof![
            Just(Payload { kind: PayloadKind::None, bytes: Bytes::new() }),
            any::<String>().prop_map(|text| Payload { kind: PayloadKind::Text, bytes: text.into() }),
            any::<Vec<u8>>().prop_map(|bytes| Payload { kind: PayloadKind::Binary, bytes: bytes.into() }),
            any::<String>().prop_map(|text| Payload { kind: PayloadKind::Json, bytes: text.into() }),
        ];
        let text = prop_oneof![
            Just(Text::None),
            Just(Text::Payload),
            any::<String>().prop_map(|t| Text::Own(t.into()))
        ];
        (payload, text).prop_map(|(payload, text)| Body { payload, text })
    }

    fn signals() -> impl Strategy<Value = Signal> {
        let content =
            (any::<String>(), prop::collection::vec(any::<Vec<u8>>(), 0..4)).prop_map(|(text, those)| {
                let attachments = those.into_iter().map(Bytes::from).collect();
                Arc::new(Content { arguments: text.into(), attachments })
            });
        (prop::option::of("[a-z]{1,255}"), "[a-z]{1,32}", prop::option::of(content)).prop_map(
            |(user, name, content)| Signal {
                user: user.and_then(|user| UserId::new(&user).ok()),
                signal: SignalName::new(&name).expect("a valid name"),
                content,
            },
        )
    }

    proptest! {
        #[test]
        fn a_message_reads_back_as_it_was_written(
            author in prop::option::of("[a-zß]{1,100}"),
            body in bodies(),
            tag in prop::option::of("[a-z]{1,64}"),
            (time, number, offset) in any::<(u64, u64, u64)>(),
        ) {
            let author = author.and_then(|author| UserId::new(&author).ok());
            let tag = tag.and_then(|tag| Tag::new(&tag));
            let mark = Mark { node: NodeId(7), number };
            let at = Position { epoch: Epoch(3), offset };
            let order = Order { room: lobby(), author: author.clone(), body: body.clone(), tag: tag.clone(), time: Time(time), ticket: 0 };
            let entry = write_entry(&order, mark);
            let expected = Message { room: lobby(), at, author, time: Time(time), tag, body };
            prop_assert_eq!(read_entry(&lobby(), at, &entry), Some((mark, Arc::new(expected))));
            prop_assert_eq!(read_mark(&entry), Some(mark));
        }

        #[test]
        fn a_sign_reads_back_as_it_was_written(signal in signals()) {
            prop_assert_eq!(read_signal(&write_signal(&signal)), Some(signal));
        }

        #[test]
        fn whatever_the_bytes_are_they_are_read_or_refused(bytes in any::<Vec<u8>>()) {
            let (bytes, at) = (Bytes::from([&[VERSION], &bytes[..]].concat()), Position { epoch: Epoch(1), offset: 1 });
            let _ = (read_entry(&lobby(), at, &bytes), read_signal(&bytes), read_mark(&bytes));
        }

        #[test]
        fn an_entry_that_is_cut_off_is_refused(length in 0usize..27) {
            let order = Order { room: lobby(), author: None, body: Body::text(""), tag: None, time: Time(0), ticket: 0 };
            let entry = write_entry(&order, Mark { node: NodeId(7), number: 1 });
            prop_assert_eq!(read_entry(&lobby(), Position { epoch: Epoch(1), offset: 1 }, &entry.slice(..length)), None);
        }
    }

    #[test]
    fn an_entry_of_another_version_is_refused() {
        let order = Order {
            room: lobby(),
            author: None,
            body: Body::text("hi"),
            tag: None,
            time: Time(0),
            ticket: 0,
        };
        let mut entry = write_entry(&order, Mark { node: NodeId(7), number: 1 }).to_vec();
        entry[0] = 2;
        let entry = Bytes::from(entry);
        assert_eq!(read_entry(&lobby(), Position { epoch: Epoch(1), offset: 1 }, &entry), None);
        assert_eq!(read_mark(&entry), None);
    }
}

//! The fields of which envelopes are made: numbers in LEB128, and what chat calls things. Reading never panics, whatever the bytes are.

use backplanes::NodeId;
use chat::{Epoch, Position, RoomId, RoomKind, RoomName, UserId};

use crate::SessionKey;

/// Appends fields.
#[derive(Debug, Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

/// Takes fields from the front of what is left; `None`: what is there is none.
#[derive(Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

/// As many bits as a byte of a number carries.
const BITS: u32 = 7;

impl Writer {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 1 << BITS {
            self.byte(number as u8 | 1 << BITS);
            number >>= BITS;
        }
        self.byte(number as u8);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn blob(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn user(&mut self, user: Option<&UserId>) {
        self.text(user.map_or("", UserId::as_str));
    }

    pub(crate) fn room(&mut self, room: &RoomId) {
        self.byte(match room.kind() {
            RoomKind::Public => 0,
            RoomKind::Inbox => 1,
            RoomKind::Everybody => 2,
        });
        self.text(if room.is_everybody() { "" } else { room.name() });
    }

    pub(crate) fn position(&mut self, position: Position) {
        self.number(position.epoch.0);
        self.number(position.offset);
    }

    pub(crate) fn node(&mut self, node: NodeId) {
        self.0.extend_from_slice(&node.0.to_be_bytes());
    }

    pub(crate) fn session(&mut self, session: SessionKey) {
        self.0.extend_from_slice(&session.to_bytes());
    }

    /// A field that may be missing.
    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    /// All that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(BITS as usize) {
            let byte = self.byte()?;
            let bits = u64::from(byte & !(1 << BITS));
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte < 1 << BITS {
                return Some(number);
            }
        }
        None
    }

    /// A number that counts what follows.
    pub(crate) fn number_up_to(&mut self, most: u64) -> Option<u64> {
        self.number().filter(|number| *number <= most)
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(crate) fn blob(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.bytes(length)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.blob()?).ok()
    }

    pub(crate) fn user(&mut self) -> Option<Option<UserId>> {
        match self.text()? {
            "" => Some(None),
            name => Some(Some(UserId::new(name).ok()?)),
        }
    }

    pub(crate) fn room(&mut self) -> Option<RoomId> {
        match (self.byte()?, self.text()?) {
            (0, name) => Some(RoomId::public(RoomName::new(name).ok()?)),
            (1, name) => Some(RoomId::inbox(UserId::new(name).ok()?)),
            (2, "") => Some(RoomId::everybody()),
            _ => None,
        }
    }

    pub(crate) fn position(&mut self) -> Option<Position> {
        Some(Position { epoch: Epoch(self.number()?), offset: self.number()? })
    }

    pub(crate) fn node(&mut self) -> Option<NodeId> {
        self.array().map(|bytes| NodeId(u32::from_be_bytes(bytes)))
    }

    pub(crate) fn session(&mut self) -> Option<SessionKey> {
        self.array().map(SessionKey::from_bytes)
    }

    pub(crate) fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => Some(Some(read(self)?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_back_and_no_others_are_read() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut writer = Writer::default();
            writer.number(number);
            let mut reader = Reader(&writer.0);
            assert_eq!((reader.number(), reader.is_empty()), (Some(number), true));
            assert_eq!(Reader(&writer.0[..writer.0.len() - 1]).number(), None, "{number} cut short");
        }
        assert_eq!(Reader(&[0xFF; 16]).number(), None);
        assert_eq!(Reader(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2]).number(), None);
    }

    #[test]
    fn names_are_held_to_what_names_may_be() {
        let read = |kind: u8, name: &[u8]| Reader(&[&[kind, name.len() as u8], name].concat()).room();
        assert!(read(0, b"lobby").is_some() && read(1, b"alice").is_some() && read(2, b"").is_some());
        for (kind, name) in [(0, &b""[..]), (1, b"a\nb"), (2, b"all"), (3, b"lobby"), (0, b"\xFF")] {
            assert_eq!(read(kind, name), None, "{kind} {name:?}");
        }
        assert_eq!(Reader(&[0, 200, b'a']).room(), None);
    }
}

//! JSON objects written straight into a buffer, member by member.

use std::fmt::Display;
use std::io::Write;

use chat::{Message, PayloadKind, Refusal, Resumption, RoomId, Tag, UserId};
use wire::json::{write_base64, write_json_string};

/// A JSON object being written, member by member.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Object<'a> {
    pub(crate) fn start(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out }
    }

    pub(crate) fn of(is: &str, out: &'a mut Vec<u8>) -> Self {
        out.extend_from_slice(b"{\"is\":\"");
        out.extend_from_slice(is.as_bytes());
        out.push(b'"');
        Self { out }
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }

    fn name(&mut self, name: &str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(crate) fn string(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        write_json_string(self.out, value);
        self
    }

    pub(crate) fn number(mut self, name: &str, value: u64) -> Self {
        self.name(name);
        write_number(value, self.out);
        self
    }

    pub(crate) fn flag(mut self, name: &str, value: bool) -> Self {
        self.name(name);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
        self
    }

    /// A string of characters that need no escape.
    pub(crate) fn shown(mut self, name: &str, value: &impl Display) -> Self {
        self.name(name);
        self.out.push(b'"');
        write_shown(value, self.out);
        self.out.push(b'"');
        self
    }

    pub(crate) fn shown_if(self, name: &str, value: &Option<impl Display>) -> Self {
        match value {
            Some(value) => self.shown(name, value),
            None => self,
        }
    }

    /// A value that is JSON already.
    pub(crate) fn json(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.out.extend_from_slice(value.as_bytes());
        self
    }

    /// A value that `write` appends.
    pub(crate) fn with(mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        self.name(name);
        write(self.out);
        self
    }

    /// Bytes, as a string.
    pub(crate) fn base64(mut self, name: &str, bytes: &[u8]) -> Self {
        self.name(name);
        self.out.push(b'"');
        write_base64(self.out, bytes);
        self.out.push(b'"');
        self
    }

    pub(crate) fn array<T>(mut self, name: &str, items: &[T], write: impl Fn(&T, &mut Vec<u8>)) -> Self {
        self.name(name);
        self.out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            write(item, self.out);
        }
        self.out.push(b']');
        self
    }

    pub(crate) fn tag(self, tag: &Option<Tag>) -> Self {
        match tag {
            Some(tag) => self.string("id", tag.as_str()),
            None => self,
        }
    }

    /// An inbox is its reader's own and has no name.
    pub(crate) fn room(self, room: &RoomId) -> Self {
        if room.is_inbox() { self } else { self.string("room", room.name()) }
    }

    pub(crate) fn user(self, user: &Option<UserId>) -> Self {
        match user {
            Some(user) => self.string("user", user.as_str()),
            None => self,
        }
    }

    pub(crate) fn users(self, name: &str, users: Option<&[UserId]>) -> Self {
        match users {
            Some(users) => self.array(name, users, |user, out| write_json_string(out, user.as_str())),
            None => self,
        }
    }

    pub(crate) fn resumption(self, resumption: Resumption) -> Self {
        match resumption {
            Resumption::Fresh => self,
            Resumption::Complete => self.flag("resumed", true),
            Resumption::Partial => self.flag("resumed", false),
        }
    }

    pub(crate) fn refusal(self, refusal: Refusal) -> Self {
        let object = self.string("code", refusal.code()).string("reason", refusal.reason());
        let object = object.flag("retry", refusal.may_retry());
        match refusal.retry_after_ms() {
            Some(ms) => object.number("retry_after", u64::from(ms)),
            None => object,
        }
    }

    pub(crate) fn message(self, message: &Message) -> Self {
        let object = self.shown("at", &message.at).user(&message.author).tag(&message.tag);
        let object = object.number("time", message.time.0);
        let object = match message.body.as_text() {
            Some(text) => object.string("text", text),
            None => object,
        };
        let payload = &message.body.payload;
        match payload.kind {
            PayloadKind::Json => object.with("data", |out| out.extend_from_slice(&payload.bytes)),
            PayloadKind::Binary => object.base64("binary", &payload.bytes),
            PayloadKind::None | PayloadKind::Text => object,
        }
    }
}

/// Appends a number in decimal digits.
pub(crate) fn write_number(number: u64, out: &mut Vec<u8>) {
    write_shown(&number, out);
}

/// Appends what is shown in characters that need no escape.
pub(crate) fn write_shown(shown: &impl Display, out: &mut Vec<u8>) {
    write!(out, "{shown}").expect("a vector takes all bytes");
}

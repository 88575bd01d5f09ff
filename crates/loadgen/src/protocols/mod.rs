//! The client's side of every protocol the generator speaks: bytes in, stamps out. One module for each, and its
//! name in [`PROTOCOLS`]. None knows sockets, time or what the run is about.

mod polling;
mod raw;
mod socketio;
mod sse;
mod v1;
pub(crate) mod websocket;

use std::borrow::Cow;
use std::fmt;

use crate::stamp::Stamp;

/// One client of one connection.
pub trait Client {
    /// Writes the first bytes of the connection.
    fn greet(&mut self, out: &mut Vec<u8>);

    /// Takes what the server sent and says how much of it; the rest comes again with more behind it. Adds the
    /// stamps of the messages to `seen` and what is to be answered to `out`.
    fn receive(&mut self, bytes: &[u8], seen: &mut Vec<Stamp>, out: &mut Vec<u8>) -> Result<usize, Fault>;

    /// Whether the client is in its room.
    fn is_open(&self) -> bool;

    /// How often it was told, on a connection that goes on, that messages of a room are lost.
    fn gaps(&self) -> u64 {
        0
    }

    /// Writes a post.
    fn publish(&mut self, stamp: &Stamp, out: &mut Vec<u8>);
}

/// What a client needs to know of itself.
#[derive(Clone, Debug)]
pub struct Seat {
    /// The server, as a `Host` header has it.
    pub host: String,
    /// The room's name; of characters that need no encoding anywhere.
    pub room: String,
    /// The member's number.
    pub member: u32,
    /// Further rooms that it joins: they are called like its own with `-1`, `-2` and so on behind it.
    pub side_rooms: u32,
    /// What proves who it is, where that is asked for.
    pub token: Option<String>,
    /// Whether it publishes.
    pub publishes: bool,
    /// The length of the payloads it posts.
    pub payload_bytes: usize,
}

/// A protocol by name.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// Its name on the command line.
    pub name: &'static str,
    /// Whether a publisher is a reader too.
    pub publishers_read: bool,
    /// Whether a client can be in further rooms beside the one it posts to.
    pub joins_several: bool,
    /// Whether a client can show a token.
    pub bears_tokens: bool,
    /// Makes a client.
    pub open: fn(&Seat) -> Box<dyn Client>,
}

/// All of them; to add one is to add a module and its line.
pub static PROTOCOLS: &[Protocol] =
    &[raw::PROTOCOL, v1::PROTOCOL, sse::PROTOCOL, socketio::PROTOCOL, polling::PROTOCOL];

/// The protocol of that name.
pub fn named(name: &str) -> Option<&'static Protocol> {
    PROTOCOLS.iter().find(|protocol| protocol.name == name)
}

/// Why a connection is of no more use, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(Cow<'static, str>);

impl Fault {
    /// A fault in words.
    pub fn new(words: impl Into<Cow<'static, str>>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// The length of an HTTP head including its blank line, once it is all there.
fn head_length(bytes: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, b"\r\n\r\n").map(|end| end + 4)
}

/// The value of a header, RFC 9110 §5.1: names compare without case.
fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let (field, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        field.eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii())
    })
}

/// The status of an HTTP answer.
fn status(head: &[u8]) -> &[u8] {
    head.split(|byte| *byte == b' ').nth(1).unwrap_or_default()
}

fn first_line(head: &[u8]) -> String {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    String::from_utf8_lossy(line).into_owned()
}

#[cfg(test)]
pub(crate) mod cuts {
    //! Feeds a client a server's bytes whole, byte by byte, and cut at every place.

    use super::*;

    /// What a client made of it: the stamps, what it answered, and whether it is in its room.
    pub(crate) type Outcome = (Vec<Stamp>, Vec<u8>, bool);

    fn feed<'a>(
        client: &mut dyn Client,
        parts: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Outcome, Fault> {
        let (mut seen, mut out, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            kept.extend_from_slice(part);
            let taken = client.receive(&kept, &mut seen, &mut out)?;
            kept.drain(..taken);
        }
        assert!(kept.is_empty(), "the client left {} bytes", kept.len());
        Ok((seen, out, client.is_open()))
    }

    /// Feeds it in every way, asserts that the outcome is always the same, and returns it.
    pub(crate) fn at_every_cut(open: impl Fn() -> Box<dyn Client>, bytes: &[u8]) -> Outcome {
        let whole = feed(&mut *open(), [bytes]).expect("the server's bytes are right");
        let single = feed(&mut *open(), bytes.chunks(1)).expect("the server's bytes are right");
        assert_eq!(single, whole, "byte by byte");
        for cut in 0..bytes.len() {
            let (first, second) = bytes.split_at(cut);
            let halves = feed(&mut *open(), [first, second]).expect("the server's bytes are right");
            assert_eq!(halves, whole, "cut at {cut}");
        }
        whole
    }

    /// The fault that the bytes are.
    pub(crate) fn fault(mut client: Box<dyn Client>, bytes: &[u8]) -> String {
        feed(&mut *client, [bytes]).expect_err("the server's bytes are wrong").to_string()
    }

    /// A seat for tests.
    pub(crate) fn seat(publishes: bool) -> Seat {
        Seat {
            host: "h:1".to_owned(),
            room: "r7".to_owned(),
            member: 3,
            side_rooms: 0,
            token: None,
            publishes,
            payload_bytes: 40,
        }
    }

    /// A stamp for tests, and its payload of 40 bytes.
    pub(crate) fn stamp(sequence: u32) -> (Stamp, String) {
        let stamp = Stamp { publisher: 3, sequence, intended_ns: 5 };
        let mut payload = Vec::new();
        stamp.write(40, &mut payload);
        (stamp, String::from_utf8(payload).expect("a stamp is text"))
    }
}

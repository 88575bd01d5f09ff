//! Packets from the messages of a session: text, and after some of it the attachments.

use std::borrow::Cow;

use super::fault::Fault;
use super::packet::Packet;

/// How much is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attachments of one packet.
    pub max_attachments: usize,
    /// Bytes of one packet and its attachments together.
    pub max_bytes: usize,
}

/// Puts attachments to their packets. Holds nothing while no packet waits for any.
#[derive(Debug, Default)]
pub struct Decoder {
    waiting: Option<Box<Waiting>>,
}

/// What a message has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A packet without attachments.
    Packet(Packet<'a>),
    /// A packet with all its attachments.
    Assembled(Assembled),
    /// A part of a packet; more must follow.
    Part,
}

/// A packet and its attachments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// Read once already, with as many attachments as there are.
    text: Box<str>,
    attachments: Vec<Vec<u8>>,
}

/// A packet whose attachments have not all come.
#[derive(Debug)]
struct Waiting {
    assembled: Assembled,
    /// How many attachments it will have; more than it has.
    wanted: usize,
    /// Bytes of text and attachments so far.
    bytes: usize,
}

impl Decoder {
    /// Nothing received.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether an attachment must come next.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Takes a message of text.
    pub fn receive_text<'a>(&mut self, text: &'a str, limits: &Limits) -> Result<Received<'a>, Fault> {
        if self.is_waiting() {
            return Err(Fault::UnexpectedText);
        }
        let packet = Packet::read(text, limits.max_attachments)?;
        let wanted = packet.attachments();
        if wanted == 0 {
            return Ok(Received::Packet(packet));
        }
        let assembled = Assembled { text: text.into(), attachments: Vec::with_capacity(wanted) };
        self.waiting = Some(Box::new(Waiting { assembled, wanted, bytes: text.len() }));
        Ok(Received::Part)
    }

    /// Takes a binary message.
    pub fn receive_binary(
        &mut self,
        bytes: Cow<'_, [u8]>,
        limits: &Limits,
    ) -> Result<Received<'static>, Fault> {
        let waiting = self.waiting.as_mut().ok_or(Fault::UnexpectedBinary)?;
        waiting.bytes = waiting.bytes.saturating_add(bytes.len());
        if waiting.bytes > limits.max_bytes {
            return Err(Fault::TooLarge);
        }
        waiting.assembled.attachments.push(bytes.into_owned());
        if waiting.assembled.attachments.len() < waiting.wanted {
            return Ok(Received::Part);
        }
        let waiting = self.waiting.take().ok_or(Fault::UnexpectedBinary)?;
        Ok(Received::Assembled(waiting.assembled))
    }
}

impl Assembled {
    /// A packet whose attachments are all there.
    pub(super) fn new(text: String, attachments: Vec<Vec<u8>>) -> Result<Self, Fault> {
        let named = Packet::read(&text, attachments.len())?.attachments();
        assert_eq!(named, attachments.len(), "the text tells how many there are");
        Ok(Self { text: text.into(), attachments })
    }

    /// The packet.
    pub fn packet(&self) -> Packet<'_> {
        Packet::read(&self.text, self.attachments.len()).expect("it was read when it came")
    }

    /// What its placeholders stand for, by their number.
    pub fn attachments(&self) -> &[Vec<u8>] {
        &self.attachments
    }
}

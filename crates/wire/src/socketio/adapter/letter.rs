//! Bytes that came by a channel, made JSON: the servers write either JSON or MessagePack, and say which by the first byte.

use super::super::arguments::MAX_DEPTH;
use super::super::assembly::Limits;
use super::super::fault::Fault;
use super::super::msgpack;
use super::super::tokens;

/// What came, not judged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// In JSON, if it began like it.
    pub(super) text: String,
    attachments: Vec<Vec<u8>>,
}

impl Letter {
    /// Takes what came.
    pub fn open(bytes: &[u8], limits: &Limits) -> Result<Self, Fault> {
        if bytes.len() > limits.max_bytes {
            return Err(Fault::TooLarge);
        }
        if bytes.first() == Some(&b'{') {
            let text = simdutf8::basic::from_utf8(bytes).map_err(|_| Fault::Payload)?;
            return Ok(Self { text: text.to_owned(), attachments: Vec::new() });
        }
        let (text, attachments) = msgpack::read_value(bytes, limits.max_attachments)?;
        Ok(Self { text, attachments })
    }

    /// What placeholders stand for, by their number. If there is none, they are objects like any other.
    pub fn attachments(&self) -> &[Vec<u8>] {
        &self.attachments
    }

    /// Once it is known to be JSON.
    pub(super) fn check_depth(&self) -> Result<(), Fault> {
        if tokens::is_deeper_than(MAX_DEPTH, &self.text) { Err(Fault::TooDeep) } else { Ok(()) }
    }
}

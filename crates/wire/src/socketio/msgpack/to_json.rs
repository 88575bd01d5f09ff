//! From MessagePack to JSON, and what JSON cannot hold beside it.

use std::fmt::Display;
use std::io::Write;

use super::super::arguments::MAX_DEPTH;
use super::super::fault::Fault;
use super::super::placeholder;
use super::items::{Item, Reader};
use crate::date;
use crate::json::write_json_string;

/// A value in JSON, its binary parts replaced by placeholders.
#[derive(Debug, Default)]
pub(super) struct Transcription<'a> {
    pub(super) text: Vec<u8>,
    pub(super) attachments: Vec<&'a [u8]>,
}

/// What writes one.
struct Transcriber<'a, 'r> {
    reader: &'r mut Reader<'a>,
    max_attachments: usize,
    done: Transcription<'a>,
}

impl<'a> Transcription<'a> {
    /// Reads one value with all that is in it.
    pub(super) fn read(reader: &mut Reader<'a>, max_attachments: usize) -> Result<Self, Fault> {
        let first = reader.item()?;
        let mut transcriber = Transcriber { reader, max_attachments, done: Self::default() };
        transcriber.write(first, 0)?;
        Ok(transcriber.done)
    }
}

impl<'a> Transcriber<'a, '_> {
    /// Writes an item, which is inside of `depth` others, and what it holds.
    fn write(&mut self, item: Item<'a>, depth: usize) -> Result<(), Fault> {
        match item {
            Item::Nil | Item::Undefined => self.write_shown("null"),
            Item::Boolean(value) => self.write_shown(value),
            Item::Unsigned(number) => self.write_shown(number),
            Item::Signed(number) => self.write_shown(number),
            Item::Float(number) if number.is_finite() => self.write_shown(format_args!("{number:?}")),
            Item::Float(_) => self.write_shown("null"),
            Item::String(text) => self.write_string(text),
            Item::Date(time_ms) => self.write_string(&date::iso(time_ms).ok_or(Fault::Msgpack)?),
            Item::Binary(bytes) => self.write_attachment(bytes)?,
            Item::Array(_) | Item::Map(_) if depth == MAX_DEPTH => return Err(Fault::TooDeep),
            Item::Array(count) => self.write_array(count, depth + 1)?,
            Item::Map(count) => self.write_object(count, depth + 1)?,
        }
        Ok(())
    }

    fn write_array(&mut self, count: u64, depth: usize) -> Result<(), Fault> {
        self.done.text.push(b'[');
        for index in 0..count {
            if index > 0 {
                self.done.text.push(b',');
            }
            let element = self.reader.item()?;
            self.write(element, depth)?;
        }
        self.done.text.push(b']');
        Ok(())
    }

    /// A member that is undefined is left out, as in the JSON that JavaScript writes.
    fn write_object(&mut self, count: u64, depth: usize) -> Result<(), Fault> {
        self.done.text.push(b'{');
        let mut is_first = true;
        for _ in 0..count {
            let (name, value) = (self.reader.item()?, self.reader.item()?);
            if value == Item::Undefined {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                self.done.text.push(b',');
            }
            self.write_name(name)?;
            self.write(value, depth)?;
        }
        self.done.text.push(b'}');
        Ok(())
    }

    /// Names that are whole numbers, as other languages have them, become their digits.
    fn write_name(&mut self, name: Item<'_>) -> Result<(), Fault> {
        match name {
            Item::String(text) => self.write_string(text),
            Item::Unsigned(number) => self.write_string(&number.to_string()),
            Item::Signed(number) => self.write_string(&number.to_string()),
            _ => return Err(Fault::Msgpack),
        }
        self.done.text.push(b':');
        Ok(())
    }

    fn write_attachment(&mut self, bytes: &'a [u8]) -> Result<(), Fault> {
        let number = self.done.attachments.len();
        if number == self.max_attachments {
            return Err(Fault::TooManyAttachments);
        }
        placeholder::write(number, &mut self.done.text);
        self.done.attachments.push(bytes);
        Ok(())
    }

    fn write_string(&mut self, text: &str) {
        write_json_string(&mut self.done.text, text);
    }

    fn write_shown(&mut self, shown: impl Display) {
        write!(self.done.text, "{shown}").expect("a vector takes all bytes");
    }
}

//! The packets of one poll, one after the other.

use super::fault::Fault;
use super::packet::{Packet, Revision};
use super::payload::{BINARY_MARKER, LENGTH_END, OCTETS_LENGTH_END, PayloadForm, SEPARATOR, TEXT_MARKER};

/// Lengths of more digits are not read.
const LENGTH_DIGITS_MAX: usize = 10;

/// Reads the packets of a payload, borrowed from it. Ends with the first fault.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    rest: Rest<'a>,
    /// How many more packets may come.
    allowed: usize,
}

/// What is still to be read.
#[derive(Clone, Copy, Debug)]
enum Rest<'a> {
    Separated(&'a str),
    Counted(&'a str),
    Octets(&'a [u8]),
    Nothing,
}

/// A packet, and what follows it.
type Step<'a> = Result<(Packet<'a>, Rest<'a>), Fault>;

impl<'a> Packets<'a> {
    /// Begins to read the body of a request or an answer; of more than `max_packets` packets, that many.
    pub fn new(body: &'a [u8], form: PayloadForm, max_packets: usize) -> Result<Self, Fault> {
        if body.is_empty() {
            return Err(Fault::EmptyPayload);
        }
        let text = || simdutf8::basic::from_utf8(body).map_err(|_| Fault::InvalidUtf8);
        let rest = match form {
            PayloadForm::Separated => Rest::Separated(text()?),
            PayloadForm::Counted => Rest::Counted(text()?),
            PayloadForm::Octets => Rest::Octets(body),
        };
        Ok(Self { rest, allowed: max_packets })
    }

    fn step(&mut self) -> Option<Step<'a>> {
        match self.rest {
            Rest::Separated(text) => Some(step_separated(text)),
            Rest::Counted(text) => step_counted(text).transpose(),
            Rest::Octets([marker, counted @ ..]) => Some(step_octets(*marker, counted)),
            Rest::Octets([]) | Rest::Nothing => None,
        }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step()?;
        let step = if self.allowed == 0 { Err(Fault::TooManyPackets) } else { step };
        self.allowed = self.allowed.saturating_sub(1);
        match step {
            Ok((packet, rest)) => {
                self.rest = rest;
                Some(Ok(packet))
            }
            Err(fault) => {
                self.rest = Rest::Nothing;
                Some(Err(fault))
            }
        }
    }
}

impl std::iter::FusedIterator for Packets<'_> {}

fn step_separated(text: &str) -> Step<'_> {
    let (packet, rest) = match memchr::memchr(SEPARATOR, text.as_bytes()) {
        Some(end) => (&text[..end], Rest::Separated(&text[end + 1..])),
        None => (text, Rest::Nothing),
    };
    Ok((Packet::read_text(packet, Revision::V4)?, rest))
}

/// A packet of no characters is none: it is passed over, and the end may follow it.
fn step_counted(text: &str) -> Result<Option<(Packet<'_>, Rest<'_>)>, Fault> {
    let mut rest = text;
    while !rest.is_empty() {
        let (length, size) = read_length(rest.as_bytes(), b'0', LENGTH_END)?;
        let (packet, following) = split_at_utf16(&rest[size..], length).ok_or(Fault::Length)?;
        if !packet.is_empty() {
            return Ok(Some((Packet::read_text(packet, Revision::V3)?, Rest::Counted(following))));
        }
        rest = following;
    }
    Ok(None)
}

fn step_octets(marker: u8, counted: &[u8]) -> Step<'_> {
    let (length, size) = read_length(counted, 0, OCTETS_LENGTH_END)?;
    let (packet, rest) = counted[size..].split_at_checked(length).ok_or(Fault::Length)?;
    let packet = match marker {
        TEXT_MARKER => {
            let text = simdutf8::basic::from_utf8(packet).map_err(|_| Fault::InvalidUtf8)?;
            Packet::read_text(text, Revision::V3)?
        }
        BINARY_MARKER => Packet::read_binary(packet, Revision::V3)?,
        _ => return Err(Fault::Marker),
    };
    Ok((packet, Rest::Octets(rest)))
}

/// Reads decimal digits that begin at `zero` up to `end`: the number, and how many bytes it took with its end.
fn read_length(bytes: &[u8], zero: u8, end: u8) -> Result<(usize, usize), Fault> {
    let mut number = 0;
    for (count, &byte) in bytes.iter().take(LENGTH_DIGITS_MAX + 1).enumerate() {
        if byte == end && count > 0 {
            return Ok((number, count + 1));
        }
        let digit = byte.wrapping_sub(zero);
        if digit > 9 {
            return Err(Fault::Length);
        }
        number = number * 10 + usize::from(digit);
    }
    Err(Fault::Length)
}

/// Splits after so many UTF-16 code units; not inside a character.
fn split_at_utf16(text: &str, units: usize) -> Option<(&str, &str)> {
    if text.as_bytes().get(..units).is_some_and(<[u8]>::is_ascii) {
        return Some(text.split_at(units));
    }
    let mut left = units;
    for (index, character) in text.char_indices() {
        if left == 0 {
            return Some(text.split_at(index));
        }
        left = left.checked_sub(character.len_utf16())?;
    }
    (left == 0).then_some((text, ""))
}

//! The payloads of packets: JSON that is checked and taken apart at its top, and nowhere else.

use std::fmt;

use serde::Deserializer;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::Fault;
use super::tokens;

/// More arguments are not taken.
pub const MAX_ARGUMENTS: usize = 256;

/// Arrays and objects inside each other: fewer than the parsers of all peers bear.
pub const MAX_DEPTH: usize = 100;

/// Takes an array apart, each element a JSON text as it came.
pub(super) fn read_array(payload: &str) -> Result<Vec<&str>, Fault> {
    if !payload.starts_with('[') {
        return Err(Fault::Payload);
    }
    let mut json = serde_json::Deserializer::from_str(payload);
    let elements = json.deserialize_seq(Elements).map_err(|_| Fault::Payload)?;
    json.end().map_err(|_| Fault::Payload)?;
    check_depth(payload)?;
    if elements.len() > MAX_ARGUMENTS { Err(Fault::TooManyArguments) } else { Ok(elements) }
}

/// Reads a value whose first byte is one of `starts`, without the blanks around it.
pub(super) fn read_value<'a>(payload: &'a str, starts: &[u8]) -> Result<&'a str, Fault> {
    if !payload.as_bytes().first().is_some_and(|first| starts.contains(first)) {
        return Err(Fault::Payload);
    }
    let value: &RawValue = serde_json::from_str(payload).map_err(|_| Fault::Payload)?;
    check_depth(payload)?;
    Ok(value.get())
}

fn check_depth(payload: &str) -> Result<(), Fault> {
    if tokens::is_deeper_than(MAX_DEPTH, payload) { Err(Fault::TooDeep) } else { Ok(()) }
}

/// Collects the elements of an array, though no more than one too many.
struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element::<&RawValue>()? {
            elements.push(element.get());
            if elements.len() > MAX_ARGUMENTS {
                while array.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
        }
        Ok(elements)
    }
}

//! Marks: what makes every message of a pretend world unlike every other, whichever protocol carries it.

use std::fmt;

use gateways::Said;

/// The number of a message. Its words begin the text, the bytes or the JSON string of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u32);

impl Mark {
    /// The mark in words.
    pub fn words(self) -> String {
        format!("#{}-{:04x}#", self.0, self.check())
    }

    /// The mark of a message, if it bears one.
    pub(crate) fn of(said: &Said) -> Option<Self> {
        let text = said.text.as_deref().or(said.data.as_deref());
        let binary = said.binary.as_deref().map(String::from_utf8_lossy);
        Self::find(text.or(binary.as_deref())?)
    }

    /// The first mark in a text.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once('#')?;
        let (words, _) = rest.split_once('#')?;
        let (number, check) = words.split_once('-')?;
        let mark = Self(number.parse().ok()?);
        (u32::from_str_radix(check, 16).ok()? == mark.check()).then_some(mark)
    }

    /// Bytes that were damaged on their way are taken for nobody's message.
    fn check(self) -> u32 {
        (self.0.wrapping_add(1)).wrapping_mul(0x9e37_79b1) >> 16
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "message {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_again_and_a_damaged_one_is_not() {
        let words = Mark(17).words();
        assert_eq!(Mark::find(&format!("{{\"a\":\"{words} and more\"}}")), Some(Mark(17)));
        assert_eq!(Mark::find(&words.replace("17", "18")), None);
        assert_eq!(Mark::find("#nothing#"), None);
    }
}

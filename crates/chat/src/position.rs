//! Where a message stands in its room.

use std::fmt;
use std::str::FromStr;

/// One life of a room's state. An offset is never given to two messages of the same epoch; when that cannot be promised the
/// epoch changes. Written as 1 to 13 characters of `0-9a-z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// Epoch and offset of a message in its room. Offsets start at 1; offset 0 is the place before the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The life of the room that the offset belongs to.
    pub epoch: Epoch,
    /// How many messages of that epoch stand up to and including this one.
    pub offset: u64,
}

/// The text is not `epoch:offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionError;

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// `u64::MAX` has 13 digits in base 36.
const EPOCH_DIGITS_MAX: usize = 13;

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; EPOCH_DIGITS_MAX];
        let mut rest = self.0;
        let mut start = digits.len();
        loop {
            start -= 1;
            digits[start] = DIGITS[(rest % 36) as usize];
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        f.write_str(std::str::from_utf8(&digits[start..]).expect("base 36 digits are ASCII"))
    }
}

impl FromStr for Epoch {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let plain = !text.starts_with('+');
        if !(lower && plain && (1..=EPOCH_DIGITS_MAX).contains(&text.len())) {
            return Err(PositionError);
        }
        u64::from_str_radix(text, 36).map(Epoch).map_err(|_| PositionError)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (epoch, offset) = text.split_once(':').ok_or(PositionError)?;
        if !offset.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PositionError);
        }
        Ok(Self { epoch: epoch.parse()?, offset: offset.parse().map_err(|_| PositionError)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_as_it_was_written() {
        for epoch in [0, 1, 35, 36, 1_700_000_000_000, u64::MAX] {
            let position = Position { epoch: Epoch(epoch), offset: epoch / 3 };
            assert_eq!(position.to_string().parse(), Ok(position));
        }
    }

    #[test]
    fn a_text_that_is_not_epoch_and_offset_is_refused() {
        for bad in [
            "",
            ":",
            "a",
            "a:",
            ":1",
            "a:+1",
            "+a:1",
            "A:1",
            "a:1:2",
            "a:-1",
            "zzzzzzzzzzzzzz:1",
            "a:99999999999999999999",
        ] {
            assert_eq!(bad.parse::<Position>(), Err(PositionError), "{bad}");
        }
    }
}

//! Where a message stands in its room, as the server writes it: `epoch:offset` (docs/protocol.md).

use std::fmt;

/// An epoch, which is one life of a room, and an offset in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Which life: digits of base 36.
    pub(super) epoch: u64,
    /// Which message of it, from 1.
    pub(super) offset: u64,
}

impl Position {
    /// Reads `epoch:offset`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (epoch, offset) = text.split_once(':')?;
        Some(Self { epoch: u64::from_str_radix(epoch, 36).ok()?, offset: offset.parse().ok()? })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut digits, mut rest) = (Vec::new(), self.epoch);
        while rest > 0 || digits.is_empty() {
            digits.push(char::from_digit((rest % 36) as u32, 36).unwrap_or('?'));
            rest /= 36;
        }
        let epoch: String = digits.into_iter().rev().collect();
        write!(f, "{epoch}:{}", self.offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_written_as_it_was_read() {
        for text in ["0:1", "1kq3v9x:42", "3w5e11264sgsf:18446744073709551615"] {
            assert_eq!(Position::read(text).map(|at| at.to_string()).as_deref(), Some(text));
        }
        for text in ["", "1kq3v9x", "!:1", "1:", "1:-1"] {
            assert_eq!(Position::read(text), None, "{text}");
        }
    }
}

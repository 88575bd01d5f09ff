//! The stamp in every payload: who posted it, which post of theirs it is, and when it was meant to be sent.
//!
//! It is printable text of a fixed length, so it survives JSON and every protocol, and is found by its first byte.
//! It knows nothing of the message around it.

/// The byte a stamp begins with; nothing else that the generator sends contains it.
pub const MARK: u8 = b'@';

/// The length of a written stamp: the mark, then publisher, sequence and time in hexadecimal.
pub const STAMP_BYTES: usize = 1 + 8 + 8 + 16;

/// What a payload says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The member that posted it, counted over all processes.
    pub publisher: u32,
    /// The publisher's own count, from 1.
    pub sequence: u32,
    /// When the schedule wanted it sent, on the monotonic clock.
    pub intended_ns: u64,
}

impl Stamp {
    /// Appends the stamp and fills up with dots to `payload_bytes`.
    pub fn write(&self, payload_bytes: usize, out: &mut Vec<u8>) {
        let end = out.len() + payload_bytes.max(STAMP_BYTES);
        out.push(MARK);
        write_hex(u64::from(self.publisher), 8, out);
        write_hex(u64::from(self.sequence), 8, out);
        write_hex(self.intended_ns, 16, out);
        out.resize(end, b'.');
    }

    /// The first stamp in a message.
    #[inline]
    pub fn find(message: &[u8]) -> Option<Self> {
        let start = match message.first() {
            Some(&MARK) => 0,
            _ => memchr::memchr(MARK, message)?,
        };
        Some(Self::read(message.get(start + 1..start + STAMP_BYTES)?.try_into().ok()?))
    }

    #[inline]
    fn read(digits: &[u8; STAMP_BYTES - 1]) -> Self {
        let (words, _) = digits.as_chunks::<8>();
        Self {
            publisher: read_hex(words[0]),
            sequence: read_hex(words[1]),
            intended_ns: u64::from(read_hex(words[2])) << 32 | u64::from(read_hex(words[3])),
        }
    }
}

fn write_hex(value: u64, digits: u32, out: &mut Vec<u8>) {
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(value >> (4 * place)) as usize & 0xf]);
    }
}

/// Eight hexadecimal digits at once: each byte becomes its nibble, then neighbours are folded together.
#[inline]
fn read_hex(digits: [u8; 8]) -> u32 {
    let text = u64::from_be_bytes(digits);
    let letters = (text >> 6) & 0x0101_0101_0101_0101;
    let nibbles = (text & 0x0f0f_0f0f_0f0f_0f0f) + letters * 9;
    let bytes = (nibbles | nibbles >> 4) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    (pairs | pairs >> 16) as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_stamp_is_read_back_wherever_it_stands(
            publisher: u32, sequence: u32, intended_ns: u64, before in "[a-z{}\":,]{0,40}", payload_bytes in 0usize..200,
        ) {
            let stamp = Stamp { publisher, sequence, intended_ns };
            let mut message = before.into_bytes();
            stamp.write(payload_bytes, &mut message);
            prop_assert_eq!(Stamp::find(&message), Some(stamp));
        }
    }

    #[test]
    fn a_message_without_a_whole_stamp_has_none() {
        let mut message = Vec::new();
        Stamp { publisher: 1, sequence: 2, intended_ns: 3 }.write(0, &mut message);
        assert_eq!(Stamp::find(&message[..STAMP_BYTES - 1]), None);
        assert_eq!(Stamp::find(b"hello"), None);
        assert_eq!(Stamp::find(b""), None);
    }

    #[test]
    fn a_payload_has_the_length_asked_for() {
        let mut payload = Vec::new();
        Stamp { publisher: 0, sequence: 1, intended_ns: 0 }.write(100, &mut payload);
        assert_eq!(payload.len(), 100);
    }
}

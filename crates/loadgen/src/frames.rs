//! WebSocket framing as a client needs it (RFC 6455 §5): find a server's frames, write masked ones. Pure.

use crate::protocols::Fault;

/// A text message.
pub const TEXT: u8 = 1;
/// A binary message.
pub const BINARY: u8 = 2;
/// The end of the connection.
pub const CLOSE: u8 = 8;
/// A question whether we live.
pub const PING: u8 = 9;
/// The answer to a ping.
pub const PONG: u8 = 10;

/// Where a whole frame's parts are in the bytes it was found in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The kind of frame.
    pub opcode: u8,
    /// The length of its header.
    pub header: usize,
    /// The length of header and payload.
    pub end: usize,
}

/// The whole frame at the start, if it is all there.
#[inline]
pub fn frame_at(bytes: &[u8]) -> Result<Option<Frame>, Fault> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    // RFC 6455 §5.1: a server does not mask. The mask bit would make this 128 or more.
    let (header, length): (usize, usize) = match *second {
        short @ 0..126 => (2, usize::from(short)),
        126 => match rest.first_chunk() {
            Some(length) => (4, usize::from(u16::from_be_bytes(*length))),
            None => return Ok(None),
        },
        127 => match rest.first_chunk() {
            Some(length) => (10, u64::from_be_bytes(*length) as usize),
            None => return Ok(None),
        },
        _ => return Err(Fault::new("the server sent a masked frame")),
    };
    let end = header.checked_add(length).ok_or_else(|| Fault::new("the server sent a frame without end"))?;
    Ok((end <= bytes.len()).then_some(Frame { opcode: first & 0x0f, header, end }))
}

/// Writes a masked frame with FIN set.
pub fn write_frame(opcode: u8, key: [u8; 4], payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match payload.len() {
        short @ 0..126 => out.push(0x80 | short as u8),
        middle @ 126..0x1_0000 => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(middle as u16).to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&key);
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// A close frame's code and reason, for a person.
pub fn close_reason(payload: &[u8]) -> String {
    match payload.split_first_chunk() {
        Some((code, reason)) => {
            format!("closed with {} {}", u16::from_be_bytes(*code), String::from_utf8_lossy(reason))
        }
        None => "closed without a code".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut masked = Vec::new();
        write_frame(opcode, [0; 4], payload, &mut masked);
        let key_at = masked.len() - payload.len() - 4;
        masked.drain(key_at..key_at + 4);
        masked[1] &= 0x7f;
        masked
    }

    #[test]
    fn a_frame_of_any_length_is_found_when_whole_and_not_before() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
            let bytes = server_frame(TEXT, &vec![b'x'; length]);
            let frame = frame_at(&bytes).expect("it is well-formed").expect("it is whole");
            assert_eq!((frame.opcode, frame.end, frame.end - frame.header), (TEXT, bytes.len(), length));
            for cut in (0..bytes.len().min(12)).chain([bytes.len() - 1]) {
                assert_eq!(frame_at(&bytes[..cut]).expect("it is well-formed so far"), None);
            }
        }
    }

    #[test]
    fn a_masked_frame_from_the_server_is_a_fault() {
        let mut bytes = Vec::new();
        write_frame(TEXT, [1, 2, 3, 4], b"hello", &mut bytes);
        assert!(frame_at(&bytes).is_err());
    }

    #[test]
    fn what_is_masked_is_the_example_of_the_rfc() {
        let mut bytes = Vec::new();
        write_frame(TEXT, [0x37, 0xfa, 0x21, 0x3d], b"Hello", &mut bytes);
        assert_eq!(bytes, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    }

    #[test]
    fn a_close_is_told_with_code_and_reason() {
        assert_eq!(close_reason(b"\x03\xe8bye"), "closed with 1000 bye");
        assert_eq!(close_reason(b""), "closed without a code");
    }
}

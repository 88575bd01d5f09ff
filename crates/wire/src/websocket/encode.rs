//! Frames onto a buffer of the caller's (RFC 6455 §5.2). Every frame written is a whole message or a control frame.

use super::close;
use super::frame::{FIN, Kind, MASKED, MAX_CONTROL_BYTES, Opcode, RSV1};
use super::mask;

/// The header's size, without a mask, for a payload of 126–65,535 bytes.
const MIDDLE_HEADER_BYTES: usize = 4;

/// Appends a server's frame. The payload of a control frame is at most 125 bytes.
#[inline]
pub fn write_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    write_header(out, FIN | opcode as u8, 0, payload.len());
    out.extend_from_slice(payload);
}

/// Appends a server's frame of a compressed message: what [`Deflater::compress`](crate::deflate::Deflater::compress) made
/// of its payload (RFC 7692 §7.2.1).
pub fn write_deflated_frame(out: &mut Vec<u8>, kind: Kind, compressed: &[u8]) {
    write_header(out, FIN | RSV1 | Opcode::from(kind) as u8, 0, compressed.len());
    out.extend_from_slice(compressed);
}

/// Appends a server's frame whose payload `write` appends, so that it is written once, where it belongs. Bytes move only
/// when the header is not the usual four bytes: a payload under 126 by two, one over 65,535 by six.
///
/// `write` only appends: what was in the buffer is not its to change.
pub fn write_frame_with(out: &mut Vec<u8>, opcode: Opcode, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; MIDDLE_HEADER_BYTES]);
    write(out);
    let payload = start + MIDDLE_HEADER_BYTES;
    let header = Header::new(FIN | opcode as u8, 0, out.len() - payload);
    match header.as_slice() {
        [first, second] => {
            out[start..start + 2].copy_from_slice(&[*first, *second]);
            out.copy_within(payload.., start + 2);
            out.truncate(out.len() - 2);
        }
        header if header.len() == MIDDLE_HEADER_BYTES => out[start..payload].copy_from_slice(header),
        header => drop(out.splice(start..payload, header.iter().copied())),
    }
}

/// Appends a server's close frame (RFC 6455 §5.5.1). `code` is one that may be sent
/// ([`is_sendable_close_code`](super::is_sendable_close_code)); a reason over 123 bytes is cut.
pub fn write_close(out: &mut Vec<u8>, code: u16, reason: &str) {
    let (payload, length) = close_payload(code, reason);
    write_frame(out, Opcode::Close, &payload[..length]);
}

/// Appends a client's frame, masked with a key that its peer cannot foresee (RFC 6455 §5.3, §10.3).
pub fn write_masked_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], mask: [u8; 4]) {
    write_masked(out, FIN | opcode as u8, payload, mask);
}

/// Appends a client's frame of a compressed message.
pub fn write_masked_deflated_frame(out: &mut Vec<u8>, kind: Kind, compressed: &[u8], mask: [u8; 4]) {
    write_masked(out, FIN | RSV1 | Opcode::from(kind) as u8, compressed, mask);
}

/// Appends a client's close frame; see [`write_close`].
pub fn write_masked_close(out: &mut Vec<u8>, code: u16, reason: &str, mask: [u8; 4]) {
    let (payload, length) = close_payload(code, reason);
    write_masked_frame(out, Opcode::Close, &payload[..length], mask);
}

/// A header being made: at most ten bytes, the masking key apart.
struct Header {
    bytes: [u8; 10],
    length: usize,
}

impl Header {
    #[inline]
    fn new(first: u8, masked: u8, payload: usize) -> Self {
        assert!(first & 0x8 == 0 || payload <= MAX_CONTROL_BYTES, "a control frame holds at most 125 bytes");
        let mut bytes = [first, masked, 0, 0, 0, 0, 0, 0, 0, 0];
        let length = match payload {
            0..=125 => {
                bytes[1] |= payload as u8;
                2
            }
            126..=0xFFFF => {
                bytes[1] |= 126;
                bytes[2..4].copy_from_slice(&(payload as u16).to_be_bytes());
                4
            }
            _ => {
                bytes[1] |= 127;
                bytes[2..].copy_from_slice(&(payload as u64).to_be_bytes());
                10
            }
        };
        Self { bytes, length }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[inline]
fn write_header(out: &mut Vec<u8>, first: u8, masked: u8, payload: usize) {
    let header = Header::new(first, masked, payload);
    out.reserve(header.length + 4 + payload);
    out.extend_from_slice(header.as_slice());
}

fn write_masked(out: &mut Vec<u8>, first: u8, payload: &[u8], mask: [u8; 4]) {
    write_header(out, first, MASKED, payload.len());
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    mask::apply(&mut out[start..], mask);
}

fn close_payload(code: u16, reason: &str) -> ([u8; MAX_CONTROL_BYTES], usize) {
    assert!(close::is_sendable_close_code(code), "close code {code} must not be sent");
    let reason = close::fitting(reason).as_bytes();
    let mut payload = [0; MAX_CONTROL_BYTES];
    payload[..2].copy_from_slice(&code.to_be_bytes());
    payload[2..2 + reason.len()].copy_from_slice(reason);
    (payload, 2 + reason.len())
}

//! Strings of JSON (RFC 8259 §7) and base64 (RFC 4648 §4), written straight into a buffer of the caller's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes looked at in one step.
const BLOCK: usize = 16;

/// Appends `text` as a JSON string, quotes included. Only what must be escaped is.
pub fn write_json_string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, others) = rest.split_at(plain_prefix(rest));
        out.extend_from_slice(plain);
        let Some((&first, others)) = others.split_first() else { break };
        write_escape(out, first);
        rest = others;
    }
    out.push(b'"');
}

/// Appends `bytes` in base64, with padding.
pub fn write_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written =
        STANDARD.encode_slice(bytes, &mut out[start..]).expect("four bytes for every three are room enough");
    debug_assert_eq!(start + written, out.len());
}

/// What stands in base64 with padding; `None` where it is not that.
pub fn read_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// How many bytes at the start need no escape.
fn plain_prefix(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let start = blocks.iter().take_while(|block| is_plain_block(block)).count() * BLOCK;
    let plain = bytes[start..].iter().take_while(|&&byte| is_plain(byte)).count();
    start + plain
}

/// Without early exit, so that it compiles to a few vector instructions.
fn is_plain_block(block: &[u8; BLOCK]) -> bool {
    block.iter().fold(true, |plain, &byte| plain & is_plain(byte))
}

fn is_plain(byte: u8) -> bool {
    (byte >= b' ') & (byte != b'"') & (byte != b'\\')
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => write_unicode_escape(out, byte),
    }
}

fn write_unicode_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.extend_from_slice(b"\\u00");
    out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xF)]]);
}

//! What somebody in a transcript says, as it goes onto a stream.

use wire::deflate::Deflater;
use wire::websocket::{
    Kind, Opcode, write_masked_close, write_masked_deflated_frame, write_masked_frame, write_request,
};

use super::notation::{Piece, PieceKind, unescape, unhex};
use super::script::Role;

/// The address of the rich protocol.
const RICH: (&str, &str) = ("/v1", "heimdallr.v1.json");
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
/// What a WebSocket's client makes its key of.
pub(super) const NONCE: [u8; 16] = [7; 16];

/// What opens a WebSocket, where one is spoken.
pub fn opening(role: &Role) -> Option<Vec<u8>> {
    let path = match role.gateway.as_str() {
        "v1" => RICH.0.to_owned(),
        "raw" => format!("/{}", role.room),
        // The revision of Engine.IO stands in the place of a room.
        "socketio" if role.room.is_empty() => "/socket.io/?EIO=4&transport=websocket".to_owned(),
        "socketio" => format!("/socket.io/?EIO={}&transport=websocket", role.room),
        _ => return None,
    };
    let mut bytes = Vec::new();
    write_request(&mut bytes, "a", &path, &NONCE, subprotocol(role), role.deflate);
    Some(bytes)
}

pub(super) fn subprotocol(role: &Role) -> Option<&'static str> {
    (role.gateway == "v1").then_some(RICH.1)
}

/// The bytes that are said where no frames are spoken; `None` when they cannot be.
pub fn bytes(what: &Piece) -> Option<Vec<u8>> {
    unescape(&what.text)
}

/// The frames of a WebSocket's client; `None` when it cannot be said.
pub fn frames(what: &Piece) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let text = what.text.as_str();
    match what.kind {
        PieceKind::Bytes => return bytes(what),
        PieceKind::Text => write_masked_frame(&mut out, Opcode::Text, text.as_bytes(), MASK),
        PieceKind::Deflated => {
            let mut compressed = Vec::new();
            Deflater::new().compress(15, text.as_bytes(), &mut compressed);
            write_masked_deflated_frame(&mut out, Kind::Text, &compressed, MASK);
        }
        PieceKind::Parts => write_parts(text, &mut out),
        PieceKind::Binary => write_masked_frame(&mut out, Opcode::Binary, &unhex(text)?, MASK),
        PieceKind::Ping => write_masked_frame(&mut out, Opcode::Ping, text.as_bytes(), MASK),
        PieceKind::Pong => write_masked_frame(&mut out, Opcode::Pong, text.as_bytes(), MASK),
        PieceKind::Close if text.is_empty() => write_masked_frame(&mut out, Opcode::Close, b"", MASK),
        PieceKind::Close => {
            let (code, reason) = text.split_once(' ').unwrap_or((text, ""));
            write_masked_close(&mut out, code.parse().ok()?, reason, MASK);
        }
        PieceKind::Status | PieceKind::End => return None,
    }
    Some(out)
}

/// One message in several frames, cut where the text has ` | ` (RFC 6455 §5.4).
fn write_parts(text: &str, out: &mut Vec<u8>) {
    let parts: Vec<&str> = text.split(" | ").collect();
    for (index, part) in parts.iter().enumerate() {
        let opcode = if index == 0 { Opcode::Text } else { Opcode::Continuation };
        let start = out.len();
        write_masked_frame(out, opcode, part.as_bytes(), MASK);
        if index + 1 < parts.len() {
            out[start] &= 0x7F;
        }
    }
}

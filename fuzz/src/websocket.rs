//! The WebSocket decoder at either end: never more than its bounds, the same however the stream is cut, the same as
//! tungstenite, and what it heard can be said again.

use wire::deflate::Deflater;
use wire::websocket::{Kind, Opcode, Role};
use wire::websocket::{write_close, write_deflated_frame, write_frame};
use wire::websocket::{write_masked_close, write_masked_deflated_frame, write_masked_frame};

use crate::drive::{End, Heard, cut, listen};
use crate::input::Input;
use crate::oracle::{MAX, agree};

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub fn websocket_server(bytes: &[u8]) {
    try_role(Role::Server, bytes);
}

pub fn websocket_client(bytes: &[u8]) {
    try_role(Role::Client, bytes);
}

fn try_role(role: Role, bytes: &[u8]) {
    let Some(Input { choice, sizes, stream }) = Input::read(bytes) else { return };
    if choice & 1 == 0 {
        agree(role, stream, sizes);
        agree(role, stream, &[1]);
        return;
    }
    let whole = listen(role, true, MAX, [stream]);
    assert_eq!(listen(role, true, MAX, cut(stream, sizes)), whole);
    assert_eq!(listen(role, true, MAX, cut(stream, &[1])), whole);
    say_again(role, &whole.0, 9 + choice / 2 % 7);
}

/// Writes what was heard as the peer of `role` would, the messages compressed; the same is heard.
fn say_again(role: Role, heard: &[Heard], window_bits: u8) {
    let mut deflater = Deflater::new();
    let mut compress = |payload: &[u8]| {
        let mut compressed = Vec::new();
        deflater.compress(window_bits, payload, &mut compressed);
        compressed
    };
    let mut out = Vec::new();
    for item in heard {
        match (role, item) {
            (_, Heard::Text(text)) => write_message(&mut out, role, Kind::Text, &compress(text.as_bytes())),
            (_, Heard::Binary(bytes)) => write_message(&mut out, role, Kind::Binary, &compress(bytes)),
            (_, Heard::Ping(bytes)) => write_control(&mut out, role, Opcode::Ping, bytes),
            (_, Heard::Pong(bytes)) => write_control(&mut out, role, Opcode::Pong, bytes),
            (_, Heard::Close(None)) => write_control(&mut out, role, Opcode::Close, &[]),
            (Role::Server, Heard::Close(Some((code, reason)))) => {
                write_masked_close(&mut out, *code, reason, MASK)
            }
            (Role::Client, Heard::Close(Some((code, reason)))) => write_close(&mut out, *code, reason),
        }
    }
    let closed = matches!(heard.last(), Some(Heard::Close(_)));
    let end = if closed { End::Closed } else { End::Open(0) };
    assert_eq!(listen(role, true, MAX, [out.as_slice()]), (heard.to_vec(), end));
}

fn write_message(out: &mut Vec<u8>, role: Role, kind: Kind, compressed: &[u8]) {
    match role {
        Role::Server => write_masked_deflated_frame(out, kind, compressed, MASK),
        Role::Client => write_deflated_frame(out, kind, compressed),
    }
}

fn write_control(out: &mut Vec<u8>, role: Role, opcode: Opcode, payload: &[u8]) {
    match role {
        Role::Server => write_masked_frame(out, opcode, payload, MASK),
        Role::Client => write_frame(out, opcode, payload),
    }
}

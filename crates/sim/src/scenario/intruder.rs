//! What somebody who means no good sends.

use wire::websocket::{Opcode, write_masked_frame, write_request};

use super::deed::Manner;
use crate::random::Random;

/// The bytes of one who comes in a manner.
pub(super) fn draw_bytes(manner: Manner, room: &str, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    match manner {
        Manner::Noise => noise(random, &mut bytes),
        Manner::Half => {
            open(room, None, &mut bytes);
            let length = random.below(bytes.len());
            bytes.truncate(length);
        }
        Manner::Requests => {
            for _ in 0..random.between(1, 5) {
                bytes.extend_from_slice(random.pick(REQUESTS).as_bytes());
            }
        }
        Manner::NoiseInside => {
            open(room, None, &mut bytes);
            noise(random, &mut bytes);
        }
        Manner::Damaged => {
            converse(room, random, &mut bytes);
            for _ in 0..random.between(1, 6) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
        Manner::Cheek => converse(room, random, &mut bytes),
    }
    bytes
}

/// Requests, some of them for what is not there.
pub const REQUESTS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /events/lobby HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /socket.io/?EIO=3&transport=polling&j=0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1",
    "GET /events/ HTTP/1.1\r\nHost: x\r\nLast-Event-ID: zz\r\n\r\n",
    "POST /rooms/lobby HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
    "POST /rooms/lobby HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
    "POST /rooms/lobby HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "POST /rooms/lobby HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "POST /rooms/lobby HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nh",
    "PUT /rooms/%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /v1 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
    "GET /a HTTP/2.0\r\n\r\n",
    "\r\n\r\n",
];

/// Commands to `ROOM`; many of them ask for what they may not have.
pub const COMMANDS: &[&str] = &[
    r#"{"do":"identify","user":"alice","id":"1"}"#,
    r#"{"do":"identify","user":"mallory","id":"1","inbox":"0:0"}"#,
    r#"{"do":"identify","user":"\u0000"}"#,
    r#"{"do":"join","room":"ROOM","id":"2"}"#,
    r#"{"do":"join","room":"ROOM","since":"zzz:18446744073709551615"}"#,
    r#"{"do":"join","room":"","since":"1"}"#,
    r#"{"do":"join","room":"nowhere"}"#,
    r#"{"do":"leave","room":"ROOM"}"#,
    r#"{"do":"post","room":"ROOM","id":"x1","text":"buy this"}"#,
    r#"{"do":"post","room":"ROOM","id":"x1","data":{"a":[1,2,{}]}}"#,
    r#"{"do":"post","room":"elsewhere","id":"x2","text":""}"#,
    r#"{"do":"post","room":"ROOM","text":7}"#,
    r#"{"do":"direct","to":"alice","id":"x3","text":"psst"}"#,
    r#"{"do":"direct","to":"nobody","id":"x3","text":"psst"}"#,
    r#"{"do":"recall","room":"ROOM","limit":200}"#,
    r#"{"do":"recall","room":"ROOM","limit":0,"before":"0:1"}"#,
    r#"{"do":"signal","room":"ROOM","signal":"typing"}"#,
    r#"{"do":"time"}"#,
    r#"{"do":"fly"}"#,
    r#"[]"#,
    "nonsense",
];

fn noise(random: &mut Random, bytes: &mut Vec<u8>) {
    let length = random.below(300);
    bytes.extend((0..length).map(|_| random.draw() as u8));
}

fn open(room: &str, subprotocol: Option<&str>, bytes: &mut Vec<u8>) {
    let mut path = String::from("/");
    wire::url::encode(&mut path, room);
    let path = if subprotocol.is_some() { "/v1" } else { &path };
    write_request(bytes, "sim.example", path, &[7; 16], subprotocol, false);
}

/// A conversation of the rich protocol, as nobody leads it who wants to be understood.
fn converse(room: &str, random: &mut Random, bytes: &mut Vec<u8>) {
    open(room, Some("heimdallr.v1.json"), bytes);
    for _ in 0..random.between(1, 12) {
        let command = random.pick(COMMANDS).replace("ROOM", room);
        let opcodes = [
            Opcode::Text,
            Opcode::Text,
            Opcode::Text,
            Opcode::Text,
            Opcode::Text,
            Opcode::Text,
            Opcode::Binary,
        ];
        let mask = (random.draw() as u32).to_be_bytes();
        match random.below(20) {
            0 => write_masked_frame(bytes, Opcode::Ping, b"are you there", mask),
            1 => write_masked_frame(bytes, Opcode::Close, b"", mask),
            2 => write_masked_frame(bytes, Opcode::Continuation, b"x", mask),
            _ => write_masked_frame(bytes, *random.pick(&opcodes), command.as_bytes(), mask),
        }
    }
}

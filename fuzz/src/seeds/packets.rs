//! What is said and heard in Engine.IO and Socket.IO, packet by packet: for the targets that are given packets and payloads.

use sim::transcript::{Line, Piece, PieceKind, Role, Script, said};

use super::Given;
use super::talks::filled;
use crate::words::Told;

/// Between the packets of a payload of revision 4.
const SEPARATOR: u8 = 0x1E;
/// What stands between a packet and its attachments in an input.
const CUT: u8 = 0xFF;
const MESSAGE: u8 = b'4';

/// Every packet and payload of a transcript.
pub(super) fn of(script: &Script) -> Vec<Given> {
    let mut packets = Packets { given: Vec::new(), waiting: None };
    for (_, line) in &script.lines {
        if let Line::Say { who, what, .. } | Line::Hear { who, what } = line {
            packets.add(&script.cast[*who], &filled(what, &Told::something()));
        }
    }
    packets.given
}

struct Packets {
    given: Vec<Given>,
    /// A packet of Socket.IO whose attachments come next.
    waiting: Option<Vec<u8>>,
}

impl Packets {
    fn add(&mut self, role: &Role, what: &Piece) {
        match role.gateway.as_str() {
            "socketio" => self.add_message(what),
            "http" => self.add_payload(&said::bytes(what).unwrap_or_default()),
            _ => {}
        }
    }

    fn add_message(&mut self, what: &Piece) {
        match what.kind {
            PieceKind::Text | PieceKind::Deflated => self.add_packet(what.text.as_bytes()),
            PieceKind::Binary => {
                let digits = what.text.as_bytes().chunks(2);
                let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
                let bytes: Vec<u8> = digits.filter_map(byte).collect();
                self.given.push(("engineio", bytes.clone()));
                if let Some(packet) = self.waiting.take() {
                    let whole = [&packet[..], &[CUT], &bytes].concat();
                    self.given.push(("socketio", whole.clone()));
                    self.waiting = Some(whole);
                } else {
                    self.given.push(("socketio", bytes));
                }
            }
            _ => {}
        }
    }

    /// The body of a post, or of the answer to a poll.
    fn add_payload(&mut self, bytes: &[u8]) {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(0, |end| end + 4);
        let payload = &bytes[end..];
        if (end == 0 || bytes.starts_with(b"POST /socket.io/")) && !payload.is_empty() {
            self.given.push(("engineio", payload.to_vec()));
            payload.split(|byte| *byte == SEPARATOR).for_each(|packet| self.add_packet(packet));
        }
    }

    fn add_packet(&mut self, packet: &[u8]) {
        self.given.push(("engineio", packet.to_vec()));
        self.waiting = packet.strip_prefix(&[MESSAGE]).map(<[u8]>::to_vec);
        self.given.extend(self.waiting.clone().map(|packet| ("socketio", packet)));
    }
}

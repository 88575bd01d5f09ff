//! The WebSocket that raw rooms, the rich protocol and Socket.IO share: the handshake, frames, pings. It knows
//! nothing of what the messages mean.

use super::{Fault, first_line, head_length, header, status};
use crate::frames::{self, BINARY, CLOSE, PING, PONG, TEXT, frame_at, write_frame};

/// The sample key and its answer, RFC 6455 §1.3; a generator need not be hard to predict.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// What the rich protocol is asked for with.
pub(crate) const RICH: [(&str, &str); 1] = [("Sec-WebSocket-Protocol", "heimdallr.v1.json")];

/// A client's end of a WebSocket.
#[derive(Debug)]
pub(crate) struct WebSocket {
    is_open: bool,
    key: u32,
}

impl WebSocket {
    pub(crate) fn new(member: u32) -> Self {
        Self { is_open: false, key: member.wrapping_mul(0x9e37_79b9) | 1 }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// RFC 6455 §4.1, with further headers.
    pub(crate) fn greet(&self, host: &str, path: &str, headers: &[(&str, &str)], out: &mut Vec<u8>) {
        out.extend_from_slice(
            format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
            )
            .as_bytes(),
        );
        for (name, value) in headers {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Takes whole frames and hands every message to `on_message`, with where to write answers to it.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        bytes: &[u8],
        out: &mut Vec<u8>,
        mut on_message: impl FnMut(&mut Self, &[u8], &mut Vec<u8>) -> Result<(), Fault>,
    ) -> Result<usize, Fault> {
        let mut taken = 0;
        if !self.is_open {
            let Some(length) = head_length(bytes) else { return Ok(0) };
            check_answer(&bytes[..length])?;
            (self.is_open, taken) = (true, length);
        }
        while let Some(frame) = frame_at(&bytes[taken..])? {
            let payload = &bytes[taken + frame.header..taken + frame.end];
            match frame.opcode {
                TEXT | BINARY => on_message(self, payload, out)?,
                PING => self.send(PONG, payload, out),
                CLOSE => return Err(Fault::new(frames::close_reason(payload))),
                _ => {}
            }
            taken += frame.end;
        }
        Ok(taken)
    }

    pub(crate) fn send_text(&mut self, text: &[u8], out: &mut Vec<u8>) {
        self.send(TEXT, text, out);
    }

    fn send(&mut self, opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
        self.key = self.key.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
        write_frame(opcode, self.key.to_be_bytes(), payload, out);
    }
}

fn check_answer(head: &[u8]) -> Result<(), Fault> {
    if status(head) != b"101" {
        return Err(Fault::new(format!("the handshake was answered with {}", first_line(head))));
    }
    match header(head, "sec-websocket-accept") {
        Some(ACCEPT) => Ok(()),
        _ => Err(Fault::new("the handshake was answered with a wrong Sec-WebSocket-Accept")),
    }
}

#[cfg(test)]
pub(crate) mod server {
    //! What a server would send, for the tests of the protocols.

    use super::ACCEPT;
    use std::fmt::Write;

    pub(crate) fn answer() -> Vec<u8> {
        let mut head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n".to_owned();
        write!(head, "Sec-WebSocket-Accept: {}\r\n\r\n", String::from_utf8_lossy(ACCEPT))
            .expect("it is a string");
        head.into_bytes()
    }

    pub(crate) fn frame(opcode: u8, payload: &str) -> Vec<u8> {
        assert!(payload.len() < 65_536);
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            short @ 0..126 => frame.push(short as u8),
            long => {
                frame.push(126);
                frame.extend_from_slice(&(long as u16).to_be_bytes());
            }
        }
        [frame, payload.as_bytes().to_vec()].concat()
    }

    /// The payload of a client's frames, one after the other.
    pub(crate) fn unmasked(mut bytes: &[u8]) -> Vec<String> {
        let mut texts = Vec::new();
        while let [_, length, k0, k1, k2, k3, rest @ ..] = bytes {
            let length = usize::from(length & 0x7f);
            assert!(length < 126, "the tests send short frames only");
            let key = [k0, k1, k2, k3];
            let plain =
                rest[..length].iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ **key).collect();
            texts.push(String::from_utf8(plain).expect("the tests send text only"));
            bytes = &rest[length..];
        }
        texts
    }
}

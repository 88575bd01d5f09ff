//! The other end of a stream: says whatever it is told to, byte for byte, and reads what comes back.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use crate::programs::PATIENCE;

/// First bytes of frames (RFC 6455 §5.2).
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// An opening handshake but for its target and its empty line.
pub(crate) const HANDSHAKE: &str = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// How members begin when they come in.
const GREETING: &str = "here is ";

/// What a client's frames are masked with.
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    /// Read but not looked at yet.
    input: Vec<u8>,
}

/// What answers a request.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) text: String,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) first: u8,
    pub(crate) payload: Vec<u8>,
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("the server accepts"))
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time that is not 0");
        stream.set_write_timeout(Some(PATIENCE)).expect("a time that is not 0");
        stream.set_nodelay(true).expect("a TCP stream");
        Self { stream, input: Vec::new() }
    }

    /// A member of a plain room, known there when this returns.
    pub(crate) fn member(address: SocketAddr, room: &str) -> Self {
        let mut peer = Self::connect(address);
        peer.join(room);
        peer
    }

    pub(crate) fn join(&mut self, room: &str) {
        self.open(&format!("/{room}"), "");
        self.greet();
    }

    /// Says something and waits until the room has told it: an open WebSocket alone does not say that the room's home, which may be on
    /// another shard, has let it in.
    pub(crate) fn greet(&mut self) {
        let greeting = format!("{GREETING}{}", self.stream.local_addr().expect("a TCP stream")).into_bytes();
        self.send(&frame(TEXT, &greeting));
        while self.any_frame().payload != greeting {}
    }

    /// A client of the rich protocol.
    pub(crate) fn rich(address: SocketAddr) -> Self {
        let mut peer = Self::connect(address);
        peer.open("/v1", "Sec-WebSocket-Protocol: heimdallr.v1.json\r\n");
        peer
    }

    /// Opens a WebSocket with these further headers.
    pub(crate) fn open(&mut self, path: &str, headers: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\n{HANDSHAKE}{headers}\r\n").as_bytes());
        let answer = self.answer();
        assert_eq!(answer.status, 101, "{answer:?}");
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// Sends a byte at a time, each in a segment of its own.
    pub(crate) fn dribble(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.send(&[*byte]));
    }

    pub(crate) fn answer(&mut self) -> Answer {
        let head = loop {
            if let Some(at) = self.input.windows(4).position(|window| window == b"\r\n\r\n") {
                break self.take(at + 4);
            }
            assert!(self.read() > 0, "no answer: {:?}", String::from_utf8_lossy(&self.input));
        };
        let head = String::from_utf8(head).expect("an ASCII head").to_ascii_lowercase();
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next());
        let length = length.map_or(0, |length| length.parse().expect("a number"));
        let text = String::from_utf8(self.bytes(length)).expect("a text");
        Answer { status, head, text }
    }

    /// Whether anything comes before the end.
    pub(crate) fn has_answer(&mut self) -> bool {
        self.read() > 0
    }

    /// The next frame but for greetings and pings, which are answered.
    pub(crate) fn frame(&mut self) -> Frame {
        loop {
            let next = self.any_frame();
            if next.first == PING {
                // The server may have gone in the meantime; what it said before that is still to be read.
                let _ = self.stream.write_all(&frame(PONG, &next.payload));
            } else if !next.payload.starts_with(GREETING.as_bytes()) {
                return next;
            }
        }
    }

    /// The next frame.
    pub(crate) fn any_frame(&mut self) -> Frame {
        let header = self.bytes(2);
        let length = match header[1] {
            126 => self.bytes(2).into_iter().fold(0, |length, byte| length << 8 | usize::from(byte)),
            127 => self.bytes(8).into_iter().fold(0, |length, byte| length << 8 | usize::from(byte)),
            length => usize::from(length),
        };
        Frame { first: header[0], payload: self.bytes(length) }
    }

    /// The next frame, a text.
    pub(crate) fn text(&mut self) -> String {
        let frame = self.frame();
        assert_eq!(frame.first, TEXT, "{frame:?}");
        String::from_utf8(frame.payload).expect("UTF-8")
    }

    /// The next frame, a close: its code and its reason; and nothing comes after it.
    pub(crate) fn close(&mut self) -> (u16, String) {
        let frame = self.frame();
        assert_eq!(frame.first, CLOSE, "{frame:?}");
        let told = close_of(&frame);
        self.assert_over();
        told
    }

    /// The server says no more.
    pub(crate) fn assert_over(&mut self) {
        let more = self.rest();
        assert!(more.is_empty(), "{:?}", String::from_utf8_lossy(&more));
    }

    /// Whether there is something to be read, the end included.
    pub(crate) fn has_heard(&self) -> bool {
        self.stream.set_nonblocking(true).expect("a TCP stream");
        let heard = self.stream.peek(&mut [0]).is_ok();
        self.stream.set_nonblocking(false).expect("a TCP stream");
        heard
    }

    /// Everything up to the end of the stream.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.read() > 0 {}
        std::mem::take(&mut self.input)
    }

    /// Exactly so many bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        while self.input.len() < length {
            assert!(self.read() > 0, "the stream ended: {:?}", String::from_utf8_lossy(&self.input));
        }
        self.take(length)
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        self.input.drain(..length).collect()
    }

    /// Reads what there is; a stream that was reset has ended too.
    fn read(&mut self) -> usize {
        let mut buffer = [0; 16 * 1024];
        let length = match self.stream.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            length => length.expect("the server says or does something in time"),
        };
        self.input.extend_from_slice(&buffer[..length]);
        length
    }
}

/// The code and the reason of a close.
pub(crate) fn close_of(frame: &Frame) -> (u16, String) {
    let (code, reason) = frame.payload.split_at(2);
    (u16::from_be_bytes([code[0], code[1]]), String::from_utf8_lossy(reason).into_owned())
}

/// A masked frame with the shortest length that does.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = frame_head(first, payload.len() as u64);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The beginning of a masked frame, up to its payload.
pub(crate) fn frame_head(first: u8, length: u64) -> Vec<u8> {
    let mut head = vec![first];
    match length {
        0..126 => head.push(0x80 | length as u8),
        126..65_536 => {
            head.push(0x80 | 126);
            head.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            head.push(0x80 | 127);
            head.extend_from_slice(&length.to_be_bytes());
        }
    }
    head.extend_from_slice(&MASK);
    head
}

//! One connection of the rich protocol, spoken by hand: frames out, payloads in. Knows nothing of what they say.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::step::Failure;

/// How long a look at what has come takes at most.
const LOOK: Duration = Duration::from_millis(1);

/// An open connection.
pub(super) struct Line {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Line {
    /// Opens a WebSocket.
    pub(super) fn open(address: SocketAddr) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(
            b"GET /v1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: heimdallr.v1.json\r\n\r\n",
        )?;
        let mut line = Self { stream, heard: Vec::new() };
        while !line.skip_head() {
            line.hear()?;
        }
        line.stream.set_read_timeout(Some(LOOK))?;
        Ok(line)
    }

    /// Sends frames that [`write_frame`] has written.
    pub(super) fn send(&mut self, frames: &[u8]) -> Result<(), Failure> {
        Ok(self.stream.write_all(frames)?)
    }

    /// Sends one text.
    pub(super) fn say(&mut self, text: &str) -> Result<(), Failure> {
        let mut frame = Vec::new();
        write_frame(&mut frame, text);
        self.send(&frame)
    }

    /// Hands over what has come, or waits for it a moment.
    pub(super) fn read(&mut self, mut take: impl FnMut(&[u8])) -> Result<(), Failure> {
        self.hear()?;
        let mut at = 0;
        while let Some((payload, length)) = frame(&self.heard[at..]) {
            take(payload);
            at += length;
        }
        self.heard.drain(..at);
        Ok(())
    }

    fn skip_head(&mut self) -> bool {
        let place = self.heard.windows(4).position(|four| four == b"\r\n\r\n");
        self.heard.drain(..place.map_or(0, |place| place + 4));
        place.is_some()
    }

    fn hear(&mut self) -> Result<(), Failure> {
        let mut piece = [0; 65_536];
        match self.stream.read(&mut piece) {
            Ok(0) => return Err(Failure::new("the server has closed a connection")),
            Ok(length) => self.heard.extend_from_slice(&piece[..length]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}

/// Appends a frame of text, masked with zeros (RFC 6455 §5.2).
pub(super) fn write_frame(out: &mut Vec<u8>, text: &str) {
    out.push(0x81);
    match text.len() {
        short @ 0..=125 => out.push(0x80 | short as u8),
        longer => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(longer as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(text.as_bytes());
}

/// The payload of the first frame, and how long the frame is; servers do not mask.
fn frame(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (head, length) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?))),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize),
        short => (2, usize::from(short)),
    };
    Some((bytes.get(head..head + length)?, head + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_was_written_is_as_long_as_it_says() {
        for length in [0, 125, 126, 1000] {
            let mut bytes = Vec::new();
            write_frame(&mut bytes, &"x".repeat(length));
            assert_eq!(bytes.len(), length + if length < 126 { 6 } else { 8 });
        }
    }

    #[test]
    fn frames_are_read_one_after_the_other() {
        let bytes = [0x81, 2, b'h', b'i', 0x81, 5, b'h'];
        assert_eq!(frame(&bytes), Some((&b"hi"[..], 4)));
        assert_eq!(frame(&bytes[4..]), None);
    }
}

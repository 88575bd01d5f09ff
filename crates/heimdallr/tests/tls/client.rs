//! A client of a plain room, under TLS or not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::programs::PATIENCE;

const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// Whatever carries bytes both ways.
pub(crate) trait Line: Read + Write {}

impl<T: Read + Write> Line for T {}

pub(crate) struct Client {
    pub(crate) line: Box<dyn Line>,
}

pub(crate) type Secured = StreamOwned<ClientConnection, TcpStream>;

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time that is not 0");
    stream.set_nodelay(true).expect("a TCP stream");
    stream
}

pub(crate) fn hello(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = ServerName::try_from("localhost").expect("a name");
    ClientConnection::new(config.clone(), name).expect("a client")
}

pub(crate) fn secured(address: SocketAddr, config: &Arc<ClientConfig>) -> Secured {
    StreamOwned::new(hello(config), connect(address))
}

impl Client {
    /// A member of a room, known there when this returns.
    pub(crate) fn join(line: impl Line + 'static, room: &str, name: &str) -> Self {
        let mut client = Self { line: Box::new(line) };
        let request = format!(
            "GET /{room} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        client.line.write_all(request.as_bytes()).expect("it reads");
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let greeting = format!("here is {name}");
        client.say(greeting.as_bytes());
        while client.frame().1 != greeting.as_bytes() {}
        client
    }

    /// The head of an answer.
    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.line.read_exact(&mut byte).expect("it answers");
            head.extend(byte);
        }
        String::from_utf8(head).expect("it is text")
    }

    /// Says a text.
    pub(crate) fn say(&mut self, text: &[u8]) {
        let mut frame = vec![0x81];
        match text.len() {
            short @ 0..126 => frame.push(0x80 | short as u8),
            long => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(long).expect("a message of this length").to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(text.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.line.write_all(&frame).expect("it reads");
        self.line.flush().expect("it reads");
    }

    /// The next text that is no greeting.
    pub(crate) fn hear(&mut self) -> Vec<u8> {
        loop {
            let (first, payload) = self.frame();
            if first == 0x81 && !payload.starts_with(b"here is ") {
                return payload;
            }
        }
    }

    /// The next frame: its first byte and its payload.
    pub(crate) fn frame(&mut self) -> (u8, Vec<u8>) {
        let header = self.bytes(2);
        let length = match header[1] {
            126 => usize::from(u16::from_be_bytes(self.bytes(2).try_into().expect("two bytes"))),
            short => usize::from(short),
        };
        (header[0], self.bytes(length))
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.line.read_exact(&mut bytes).expect("it says something");
        bytes
    }
}

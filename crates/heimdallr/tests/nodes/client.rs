//! A Socket.IO client by hand, whose every request goes to the node that the last one did not go to.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use wire::websocket::{Opcode, write_masked_frame};

use crate::programs::PATIENCE;
use crate::scene::Scene;

/// A client that polls.
pub(crate) struct Poller {
    nodes: [SocketAddr; 2],
    /// The node that the next request goes to.
    next: usize,
    sid: String,
}

/// A client with a WebSocket. What it is told is looked through as text: nothing here is longer than a frame of text may be.
pub(crate) struct Socket {
    stream: TcpStream,
    heard: String,
}

impl Poller {
    /// Opens a session at a node, and connects it.
    pub(crate) fn open(scene: &Scene, node: usize) -> Self {
        let nodes = scene.addresses();
        let answer = request(nodes[node], "GET", "/socket.io/?EIO=4&transport=polling", "");
        let mut client = Self { nodes, next: 1 - node, sid: member(&answer, "sid") };
        client.say("40");
        client.hear("40{");
        client
    }

    pub(crate) fn sid(&self) -> &str {
        &self.sid
    }

    /// Posts a packet.
    pub(crate) fn say(&mut self, packet: &str) {
        let node = self.turn();
        let answer = request(self.nodes[node], "POST", &self.target(), packet);
        assert!(answer.ends_with("\r\n\r\nok"), "{answer}");
    }

    /// Polls until something was said in which these words are.
    pub(crate) fn hear(&mut self, words: &str) {
        let start = Instant::now();
        loop {
            let node = self.turn();
            let answer = self.poll(node);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            if answer.contains(words) {
                return;
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain for {words:?}");
        }
    }

    /// Polls at a node.
    pub(crate) fn poll(&self, node: usize) -> String {
        request(self.nodes[node], "GET", &self.target(), "")
    }

    fn target(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.sid)
    }

    fn turn(&mut self) -> usize {
        let node = self.next;
        self.next = 1 - node;
        node
    }
}

impl Socket {
    /// Opens a session of the rich protocol at a node, and takes a name.
    pub(crate) fn identified(scene: &Scene, node: usize, user: &str) -> Self {
        let mut socket =
            Self::shake_hands(scene, node, "/v1", "Sec-WebSocket-Protocol: heimdallr.v1.json\r\n");
        socket.say(&format!("{{\"do\":\"identify\",\"user\":\"{user}\"}}"));
        socket.hear("\"welcome\"");
        socket
    }

    /// Opens a session at a node, and says this first.
    pub(crate) fn open(scene: &Scene, node: usize, first: &str) -> Self {
        let mut socket = Self::connect(scene, node, "");
        socket.say(first);
        socket
    }

    /// Moves a session to a WebSocket at a node.
    pub(crate) fn upgrade(scene: &Scene, node: usize, sid: &str) -> Self {
        let mut socket = Self::connect(scene, node, &format!("&sid={sid}"));
        socket.say("2probe");
        socket.hear("3probe");
        socket.say("5");
        socket
    }

    pub(crate) fn say(&mut self, text: &str) {
        let mut frame = Vec::new();
        write_masked_frame(&mut frame, Opcode::Text, text.as_bytes(), [1, 2, 3, 4]);
        self.stream.write_all(&frame).expect("it reads");
    }

    /// Reads until these words were said; returns all that was, up to them.
    pub(crate) fn hear(&mut self, words: &str) -> String {
        loop {
            if let Some(place) = self.heard.find(words) {
                return self.heard.drain(..place + words.len()).collect();
            }
            self.read(words);
        }
    }

    /// Reads until all of these were said, in whatever order; returns all that was.
    pub(crate) fn hear_all(&mut self, sayings: &[String]) -> String {
        while let Some(missing) = sayings.iter().find(|words| !self.heard.contains(*words)) {
            self.read(missing);
        }
        std::mem::take(&mut self.heard)
    }

    fn read(&mut self, awaited: &str) {
        let mut piece = [0; 4096];
        let length = self.stream.read(&mut piece).unwrap_or_else(|error| panic!("{awaited:?}: {error}"));
        assert!(length > 0, "{awaited:?} was not said before the end: {}", self.heard);
        self.heard.push_str(&String::from_utf8_lossy(&piece[..length]));
    }

    fn connect(scene: &Scene, node: usize, sid: &str) -> Self {
        Self::shake_hands(scene, node, &format!("/socket.io/?EIO=4&transport=websocket{sid}"), "")
    }

    fn shake_hands(scene: &Scene, node: usize, target: &str, header: &str) -> Self {
        let mut stream = TcpStream::connect(scene.addresses()[node]).expect("it accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n{header}\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .expect("it reads");
        let mut socket = Self { stream, heard: String::new() };
        socket.hear("HTTP/1.1 101 ");
        socket
    }
}

/// The value of a member that is a string.
pub(crate) fn member(answer: &str, name: &str) -> String {
    let beginning = format!("\"{name}\":\"");
    let (_, rest) = answer.split_once(&beginning).unwrap_or_else(|| panic!("no {name} in {answer}"));
    rest.split_once('"').expect("a string ends").0.to_owned()
}

/// Asks, on a connection of its own, and reads the whole answer.
fn request(node: SocketAddr, method: &str, target: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(node).expect("it accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
    let head = format!("{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n");
    let length = body.len();
    write!(stream, "{head}Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}")
        .expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap_or_else(|error| panic!("{method} {target}: {error}"));
    answer
}

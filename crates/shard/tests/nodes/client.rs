//! A Socket.IO client by hand: each of its requests may go to another node.

use chat::{RoomId, RoomName};

use crate::cluster::{Cluster, PipeId};

/// A session, as its client knows it.
pub(crate) struct Client {
    pub(crate) sid: String,
    /// What it may come back by.
    pub(crate) pid: String,
}

impl Client {
    /// Opens a session over polls, and connects it.
    pub(crate) fn open(cluster: &mut Cluster, node: u32) -> Self {
        let mut client = Self::begin(cluster, node);
        client.post(cluster, node, "40");
        let connected = client.poll(cluster, node);
        assert!(connected.starts_with("40{"), "it is connected");
        client.pid =
            if connected.contains("\"pid\"") { member(&connected, "pid").to_owned() } else { String::new() };
        client
    }

    fn begin(cluster: &mut Cluster, node: u32) -> Self {
        let pipe = cluster.connect(node);
        let answer = ask(cluster, pipe, get("/socket.io/?EIO=4&transport=polling"));
        Self { sid: member(&answer, "sid").to_owned(), pid: String::new() }
    }

    /// A client that was cut off comes over polls, and says by what and where it was.
    pub(crate) fn come_back(cluster: &mut Cluster, node: u32, pid: &str, seen: &str) -> Self {
        let client = Self { pid: pid.to_owned(), ..Self::begin(cluster, node) };
        client.post(cluster, node, &format!("40{{\"pid\":\"{pid}\",\"offset\":\"{seen}\"}}"));
        client
    }

    /// What its requests ask for.
    pub(crate) fn target(&self) -> String {
        format!("/socket.io/?EIO=4&transport=polling&sid={}", self.sid)
    }

    /// Posts packets by way of a node.
    pub(crate) fn post(&self, cluster: &mut Cluster, node: u32, packets: &str) {
        let pipe = cluster.connect(node);
        let answer = ask(cluster, pipe, post(&self.target(), packets));
        assert_eq!(body(&answer), "ok", "{answer}");
    }

    /// Polls by way of a node, and reads what it is answered at once.
    pub(crate) fn poll(&self, cluster: &mut Cluster, node: u32) -> String {
        let pipe = self.wait(cluster, node);
        body(&text(cluster.hear(pipe))).to_owned()
    }

    /// Polls by way of a node.
    pub(crate) fn wait(&self, cluster: &mut Cluster, node: u32) -> PipeId {
        let pipe = cluster.connect(node);
        cluster.say(pipe, get(&self.target()));
        pipe
    }

    /// Joins a room by way of a node, and reads the answer by way of another.
    pub(crate) fn join(&self, cluster: &mut Cluster, room: &str, node: u32, other: u32) {
        self.post(cluster, node, &format!("421[\"joinRoom\",{{\"room\":\"{room}\"}}]"));
        let answer = self.poll(cluster, other);
        assert!(answer.contains("431["), "{answer}");
    }

    /// Moves to a WebSocket by way of a node.
    pub(crate) fn upgrade(&self, cluster: &mut Cluster, node: u32) -> PipeId {
        let target = self.target().replace("polling", "websocket");
        let pipe = cluster.connect(node);
        let answer = ask(cluster, pipe, upgrade(&target));
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        cluster.say(pipe, frame(1, "2probe"));
        assert!(text(cluster.hear(pipe)).ends_with("3probe"), "the probe is answered");
        cluster.say(pipe, frame(1, "5"));
        pipe
    }
}

/// Says something in a room, by way of HTTP.
pub(crate) fn speak(cluster: &mut Cluster, node: u32, room: &str, words: &str) {
    let pipe = cluster.connect(node);
    let answer = ask(cluster, pipe, post(&format!("/rooms/{room}"), words));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

pub(crate) fn public(room: &str) -> RoomId {
    RoomId::public(RoomName::new(room).expect("a valid name"))
}

/// Asks, and hears what is answered at once.
pub(crate) fn ask(cluster: &mut Cluster, pipe: PipeId, bytes: impl AsRef<[u8]>) -> String {
    cluster.say(pipe, bytes);
    text(cluster.hear(pipe))
}

/// What stands behind a head.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// The value of a member that is a string.
pub(crate) fn member<'a>(answer: &'a str, name: &str) -> &'a str {
    let (_, rest) = answer.split_once(&format!("\"{name}\":\"")).expect("there is such a member");
    rest.split_once('"').expect("a string ends").0
}

pub(crate) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(crate) fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

pub(crate) fn post(target: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

pub(crate) fn upgrade(target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// A short frame of a client, masked with zeros.
pub(crate) fn frame(opcode: u8, payload: &str) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload.as_bytes());
    frame
}

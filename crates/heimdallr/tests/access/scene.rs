//! The program with files of its own, and clients by hand.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use rustix::process::Signal;
use serde_json::{Value, json};
use wire::websocket::{Opcode, write_masked_frame};

use crate::programs::folder::Folder;
use crate::programs::{PATIENCE, Server, heimdallr, until};

/// What tokens are signed with.
pub(crate) const SECRET: &str = "a secret that is as long as its hash, or longer";

/// A server with a folder of its own, both gone at the end.
pub(crate) struct Scene {
    server: Server,
    settings: Vec<(String, String)>,
    pub(crate) folder: Folder,
}

/// A client with a WebSocket. What it is told is looked through as text: nothing here is longer than a frame of text may be.
pub(crate) struct Socket {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Scene {
    /// Starts the program with a secret for tokens, an empty list of what is revoked, and these keys.
    pub(crate) fn with_tokens(settings: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        let keys = folder.write("keys", SECRET);
        let revoked = folder.write("revoked", "");
        let files = [("jwt_keys", keys.as_str()), ("jwt_revoked", &revoked), ("jwt_leeway_seconds", "0")];
        Self::start(folder, &[&files, settings].concat())
    }

    /// Starts the program with these keys.
    pub(crate) fn start(folder: Folder, settings: &[(&str, &str)]) -> Self {
        let settings: Vec<_> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let server = run(&settings);
        Self { server, settings, folder }
    }

    /// Stops the program, and starts it again with the same keys.
    pub(crate) fn restart(&mut self) {
        self.server.terminate();
        assert!(self.ends_well());
        self.server = run(&self.settings);
    }

    /// Waits until the node knows of so many, itself included.
    pub(crate) fn wait_for_nodes(&self, count: u64) {
        until("the nodes know of each other", || self.server.count("heimdallr_nodes") == count);
    }

    /// Asks for an operation of the HTTP API; the status, and what was answered.
    pub(crate) fn operate(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.operate_as(None, method, path, body)
    }

    /// The same with a key.
    pub(crate) fn operate_as(
        &self,
        secret: Option<&str>,
        method: &str,
        path: &str,
        body: &Value,
    ) -> (u16, Value) {
        let mut stream = TcpStream::connect(self.server.admin).expect("it accepts");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let key = secret.map_or(String::new(), |secret| format!("Authorization: Bearer {secret}\r\n"));
        let length = body.len();
        write!(
            stream,
            "{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{key}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the answer is text");
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// Asks until what is answered is as it should be.
    pub(crate) fn wait_for(&self, path: &str, is_so: impl Fn(&Value) -> bool) {
        self.wait_until(|| is_so(&self.operate("GET", path, &Value::Null).1));
    }

    /// Looks until something is so.
    pub(crate) fn wait_until(&self, is_so: impl Fn() -> bool) {
        until("it is as it should be", is_so);
    }

    /// Has the program read its configuration again.
    pub(crate) fn hang_up(&self) {
        self.server.signal(Signal::HUP);
    }

    /// Whether the program ends by itself, and well.
    pub(crate) fn ends_well(&mut self) -> bool {
        self.server.end() == Some(0)
    }

    /// Asks over HTTP, on a connection of its own; the whole answer.
    pub(crate) fn ask(&self, method: &str, target: &str, headers: &str, body: &str) -> String {
        let mut stream = self.connect();
        let length = body.len();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the answer is text");
        answer
    }

    /// A WebSocket with these further headers.
    pub(crate) fn open(&self, target: &str, headers: &str) -> Socket {
        let mut stream = self.connect();
        write!(
            stream,
            "GET {target} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        )
        .expect("it reads");
        let mut socket = Socket { stream, heard: Vec::new() };
        socket.hear("HTTP/1.1 101 ");
        socket.hear("\r\n\r\n");
        socket
    }

    /// The events of a room.
    pub(crate) fn stream(&self, target: &str) -> Socket {
        let mut stream = self.connect();
        write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").expect("it reads");
        let mut socket = Socket { stream, heard: Vec::new() };
        socket.hear("event: joined");
        socket
    }

    /// A client of the rich protocol.
    pub(crate) fn rich(&self) -> Socket {
        self.open("/v1", "Sec-WebSocket-Protocol: heimdallr.v1.json\r\n")
    }

    /// A client of Socket.IO that connects with this.
    pub(crate) fn socketio(&self, auth: &Value) -> Socket {
        let mut socket = self.open("/socket.io/?EIO=4&transport=websocket", "");
        socket.hear("0{");
        socket.say(&format!("40{auth}"));
        socket
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.server.address).expect("it accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("it can be set");
        stream
    }
}

fn run(settings: &[(String, String)]) -> Server {
    let settings: Vec<_> = settings.iter().map(|(key, value)| (&**key, &**value)).collect();
    Server::start(heimdallr(), &settings)
}

impl Socket {
    pub(crate) fn say(&mut self, text: &str) {
        let mut frame = Vec::new();
        write_masked_frame(&mut frame, Opcode::Text, text.as_bytes(), [1, 2, 3, 4]);
        self.stream.write_all(&frame).expect("it reads");
    }

    /// Says who it is, and reads the answer in which these words stand.
    pub(crate) fn identify(&mut self, members: &Value, answer: &str) -> String {
        let mut command = members.clone();
        command["do"] = json!("identify");
        self.say(&command.to_string());
        self.answer(answer)
    }

    /// Reads until these words were said, and on to the end of the object in which they stand.
    pub(crate) fn answer(&mut self, words: &str) -> String {
        let before = self.hear(words);
        before + &self.hear("}")
    }

    /// Reads until these words were said; returns all that was, up to them.
    pub(crate) fn hear(&mut self, words: &str) -> String {
        loop {
            let found = self.heard.windows(words.len()).position(|said| said == words.as_bytes());
            if let Some(place) = found {
                let said: Vec<u8> = self.heard.drain(..place + words.len()).collect();
                return String::from_utf8_lossy(&said).into_owned();
            }
            assert!(
                self.read(),
                "{words:?} was not said before the end: {}",
                String::from_utf8_lossy(&self.heard)
            );
        }
    }

    /// Reads to the end; the code that the server has closed with, which is the last thing it says.
    pub(crate) fn closed(mut self) -> u16 {
        while self.read() {}
        let close = self.heard.iter().rposition(|byte| *byte == 0x88).expect("a close");
        u16::from_be_bytes([self.heard[close + 2], self.heard[close + 3]])
    }

    fn read(&mut self) -> bool {
        let mut piece = [0; 4096];
        let length = self.stream.read(&mut piece).expect("the server says or does something in time");
        self.heard.extend_from_slice(&piece[..length]);
        length > 0
    }
}

/// So many seconds from now.
pub(crate) fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    now.as_secs() as i64 + seconds
}

/// A token that is good for an hour, with these further claims.
pub(crate) fn token(user: &str, claims: &Value) -> String {
    let mut all = json!({"sub": user, "exp": in_seconds(3600)});
    all.as_object_mut().expect("an object").extend(claims.as_object().cloned().unwrap_or_default());
    encode(&Header::default(), &all, &EncodingKey::from_secret(SECRET.as_bytes())).expect("it can be signed")
}

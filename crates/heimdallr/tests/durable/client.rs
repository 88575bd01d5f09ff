//! A client of the rich protocol by hand.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use wire::websocket::{Opcode, write_masked_frame};

use crate::programs::PATIENCE;

/// How long a look at what has come takes.
const LOOK: Duration = Duration::from_millis(1);

/// A client that is connected.
pub(crate) struct Client {
    stream: TcpStream,
    heard: Vec<u8>,
}

/// The server is gone.
#[derive(Debug)]
pub(crate) struct Gone;

impl Client {
    /// Connects, takes a name and joins a room; `since` as the protocol has it. Says what the room answers.
    pub(crate) fn join(address: SocketAddr, user: &str, room: &str, since: Option<&str>) -> (Self, Value) {
        let mut client = Self::connect(address, user).expect("the server is there");
        client
            .say(&serde_json::json!({ "do": "join", "room": room, "since": since, "id": "join" }))
            .expect("it reads");
        let joined = client.hear("joined").expect("it answers");
        (client, joined)
    }

    /// Connects and joins a room without a name.
    pub(crate) fn visit(address: SocketAddr, room: &str) -> Self {
        let mut client = Self::open(address).expect("the server is there");
        client.say(&serde_json::json!({ "do": "join", "room": room })).expect("it reads");
        client.hear("joined").expect("it answers");
        client
    }

    /// Connects and takes a name; what has come to the user's inbox since a position follows.
    pub(crate) fn identify(address: SocketAddr, user: &str, inbox: Option<&str>) -> Self {
        let mut client = Self::open(address).expect("the server is there");
        client.say(&serde_json::json!({ "do": "identify", "user": user, "inbox": inbox })).expect("it reads");
        client
    }

    /// Connects and takes a name.
    pub(crate) fn connect(address: SocketAddr, user: &str) -> Result<Self, Gone> {
        let mut client = Self::open(address)?;
        client.say(&serde_json::json!({ "do": "identify", "user": user }))?;
        client.hear("welcome")?;
        Ok(client)
    }

    fn open(address: SocketAddr) -> Result<Self, Gone> {
        let mut stream = TcpStream::connect(address).map_err(|_| Gone)?;
        stream.set_read_timeout(Some(LOOK)).map_err(|_| Gone)?;
        stream.set_nodelay(true).map_err(|_| Gone)?;
        let asked = stream.write_all(
            b"GET /v1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: heimdallr.v1.json\r\n\r\n",
        );
        asked.map_err(|_| Gone)?;
        let mut client = Self { stream, heard: Vec::new() };
        client.skip_head()?;
        Ok(client)
    }

    pub(crate) fn say(&mut self, what: &Value) -> Result<(), Gone> {
        let mut frame = Vec::new();
        write_masked_frame(&mut frame, Opcode::Text, what.to_string().as_bytes(), [1, 2, 3, 4]);
        self.stream.write_all(&frame).map_err(|_| Gone)
    }

    pub(crate) fn post(&mut self, room: &str, tag: &str) -> Result<(), Gone> {
        self.say(&serde_json::json!({ "do": "post", "room": room, "id": tag, "text": format!("the text of {tag}") }))
    }

    /// Posts, and says what is answered.
    pub(crate) fn ask_to_post(&mut self, room: &str, tag: &str) -> Value {
        self.post(room, tag).expect("it reads");
        self.answer_to(tag)
    }

    /// What is accepted or refused of a tag.
    pub(crate) fn answer_to(&mut self, tag: &str) -> Value {
        let is_answer =
            |value: &Value| (value["is"] == "accepted" || value["is"] == "refused") && value["id"] == tag;
        self.hear_where(tag, is_answer).expect("it answers")
    }

    /// The next that is of a kind; what comes before it is passed over.
    pub(crate) fn hear(&mut self, kind: &str) -> Result<Value, Gone> {
        self.hear_where(kind, |value| value["is"] == kind)
    }

    fn hear_where(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value, Gone> {
        let start = Instant::now();
        loop {
            if let Some(value) = self.next()?.filter(&is_it) {
                return Ok(value);
            }
            assert!(start.elapsed() < PATIENCE, "waited in vain for {what}");
        }
    }

    /// What comes next, if it comes at once.
    pub(crate) fn next(&mut self) -> Result<Option<Value>, Gone> {
        loop {
            if let Some(value) = self.take_frame() {
                return Ok(Some(value));
            }
            if !self.read()? {
                return Ok(None);
            }
        }
    }

    fn skip_head(&mut self) -> Result<(), Gone> {
        loop {
            if let Some(place) = self.heard.windows(4).position(|four| four == b"\r\n\r\n") {
                assert!(
                    self.heard.starts_with(b"HTTP/1.1 101 "),
                    "{:?}",
                    String::from_utf8_lossy(&self.heard)
                );
                self.heard.drain(..place + 4);
                return Ok(());
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Result<bool, Gone> {
        let mut piece = [0; 65_536];
        match self.stream.read(&mut piece) {
            Ok(0) => Err(Gone),
            Ok(length) => {
                self.heard.extend_from_slice(&piece[..length]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(false),
            Err(_) => Err(Gone),
        }
    }

    /// The next frame of text; others are passed over. Servers do not mask (RFC 6455 §5.1).
    fn take_frame(&mut self) -> Option<Value> {
        loop {
            let (&opcode, rest) = self.heard.split_first()?;
            let (&short, rest) = rest.split_first()?;
            let (head, length) = match short {
                126 => (4, usize::from(u16::from_be_bytes(*rest.first_chunk()?))),
                127 => (10, u64::from_be_bytes(*rest.first_chunk()?) as usize),
                short => (2, usize::from(short)),
            };
            let payload = self.heard.get(head..head + length)?;
            let value = (opcode & 15 == 1).then(|| serde_json::from_slice(payload).expect("it is JSON"));
            self.heard.drain(..head + length);
            if value.is_some() {
                return value;
            }
        }
    }
}

/// Epoch and offset of a position.
pub(crate) fn position(value: &Value) -> (String, u64) {
    let text = value.as_str().expect("a position is a text");
    let (epoch, offset) = text.split_once(':').expect("a position has two parts");
    (epoch.to_owned(), offset.parse().expect("a number"))
}

/// A room's whole history: offsets and tags, ascending.
pub(crate) fn history(address: SocketAddr, room: &str) -> Vec<(u64, String)> {
    let (mut client, _) = Client::join(address, "reader", room, None);
    let (mut found, mut before) = (Vec::new(), Value::Null);
    loop {
        let recall =
            serde_json::json!({ "do": "recall", "room": room, "before": before, "limit": 200, "id": "page" });
        client.say(&recall).expect("it reads");
        let page = client.hear("page").expect("it answers");
        let messages = page["messages"].as_array().expect("a page has messages");
        let read = |message: &Value| {
            (position(&message["at"]).1, message["id"].as_str().unwrap_or_default().to_owned())
        };
        found.splice(..0, messages.iter().map(read));
        if page["more"] != true {
            return found;
        }
        before = messages.first().expect("a page with more behind it is not empty")["at"].clone();
    }
}

//! Socket.IO, to the byte.

mod events;
mod moves;
mod namespaces;
mod parsers;
mod relay;
mod requests;
mod transports;

use chat::Event;
use gateways::{Lane, MAIN, Outbox, Protocol, SessionName, Settings, Then};
use wire::http::read_head;
use wire::websocket::{Opcode, write_masked_frame};

use crate::line::{Asked, ask, ask_with, gateway_with, settings};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// What the socket in the main namespace is called: the hash of the session's name and of `/`.
const ID: &str = "1H_N_bBJdJRaur-v2Po5";
/// The one in the namespace `/side`.
const SIDE_ID: &str = "1Sk7m1pJ3rTUhu0UXPo1";

fn sid() -> String {
    SessionName([7; SessionName::BYTES]).to_string()
}

fn get(target: &str, headers: &str) -> Asked {
    ask(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n"))
}

fn body(answer: &[u8]) -> &str {
    let (_, length) = wire::http::read_response_head(answer).expect("well-formed").expect("whole");
    std::str::from_utf8(&answer[length..]).expect("text")
}

/// What a session that polls is told of an event, without what stands before each packet.
fn told(settings: &Settings, session: &dyn Protocol, event: &Event) -> String {
    let mut out = Vec::new();
    gateway_with(settings, "socketio").encode(session.form().expect("it takes rooms"), event, &mut out);
    String::from_utf8(out).expect("text").replace('\u{1e}', "")
}

/// A session that polls, and what its caller keeps for it.
struct Polling {
    revision: u8,
    session: Box<dyn Protocol>,
    kept: Vec<u8>,
}

impl Polling {
    fn open(revision: u8) -> Self {
        Self::open_with(&settings(), revision)
    }

    fn open_with(settings: &Settings, revision: u8) -> Self {
        let target = format!("/socket.io/?EIO={revision}&transport=polling");
        let mut asked = ask_with(settings, &format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!((asked.status(), asked.out.then), (200, Then::NextRequest));
        Self { revision, session: asked.protocol.take().expect("it opens a session"), kept: Vec::new() }
    }

    /// One that has connected to the namespace.
    fn connected() -> Self {
        Self::connected_with(&settings())
    }

    fn connected_with(settings: &Settings) -> Self {
        let mut polling = Self::open_with(settings, 4);
        polling.post("40");
        polling.kept.clear();
        polling
    }

    fn attach(&mut self, request: &str) -> (Option<Lane>, Outbox) {
        let (head, _) = read_head(request.as_bytes()).expect("well-formed").expect("whole");
        let mut out = Outbox::default();
        (self.session.spread().expect("it may have several").attach(&head, &mut out), out)
    }

    fn target(&self) -> String {
        format!("/socket.io/?EIO={}&transport=polling&sid={}", self.revision, sid())
    }

    fn poll(&mut self) -> (Option<Lane>, Outbox) {
        self.attach(&format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", self.target()))
    }

    /// Posts packets. What is to be kept is kept.
    fn post(&mut self, packets: &str) -> Outbox {
        let length = packets.len();
        let request =
            format!("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n", self.target());
        let (lane, mut out) = self.attach(&request);
        let spread = self.session.spread().expect("it may have several");
        let mut bytes = packets.as_bytes().to_vec();
        let taken =
            spread.receive(lane.expect("a post is read"), &mut bytes, &mut out).expect("no violation");
        assert_eq!(taken, length);
        for aside in out.aside.extract_if(.., |aside| aside.lane == MAIN) {
            self.kept.extend_from_slice(&aside.bytes);
        }
        out
    }

    fn deliver(&mut self, event: &Event) {
        let mut out = Outbox::default();
        self.session.deliver(event, &mut out);
        self.kept.append(&mut out.bytes);
    }

    /// Hands over what is kept.
    fn relay(&mut self) -> Outbox {
        let mut out = Outbox::default();
        self.session.spread().expect("it may have several").relay(&std::mem::take(&mut self.kept), &mut out);
        out
    }

    fn kept(&self) -> &str {
        std::str::from_utf8(&self.kept).expect("text")
    }

    fn attach_empty(&mut self) -> Outbox {
        self.attach(&format!("POST {} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", self.target())).1
    }

    fn attach_websocket(&mut self) -> (Lane, Outbox) {
        let target = format!("/socket.io/?EIO=4&transport=websocket&sid={}", sid());
        let (lane, out) = self.attach(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n{WEBSOCKET}\r\n"));
        (lane.expect("it stays"), out)
    }

    fn frame(&mut self, lane: Lane, text: &str) -> Outbox {
        let (mut bytes, mut out) = (Vec::new(), Outbox::default());
        write_masked_frame(&mut bytes, Opcode::Text, text.as_bytes(), [1, 2, 3, 4]);
        let spread = self.session.spread().expect("it may have several");
        assert_eq!(spread.receive(lane, &mut bytes, &mut out), Ok(bytes.len()));
        out
    }
}

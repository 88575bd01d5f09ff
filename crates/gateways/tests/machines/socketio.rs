//! Socket.IO: how sessions open, poll, post and move to a WebSocket, to the byte.

use chat::{Body, Command, Event, Farewell, Tag};
use gateways::{Lane, MAIN, Outbox, Protocol, SessionName, Then};
use wire::http::read_head;
use wire::websocket::{Opcode, write_masked_frame};

use crate::line::{Asked, ask};
use crate::words::{at, lobby, message, tag, user};

const POLLING: &str = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

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

/// A session that polls, and what its caller keeps for it.
struct Polling {
    session: Box<dyn Protocol>,
    kept: Vec<u8>,
}

impl Polling {
    fn open(revision: u8) -> Self {
        let mut asked = get(&format!("/socket.io/?EIO={revision}&transport=polling"), "");
        assert_eq!((asked.status(), asked.out.then), (200, Then::NextRequest));
        Self { session: asked.protocol.take().expect("it opens a session"), kept: Vec::new() }
    }

    /// One that has connected to the namespace.
    fn connected() -> Self {
        let mut polling = Self::open(4);
        polling.post("40");
        polling.kept.clear();
        polling
    }

    fn attach(&mut self, request: &str) -> (Option<Lane>, Outbox) {
        let (head, _) = read_head(request.as_bytes()).expect("well-formed").expect("whole");
        let mut out = Outbox::default();
        (self.session.spread().expect("it may have several").attach(&head, &mut out), out)
    }

    fn poll(&mut self) -> (Option<Lane>, Outbox) {
        self.attach(&format!("GET {POLLING}&sid={} HTTP/1.1\r\nHost: a\r\n\r\n", sid()))
    }

    /// Posts packets. What is to be kept is kept.
    fn post(&mut self, packets: &str) -> Outbox {
        let length = packets.len();
        let request =
            format!("POST {POLLING}&sid={} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n", sid());
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

    /// Hands over what is kept.
    fn relay(&mut self) -> Outbox {
        let mut out = Outbox::default();
        self.session.spread().expect("it may have several").relay(&std::mem::take(&mut self.kept), &mut out);
        out
    }

    fn kept(&self) -> &str {
        std::str::from_utf8(&self.kept).expect("text")
    }
}

#[test]
fn a_session_opens_with_its_name_and_its_rules() {
    let asked = get(POLLING, "");
    let open = format!(
        "0{{\"sid\":\"{}\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000,\"maxPayload\":65536}}",
        sid()
    );
    assert_eq!((asked.gateway, body(&asked.out.bytes)), ("socketio", &*open));

    let old = get("/socket.io/?EIO=3&transport=polling", "");
    let open = format!(
        "0{{\"sid\":\"{}\",\"upgrades\":[\"websocket\"],\"pingInterval\":25000,\"pingTimeout\":20000}}",
        sid()
    );
    assert_eq!(body(&old.out.bytes), format!("{}:{open}2:40", open.len()));

    let asked = get("/socket.io/?EIO=4&transport=websocket", WEBSOCKET);
    assert_eq!((asked.status(), asked.out.then), (101, Then::Stay));
}

#[test]
fn a_request_that_makes_no_sense_is_refused_with_the_number_that_clients_know() {
    for (target, headers, code) in [
        ("/socket.io/?EIO=4", "", 0),
        ("/socket.io/?EIO=4&transport=abc", "", 0),
        ("/socket.io/?EIO=4&transport=polling&sid=abc", "", 1),
        ("/socket.io/?EIO=4&transport=websocket", "", 3),
        ("/socket.io/?EIO=4&transport=polling", WEBSOCKET, 3),
        ("/socket.io/?EIO=2&transport=polling", "", 5),
        ("/socket.io/?transport=polling", "", 5),
    ] {
        let asked = get(target, headers);
        let answer = String::from_utf8_lossy(&asked.out.bytes);
        assert_eq!(asked.status(), 400, "{target}");
        assert!(answer.contains(&format!("{{\"code\":{code},\"message\":")), "{target}: {answer}");
    }
    let post = ask(&format!("POST {POLLING} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
    assert!(
        String::from_utf8_lossy(&post.out.bytes)
            .contains("{\"code\":2,\"message\":\"Bad handshake method\"}")
    );
}

#[test]
fn packets_of_a_post_are_done_in_order_and_answered_in_the_next_poll() {
    let mut polling = Polling::open(4);
    let post = polling.post("40\u{1e}420[\"joinRoom\",{\"room\":\"lobby & co\"}]");
    assert_eq!((body(&post.bytes), post.then), ("ok", Then::NextRequest));
    let first = Tag::new(&format!("{}-0", sid())).expect("short");
    assert_eq!(post.commands, [Command::Join { room: lobby(), since: None, tag: Some(first.clone()) }]);
    assert_eq!(polling.kept(), format!("\u{1e}40{{\"sid\":\"{}\"}}", sid()));

    let (lane, waiting) = polling.poll();
    assert!(lane.is_some() && waiting.bytes.is_empty(), "a poll waits");
    let mut out = Outbox::default();
    polling.session.deliver(&Event::Accepted { tag: Some(first), at: at(42) }, &mut out);
    polling.kept.extend_from_slice(&out.bytes);
    let told = polling.relay();
    let [answer] = &told.aside[..] else { panic!("the poll is answered") };
    let expected = format!("40{{\"sid\":\"{}\"}}\u{1e}430[{{\"at\":\"{}\"}}]", sid(), at(42));
    assert_eq!((body(&answer.bytes), answer.then), (&*expected, Then::NextRequest));
}

#[test]
fn events_become_commands() {
    let mut polling = Polling::connected();
    let post = polling.post(
        "42[\"message\",{\"room\":\"lobby & co\",\"userId\":\"alice\",\"message\":\"hi\"}]\u{1e}\
         42[\"log in\",{\"username\":\"alice\"}]\u{1e}42[\"send message\",{\"username\":\"bob\",\"message\":\"psst\"}]\u{1e}\
         42[\"leaveRoom\",{\"room\":\"lobby & co\"}]\u{1e}42[\"something else\",1]",
    );
    let said = Command::Post {
        room: lobby(),
        author: Some(user("alice")),
        body: Body::text("hi"),
        tag: None,
        reply: false,
    };
    let identify = Command::Identify { user: user("alice"), inbox: None, tag: None };
    let direct = Command::Direct { to: user("bob"), body: Body::text("psst"), tag: None };
    assert_eq!(post.commands, [said, identify, direct, Command::Leave { room: lobby(), tag: None }]);
}

#[test]
fn a_message_is_told_in_the_form_of_each_transport() {
    let event = Event::Posted(message(lobby(), Body::text("hi")));
    let frame = "42[\"message\",{\"userId\":\"ann\",\"message\":\"hi\"}]";
    let polling = Polling::open(4);
    let mut gateway = crate::line::gateway("socketio");
    let mut out = Vec::new();
    gateway.encode(polling.session.form().expect("it takes rooms"), &event, &mut out);
    assert_eq!(out, [b"\x1e", frame.as_bytes()].concat());

    out.clear();
    gateway.encode(Polling::open(3).session.form().expect("it takes rooms"), &event, &mut out);
    assert_eq!(out, format!("{}:{frame}", frame.len()).into_bytes());

    out.clear();
    let socket =
        get("/socket.io/?EIO=4&transport=websocket", WEBSOCKET).protocol.expect("it opens a session");
    gateway.encode(socket.form().expect("it takes rooms"), &event, &mut out);
    assert_eq!(out, [&[0x81, frame.len() as u8][..], frame.as_bytes()].concat());
}

#[test]
fn a_second_poll_ends_the_session_and_both() {
    let mut polling = Polling::connected();
    polling.poll();
    let (lane, second) = polling.poll();
    let [first] = &second.aside[..] else { panic!("the first poll is answered") };
    assert_eq!((lane, body(&first.bytes), second.is_over), (None, "1", true));
    assert!(second.bytes.starts_with(b"HTTP/1.1 400 "));
}

#[test]
fn a_post_that_is_no_packets_ends_the_session() {
    for nonsense in ["abc", "", "2", "41\u{1e}\u{1e}", "42{}", "4"] {
        let mut polling = Polling::connected();
        let length = nonsense.len();
        let post = if length == 0 { polling.attach_empty() } else { polling.post(nonsense) };
        assert!(post.is_over && post.bytes.starts_with(b"HTTP/1.1 400 "), "{nonsense:?}");
    }
}

impl Polling {
    fn attach_empty(&mut self) -> Outbox {
        self.attach(&format!("POST {POLLING}&sid={} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", sid()))
            .1
    }
}

#[test]
fn a_session_moves_to_a_websocket_with_what_was_kept() {
    let mut polling = Polling::connected();
    polling.poll();
    let upgrade = format!(
        "GET /socket.io/?EIO=4&transport=websocket&sid={} HTTP/1.1\r\nHost: a\r\n{WEBSOCKET}\r\n",
        sid()
    );
    let (lane, opened) = polling.attach(&upgrade);
    let lane = lane.expect("it stays");
    assert!(opened.bytes.starts_with(b"HTTP/1.1 101 ") && opened.aside.is_empty());

    let probed = polling.frame(lane, "2probe");
    assert_eq!(probed.bytes, b"\x81\x063probe");
    let [noop] = &probed.aside[..] else { panic!("the poll ends") };
    assert_eq!(body(&noop.bytes), "6");
    assert!(!polling.session.spread().expect("it may have several").awaits());

    let mut out = Outbox::default();
    polling.session.deliver(&Event::Accepted { tag: tag(&format!("{}-5", sid())), at: at(1) }, &mut out);
    polling.kept = out.bytes;
    let moved = polling.frame(lane, "5");
    assert_eq!((moved.lead, moved.then), (Some(lane), Then::Stay));
    let told = polling.relay();
    let packet = format!("435[{{\"at\":\"{}\"}}]", at(1));
    assert_eq!(told.bytes, [&[0x81, packet.len() as u8][..], packet.as_bytes()].concat());
    assert!(!polling.session.spread().expect("it may have several").lingers(), "the WebSocket is all it has");
}

impl Polling {
    fn frame(&mut self, lane: Lane, text: &str) -> Outbox {
        let (mut bytes, mut out) = (Vec::new(), Outbox::default());
        write_masked_frame(&mut bytes, Opcode::Text, text.as_bytes(), [1, 2, 3, 4]);
        let spread = self.session.spread().expect("it may have several");
        assert_eq!(spread.receive(lane, &mut bytes, &mut out), Ok(bytes.len()));
        out
    }
}

#[test]
fn a_websocket_that_does_not_move_as_agreed_is_closed_and_the_session_polls_on() {
    for words in [&["5"][..], &["42[\"message\"]"], &["2probe", "40"]] {
        let mut polling = Polling::connected();
        let upgrade = format!(
            "GET /socket.io/?EIO=4&transport=websocket&sid={} HTTP/1.1\r\nHost: a\r\n{WEBSOCKET}\r\n",
            sid()
        );
        let lane = polling.attach(&upgrade).0.expect("it stays");
        let last = words.iter().map(|word| polling.frame(lane, word)).last().expect("something is said");
        assert_eq!((last.then, last.lead, last.is_over), (Then::Close, None, false), "{words:?}");
        assert!(polling.session.spread().expect("it may have several").lingers());
    }
}

#[test]
fn signs_of_life_go_the_way_of_the_revision() {
    let (mut third, mut fourth) = (Polling::open(3).session, Polling::open(4).session);
    let mut out = Outbox::default();
    assert!(fourth.ping(&mut out) && !fourth.beats());
    assert_eq!(out.bytes, b"\x1e2");
    let mut out = Outbox::default();
    assert!(!third.ping(&mut out) && third.beats() && out.bytes.is_empty(), "its client pings");
}

#[test]
fn who_is_parted_with_hears_it_in_the_poll_that_waits() {
    let mut polling = Polling::connected();
    polling.poll();
    let mut out = Outbox::default();
    polling.session.part(Farewell::Overloaded, &mut out);
    let [answer] = &out.aside[..] else { panic!("the poll is answered") };
    assert_eq!((body(&answer.bytes), out.is_over), ("1", true));
}

#[test]
fn a_client_that_closes_has_its_websocket_closed() {
    let asked = get("/socket.io/?EIO=4&transport=websocket", WEBSOCKET);
    let mut session = asked.protocol.expect("it opens a session");
    let (mut bytes, mut out) = (Vec::new(), Outbox::default());
    write_masked_frame(&mut bytes, Opcode::Text, b"1", [1, 2, 3, 4]);
    assert_eq!(session.receive(&mut bytes, &mut out), Ok(bytes.len()));
    assert_eq!((&out.bytes[..], out.then, out.is_over), (&b"\x88\x02\x03\xe8"[..], Then::Close, true));
}

#[test]
fn what_is_said_right_behind_the_move_is_heard() {
    let mut polling = Polling::connected();
    let upgrade = format!(
        "GET /socket.io/?EIO=4&transport=websocket&sid={} HTTP/1.1\r\nHost: a\r\n{WEBSOCKET}\r\n",
        sid()
    );
    let lane = polling.attach(&upgrade).0.expect("it stays");
    polling.frame(lane, "2probe");
    let (mut bytes, mut out) = (Vec::new(), Outbox::default());
    for text in ["5", "42[\"joinRoom\",{\"room\":\"lobby & co\"}]"] {
        write_masked_frame(&mut bytes, Opcode::Text, text.as_bytes(), [1, 2, 3, 4]);
    }
    let spread = polling.session.spread().expect("it may have several");
    assert_eq!(spread.receive(lane, &mut bytes, &mut out), Ok(bytes.len()));
    assert_eq!((out.lead, out.then), (Some(lane), Then::Stay));
    assert_eq!(out.commands, [Command::Join { room: lobby(), since: None, tag: None }]);
}

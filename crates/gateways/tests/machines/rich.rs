//! The rich protocol to the byte: the objects of docs/protocol.md, and what ends a connection.

use chat::{Body, Counts, Event, Farewell, PayloadKind, Refusal, Resumption, RoomId, Text, Time};
use gateways::{Admission, Heard, Outbox, Protocol, Then, Violation};
use wire::websocket::{Opcode, write_masked_frame};

use crate::line::{Line, call, gateway, login};
use crate::words::{at, body, content, lobby, message, own, tag, typing, user};

/// The object that an event is written as, its frame taken off.
fn object(event: &Event) -> String {
    let mut frame = Vec::new();
    gateway("v1").encode(0, event, &mut frame);
    let header = if frame[1] < 126 { 2 } else { 4 };
    String::from_utf8(frame.split_off(header)).expect("an object is text")
}

#[test]
fn every_event_is_written_as_the_document_says() {
    let counts = Counts { members: 2, guests: 1 };
    let inbox = RoomId::inbox(user("ann"));
    let welcome = |resumption| Event::Welcome {
        tag: tag("1"),
        user: user("alice"),
        session: "0-1f-3".into(),
        time: Time(1_700_000_000_000),
        ping_interval_s: 25,
        inbox: at(7),
        resumption,
    };
    let joined = Event::Joined {
        tag: tag("2"),
        room: lobby(),
        at: at(42),
        resumption: Resumption::Partial,
        counts,
        present: Some([user("alice"), user("bob")].into()),
    };
    let binary = body(PayloadKind::Binary, &[0xff, 0], Text::None);
    let json = body(PayloadKind::Json, br#"{"a": 1}"#, own("hi"));
    let page = vec![message(lobby(), Body::text("hi"))];
    for (event, expected) in [
        (
            welcome(Resumption::Fresh),
            r#"{"is":"welcome","id":"1","user":"alice","session":"0-1f-3","time":1700000000000,"ping":25,"inbox":"loyw3v28:7"}"#,
        ),
        (
            welcome(Resumption::Complete),
            r#"{"is":"welcome","id":"1","user":"alice","session":"0-1f-3","time":1700000000000,"ping":25,"inbox":"loyw3v28:7","resumed":true}"#,
        ),
        (
            joined,
            r#"{"is":"joined","id":"2","room":"lobby & co","at":"loyw3v28:42","resumed":false,"members":2,"guests":1,"present":["alice","bob"]}"#,
        ),
        (
            Event::Posted(message(lobby(), json)),
            r#"{"is":"posted","room":"lobby & co","at":"loyw3v28:43","user":"ann","id":"c-1","time":5,"text":"hi","data":{"a": 1}}"#,
        ),
        (
            Event::Posted(message(inbox.clone(), binary)),
            r#"{"is":"direct","at":"loyw3v28:43","user":"ann","id":"c-1","time":5,"binary":"/wA="}"#,
        ),
        (
            Event::Page { tag: tag("9"), room: lobby(), messages: page, more: true },
            r#"{"is":"page","id":"9","room":"lobby & co","messages":[{"at":"loyw3v28:43","user":"ann","id":"c-1","time":5,"text":"hi"}],"more":true}"#,
        ),
        (
            Event::Signal { room: lobby(), user: Some(user("bob")), signal: typing(), content: None },
            r#"{"is":"signal","room":"lobby & co","user":"bob","signal":"typing"}"#,
        ),
        (
            Event::Signal {
                room: lobby(),
                user: None,
                signal: typing(),
                content: Some(content(r#"{"_placeholder":true,"num":0}, 2"#, &[])),
            },
            r#"{"is":"signal","room":"lobby & co","signal":"typing","arguments":[{"_placeholder":true,"num":0}, 2]}"#,
        ),
        (
            Event::Lost { room: inbox, since: at(3), at: at(40) },
            r#"{"is":"lost","since":"loyw3v28:3","at":"loyw3v28:40"}"#,
        ),
        (
            Event::Refused { tag: tag("c"), refusal: Refusal::NotJoined },
            r#"{"is":"refused","id":"c","code":"not_joined","reason":"join the room first","retry":false}"#,
        ),
        (Event::Accepted { tag: tag("c"), at: at(43) }, r#"{"is":"accepted","id":"c","at":"loyw3v28:43"}"#),
        (Event::Left { tag: tag("5"), room: lobby() }, r#"{"is":"left","id":"5","room":"lobby & co"}"#),
        (Event::Time { tag: tag("7"), time: Time(17) }, r#"{"is":"time","id":"7","time":17}"#),
        (
            Event::Closing(Farewell::SlowConsumer),
            r#"{"is":"closing","code":4008,"reason":"slow_consumer","reconnect":true}"#,
        ),
    ] {
        assert_eq!(object(&event), expected);
    }
}

/// A session of the rich protocol, opened by its own client.
fn session() -> Box<dyn Protocol> {
    let request = "GET /v1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: heimdallr.v1.json\r\n\r\n";
    let (head, _) = wire::http::read_head(request.as_bytes()).expect("well-formed").expect("whole");
    match gateway("v1").admit(&call(&head), &mut Outbox::default()) {
        Admission::Open(protocol) => protocol,
        _ => panic!("it opens a session"),
    }
}

fn receive(opcode: Opcode, payload: &str) -> (Result<usize, Violation>, Outbox) {
    let (mut bytes, mut out) = (Vec::new(), Outbox::default());
    write_masked_frame(&mut bytes, opcode, payload.as_bytes(), [1, 2, 3, 4]);
    (session().receive(&mut bytes, &mut out), out)
}

#[test]
fn what_is_no_object_ends_the_connection() {
    for (opcode, payload) in [(Opcode::Text, "hi"), (Opcode::Text, "[]"), (Opcode::Binary, "{}")] {
        let farewell = receive(opcode, payload).0.map_err(|violation| violation.farewell);
        assert_eq!(farewell, Err(Farewell::BadMessage), "{payload}");
    }
}

#[test]
fn a_refused_member_is_told_and_the_session_stays() {
    let (taken, out) = receive(Opcode::Text, r#"{"do":"post","id":"c-18","room":"","text":"x"}"#);
    assert!(taken.is_ok() && out.commands.is_empty());
    assert_eq!((out.then, &out.refusals[..]), (Then::Stay, &[Refusal::BadName][..]));
    let told = String::from_utf8_lossy(&out.bytes[2..]).into_owned();
    assert!(told.contains(r#"{"is":"refused","id":"c-18","code":"bad_name","reason":"#), "{told}");
}

#[test]
fn a_farewell_is_told_before_the_close() {
    let mut line = Line::open("v1", &login(), Box::new(|| usize::MAX)).expect("v1 has a client");
    let restart = Farewell::ServerRestart { delay_ms: 1500 };
    line.serve(|protocol, out| protocol.part(restart, out));
    let closed = Heard::Closed { code: 4012, reason: "server_restart".into() };
    assert_eq!(line.heard[1..], [Heard::Closing(restart), closed]);
}

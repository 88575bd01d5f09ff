//! Whatever comes in, nothing panics, and what a machine leaves for later is bounded.

use chat::{Event, Farewell, Refusal, Time};
use gateways::{Admission, CLIENTS, Client, GATEWAYS, MAIN, Outbox, Protocol, Then};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use wire::websocket::{Opcode, write_frame, write_masked_deflated_frame, write_masked_frame};

use crate::course::{Course, End, TAIL_BYTES_MAX};
use crate::line::{Line, call, login, settings};

const WEBSOCKET: &str = "HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Extensions: permessage-deflate\r\n";

/// Requests that open a session each.
fn openings() -> Vec<String> {
    vec![
        format!("GET /lobby {WEBSOCKET}\r\n"),
        format!("GET /v1 {WEBSOCKET}Sec-WebSocket-Protocol: heimdallr.v1.json\r\n\r\n"),
        format!("GET /socket.io/?EIO=4&transport=websocket {WEBSOCKET}\r\n"),
        format!("GET /socket.io/?EIO=3&transport=websocket {WEBSOCKET}\r\n"),
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /events/a HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "POST /rooms/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        "POST /rooms/a HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
            .to_owned(),
    ]
}

fn open(request: &str) -> Option<Box<dyn Protocol>> {
    let (head, _) = wire::http::read_head(request.as_bytes()).ok()??;
    let mut out = Outbox::default();
    for (_, open) in GATEWAYS {
        match open(&settings()).admit(&call(&head), &mut out) {
            Admission::NotMine => {}
            Admission::Open(protocol) => return Some(protocol),
            Admission::Attach(_) | Admission::Answered => return None,
        }
    }
    None
}

/// Pieces of what clients really send, and of what they should not.
fn words() -> impl Strategy<Value = Vec<u8>> {
    let pieces = select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        " ",
        "\n",
        "null",
        "true",
        "-1",
        "1e9",
        "201",
        "\"\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"do\":",
        "\"id\":",
        "\"room\":",
        "\"text\":",
        "\"data\":",
        "\"user\":",
        "\"since\":",
        "\"limit\":",
        "\"post\"",
        "\"join\"",
        "\"identify\"",
        "\"recall\"",
        "\"direct\"",
        "\"a\"",
        "\"a:1\"",
        "\"msgType\":",
        "\"user\"",
        "{\"do\":\"post\",\"id\":\"1\",\"room\":\"a\",\"text\":\"b\"}",
        "é",
        "\r\n",
        "0\r\n\r\n",
        "5\r\nhello\r\n",
        "id: ",
        "data: ",
        "event: posted\n",
        "\n\n",
        "HTTP/1.1 200 OK\r\n",
        "content-length: 2\r\n",
        "\r\n\r\n",
    ]);
    let bytes =
        prop_oneof![4 => pieces.prop_map(|piece| piece.as_bytes().to_vec()), 1 => vec(any::<u8>(), 0..9)];
    vec(bytes, 0..12).prop_map(|pieces| pieces.concat())
}

/// What may come in on a stream: frames, well-formed and not, and anything else.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let opcodes = vec![Opcode::Text, Opcode::Binary, Opcode::Ping, Opcode::Pong, Opcode::Close];
    let frame = (select(opcodes), words(), any::<[u8; 4]>(), any::<bool>()).prop_map(
        |(opcode, payload, mask, deflated)| {
            let mut bytes = Vec::new();
            match opcode {
                Opcode::Text if deflated => {
                    write_masked_deflated_frame(&mut bytes, wire::websocket::Kind::Text, &payload, mask);
                }
                _ => write_masked_frame(&mut bytes, opcode, &payload[..payload.len().min(125)], mask),
            }
            bytes
        },
    );
    vec(prop_oneof![6 => frame, 2 => words(), 1 => vec(any::<u8>(), 0..200)], 1..8)
        .prop_map(|parts| parts.concat())
}

/// Feeds pieces until the session ends, and parts with whoever breaks its protocol.
fn feed(session: &mut dyn Protocol, bytes: &[u8], piece: usize, tail_max: usize) -> Course {
    let course = Course::run(session, MAIN, bytes.chunks(piece), tail_max);
    if let End::Broken(violation) = &course.end {
        let mut out = Outbox::default();
        session.part(violation.farewell, &mut out);
        assert_eq!(out.then, Then::Close, "whoever breaks a protocol is parted with");
    }
    course
}

/// What may come from a server, or somebody who claims to be one.
fn said() -> impl Strategy<Value = Vec<u8>> {
    let objects = select(vec![
        "{\"is\":\"welcome\",\"user\":\"a\",\"session\":\"\",\"time\":1,\"inbox\":\"a:1\"}",
        "{\"is\":\"direct\",\"at\":\"a:1\",\"time\":1,\"binary\":\"/w\"}",
        "{\"is\":\"posted\",\"room\":\"a\",\"at\":\"a:1\",\"time\":1,\"data\":null}",
        "{\"is\":\"page\",\"room\":\"a\",\"messages\":[{}],\"more\":true}",
        "{\"is\":\"refused\",\"code\":\"draining\",\"reason\":\"\",\"retry\":true}",
        "{\"is\":\"closing\",\"code\":4012,\"reason\":\"\",\"reconnect\":true}",
    ]);
    let payload = prop_oneof![objects.prop_map(|object| object.as_bytes().to_vec()), words()];
    let frame = payload.prop_map(|payload| {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, Opcode::Text, &payload);
        bytes
    });
    vec(prop_oneof![4 => frame, 1 => words(), 1 => vec(any::<u8>(), 0..50)], 1..8)
        .prop_map(|parts| parts.concat())
}

fn hear(client: &mut dyn Client, bytes: &[u8], piece: usize) {
    let (mut tail, mut out, mut heard) = (Vec::new(), Vec::new(), Vec::new());
    for piece in bytes.chunks(piece) {
        tail.extend_from_slice(piece);
        match client.receive(&mut tail, &mut out, &mut heard) {
            Ok(taken) => drop(tail.drain(..taken)),
            Err(_) => break,
        }
    }
    client.close(&mut out);
}

proptest! {
    #[test]
    fn no_input_makes_a_session_panic_or_hoard(bytes in input(), piece in 1..64_usize) {
        for request in openings() {
            let mut session = open(&request).expect("the request opens a session");
            feed(&mut *session, &bytes, piece, TAIL_BYTES_MAX);
        }
    }

    #[test]
    fn what_a_session_makes_of_bytes_does_not_hang_on_how_they_are_cut(bytes in input(), piece in 1..64_usize) {
        for request in openings() {
            let course = |piece| {
                feed(&mut *open(&request).expect("the request opens a session"), &bytes, piece, TAIL_BYTES_MAX)
            };
            let whole = course(bytes.len().max(1));
            prop_assert_eq!(&course(piece), &whole);
            prop_assert_eq!(course(1), whole);
        }
    }

    #[test]
    fn a_websocket_leaves_no_more_than_a_header_or_a_control_frame(bytes in input(), piece in 1..64_usize) {
        for request in &openings()[..2] {
            let mut session = open(request).expect("the request opens a session");
            feed(&mut *session, &bytes, piece, 138);
        }
    }

    #[test]
    fn whatever_is_told_at_whatever_time_a_session_takes_it(turns in vec(0..5_u8, 0..9), bytes in input()) {
        for request in openings() {
            let mut session = open(&request).expect("the request opens a session");
            let mut out = Outbox::default();
            for turn in &turns {
                match turn {
                    0 => session.deliver(&Event::Refused { tag: None, refusal: Refusal::Overloaded }, &mut out),
                    1 => session.deliver(&Event::Time { tag: None, time: Time(u64::MAX) }, &mut out),
                    2 => drop(session.ping(&mut out)),
                    3 => session.part(Farewell::ServerRestart { delay_ms: u32::MAX }, &mut out),
                    _ => drop(feed(&mut *session, &bytes, 32, TAIL_BYTES_MAX)),
                }
            }
        }
    }

    #[test]
    fn every_request_is_taken_by_somebody(
        method in "GET|HEAD|POST|OPTIONS|PUT|get",
        path in "/(v1|events/|rooms/|healthz|heimdallr.js|index.html|[a-z%/.]{0,9}){1,2}[a-f0-9%]{0,4}",
        query in "(\\?(since|a)=[a-z0-9:%]{0,6})?",
        headers in vec("(Upgrade: websocket|Connection: (close|upgrade)|Content-Length: [0-9]{1,6}|Last-Event-ID: [a-z0-9:]{0,5}\
            |Content-Type: [a-z/]{0,12}|Idempotency-Key: [a-z]{0,3}|If-None-Match: [*a-z\",]{0,5}|Expect: 100-continue)", 0..4),
        minor in 0..2_u8,
    ) {
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!("{method} {path}{query} HTTP/1.{minor}\r\nHost: a\r\n{lines}\r\n");
        if let Ok(Some((head, _))) = wire::http::read_head(request.as_bytes()) {
            let mut out = Outbox::default();
            let taken = GATEWAYS.iter().any(|(_, open)| match open(&settings()).admit(&call(&head), &mut out) {
                Admission::NotMine => false,
                Admission::Open(_) | Admission::Attach(_) => true,
                Admission::Answered => {
                    assert!(out.then != Then::Stay && out.bytes.starts_with(b"HTTP/1.1 "), "{request}");
                    true
                }
            });
            prop_assert!(taken, "{request}");
        }
    }

    #[test]
    fn no_server_makes_a_client_panic(bytes in said(), piece in 1..64_usize) {
        for (name, dial) in CLIENTS {
            let fresh = dial(&login()).map(|mut client| {
                client.open(&mut Vec::new());
                client
            });
            let opened = Line::open(name, &login(), Box::new(|| usize::MAX)).map(|line| line.client);
            for mut client in fresh.into_iter().chain(opened) {
                hear(&mut *client, &bytes, piece);
            }
        }
    }
}

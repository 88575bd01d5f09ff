//! Posts over HTTP: what a body is taken for, and the answers to the byte.

use chat::{Body, Command, Event, Farewell, PayloadKind, Refusal, RoomId, RoomName, Tag, Text, UserId};
use gateways::{Outbox, Then};

use crate::line::{Asked, Cut, ask, call, cuts, feed, gateway};
use crate::words::{at, body, own, tag, user};

fn post(headers: &str, content: &str) -> Asked {
    ask(&format!(
        "POST /rooms/a HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n{headers}\r\n{content}",
        content.len()
    ))
}

fn command(author: Option<UserId>, tag: Option<Tag>, body: Body) -> Command {
    let room = RoomId::public(RoomName::new("a").expect("a valid name"));
    Command::Post { room, author, body, tag, reply: true }
}

#[test]
fn a_body_is_taken_for_what_its_type_says() {
    let json = "Content-Type: application/json\r\n";
    for (headers, content, expected) in [
        ("", "hi", command(None, None, Body::text("hi"))),
        ("", "", command(None, None, Body::text(""))),
        ("Content-Type: text/plain\r\n", "ü", command(None, None, Body::text("ü"))),
        ("Content-Type: TEXT/Plain ; Charset=\"UTF-8\"\r\n", "a", command(None, None, Body::text("a"))),
        ("Idempotency-Key: k 1\r\n", "a", command(None, tag("k 1"), Body::text("a"))),
        (
            "Content-Type: application/octet-stream\r\n",
            "\0x",
            command(None, None, body(PayloadKind::Binary, b"\0x", Text::None)),
        ),
        (
            json,
            r#"{"text":"t","user":"ann","id":"i","x":0}"#,
            command(Some(user("ann")), tag("i"), Body::text("t")),
        ),
        (json, r#" {"data": [1]} "#, command(None, None, body(PayloadKind::Json, b"[1]", Text::None))),
        (
            json,
            r#"{"data":null,"text":"t"}"#,
            command(None, None, body(PayloadKind::Json, b"null", own("t"))),
        ),
        (
            "Content-Type: application/json; charset=utf-8\r\nIdempotency-Key: k\r\n",
            r#"{"text":"t","id":"i"}"#,
            command(None, tag("k"), Body::text("t")),
        ),
    ] {
        let mut asked = post(headers, content);
        assert_eq!(asked.out.commands, [expected], "{headers}{content}");
        assert_eq!(asked.protocol().0.form(), None, "a visitor");
        assert_eq!(asked.answer(), (String::new(), Then::Stay), "the answer waits for the room's");
    }
}

#[test]
fn the_answer_is_the_position_or_the_refusal() {
    let mut asked = post("", "hi");
    let (visitor, out) = asked.protocol();
    visitor.deliver(&Event::Accepted { tag: None, at: at(44) }, out);
    let kept = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\naccess-control-allow-origin: *\r\n\
        content-length: 20\r\n\r\n{\"at\":\"loyw3v28:44\"}";
    assert_eq!(asked.answer(), (kept.to_owned(), Then::NextRequest));
    let mut asked = post("Connection: close\r\n", "hi");
    let (visitor, out) = asked.protocol();
    visitor.deliver(&Event::Refused { tag: None, refusal: Refusal::Overloaded }, out);
    let (answer, then) = asked.answer();
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n\r\n{\"code\":\"overloaded\",\"reason\":"), "{answer}");
    assert!(answer.ends_with(",\"retry\":true}"), "{answer}");
    assert_eq!(then, Then::Close);
}

#[test]
fn a_body_that_says_nothing_is_refused_and_the_stream_goes_on() {
    let json = "Content-Type: application/json\r\n";
    for (headers, content, refusal) in [
        (json, "", Refusal::BadRequest),
        (json, "{}", Refusal::BadRequest),
        (json, r#"["t"]"#, Refusal::BadRequest),
        (json, r#"{"text":1}"#, Refusal::BadRequest),
        (json, r#"{"text":"t","id":""}"#, Refusal::BadRequest),
        (json, r#"{"text":"t","user":""}"#, Refusal::BadName),
        (json, r#"{"text":"t"} x"#, Refusal::BadRequest),
    ] {
        let asked = post(headers, content);
        assert_eq!((asked.status(), &asked.out.refusals[..]), (400, &[refusal][..]), "{content}");
        assert_eq!(asked.out.then, Then::NextRequest, "{content}");
    }
}

#[test]
fn a_request_that_makes_no_sense_is_refused_before_its_body_is_read() {
    let long = format!("Idempotency-Key: {}\r\n", "x".repeat(65));
    for (target, headers, status, refusal) in [
        ("/rooms/", "", 400, Refusal::BadName),
        ("/rooms/%C3", "", 400, Refusal::BadName),
        ("/rooms/a", &*long, 400, Refusal::BadRequest),
        ("/rooms/a", "Idempotency-Key:\r\n", 400, Refusal::BadRequest),
        ("/rooms/a", "Content-Type: text/html\r\n", 415, Refusal::BadRequest),
        ("/rooms/a", "Content-Type: text/plain; charset=latin1\r\n", 415, Refusal::BadRequest),
        ("/rooms/a", "Content-Length: 65537\r\n", 413, Refusal::MessageTooLarge),
    ] {
        let length = if headers.contains("Length") { "" } else { "Content-Length: 5\r\n" };
        let asked = ask(&format!("POST {target} HTTP/1.1\r\nHost: a\r\n{length}{headers}\r\n"));
        assert!(asked.protocol.is_none(), "{target} {headers}");
        assert_eq!((asked.status(), &asked.out.refusals[..]), (status, &[refusal][..]), "{target} {headers}");
        assert_eq!(asked.out.then, Then::Close, "nobody knows where the next request begins");
    }
}

#[test]
fn a_client_that_waits_to_be_told_is_told_to_go_on() {
    let request = "POST /rooms/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n";
    let mut asked = ask(&format!("{request}Content-Length: 5\r\n\r\n"));
    assert_eq!(asked.answer(), ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), Then::Stay));
    let asked = ask(&format!("{request}Content-Length: 70000\r\n\r\n"));
    assert_eq!(asked.status(), 413, "and not when nobody wants its body");
}

/// Opens a chunked post and feeds it. What was not taken is the second part.
fn chunked(content: &str, cut: &mut Cut) -> (Result<Vec<u8>, Farewell>, Outbox) {
    let request = "POST /rooms/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (head, _) = wire::http::read_head(request.as_bytes()).expect("well-formed").expect("whole");
    let mut out = Outbox::default();
    let gateways::Admission::Open(mut visitor) = gateway("post").admit(&call(&head), &mut out) else {
        panic!("a post opens a session");
    };
    let fed = feed(content.as_bytes().to_vec(), cut, |input| visitor.receive(input, &mut out));
    (fed.map_err(|violation| violation.farewell), out)
}

#[test]
fn a_body_may_come_in_chunks_and_ends_where_it_says() {
    for mut cut in cuts() {
        let (left, out) = chunked("3;x=y\r\nh\u{e9}\r\n2\r\nyo\r\n0\r\nT: v\r\n\r\nPOST /next", &mut cut);
        assert_eq!(out.commands, [command(None, None, Body::text("h\u{e9}yo"))]);
        assert_eq!(left.as_deref(), Ok(&b"POST /next"[..]), "the next request is not touched");
        let big = format!("10000\r\n{}\r\n1\r\nx", "x".repeat(0x10000));
        assert_eq!(chunked(&big, &mut cut).0, Err(Farewell::MessageTooLarge));
        assert_eq!(chunked("3\r\nabcd", &mut cut).0, Err(Farewell::ProtocolError));
    }
}

#[test]
fn requests_ahead_of_an_answer_are_kept_up_to_a_bound() {
    let ahead = |bytes: usize| format!("2\r\nhi\r\n0\r\n\r\n{}", "x".repeat(bytes));
    let mut whole: Cut = Box::new(|| usize::MAX);
    assert_eq!(chunked(&ahead(96 * 1024), &mut whole).0.map(|left| left.len()), Ok(96 * 1024));
    assert_eq!(chunked(&ahead(96 * 1024 + 1), &mut whole).0, Err(Farewell::Overloaded));
}

#[test]
fn a_visitor_is_parted_with_in_http() {
    for (farewell, status, code) in [
        (Farewell::ServerRestart { delay_ms: 1 }, 503, "draining"),
        (Farewell::Overloaded, 503, "overloaded"),
        (Farewell::MessageTooLarge, 413, "message_too_large"),
        (Farewell::ProtocolError, 400, "bad_request"),
    ] {
        let mut asked = post("", "hi");
        let (visitor, out) = asked.protocol();
        visitor.part(farewell, out);
        assert_eq!((asked.status(), asked.out.then), (status, Then::Close));
        assert!(asked.answer().0.contains(&format!("\"code\":\"{code}\"")));
    }
}

#[test]
fn a_body_that_dribbles_is_not_waited_for() {
    let mut asked = ask("POST /rooms/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcd");
    let (visitor, out) = asked.protocol();
    for _ in 0..2 {
        assert!(!visitor.ping(out));
        assert_eq!(out.then, Then::Stay);
    }
    visitor.ping(out);
    assert_eq!((asked.status(), asked.out.then), (408, Then::Close));
    let mut asked = post("", "whole");
    let (visitor, out) = asked.protocol();
    (0..9).for_each(|_| assert!(!visitor.ping(out)));
    assert_eq!(asked.answer(), (String::new(), Then::Stay), "the room's answer is waited for");
}

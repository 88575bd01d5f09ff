//! Readers of server-sent events: which requests become one, and the events to the byte.

use std::sync::Arc;

use chat::{Command, Counts, Event, Farewell, PayloadKind, Presence, Refusal, Resumption, SignalName, Text};
use gateways::Then;

use crate::line::{Asked, ask, gateway};
use crate::words::{at, body, lobby, message, user};

const COUNTS: Counts = Counts { members: 1, guests: 1 };

fn get(target: &str, headers: &str) -> Asked {
    ask(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n{headers}\r\n"))
}

fn joined(resumption: Resumption) -> Event {
    Event::Joined { tag: None, room: lobby(), at: at(42), resumption, counts: COUNTS, present: None }
}

#[test]
fn a_reader_resumes_from_the_last_event_it_saw() {
    let (seven, nine) = (at(7).to_string(), at(9).to_string());
    for (target, headers, since) in [
        ("/events/lobby%20%26%20co".to_owned(), String::new(), None),
        ("/events/lobby%20%26%20co?since=".to_owned(), "Last-Event-ID:\r\n".to_owned(), None),
        (format!("/events/lobby%20%26%20co?a=b&since={seven}"), String::new(), Some(at(7))),
        ("/events/lobby%20%26%20co".to_owned(), format!("last-event-id: {nine}\r\n"), Some(at(9))),
        (
            format!("/events/lobby%20%26%20co?since={seven}"),
            format!("Last-Event-ID: {nine}\r\n"),
            Some(at(9)),
        ),
    ] {
        let mut asked = get(&target, &headers);
        assert_eq!(asked.out.commands, [Command::Join { room: lobby(), since, tag: None }], "{target}");
        assert_eq!(asked.answer(), (String::new(), Then::Stay), "the answer waits for the room's");
    }
}

#[test]
fn a_request_that_makes_no_sense_is_refused_as_json() {
    for (target, refusal) in [
        ("/events/", Refusal::BadName),
        ("/events/%FF", Refusal::BadName),
        ("/events/%zz", Refusal::BadName),
        ("/events/a?since=%", Refusal::BadRequest),
        ("/events/a?since=1", Refusal::BadPosition),
        (&format!("/events/{}", "x".repeat(256)), Refusal::BadName),
    ] {
        let mut asked = get(target, "");
        assert_eq!((asked.status(), &asked.out.refusals[..]), (400, &[refusal][..]), "{target}");
        let (answer, then) = asked.answer();
        let code = format!("{{\"code\":\"{}\",\"reason\":", refusal.code());
        assert!(
            answer.contains("\r\naccess-control-allow-origin: *\r\n") && answer.contains(&code),
            "{answer}"
        );
        assert_eq!(then, Then::NextRequest);
    }
}

#[test]
fn the_answer_begins_with_who_is_there() {
    let mut asked = get("/events/a", "");
    let (reader, out) = asked.protocol();
    reader.ping(out);
    reader.deliver(&joined(Resumption::Fresh), out);
    reader.ping(out);
    let expected = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n\
        access-control-allow-origin: *\r\nx-accel-buffering: no\r\nconnection: close\r\n\r\n\
        retry: 2000\nevent: joined\nid: loyw3v28:42\n\
        data: {\"is\":\"joined\",\"room\":\"lobby & co\",\"at\":\"loyw3v28:42\",\"members\":1,\"guests\":1}\n\n:\n\n";
    assert_eq!(asked.answer(), (expected.to_owned(), Then::Stay));
}

#[test]
fn a_reader_that_resumes_has_seen_nothing_new_by_being_let_in() {
    let mut asked = get("/events/a", "");
    let (reader, out) = asked.protocol();
    reader.deliver(&joined(Resumption::Complete), out);
    assert!(!asked.answer().0.contains("\nid: "));
}

#[test]
fn every_event_is_written_to_the_byte() {
    let text = message(lobby(), body(PayloadKind::Text, b"a\n\"b\"", Text::Payload));
    let posted = "id: loyw3v28:43\ndata: {\"is\":\"posted\",\"room\":\"lobby & co\",\"at\":\"loyw3v28:43\",\
        \"user\":\"ann\",\"id\":\"c-1\",\"time\":5,\"text\":\"a\\n\\\"b\\\"\"}\n\n";
    let presence =
        Presence { room: lobby(), joined: Some(vec![user("bo")]), left: Some(vec![]), counts: COUNTS };
    let present = "event: presence\ndata: {\"is\":\"presence\",\"room\":\"lobby & co\",\"joined\":[\"bo\"],\"left\":[],\
        \"members\":1,\"guests\":1}\n\n";
    let lost = "event: lost\nid: loyw3v28:3\ndata: {\"is\":\"lost\",\"room\":\"lobby & co\",\"since\":\"loyw3v28:1\",\
        \"at\":\"loyw3v28:3\"}\n\n";
    let restart = "retry: 1500\nevent: closing\ndata: {\"is\":\"closing\",\"code\":4012,\"reason\":\"server_restart\",\
        \"reconnect\":true,\"delay\":1500}\n\n";
    let signal = SignalName::new("typing").expect("a valid signal");
    for (event, expected) in [
        (Event::Posted(text), posted),
        (Event::Presence(Arc::new(presence)), present),
        (Event::Lost { room: lobby(), since: at(1), at: at(3) }, lost),
        (Event::Closing(Farewell::ServerRestart { delay_ms: 1500 }), restart),
        (Event::Signal { room: lobby(), user: None, signal, content: None }, ""),
    ] {
        let mut written = Vec::new();
        gateway("sse").encode(0, &event, &mut written);
        assert_eq!(String::from_utf8(written).as_deref(), Ok(expected));
    }
}

#[test]
fn a_reader_that_should_come_back_is_parted_with_in_events_even_before_any() {
    let mut asked = get("/events/a", "");
    let (reader, out) = asked.protocol();
    reader.part(Farewell::ProtocolError, out);
    assert_eq!((asked.status(), asked.out.then), (503, Then::Close));
    let mut asked = get("/events/a", "");
    let (reader, out) = asked.protocol();
    reader.part(Farewell::ServerRestart { delay_ms: 1 }, out);
    let (answer, then) = asked.answer();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\nretry: 1\nevent: closing\n"),
        "{answer}"
    );
    assert_eq!(then, Then::Close);
    let mut asked = get("/events/a", "");
    let (reader, out) = asked.protocol();
    reader.deliver(&joined(Resumption::Fresh), out);
    reader.part(Farewell::SlowConsumer, out);
    let (answer, then) = asked.answer();
    assert!(answer.contains("event: closing\ndata: {\"is\":\"closing\",\"code\":4008,"), "{answer}");
    assert_eq!(then, Then::Close);
}

#[test]
fn what_a_reader_sends_after_its_request_is_passed_over() {
    let mut asked = ask("GET /events/a HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(asked.answer(), (String::new(), Then::Stay));
}

//! How sessions open, poll, post and end.

use chat::Farewell;
use gateways::{Outbox, Then};
use wire::websocket::{Opcode, write_masked_frame};

use super::{POLLING, Polling, WEBSOCKET, body, get, sid};
use crate::line::ask;

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

#[test]
fn a_post_that_breaks_the_protocol_has_the_poll_end_with_a_goodbye() {
    let mut polling = Polling::connected();
    polling.post("40/side,");
    polling.poll();
    let post = polling.post("42{}");
    let answers: Vec<&str> = post.aside.iter().map(|aside| body(&aside.bytes)).collect();
    assert_eq!((answers, post.is_over), (vec!["41\u{1e}41/side,"], true));
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
fn who_is_not_wanted_back_is_disconnected_from_its_namespaces_first() {
    for (farewell, last) in [(Farewell::BadMessage, "41\u{1e}41/side,"), (Farewell::PingTimeout, "1")] {
        let mut polling = Polling::connected();
        polling.post("40/side,");
        polling.poll();
        let mut out = Outbox::default();
        polling.session.part(farewell, &mut out);
        let [answer] = &out.aside[..] else { panic!("the poll is answered") };
        assert_eq!((body(&answer.bytes), out.is_over), (last, true), "{farewell:?}");
    }
}

#[test]
fn a_websocket_says_the_same_before_its_close_frame() {
    for (farewell, frames) in [
        (Farewell::BadMessage, &b"\x81\x0241\x88\x0d\x11\x94bad_message"[..]),
        (Farewell::Overloaded, b"\x88"),
    ] {
        let asked = get("/socket.io/?EIO=4&transport=websocket", WEBSOCKET);
        let mut session = asked.protocol.expect("it opens a session");
        let (mut bytes, mut out) = (Vec::new(), Outbox::default());
        write_masked_frame(&mut bytes, Opcode::Text, b"40", [1, 2, 3, 4]);
        session.receive(&mut bytes, &mut out).expect("no violation");
        out.bytes.clear();
        session.part(farewell, &mut out);
        assert!(out.bytes.starts_with(frames) && out.then == Then::Close && out.is_over, "{farewell:?}");
    }
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

//! Line ends and other control characters where they would become a header, an event or a script of the attacker's.

use crate::peer::{HANDSHAKE, Peer, TEXT, frame};
use crate::scene::Scene;

/// What would be a header of its own behind a line end.
const HEADER: &str = "x-injected";

/// Targets with line ends in everything that a client may choose.
const TARGETS: &[&str] = &[
    "GET /a%0d%0ax-injected:%201",
    "GET /socket.io/?EIO=4&transport=polling&sid=%0d%0ax-injected:%201",
    "GET /socket.io/?EIO=4&transport=polling%0d%0ax-injected:%201",
    "GET /socket.io/?EIO=3&transport=polling&j=0%0d%0ax-injected:%201",
    "GET /socket.io/%0d%0ax-injected:%201",
    "GET /events/a%0d%0ax-injected:%201",
    "GET /events/a?since=%0d%0ax-injected:%201",
    "POST /rooms/a%0d%0ax-injected:%201",
    "OPTIONS /rooms/a%0d%0ax-injected:%201",
];

/// Headers of which something comes back, or could.
const HEADERS: &[&str] = &[
    "Origin: http://a\u{85}x-injected: 1",
    "Access-Control-Request-Headers: a\tx-injected: 1",
    "Sec-WebSocket-Protocol: heimdallr.v1.json, x-injected",
    "Sec-WebSocket-Extensions: permessage-deflate; x-injected",
    "If-None-Match: \"x-injected: 1\"",
    "Last-Event-ID: 1:2 x-injected: 1",
    "X-Forwarded-For: x-injected: 1",
];

/// Every line of the answer's head is one that the server writes by itself.
fn assert_own_lines(head: &str, said: &str) {
    let injected = head.lines().find(|line| line.starts_with(HEADER));
    assert_eq!(injected, None, "{said}: {head}");
    assert!(head.bytes().all(|byte| matches!(byte, b'\r' | b'\n' | b' '..=b'~')), "{said}: {head:?}");
}

#[test]
fn nothing_of_a_request_becomes_a_line_of_its_answer() {
    let scene = Scene::new();
    for target in TARGETS {
        let mut peer = scene.stranger();
        peer.send(format!("{target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes());
        assert_own_lines(&peer.answer().head, target);
    }
    for header in HEADERS {
        for target in [
            "GET /v1",
            "GET /",
            "OPTIONS /rooms/a",
            "OPTIONS /socket.io/",
            "GET /socket.io/?EIO=4&transport=websocket",
        ] {
            let mut peer = scene.stranger();
            let more = header.bytes().filter(u8::is_ascii).map(char::from).collect::<String>();
            let upgrade =
                if target.contains("v1") || target.contains("websocket") { HANDSHAKE } else { "Host: a\r\n" };
            peer.send(format!("{target} HTTP/1.1\r\n{upgrade}{more}\r\n\r\n").as_bytes());
            let head = peer.answer().head;
            // A preflight lets the headers through that it is asked for: within their line.
            assert_own_lines(&head.replace('\t', " "), header);
        }
    }
}

#[test]
fn what_a_message_says_is_data_of_one_event_and_nothing_else() {
    let scene = Scene::new();
    let mut reader = scene.stranger();
    reader.send(b"GET /events/front HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(reader.answer().status, 200);
    let said = "one\r\ndata: two\n\nevent: closing\ndata: {}\n\nid: 9:9\rretry: 1\u{2028}";
    let mut peer = scene.stranger();
    peer.send(
        format!("POST /rooms/front HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{said}", said.len())
            .as_bytes(),
    );
    assert_eq!(peer.answer().status, 200);
    let mut text = String::new();
    while !text.contains("one") || !text.ends_with("\n\n") {
        text.push(char::from(reader.bytes(1)[0]));
    }
    let event = text.trim_end().rsplit("\n\n").next().expect("there is one");
    let fields: Vec<&str> = event.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(fields, ["id", "data"], "{text}");
    assert!(!text.contains('\r'), "{text:?}");
}

#[test]
fn a_script_for_a_page_without_better_means_cannot_be_ended_by_what_it_says() {
    let scene = Scene::new();
    let ask = |request: String| {
        let mut peer = scene.stranger();
        peer.send(request.as_bytes());
        peer.answer()
    };
    let poll = |more: &str| {
        ask(format!("GET /socket.io/?EIO=3&transport=polling&j=7{more} HTTP/1.1\r\nHost: a\r\n\r\n"))
    };
    let opened = poll("");
    assert!(opened.text.starts_with("___eio[7](\"") && opened.head.contains("text/javascript"), "{opened:?}");
    let sid = opened
        .text
        .split("\\\"sid\\\":\\\"")
        .nth(1)
        .and_then(|rest| rest.split('\\').next())
        .expect("a name")
        .to_owned();
    let said = r#"42["message",{"room":"r","message":"\");alert(1);</script>\u2028"}]"#;
    let packets = ["42[\"joinRoom\",{\"room\":\"r\"}]", said]
        .map(|packet| format!("{}:{packet}", packet.chars().count()))
        .concat();
    let post = format!(
        "POST /socket.io/?EIO=3&transport=polling&sid={sid} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{packets}",
        packets.len()
    );
    assert_eq!(ask(post).status, 200);
    let mut told = String::new();
    while !told.contains("alert") {
        told = poll(&format!("&sid={sid}")).text;
    }
    let argument =
        told.strip_prefix("___eio[7](").and_then(|rest| rest.strip_suffix(");")).expect("one call");
    assert!(serde_json::from_str::<String>(argument).is_ok() && !argument.contains('\u{2028}'), "{told}");
    for number in ["x", "-1", "0);alert(1", "4294967296", "1.5", "0x1"] {
        let answer =
            ask(format!("GET /socket.io/?EIO=3&transport=polling&j={number} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(answer.status, 400, "{number} {answer:?}");
    }
}

#[test]
fn users_have_no_names_with_control_characters() {
    let scene = Scene::new();
    let mut peer = Peer::rich(scene.address());
    let names = [r"a\r\nb", r"a\u0000", r"a\u001b[31m", r"a\u007f", r"a\u0085", r"\n"];
    for name in names {
        peer.send(&frame(TEXT, format!(r#"{{"do":"identify","user":"{name}"}}"#).as_bytes()));
        let answer = peer.text();
        assert!(answer.contains("bad_name"), "{name} {answer}");
    }
    drop(peer);
    scene.end(&[("refusals bad_name", names.len() as u64)]);
}

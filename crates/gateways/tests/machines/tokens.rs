//! Tokens that come with requests, where somebody judges them and where nobody does.

use chat::{Command, Credentials, Refusal};
use gateways::{Admission, Outbox, Settings};

use crate::line::{call, gateway_with, settings};

const WEBSOCKET: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn admit(tokens: bool, gateway: &str, request: &str) -> Outbox {
    let settings = Settings { tokens, ..settings() };
    let (head, _) = wire::http::read_head(request.as_bytes()).expect("it is HTTP").expect("it is whole");
    let mut out = Outbox::default();
    let admission = gateway_with(&settings, gateway).admit(&call(&head), &mut out);
    assert!(!matches!(admission, Admission::NotMine), "{request}");
    out
}

fn requests(headers: &str, query: &str) -> [(&'static str, String); 3] {
    let head = |method: &str, path: &str, more: &str| {
        format!("{method} {path}{query} HTTP/1.1\r\nHost: a\r\n{headers}{more}\r\n")
    };
    [
        ("raw", head("GET", "/a", WEBSOCKET)),
        ("sse", head("GET", "/events/a", "")),
        ("post", head("POST", "/rooms/a", "Content-Type: text/plain\r\nContent-Length: 0\r\n")),
    ]
}

/// The token that is asked to be believed before anything else is asked.
fn shown(out: &Outbox) -> Option<&str> {
    match &out.commands[..] {
        [
            Command::Identify {
                credentials: Credentials::Token(token), takes_direct: false, tag: None, ..
            },
            _,
        ] => Some(token.reveal()),
        [Command::Join { .. } | Command::Post { .. }] => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_token_is_judged_before_anything_else_is_done() {
    for (headers, query, token) in [
        ("Authorization: Bearer t.o.k\r\n", "", Some("t.o.k")),
        ("authorization: bEARER   t.o.k \r\n", "?token=other", Some("t.o.k")),
        ("", "?x=1&token=t%2Eo.k", Some("t.o.k")),
        ("Authorization: Basic eDp5\r\n", "?token=t", Some("t")),
        ("Authorization: Basic eDp5\r\n", "", None),
        ("Authorization: Bearer\r\n", "", None),
        ("Authorization: \u{e9}\r\n", "?tokens=t", None),
    ] {
        for (gateway, request) in requests(headers, query) {
            assert_eq!(shown(&admit(true, gateway, &request)), token, "{request}");
            assert_eq!(shown(&admit(false, gateway, &request)), None, "{request}");
        }
    }
}

#[test]
fn a_token_that_is_none_is_refused_at_once() {
    for (gateway, request) in requests("", "?token=") {
        let out = admit(true, gateway, &request);
        assert_eq!(out.refusals, [Refusal::BadToken], "{request}");
        assert!(out.bytes.starts_with(b"HTTP/1.1 401 "), "{request}");
    }
}

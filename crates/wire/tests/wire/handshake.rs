//! The opening handshake of RFC 6455 §4, with the negotiation of RFC 7692 §7.1, at both ends.

use proptest::prelude::*;
use wire::http::{read_head, read_response_head};
use wire::websocket::{
    Agreement, DeflateParameters, HandshakeFault, Offer, Rejection, is_upgrade, verify_response,
    write_request,
};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// RFC 6455 §1.2's request with a line changed: `(name, None)` leaves a header out, `(name, value)` puts another value.
fn request(changes: &[(&str, Option<&str>)]) -> String {
    let headers = [
        ("Host", "server.example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ];
    let mut text = String::from("GET /chat HTTP/1.1\r\n");
    for (name, value) in headers {
        if !changes.iter().any(|change| change.0 == name) {
            text += &format!("{name}: {value}\r\n");
        }
    }
    for (name, value) in changes {
        text += &value.map(|value| format!("{name}: {value}\r\n")).unwrap_or_default();
    }
    text + "\r\n"
}

fn judged(request: &str) -> Result<(), Rejection> {
    let (head, _) = read_head(request.as_bytes()).expect("a head").expect("all of it");
    Offer::read(&head).map(drop)
}

fn answered(request: &str, subprotocol: Option<&str>, deflate: bool) -> String {
    let (head, _) = read_head(request.as_bytes()).expect("a head").expect("all of it");
    let offer = Offer::read(&head).expect("a handshake");
    let mut out = Vec::new();
    offer.write_response(&mut out, subprotocol, offer.deflate().filter(|_| deflate));
    String::from_utf8(out).expect("ASCII")
}

fn deflate_for(offers: &str) -> Option<DeflateParameters> {
    let request = request(&[("Sec-WebSocket-Extensions", Some(offers))]);
    let (head, _) = read_head(request.as_bytes()).expect("a head").expect("all of it");
    Offer::read(&head).expect("a handshake").deflate().copied()
}

#[test]
fn the_example_of_rfc_6455_is_answered_as_there() {
    let response = answered(&request(&[]), None, true);
    assert_eq!(
        response,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    );
}

#[test]
fn what_browsers_vary_is_taken() {
    for changes in [
        [("Upgrade", Some("WebSocket")), ("Connection", Some("keep-alive, Upgrade"))],
        [("Upgrade", Some("h2c, websocket")), ("Connection", Some("UPGRADE"))],
        [("Sec-WebSocket-Key", Some("AAAAAAAAAAAAAAAAAAAAAB==")), ("Origin", Some("https://example.com"))],
        [("Sec-WebSocket-Protocol", Some("")), ("Content-Length", Some("0"))],
    ] {
        assert_eq!(judged(&request(&changes)), Ok(()), "{changes:?}");
    }
}

#[test]
fn what_the_specification_forbids_is_rejected() {
    let table: [(&str, Option<&str>, Rejection, u16); 14] = [
        ("Upgrade", None, Rejection::NoUpgrade, 426),
        ("Upgrade", Some("websockets"), Rejection::NoUpgrade, 426),
        ("Connection", None, Rejection::NoConnectionUpgrade, 400),
        ("Connection", Some("keep-alive"), Rejection::NoConnectionUpgrade, 400),
        ("Sec-WebSocket-Version", None, Rejection::Version, 426),
        ("Sec-WebSocket-Version", Some("8"), Rejection::Version, 426),
        ("Sec-WebSocket-Version", Some("13\r\nSec-WebSocket-Version: 13"), Rejection::Version, 426),
        ("Sec-WebSocket-Key", None, Rejection::Key, 400),
        ("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZ"), Rejection::Key, 400),
        ("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25jZTE="), Rejection::Key, 400),
        ("Sec-WebSocket-Key", Some("dGhlIHNhbXBsZSBub25j*Q=="), Rejection::Key, 400),
        ("Sec-WebSocket-Key", Some("a\r\nSec-WebSocket-Key: b"), Rejection::Key, 400),
        ("Sec-WebSocket-Extensions", Some("permessage-deflate; ;"), Rejection::Extensions, 400),
        ("Content-Length", Some("5"), Rejection::Body, 400),
    ];
    for (name, value, rejection, status) in table {
        assert_eq!(judged(&request(&[(name, value)])), Err(rejection), "{name}: {value:?}");
        assert_eq!(rejection.status(), status);
    }
    assert_eq!(judged(&request(&[]).replace("GET", "POST")), Err(Rejection::Method));
    assert_eq!(judged(&request(&[]).replace("HTTP/1.1", "HTTP/1.0")), Err(Rejection::HttpVersion));
}

#[test]
fn a_plain_request_is_no_upgrade() {
    let plain = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
    let (head, _) = read_head(plain).expect("a head").expect("all of it");
    assert!(!is_upgrade(&head));
}

#[test]
fn a_rejection_tells_what_would_be_right() {
    let mut out = Vec::new();
    Rejection::Version.write_response(&mut out);
    let response = String::from_utf8(out).expect("ASCII");
    assert!(response.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{response}");
    for line in ["upgrade: websocket", "connection: upgrade, close", "sec-websocket-version: 13"] {
        assert!(response.contains(&format!("\r\n{line}\r\n")), "{response}");
    }
}

#[test]
fn subprotocols_are_listed_in_order_and_answered() {
    let request = request(&[
        ("Sec-WebSocket-Protocol", Some("heimdallr.v1.json, chat,, s p")),
        ("Sec-WebSocket-Protocol", Some("other")),
    ]);
    let (head, _) = read_head(request.as_bytes()).expect("a head").expect("all of it");
    let offer = Offer::read(&head).expect("a handshake");
    assert_eq!(offer.subprotocols(), ["heimdallr.v1.json", "chat", "other"]);
    let response = answered(&request, Some("heimdallr.v1.json"), false);
    assert!(response.contains("\r\nSec-WebSocket-Protocol: heimdallr.v1.json\r\n"), "{response}");
}

#[test]
fn deflate_offers_are_answered_by_the_rules() {
    let agreed = |server, client| {
        Some(DeflateParameters { server_max_window_bits: server, client_max_window_bits: client })
    };
    for (offers, expected) in [
        ("permessage-deflate", agreed(None, None)),
        ("permessage-deflate; client_max_window_bits", agreed(None, None)),
        ("permessage-deflate; client_max_window_bits=10", agreed(None, Some(10))),
        ("permessage-deflate; client_max_window_bits=8", agreed(None, Some(8))),
        ("permessage-deflate; server_max_window_bits=9", agreed(Some(9), None)),
        ("permessage-deflate; server_max_window_bits=\"15\"", agreed(Some(15), None)),
        ("permessage-deflate ;server_no_context_takeover ; client_no_context_takeover", agreed(None, None)),
        ("permessage-deflate; server_max_window_bits=8", None),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", agreed(None, None)),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; server_max_window_bits=16", None),
        ("permessage-deflate; server_max_window_bits=09", None),
        ("permessage-deflate; server_max_window_bits=+9", None),
        ("permessage-deflate; server_max_window_bits=7", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits=9", None),
        ("permessage-deflate; x, permessage-deflate; server_max_window_bits=12", agreed(Some(12), None)),
        ("permessage-bzip2, x-webkit-deflate-frame", None),
        ("foo; bar=\"baz\", , permessage-deflate", agreed(None, None)),
    ] {
        assert_eq!(deflate_for(offers), expected, "{offers}");
    }
}

#[test]
fn extensions_outside_their_grammar_fail_the_handshake() {
    for extensions in [
        "permessage-deflate;",
        "; a",
        "a b",
        "a; b=",
        "a; =b",
        "a; b=\"c d\"",
        "a; b=\"c",
        "a; b=c=d",
        "a, b c",
        "\u{e9}",
    ] {
        let request = request(&[("Sec-WebSocket-Extensions", Some(extensions))]);
        assert_eq!(judged(&request), Err(Rejection::Extensions), "{extensions}");
    }
}

#[test]
fn the_answer_to_a_deflate_offer_forbids_context_takeover() {
    let offers = "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9";
    let response = answered(&request(&[("Sec-WebSocket-Extensions", Some(offers))]), None, true);
    let line = "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9\r\n";
    assert!(response.contains(line), "{response}");
}

#[test]
fn windows_not_spoken_of_are_the_widest() {
    let narrow = DeflateParameters { server_max_window_bits: Some(9), client_max_window_bits: None };
    assert_eq!((narrow.server_window_bits(), narrow.client_window_bits()), (9, 15));
}

proptest! {
    #[test]
    fn our_two_ends_agree(key: [u8; 16], subprotocol: bool, deflate: bool, serve_deflate: bool) {
        let subprotocol = subprotocol.then_some("heimdallr.v1.json");
        let mut out = Vec::new();
        write_request(&mut out, "localhost:8080", "/a%20room?x=1", &key, subprotocol, deflate);
        let request = String::from_utf8(out).expect("ASCII");
        let response = answered(&request, subprotocol, serve_deflate);
        let (head, size) = read_response_head(response.as_bytes()).expect("a head").expect("all of it");
        prop_assert_eq!(size, response.len());
        let deflates = (deflate && serve_deflate).then_some(DeflateParameters::default());
        let expected = Agreement { subprotocol: subprotocol.is_some(), deflate: deflates };
        prop_assert_eq!(verify_response(&head, &key, subprotocol, deflate), Ok(expected));
        let other = key.map(|byte| byte ^ 1);
        prop_assert_eq!(verify_response(&head, &other, subprotocol, deflate), Err(HandshakeFault::Accept));
    }
}

/// How a client that offered deflate and asked for `chat` judges an answer to the sample key.
fn verified(status: &str, headers: &str) -> Result<Agreement, HandshakeFault> {
    let response = format!("HTTP/1.1 {status}\r\n{headers}\r\n");
    let (head, _) = read_response_head(response.as_bytes()).expect("a head").expect("all of it");
    verify_response(&head, b"the sample nonce", Some("chat"), true)
}

#[test]
fn a_client_takes_only_what_it_asked_for() {
    let opened = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let switching = "101 Switching Protocols";
    let with = |line: &str| verified(switching, &format!("{opened}{line}\r\n"));
    let extensions = |value: &str| with(&format!("Sec-WebSocket-Extensions: {value}"));
    assert_eq!(verified(switching, opened), Ok(Agreement { subprotocol: false, deflate: None }));
    assert_eq!(verified("503 Service Unavailable", ""), Err(HandshakeFault::Status(503)));
    assert_eq!(verified(switching, "Upgrade: websocket\r\n"), Err(HandshakeFault::Upgrade));
    assert_eq!(with("Sec-WebSocket-Protocol: chat").map(|agreement| agreement.subprotocol), Ok(true));
    assert_eq!(with("Sec-WebSocket-Protocol: other"), Err(HandshakeFault::Subprotocol));
    let twice = "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat";
    assert_eq!(with(twice), Err(HandshakeFault::Subprotocol));
    let agreed = extensions("permessage-deflate; server_no_context_takeover; server_max_window_bits=10");
    assert_eq!(
        agreed.map(|agreement| agreement.deflate.map(DeflateParameters::server_window_bits)),
        Ok(Some(10))
    );
    for wrong in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover; client_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover; server_max_window_bits",
        "permessage-deflate; server_no_context_takeover; other",
        "permessage-deflate; server_no_context_takeover, other",
        "other",
    ] {
        assert_eq!(extensions(wrong), Err(HandshakeFault::Extensions), "{wrong}");
    }
}

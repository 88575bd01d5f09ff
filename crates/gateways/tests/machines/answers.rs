//! Requests that no session comes of: which gateway takes them, and the answer to the byte.

use gateways::Then;

use crate::line::ask;

/// The answer to a request, headers that guard a browser left out, and what becomes of the stream.
fn answer(request: &str) -> (String, Then) {
    let (answer, then) = ask(request).answer();
    let is_guard =
        |line: &&str| line.starts_with("content-security-policy: ") || line.starts_with("referrer-policy: ");
    (answer.split_inclusive("\r\n").filter(|line| !is_guard(line)).collect(), then)
}

#[test]
fn a_node_says_that_it_is_well() {
    let whole = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
    let closed =
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    let kept = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\nok";
    for (request, expected, then) in [
        ("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", whole, Then::NextRequest),
        ("GET /healthz?x HTTP/1.1\r\nHost: a\r\n\r\n", whole, Then::NextRequest),
        ("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n", &whole[..whole.len() - 2], Then::NextRequest),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", closed, Then::Close),
        ("GET /healthz HTTP/1.0\r\n\r\n", closed, Then::Close),
        ("GET /healthz HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", kept, Then::NextRequest),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", closed, Then::Close),
    ] {
        assert_eq!(answer(request), (expected.to_owned(), then), "{request}");
    }
}

#[test]
fn a_method_that_is_not_taken_is_refused_with_those_that_are() {
    for (request, allowed) in [
        ("DELETE /healthz", "GET, HEAD"),
        ("POST /heimdallr.js", "GET, HEAD"),
        ("HEAD /events/a", "GET, OPTIONS"),
        ("GET /rooms/a", "POST, OPTIONS"),
    ] {
        let (answer, then) = answer(&format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{answer}");
        assert!(answer.contains(&format!("\r\nallow: {allowed}\r\n")), "{answer}");
        assert_eq!(then, Then::NextRequest);
    }
}

#[test]
fn a_page_of_another_origin_may_read_and_post() {
    for (path, methods, headers) in [
        ("/events/a", "GET, OPTIONS", "authorization, last-event-id, cache-control"),
        ("/rooms/a", "POST, OPTIONS", "authorization, content-type, idempotency-key"),
    ] {
        let expected = format!(
            "HTTP/1.1 204 No Content\r\nallow: {methods}\r\naccess-control-allow-origin: *\r\n\
             access-control-allow-methods: {methods}\r\naccess-control-allow-headers: {headers}\r\n\
             access-control-max-age: 86400\r\n\r\n"
        );
        let request = format!("OPTIONS {path} HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n\r\n");
        assert_eq!(answer(&request), (expected, Then::NextRequest));
    }
}

#[test]
fn a_file_is_served_and_known_again_by_its_tag() {
    let client = include_str!("../../../../clients/js/heimdallr.js");
    let (whole, then) = answer("GET /heimdallr.js HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(then, Then::NextRequest);
    let (head, body) = whole.split_once("\r\n\r\n").expect("a head and a body");
    assert_eq!(body, client);
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag");
    let length = format!("content-length: {}", client.len());
    for line in ["content-type: text/javascript; charset=utf-8", "x-content-type-options: nosniff", &length] {
        assert!(head.lines().any(|other| other == line), "{line} in {head}");
    }
    assert_eq!(answer("HEAD /heimdallr.js HTTP/1.1\r\nHost: a\r\n\r\n").0, format!("{head}\r\n\r\n"));
    for known in [tag, &format!("\"x\", W/{tag}"), "*"] {
        let request = format!("GET /heimdallr.js HTTP/1.1\r\nHost: a\r\nIf-None-Match: {known}\r\n\r\n");
        let unchanged =
            format!("HTTP/1.1 304 Not Modified\r\netag: {tag}\r\ncache-control: no-cache\r\n\r\n");
        assert_eq!(answer(&request), (unchanged, Then::NextRequest));
    }
    let changed = "GET /heimdallr.js HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"x\"\r\n\r\n";
    assert_eq!(answer(changed).0, whole);
}

#[test]
fn a_browser_is_told_to_load_nothing_from_elsewhere() {
    let (answer, _) = ask("GET /heimdallr.js HTTP/1.1\r\nHost: a\r\n\r\n").answer();
    let policy =
        answer.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).expect("a policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn what_nobody_knows_is_not_found() {
    for request in
        ["GET /nothing", "POST /nothing", "GET /events", "GET /rooms", "GET /v1", "OPTIONS /heimdallr"]
    {
        let mut asked = ask(&format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!((asked.gateway, asked.status()), ("page", 404), "{request}");
        let (answer, then) = asked.answer();
        assert!(answer.ends_with("\r\n\r\nnot found\n"), "{answer}");
        assert_eq!(then, Then::NextRequest);
    }
}

#[test]
fn a_websocket_is_a_plain_room_whatever_its_path() {
    let upgrade = "HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for path in ["/v1", "/lobby", "/events/a", "/rooms/a", "/healthz", "/heimdallr.js"] {
        let asked = ask(&format!("GET {path} {upgrade}\r\n"));
        assert_eq!((asked.gateway, asked.status()), ("raw", 101), "{path}");
    }
    let spoken = "Sec-WebSocket-Protocol: chat, heimdallr.v1.json\r\n";
    let asked = ask(&format!("GET /v1 {upgrade}{spoken}\r\n"));
    assert_eq!((asked.gateway, asked.status()), ("v1", 101));
    assert_eq!(ask(&format!("GET /other {upgrade}{spoken}\r\n")).gateway, "raw");
}

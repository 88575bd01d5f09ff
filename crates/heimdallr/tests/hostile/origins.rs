//! Pages of the web that speak to a node which is not theirs, over every way in.

use crate::peer::{HANDSHAKE, Peer};
use crate::scene::Scene;

const OURS: &str = "https://app.example";

/// Everything that a page may ask for, up to the empty line, and what answers one that may.
fn ways_in() -> Vec<(String, u16)> {
    let polling = "/socket.io/?EIO=4&transport=polling";
    let post = "POST /rooms/front HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n";
    vec![
        (format!("GET /front HTTP/1.1\r\n{HANDSHAKE}"), 101),
        (format!("GET /v1 HTTP/1.1\r\n{HANDSHAKE}Sec-WebSocket-Protocol: heimdallr.v1.json\r\n"), 101),
        (format!("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n{HANDSHAKE}"), 101),
        (format!("GET {polling} HTTP/1.1\r\nHost: a\r\n"), 200),
        (format!("GET {polling}&j=0 HTTP/1.1\r\nHost: a\r\n").replace("EIO=4", "EIO=3"), 200),
        (format!("OPTIONS {polling} HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: POST\r\n"), 204),
        ("GET /events/front HTTP/1.1\r\nHost: a\r\n".to_owned(), 200),
        ("OPTIONS /events/front HTTP/1.1\r\nHost: a\r\n".to_owned(), 204),
        (post.to_owned(), 200),
        (
            "OPTIONS /rooms/front HTTP/1.1\r\nHost: a\r\nAccess-Control-Request-Method: POST\r\n".to_owned(),
            204,
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\n".to_owned(), 200),
    ]
}

fn ask(scene: &Scene, request: &str, headers: &str) -> (Peer, u16, String) {
    let mut peer = scene.stranger();
    peer.send(format!("{request}{headers}\r\n").as_bytes());
    let answer = peer.answer();
    (peer, answer.status, answer.head)
}

#[test]
fn pages_of_other_origins_get_in_nowhere() {
    let scene = Scene::with(&[("allowed_origins", OURS)]);
    let ways = ways_in();
    // The host is the node's own, as it is when somebody has a name of their own lead here (DNS rebinding).
    let others = [
        "https://evil.example",
        "http://a",
        "https://a",
        "null",
        "https://app.example.evil.example",
        "http://app.example",
    ];
    for (request, _) in &ways {
        for origin in others {
            let (mut peer, status, head) = ask(&scene, request, &format!("Origin: {origin}\r\n"));
            assert_eq!(status, 403, "{origin} {request}");
            assert!(!head.contains("access-control-allow"), "{origin} {request} {head}");
            peer.assert_over();
        }
    }
    scene.end(&[("refusals forbidden", (ways.len() * others.len()) as u64)]);
}

#[test]
fn pages_that_are_named_and_who_is_no_page_get_in_everywhere() {
    let scene = Scene::with(&[("allowed_origins", OURS)]);
    for (request, status) in ways_in() {
        for headers in ["", "Origin: https://app.example\r\n"] {
            assert_eq!(ask(&scene, &request, headers).1, status, "{headers:?} {request}");
        }
    }
    // Polling sessions that nobody polls are there until they are not heard of for long.
}

#[test]
fn what_a_page_of_elsewhere_embeds_is_not_given() {
    let scene = Scene::with(&[("allowed_origins", OURS)]);
    let embedded = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n";
    let script = "GET /socket.io/?EIO=3&transport=polling&j=0 HTTP/1.1\r\nHost: a\r\n";
    assert_eq!(ask(&scene, script, embedded).1, 403);
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    assert_eq!(ask(&scene, "GET / HTTP/1.1\r\nHost: a\r\n", link).1, 200);
    scene.end(&[("refusals forbidden", 1)]);
}

#[test]
fn no_page_is_let_read_with_the_credentials_that_its_browser_keeps_unless_it_is_named() {
    let scene = Scene::new();
    for (request, status) in ways_in() {
        let (_peer, answered, head) = ask(&scene, &request, "Origin: https://evil.example\r\n");
        assert_eq!(answered, status, "{request}");
        assert!(!head.contains("access-control-allow-credentials"), "{head}");
        assert!(!head.contains("evil.example"), "{head}");
    }
}

#[test]
fn operators_addresses_are_for_no_page_of_elsewhere() {
    let scene = Scene::new();
    let status = |headers: &str| {
        let mut peer = Peer::connect(scene.server.admin);
        peer.send(format!("GET /metrics HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").as_bytes());
        peer.answer().status
    };
    let admin = scene.server.admin;
    assert_eq!(status(&format!("Host: {admin}\r\n")), 200);
    assert_eq!(status(&format!("Host: {admin}\r\nOrigin: http://{admin}\r\n")), 200);
    assert_eq!(status(&format!("Host: {admin}\r\nOrigin: https://evil.example\r\n")), 403);
    assert_eq!(status(&format!("Host: {admin}\r\nOrigin: null\r\n")), 403);
    assert_eq!(status(&format!("Host: {admin}\r\nSec-Fetch-Site: cross-site\r\n")), 403);
    assert_eq!(status("Host: evil.example\r\nOrigin: http://evil.example\r\n"), 403, "DNS rebinding");
    scene.end(&[]);
}

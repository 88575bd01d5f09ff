//! Opening handshakes that do not open, and names that are none.

use crate::peer::{HANDSHAKE, TEXT, frame};
use crate::scene::Scene;

/// What is changed about a good handshake, into what, and the status that answers it.
const BAD: &[(&str, &str, u16)] = &[
    ("Version: 13", "Version: 12", 426),
    ("Sec-WebSocket-Version: 13\r\n", "", 426),
    ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400),
    ("dGhlIHNhbXBsZSBub25jZQ==", "dG9vIHNob3J0", 400),
    ("dGhlIHNhbXBsZSBub25jZQ==", "not base64 at all, no!!!", 400),
    ("Connection: Upgrade\r\n", "", 400),
    ("Host: a\r\n", "Host: a\r\nContent-Length: 5\r\n", 400),
    ("Host: a\r\n", "Host: a\r\nSec-WebSocket-Extensions: ;;;\r\n", 400),
];

/// Targets that name no room.
fn nameless() -> Vec<String> {
    let too_long = format!("/{}", "r".repeat(256));
    let too_long_decoded = format!("/{}", "%C3%A9".repeat(128));
    let others = ["/", "/%", "/%4", "/%zz", "/%ff", "/%C3"];
    others.map(str::to_owned).into_iter().chain([too_long, too_long_decoded]).collect()
}

#[test]
fn a_bad_handshake_is_answered_with_its_status_and_closed() {
    let scene = Scene::new();
    for (good, bad, status) in BAD {
        let mut peer = scene.stranger();
        let handshake = HANDSHAKE.replacen(good, bad, 1);
        peer.send(format!("GET /room HTTP/1.1\r\n{handshake}\r\n").as_bytes());
        let answer = peer.answer();
        assert_eq!(answer.status, *status, "{bad:?} {answer:?}");
        assert!(answer.head.contains("sec-websocket-version: 13\r\n"), "{answer:?}");
        peer.assert_over();
    }
    scene.end(&[("refusals bad_request", BAD.len() as u64)]);
}

#[test]
fn a_handshake_of_another_method_or_version_of_http_is_refused() {
    let scene = Scene::new();
    for (line, status) in [("POST /room HTTP/1.1", 405), ("GET /room HTTP/1.0", 400)] {
        let mut peer = scene.stranger();
        peer.send(format!("{line}\r\n{HANDSHAKE}\r\n").as_bytes());
        assert_eq!(peer.answer().status, status);
        peer.assert_over();
    }
    scene.end(&[("refusals bad_request", 2)]);
}

#[test]
fn a_plain_room_without_a_name_is_refused() {
    let scene = Scene::new();
    let names = nameless();
    for target in &names {
        let mut peer = scene.stranger();
        peer.send(format!("GET {target} HTTP/1.1\r\n{HANDSHAKE}\r\n").as_bytes());
        let answer = peer.answer();
        assert_eq!(answer.status, 400, "{target} {answer:?}");
        assert!(answer.text.starts_with("bad_name"), "{target} {answer:?}");
        peer.assert_over();
    }
    scene.end(&[("refusals bad_name", names.len() as u64)]);
}

#[test]
fn a_reader_and_a_post_without_a_room_are_refused() {
    let scene = Scene::new();
    let names = nameless();
    for target in &names {
        for begun in ["GET /events", "POST /rooms"] {
            let mut peer = scene.stranger();
            peer.send(format!("{begun}{target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes());
            let answer = peer.answer();
            assert_eq!(answer.status, 400, "{begun}{target} {answer:?}");
            assert!(answer.text.contains(r#""code":"bad_name""#), "{answer:?}");
            peer.assert_over();
        }
    }
    scene.end(&[("refusals bad_name", 2 * names.len() as u64)]);
}

#[test]
fn a_handshake_and_frames_that_dribble_are_understood() {
    let scene = Scene::new();
    let mut peer = scene.stranger();
    peer.dribble(format!("GET /quiet HTTP/1.1\r\n{HANDSHAKE}\r\n").as_bytes());
    assert_eq!(peer.answer().status, 101);
    peer.dribble(&frame(TEXT, "dribbled é".as_bytes()));
    assert_eq!(peer.text(), "dribbled é");
    drop(peer);
    scene.end(&[]);
}

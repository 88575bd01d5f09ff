//! Requests that two readers of one stream could see differently: whoever hides a second one in the first does not get it done.

use crate::peer::{HANDSHAKE, Peer, TEXT, frame};
use crate::scene::Scene;

/// What is hidden: a message that nobody in the room may ever see.
const HIDDEN: &str = "POST /rooms/vault HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nsmuggled";

/// Headers that say in two ways, or in none that is sure, how long a body is; what would be the body for one reader; and the status.
const FRAMINGS: &[(&str, &str, u16)] = &[
    ("Content-Length: 5\r\nTransfer-Encoding: chunked", "0\r\n\r\n", 400),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5", "0\r\n\r\n", 400),
    ("Transfer-Encoding: chunked\r\nContent-Length: 0", "", 400),
    ("Content-Length: 0\r\nContent-Length: 68", "", 400),
    ("Content-Length: 68\r\nContent-Length: 0", "", 400),
    ("Content-Length: 0\r\nContent-Length: 0", "", 400),
    ("Content-Length: 0, 0", "", 400),
    ("Content-Length: 0, 68", "", 400),
    ("Content-Length: +0", "", 400),
    ("Content-Length: -0", "", 400),
    ("Content-Length: 0x0", "", 400),
    ("Content-Length: 0 0", "", 400),
    ("Content-Length:", "", 400),
    ("Content-Length: 0\r\n 68", "", 400),
    ("Content-Length : 0", "", 400),
    ("Content-Length\t: 0", "", 400),
    ("Content-Length: \u{b}0", "", 400),
    ("Transfer-Encoding: xchunked", "0\r\n\r\n", 501),
    ("Transfer-Encoding: identity, chunked", "0\r\n\r\n", 501),
    ("Transfer-Encoding: chunked, chunked", "0\r\n\r\n", 501),
    ("Transfer-Encoding: chunked, identity", "0\r\n\r\n", 400),
    ("Transfer-Encoding: chunked;q=1", "0\r\n\r\n", 400),
    ("Transfer-Encoding: \"chunked\"", "0\r\n\r\n", 400),
    ("Transfer-Encoding: identity", "", 400),
    ("Transfer-Encoding:", "", 400),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", "0\r\n\r\n", 400),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n", 400),
    ("Transfer-Encoding : chunked", "0\r\n\r\n", 400),
    ("Transfer-Encoding: \u{b}chunked", "0\r\n\r\n", 400),
    ("X: y\r\n Transfer-Encoding: chunked", "0\r\n\r\n", 400),
    ("X: y\r\n\tContent-Length: 68", "", 400),
    ("X: y\nTransfer-Encoding: chunked", "0\r\n\r\n", 400),
    ("X: y\rTransfer-Encoding: chunked", "0\r\n\r\n", 400),
    ("X: y\0Transfer-Encoding: chunked", "0\r\n\r\n", 400),
    (" Transfer-Encoding: chunked", "0\r\n\r\n", 400),
];

/// Bodies in chunks that are none.
const CHUNKS: &[&str] = &[
    "0\n\r\n",
    "0\r\r\n\r\n",
    "0;a\n\r\n",
    "0;a\0\r\n\r\n",
    "+0\r\n\r\n",
    "-0\r\n\r\n",
    "0x0\r\n\r\n",
    " 0\r\n\r\n",
    "0 \r\n\r\n",
    "0_0\r\n\r\n",
    "\r\n",
    ";a\r\n\r\n",
    "00000000000000000\r\n\r\n",
    "1\r\nab\r\n0\r\n\r\n",
    "1\r\na\n0\r\n\r\n",
    "0\r\n folded: x\r\n\r\n",
    "0\r\nTrailer: x\n\r\n",
    "0\r\nTrailer: x\r\r\n\r\n",
];

/// Somebody in the room who hears everything that is said there.
struct Vault(Peer);

impl Vault {
    fn open(scene: &Scene) -> Self {
        Self(scene.member("vault"))
    }

    /// Nothing was said there until now.
    fn assert_untouched(mut self) {
        self.0.send(frame(TEXT, b"the end").as_slice());
        assert_eq!(self.0.text(), "the end");
    }
}

#[test]
fn a_body_whose_length_is_not_sure_ends_the_stream() {
    let scene = Scene::new();
    let vault = Vault::open(&scene);
    for (headers, body, status) in FRAMINGS {
        let mut peer = scene.stranger();
        peer.send(
            format!("POST /rooms/front HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n{body}{HIDDEN}").as_bytes(),
        );
        let answer = peer.answer();
        assert_eq!(answer.status, *status, "{headers:?} {answer:?}");
        assert!(answer.head.contains("\r\nconnection: close\r\n"), "{headers:?} {answer:?}");
        peer.assert_over();
    }
    let mut old = scene.stranger();
    old.send(
        format!("POST /rooms/front HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{HIDDEN}")
            .as_bytes(),
    );
    assert_eq!(old.answer().status, 400);
    old.assert_over();
    vault.assert_untouched();
    drop(old);
    scene.end(&[("bad_requests", FRAMINGS.len() as u64 + 1)]);
}

#[test]
fn chunks_that_are_none_end_the_stream() {
    let scene = Scene::new();
    let vault = Vault::open(&scene);
    for body in CHUNKS {
        let mut peer = scene.stranger();
        peer.send(
            format!(
                "POST /rooms/front HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}{HIDDEN}"
            )
            .as_bytes(),
        );
        let answer = peer.answer();
        assert_eq!(answer.status, 400, "{body:?} {answer:?}");
        peer.assert_over();
    }
    vault.assert_untouched();
    scene.end(&[("closes protocol_error", CHUNKS.len() as u64)]);
}

#[test]
fn a_body_is_a_body_whatever_it_looks_like_and_what_follows_is_the_next_request() {
    let scene = Scene::new();
    let vault = Vault::open(&scene);
    let mut front = scene.member("front");
    let mut peer = scene.stranger();
    let length = HIDDEN.len();
    let counted =
        format!("POST /rooms/front HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{HIDDEN}");
    let chunked = format!(
        "POST /rooms/front HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{length:x};x=\"0\"\r\n{HIDDEN}\r\n0\r\nX: y\r\n\r\n"
    );
    // All at once, and again byte by byte.
    peer.send([&*counted, &chunked, &counted].concat().as_bytes());
    peer.dribble(chunked.as_bytes());
    for _ in 0..4 {
        assert_eq!(peer.answer().status, 200);
        assert!(front.text().contains("smuggled"), "it is what was said");
    }
    vault.assert_untouched();
    drop((peer, front));
    scene.end(&[]);
}

#[test]
fn what_follows_a_request_that_takes_no_body_is_not_taken_for_another_request() {
    let scene = Scene::new();
    let vault = Vault::open(&scene);
    let length = HIDDEN.len();
    for target in [
        "GET /",
        "HEAD /",
        "GET /healthz",
        "GET /nothing/here",
        "GET /rooms/front",
        "OPTIONS /rooms/front",
        "GET /v1",
    ] {
        let mut peer = scene.stranger();
        peer.send(
            format!("{target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{HIDDEN}").as_bytes(),
        );
        let said = String::from_utf8(peer.rest()).expect("a text");
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{target} {said}");
        assert!(said.to_ascii_lowercase().contains("connection: close"), "{target} {said}");
    }
    vault.assert_untouched();
    scene.end(&[]);
}

#[test]
fn nothing_is_hidden_behind_an_upgrade() {
    let scene = Scene::new();
    let vault = Vault::open(&scene);
    // A proxy that takes any answer for the beginning of a WebSocket passes on whatever comes.
    let refused = HANDSHAKE.replacen("Version: 13", "Version: 12", 1);
    let mut peer = scene.stranger();
    peer.send(format!("GET /front HTTP/1.1\r\n{refused}\r\n{HIDDEN}").as_bytes());
    assert_eq!(peer.answer().status, 426);
    peer.assert_over();
    let mut member = scene.stranger();
    member.send(format!("GET /front HTTP/1.1\r\n{HANDSHAKE}\r\n{HIDDEN}").as_bytes());
    assert_eq!(member.answer().status, 101);
    assert_eq!(member.close(), (1002, "protocol_error".to_owned()));
    vault.assert_untouched();
    drop((peer, member));
    scene.end(&[("refusals bad_request", 1), ("closes protocol_error", 1)]);
}

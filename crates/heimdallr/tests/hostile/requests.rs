//! Requests that are none, too large, too slow, or never end.

use std::net::Shutdown;

use crate::peer::Peer;
use crate::scene::Scene;

/// Malformed heads and the statuses that answer them.
const MALFORMED: &[(&str, u16)] = &[
    ("nonsense\r\n\r\n", 400),
    ("GET\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
    ("GET / HTTP/1.1\nHost: a\n\n", 400),
    ("GET relative HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ("POST /rooms/a HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
    ("POST /rooms/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    ("POST /rooms/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("POST /rooms/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
];

#[test]
fn malformed_heads_are_answered_with_their_status_and_closed() {
    let scene = Scene::new();
    for (head, status) in MALFORMED {
        let mut peer = scene.stranger();
        peer.send(head.as_bytes());
        let answer = peer.answer();
        assert_eq!(answer.status, *status, "{head:?} {answer:?}");
        assert!(answer.head.contains("\r\nconnection: close\r\n") && answer.text.len() > 4, "{answer:?}");
        peer.assert_over();
    }
    scene.end(&[("bad_requests", MALFORMED.len() as u64)]);
}

#[test]
fn heads_that_are_too_large_are_refused_before_they_end() {
    let scene = Scene::new();
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}", "x: y\r\n".repeat(2000));
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}", "y".repeat(9000));
    let target = format!("GET /{}", "y".repeat(9000));
    for (head, status) in [(many, 431), (long, 431), (target, 414)] {
        let mut peer = scene.stranger();
        peer.send(head.as_bytes());
        assert_eq!(peer.answer().status, status);
        peer.assert_over();
    }
    scene.end(&[("bad_requests", 3)]);
}

#[test]
fn a_tls_hello_and_http_2_on_a_plain_port_are_told_so() {
    let scene = Scene::new();
    let hello = [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[0x5a; 506]].concat();
    for (preface, status) in [(&hello[..], 400), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)] {
        let mut peer = scene.stranger();
        peer.send(preface);
        assert_eq!(peer.answer().status, status);
        peer.assert_over();
    }
    scene.end(&[("bad_requests", 2)]);
}

#[test]
fn who_never_asks_and_who_never_finishes_asking_are_not_waited_for() {
    let scene = Scene::with(&[("handshake_timeout_seconds", "1")]);
    let (mut silent, mut slow) = (scene.stranger(), scene.stranger());
    slow.send(b"GET / HTTP/1.1\r\nHost: a\r\nx-");
    assert_eq!(slow.answer().status, 408);
    slow.assert_over();
    silent.assert_over();
    drop((silent, slow));
    scene.end(&[("bad_requests", 1), ("cut_streams", 1)]);
}

#[test]
fn a_head_that_dribbles_on_and_on_has_no_longer_than_others() {
    let scene = Scene::with(&[("handshake_timeout_seconds", "1")]);
    let mut peer = scene.stranger();
    peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n");
    let mut lines = 0;
    // Each beat of the neighbours is a moment; a line a moment is enough to never be idle.
    while !peer.has_heard() {
        scene.neighbours.chat_on(1);
        peer.send(b"x: y\r\n");
        lines += 1;
        assert!(lines < 60, "it was waited for");
    }
    assert_eq!(peer.answer().status, 408);
    drop(peer);
    scene.end(&[("bad_requests", 1)]);
}

#[test]
fn who_closes_its_half_before_it_has_asked_is_let_go() {
    let scene = Scene::new();
    for begun in ["", "GET / HTTP/1.1\r\nHost"] {
        let mut peer = scene.stranger();
        peer.send(begun.as_bytes());
        peer.stream.shutdown(Shutdown::Write).expect("it is open");
        peer.assert_over();
    }
    scene.end(&[]);
}

#[test]
fn who_closes_its_half_behind_a_request_is_still_answered() {
    let scene = Scene::new();
    for request in [
        "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /rooms/quiet HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
    ] {
        let mut peer = scene.stranger();
        peer.send(request.as_bytes());
        peer.stream.shutdown(Shutdown::Write).expect("it is open");
        assert_eq!(peer.answer().status, 200, "{request}");
        peer.assert_over();
    }
    scene.end(&[]);
}

#[test]
fn a_body_that_is_too_long_ends_early_or_never_comes_is_not_posted() {
    let scene = Scene::with(&[("ping_interval", "1"), ("max_message_bytes", "1000")]);
    let post = |headers: &str| {
        let mut peer = scene.stranger();
        peer.send(format!("POST /rooms/quiet HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n").as_bytes());
        peer
    };
    let mut long = post("Content-Length: 1001");
    assert_eq!(long.answer().status, 413);
    let mut chunked = post("Transfer-Encoding: chunked");
    chunked.send(format!("3e9\r\n{}\r\n", "x".repeat(1001)).as_bytes());
    assert_eq!(chunked.answer().status, 413);
    let mut odd = post("Transfer-Encoding: chunked");
    odd.send(b"no number\r\n");
    assert_eq!(odd.answer().status, 400);
    let mut slow = post("Content-Length: 10");
    slow.send(b"never");
    assert_eq!(slow.answer().status, 408);
    drop(post("Content-Length: 10"));
    [long, chunked, odd, slow].iter_mut().for_each(Peer::assert_over);
    scene.end(&[
        ("refusals message_too_large", 1),
        ("refusals bad_request", 1),
        ("closes message_too_large", 1),
        ("closes protocol_error", 1),
    ]);
}

//! Frames that break RFC 6455, and messages that are too large, not UTF-8 or do not inflate.

use wire::deflate::Deflater;

use crate::peer::{BINARY, CLOSE, Frame, PING, TEXT, frame, frame_head};
use crate::scene::Scene;

const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

/// A text message that is compressed (RFC 7692 §6).
const DEFLATED_TEXT: u8 = TEXT | 0x40;

/// Frames against the letter, each closed with 1002.
fn breaches() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("no mask", vec![TEXT, 2, b'h', b'i']),
        ("reserved bit 1 without an extension", frame(TEXT | 0x40, b"hi")),
        ("reserved bit 2", frame(TEXT | 0x20, b"hi")),
        ("reserved bit 3", frame(TEXT | 0x10, b"hi")),
        ("opcode 3", frame(0x83, b"hi")),
        ("opcode 11", frame(0x8b, b"hi")),
        ("a fragmented ping", frame(PING & 0x7f, b"hi")),
        ("a long ping", frame(PING, &[0; 126])),
        ("a continuation of nothing", frame(0x80, b"hi")),
        ("a message inside another", [frame(TEXT & 0x7f, b"h"), frame(TEXT, b"i")].concat()),
        ("a length in more bytes than it needs", vec![TEXT, 0xfe, 0, 5]),
        ("a length of 2^63", [&[TEXT, 0xff, 0x80][..], &[0; 7]].concat()),
        ("a close of one byte", frame(CLOSE, &[3])),
        ("close code 999", frame(CLOSE, &999_u16.to_be_bytes())),
        ("close code 1005", frame(CLOSE, &1005_u16.to_be_bytes())),
        ("close code 1015", frame(CLOSE, &1015_u16.to_be_bytes())),
        ("close code 2000", frame(CLOSE, &2000_u16.to_be_bytes())),
        ("close code 5000", frame(CLOSE, &5000_u16.to_be_bytes())),
    ]
}

#[test]
fn frames_against_the_letter_are_closed_with_1002() {
    let scene = Scene::new();
    let breaches = breaches();
    for (what, bytes) in &breaches {
        let mut peer = scene.member("wild");
        peer.send(bytes);
        assert_eq!(peer.close(), (1002, "protocol_error".to_owned()), "{what}");
    }
    scene.end(&[("closes protocol_error", breaches.len() as u64)]);
}

#[test]
fn what_came_before_a_breach_is_said_and_what_comes_after_it_is_not() {
    let scene = Scene::new();
    let (mut listener, mut peer) = (scene.member("wild"), scene.member("wild"));
    peer.send(&[frame(TEXT, b"before"), frame(0x83, b"bad"), frame(TEXT, b"after")].concat());
    assert_eq!(listener.text(), "before");
    listener.send(&frame(TEXT, b"next"));
    assert_eq!(listener.text(), "next");
    // The author is gone before the room has told it anything.
    assert_eq!(peer.close().0, 1002);
    drop((peer, listener));
    scene.end(&[("closes protocol_error", 1)]);
}

#[test]
fn a_message_that_is_too_large_is_closed_with_1009_as_soon_as_it_says_so() {
    let scene = Scene::with(&[("max_message_bytes", "1000")]);
    let announced = frame_head(BINARY, 1001);
    let giant = frame_head(BINARY, (1 << 63) - 1);
    let in_parts = [frame(BINARY & 0x7f, &[0; 600]), frame_head(0x80, 401)].concat();
    for bytes in [announced, giant, in_parts] {
        let mut peer = scene.member("wild");
        peer.send(&bytes);
        assert_eq!(peer.close(), (1009, "message_too_large".to_owned()));
    }
    let mut fits = scene.member("wild");
    fits.send(&frame(BINARY, &[7; 1000]));
    assert_eq!(fits.frame(), Frame { first: BINARY, payload: vec![7; 1000] });
    drop(fits);
    scene.end(&[("closes message_too_large", 3)]);
}

#[test]
fn a_message_that_inflates_beyond_the_limit_is_closed_with_1009() {
    let scene = Scene::new();
    let mut compressed = Vec::new();
    Deflater::new().compress(15, &vec![b'0'; 64 * 1024 * 1024], &mut compressed);
    assert!(compressed.len() < 70_000, "it must pass for a small message: {}", compressed.len());
    let before = scene.server.counts().expect("it answers").of("process_resident_memory_bytes");
    for _ in 0..4 {
        let mut peer = scene.stranger();
        peer.open("/wild", DEFLATE);
        peer.send(&frame(DEFLATED_TEXT, &compressed[..compressed.len().min(65_536)]));
        assert_eq!(peer.close(), (1009, "message_too_large".to_owned()));
    }
    let grown = scene.server.counts().expect("it answers").of("process_resident_memory_bytes") - before;
    assert!(grown < 8e6, "{grown} bytes more");
    scene.end(&[("closes message_too_large", 4)]);
}

#[test]
fn what_is_not_utf8_or_does_not_inflate_is_closed_with_1007() {
    let scene = Scene::new();
    let cut_in_a_character = [frame(TEXT & 0x7f, b"\xc3"), frame(0x80, b"x")].concat();
    let reason = frame(CLOSE, b"\x03\xe8\xff");
    let surrogate = frame(TEXT, b"\xed\xa0\x80");
    let garbage = frame(DEFLATED_TEXT, &[0xff; 16]);
    let all = [frame(TEXT, b"\xff"), surrogate, cut_in_a_character, reason, garbage];
    for bytes in &all {
        let mut peer = scene.stranger();
        peer.open("/wild", DEFLATE);
        peer.send(bytes);
        assert_eq!(peer.close(), (1007, "invalid_utf8".to_owned()));
    }
    scene.end(&[("closes invalid_utf8", all.len() as u64)]);
}

#[test]
fn who_answers_no_ping_is_taken_for_dead() {
    let scene = Scene::with(&[("ping_interval", "1"), ("ping_timeout", "1")]);
    let mut peer = scene.member("quiet");
    let last = std::iter::from_fn(|| Some(peer.any_frame())).find(|frame| frame.first != PING);
    let last = last.expect("frames end with a close");
    assert_eq!(crate::peer::close_of(&last), (4009, "ping_timeout".to_owned()));
    drop(peer);
    scene.end(&[("closes ping_timeout", 1)]);
}

//! Clients that ask for too much.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::peer::{CLOSE, Peer, TEXT, close_of, frame};
use crate::scene::Scene;

/// So many messages as the bytes of a client that waits for nothing.
fn messages(count: usize) -> Vec<u8> {
    (0..count).flat_map(|number| frame(TEXT, number.to_string().as_bytes())).collect()
}

#[test]
fn who_says_too_much_is_slowed_and_loses_nothing() {
    let scene = Scene::with(&[("session_posts_per_second", "100"), ("burst_seconds", "1")]);
    let mut speaker = scene.member("flood");
    let began = Instant::now();
    speaker.send(&messages(200));
    (0..200).for_each(|number| assert_eq!(speaker.text(), number.to_string()));
    assert!(began.elapsed() >= Duration::from_millis(950), "{:?}", began.elapsed());
    assert!(scene.await_count("limited session_posts", |count| count >= 1.0) > 0.0);
    drop(speaker);
    scene.end(&[]);
}

#[test]
fn who_does_not_take_the_hint_is_closed() {
    let scene = Scene::with(&[
        ("session_posts_per_second", "100"),
        ("burst_seconds", "1"),
        ("flood_seconds", "0"),
        ("close_timeout_seconds", "1"),
    ]);
    let mut speaker = Peer::member(scene.address(), "flood");
    speaker.send(&messages(300));
    let close = std::iter::repeat_with(|| speaker.frame()).find(|frame| frame.first == CLOSE);
    assert_eq!(close.as_ref().map(close_of), Some((4513, "too_fast".to_owned())));
    drop(speaker);
    // It is not read any more, and so not heard to go.
    scene.end(&[("cut_streams", 1), ("refusals too_fast", 1)]);
}

#[test]
fn who_comes_too_soon_waits_to_be_accepted() {
    // On each of the two threads half of that, and one at once.
    let scene = Scene::with(&[("connections_per_second", "4")]);
    let began = Instant::now();
    let strangers: Vec<TcpStream> =
        (0..8).map(|_| TcpStream::connect(scene.address()).expect("the system accepts")).collect();
    scene.await_count("streams", |count| count == 10.0);
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());
    drop(strangers);
    scene.end(&[]);
}

#[test]
fn an_address_has_so_many_sessions_and_no_more() {
    let scene = Scene::with(&[("sessions_per_address", "3")]);
    let third = scene.member("flood");
    let mut fourth = scene.stranger();
    fourth.open("/flood", "");
    assert_eq!(fourth.close(), (4514, "too_many_sessions".to_owned()));
    drop((third, fourth));
    // Whoever went is counted no more.
    scene.await_count("sessions", |count| count == 2.0);
    drop(scene.member("flood"));
    scene.end(&[("closes too_many_sessions", 1)]);
}

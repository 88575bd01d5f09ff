//! Who is silent for too long is gone when it was said, and nobody else is.

use shard::Settings;
use sim::Stage;
use sim::scenario::settings;

use crate::scene::Scene;
use crate::stock::{PLAIN, ask, frame, get, hear, open_polls, open_socket, post, sessions};

const TEXT: u8 = 1;
const PONG: u8 = 10;

fn stage(ping_interval_ms: u64, ping_timeout_ms: u64) -> Stage {
    Scene::new(&Settings { ping_interval_ms, ping_timeout_ms, ..settings() }, 1, Vec::new()).0
}

const SOCKETS: [&str; 3] =
    [PLAIN, "/socket.io/?EIO=4&transport=websocket", "/socket.io/?EIO=3&transport=websocket"];

/// Where in the interval somebody comes makes no difference: the first one comes at its beginning.
const ARRIVALS_MS: [u64; 5] = [1, 36, 59, 101, 102];

#[test]
fn who_answers_no_ping_is_gone_after_an_interval_and_the_time_to_answer() {
    for target in SOCKETS {
        for arrival_ms in ARRIVALS_MS {
            let mut stage = stage(300, 200);
            open_socket(&mut stage, PLAIN);
            stage.wait(arrival_ms);
            open_socket(&mut stage, target);
            stage.wait(199);
            assert!(sessions(&stage) >= 1, "{target} after {arrival_ms} ms");
            stage.wait(301);
            assert_eq!(sessions(&stage), 0, "{target} after {arrival_ms} ms");
        }
    }
}

#[test]
fn who_neither_polls_nor_answers_is_gone_as_soon() {
    for revision in [3, 4] {
        let mut stage = stage(300, 200);
        let pipe = stage.node.connect(0);
        let session = open_polls(&mut stage, pipe, revision);
        stage.wait(500);
        assert_eq!(sessions(&stage), 0, "revision {revision}");
        assert!(ask(&mut stage, pipe, get(&session).as_bytes()).starts_with("HTTP/1.1 400 "));
    }
}

#[test]
fn who_answers_every_ping_just_in_time_stays() {
    let mut stage = stage(300, 200);
    let pipe = open_socket(&mut stage, PLAIN);
    hear(&mut stage, pipe);
    for _ in 0..20 {
        while hear(&mut stage, pipe).is_empty() {
            stage.wait(1);
        }
        stage.wait(198);
        ask(&mut stage, pipe, &frame(PONG, ""));
        assert_eq!(sessions(&stage), 1);
    }
    stage.wait(500);
    assert_eq!(sessions(&stage), 0);
}

#[test]
fn who_talks_in_a_plain_room_is_sent_no_pings_until_it_is_silent() {
    let mut stage = stage(400, 200);
    let pipe = open_socket(&mut stage, PLAIN);
    let mut heard = String::new();
    for _ in 0..100 {
        heard += &ask(&mut stage, pipe, &frame(TEXT, "hello"));
        stage.wait(20);
    }
    assert_eq!((heard.matches("hello").count(), heard.matches("\u{FFFD}\0").count()), (100, 0));
    stage.wait(400);
    assert!(hear(&mut stage, pipe).ends_with("\u{FFFD}\0"));
    assert_eq!(sessions(&stage), 1);
    stage.wait(180);
    assert_eq!(sessions(&stage), 0);
}

#[test]
fn who_pings_by_itself_stays_as_long_as_it_does() {
    let mut stage = stage(300, 200);
    let pipe = open_socket(&mut stage, "/socket.io/?EIO=3&transport=websocket");
    stage.wait(20);
    assert!(hear(&mut stage, pipe).contains("pingInterval"));
    assert!(ask(&mut stage, pipe, &frame(TEXT, "2")).ends_with('3'));
    for _ in 0..20 {
        stage.wait(490);
        assert_eq!(ask(&mut stage, pipe, &frame(TEXT, "2")), "\u{FFFD}\u{1}3");
    }
    stage.wait(490);
    assert_eq!(sessions(&stage), 1);
    stage.wait(10);
    assert_eq!(sessions(&stage), 0);
}

#[test]
fn a_post_is_a_sign_of_life_too() {
    let mut stage = stage(300, 200);
    let pipe = stage.node.connect(0);
    let session = open_polls(&mut stage, pipe, 3);
    for _ in 0..20 {
        stage.wait(490);
        assert!(ask(&mut stage, pipe, post(&session, "1:2").as_bytes()).ends_with("ok"));
    }
    stage.wait(500);
    assert_eq!(sessions(&stage), 0);
}

#[test]
fn the_time_to_answer_may_be_longer_than_the_interval() {
    let mut stage = stage(100, 1000);
    let pipe = open_socket(&mut stage, PLAIN);
    for _ in 0..10 {
        stage.wait(999);
        ask(&mut stage, pipe, &frame(PONG, ""));
        assert_eq!(sessions(&stage), 1);
    }
    stage.wait(999);
    assert_eq!(sessions(&stage), 1);
    stage.wait(101);
    assert_eq!(sessions(&stage), 0);
}

#[test]
fn who_comes_after_a_ping_was_sent_is_not_asked_for_its_answer() {
    let mut stage = stage(64, 1000);
    open_socket(&mut stage, PLAIN);
    stage.wait(990);
    open_socket(&mut stage, PLAIN);
    stage.wait(990);
    assert_eq!(sessions(&stage), 1);
    stage.wait(74);
    assert_eq!(sessions(&stage), 0);
}

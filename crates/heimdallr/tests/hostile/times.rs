//! How long messages take in the server, and clients to answer it: what it says of that.

use crate::peer::{PING, PONG, frame};
use crate::scene::Scene;

#[test]
fn every_delivery_is_timed_and_took_less_than_a_second() {
    let scene = Scene::new();
    scene.neighbours.chat_on(10);
    let timed = scene.await_count("delivery_seconds_count", |count| count >= 20.0);
    scene.await_count("delivery_seconds_bucket 1.048576", |quick| quick >= timed);
    scene.end(&[]);
}

#[test]
fn the_answer_to_a_sign_of_life_is_timed() {
    let scene = Scene::with(&[("ping_interval", "1")]);
    let mut quiet = scene.member("quiet");
    // The first one may come out of turn, and soon after it has said something.
    for _ in 0..2 {
        let ping = std::iter::repeat_with(|| quiet.any_frame()).find(|frame| frame.first == PING);
        let payload = ping.expect("it goes on until there is one").payload;
        quiet.send(&frame(PONG, &payload));
    }
    scene.await_count("lag_seconds_count", |count| count >= 1.0);
    drop(quiet);
    scene.end(&[]);
}

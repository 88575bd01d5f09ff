//! Two nodes and a Redis: whatever node a request comes to, it finds its session, and whatever becomes of the Redis, who is there stays.

mod client;
#[path = "../programs/mod.rs"]
mod programs;
mod scene;

use std::time::{Duration, Instant};

use client::{Poller, Socket};
use programs::until;
use scene::Scene;

#[test]
fn every_request_of_a_polling_session_may_go_to_the_other_node() {
    let scene = Scene::start(&[]);
    let mut client = Poller::open(&scene, 0);
    client.say("421[\"joinRoom\",{\"room\":\"lobby\"}]");
    client.hear("431[");
    for word in ["one", "two", "three", "four"] {
        client.say(&format!("42[\"message\",{{\"room\":\"lobby\",\"message\":\"{word}\"}}]"));
        client.hear(word);
    }
    until("tunnels were counted", || scene.count(1, "heimdallr_dug_tunnels_total") > 0);
    assert_eq!([0, 1].map(|node| scene.count(node, "heimdallr_unread_envelopes_total")), [0, 0]);
}

#[test]
fn a_session_moves_to_a_websocket_of_the_other_node_and_is_told_what_is_said_there() {
    let scene = Scene::start(&[]);
    let client = Poller::open(&scene, 0);
    let mut socket = Socket::upgrade(&scene, 1, client.sid());
    socket.say("421[\"joinRoom\",{\"room\":\"lobby\"}]");
    socket.hear("431[");
    let mut other = Poller::open(&scene, 1);
    other.say("421[\"joinRoom\",{\"room\":\"lobby\"}]");
    other.hear("431[");
    let long = "x".repeat(60_000);
    for number in 0..20 {
        other.say(&format!("42[\"message\",{{\"room\":\"lobby\",\"message\":\"<{number}>{long}\"}}]"));
        other.hear(&format!("<{number}>"));
        socket.hear(&format!("<{number}>"));
    }
}

#[test]
fn who_comes_back_on_the_other_node_goes_on_where_it_was() {
    let scene = Scene::start(&[("socketio_recovery_seconds", "60")]);
    let mut first = Socket::open(&scene, 0, "40");
    let connected = first.hear("\"}");
    first.say("421[\"joinRoom\",{\"room\":\"lobby\"}]");
    first.hear("431[");
    drop(first);
    let mut other = Poller::open(&scene, 1);
    other.say("421[\"joinRoom\",{\"room\":\"lobby\"}]");
    other.hear("431[");
    other.say("42[\"message\",{\"room\":\"lobby\",\"message\":\"missed\"}]");
    other.hear("missed");
    let pid = client::member(&connected, "pid");
    let mut again = Socket::open(&scene, 1, &format!("40{{\"pid\":\"{pid}\"}}"));
    again.hear(&format!("\"pid\":\"{pid}\""));
    again.hear("missed");
}

#[test]
fn who_asks_for_a_session_of_a_node_that_was_killed_is_told_that_it_is_unknown() {
    let mut scene = Scene::start(&[]);
    let client = Poller::open(&scene, 0);
    scene.kill(0);
    // Each shard finds out by itself.
    until("nobody waits for it any more", || {
        let asked = Instant::now();
        let answer = client.poll(1);
        assert!(answer.contains("{\"code\":1,"), "{answer}");
        asked.elapsed() < Duration::from_secs(1)
    });
}

#[test]
fn who_is_in_a_hundred_rooms_when_redis_loses_everything_is_told_of_each_and_stays_in_all() {
    let mut scene = Scene::start(&[]);
    let in_each = |words: fn(usize) -> String| (0..100).map(words).collect::<Vec<_>>();
    let mut members = [0, 1].map(|node| Socket::identified(&scene, node, &format!("user {node}")));
    for member in &mut members {
        in_each(|room| format!("{{\"do\":\"join\",\"room\":\"r{room}\"}}"))
            .iter()
            .for_each(|join| member.say(join));
        member.hear_all(&in_each(|room| format!("\"is\":\"joined\",\"room\":\"r{room}\"")));
    }
    scene.restart_redis();
    for member in &mut members {
        member.hear_all(&in_each(|room| format!("\"is\":\"lost\",\"room\":\"r{room}\"")));
    }
    let [first, second] = &mut members;
    for room in 0..100 {
        first.say(&format!("{{\"do\":\"post\",\"room\":\"r{room}\",\"id\":\"p{room}\",\"text\":\"hi\"}}"));
    }
    second.hear_all(&in_each(|room| format!("\"is\":\"posted\",\"room\":\"r{room}\"")));
}

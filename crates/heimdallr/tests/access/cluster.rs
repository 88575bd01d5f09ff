//! What is revoked on one node is revoked on all.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::programs::Redis;
use crate::programs::folder::Folder;
use crate::scene::{Scene, token};

/// A socket of who was revoked is closed in less, wherever it is.
const AT_ONCE: Duration = Duration::from_secs(1);

#[test]
fn who_was_revoked_on_one_node_is_out_on_the_other_in_under_a_second_and_stays_out() {
    let redis = Redis::start();
    let nodes = [0, 1].map(|_| Scene::with_tokens(&[("redis", &redis.url)]));
    nodes.iter().for_each(|node| node.wait_for_nodes(2));
    let [alice, bob] = ["alice", "bob"].map(|name| token(name, &json!({"jti": name})));
    let mut clients = [&nodes[0], &nodes[1], &nodes[1]].map(Scene::rich);
    for (client, shown) in clients.iter_mut().zip([&alice, &alice, &bob]) {
        client.identify(&json!({"token": shown}), "\"is\":\"welcome\"");
    }
    nodes[0].folder.write("revoked", "jti:alice\n");
    let start = Instant::now();
    let [here, there, mut other] = clients;
    assert_eq!([here.closed(), there.closed()], [4512; 2]);
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    nodes[1].rich().identify(&json!({"token": alice}), "\"code\":\"revoked\"");
    other.say(r#"{"do":"time"}"#);
    other.hear("\"is\":\"time\"");
}

#[test]
fn what_is_ruled_on_one_node_holds_on_all_and_on_those_that_come() {
    let redis = Redis::start();
    let start = || Scene::start(Folder::new(), &[("redis", &redis.url)]);
    let nodes = [start(), start()];
    nodes.iter().for_each(|node| node.wait_for_nodes(2));
    let [mut ann, mut bob] = [&nodes[1], &nodes[1]].map(Scene::rich);
    ann.identify(&json!({"user": "ann"}), "\"is\":\"welcome\"");
    bob.identify(&json!({"user": "bob"}), "\"is\":\"welcome\"");
    bob.say(r#"{"do":"join","room":"den"}"#);
    bob.answer("\"is\":\"joined\"");
    assert_eq!(nodes[0].operate("POST", "/bans", &json!({"user": "ann"})).0, 201);
    assert_eq!(ann.closed(), 4522);
    assert_eq!(nodes[0].operate("POST", "/rooms/den/kick", &json!({"user": "bob"})).1, json!({"here": 0}));
    bob.answer("\"code\":\"kicked\"");
    assert_eq!(nodes[0].operate("POST", "/disconnect", &json!({"user": "bob"})).1, json!({"here": 0}));
    assert_eq!(bob.closed(), 4520);
    let third = start();
    third.wait_for_nodes(3);
    third.wait_for("/bans", |bans| bans["items"][0]["user"] == json!("ann"));
    third.rich().identify(&json!({"user": "ann"}), "\"code\":\"banned\"");
}

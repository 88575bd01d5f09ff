//! What happens in rooms is posted by the node of whose clients it is, once for all nodes.

use serde_json::json;

use crate::programs::Redis;
use crate::programs::folder::Folder;
use crate::programs::receiver::Receiver;
use crate::scene::Scene;

#[test]
fn a_message_and_a_member_are_told_of_by_one_node_of_several() {
    let (redis, receiver) = (Redis::start(), Receiver::opened());
    let on = "room.occupied,room.vacated,member.joined,member.left,message.posted";
    let keys = [("redis", redis.url.as_str()), ("webhook", &receiver.url), ("webhook_on", on)];
    let nodes = [0, 1].map(|_| Scene::start(Folder::new(), &keys));
    nodes.iter().for_each(|node| node.wait_for_nodes(2));
    let mut clients = [&nodes[0], &nodes[1], &nodes[1]].map(Scene::rich);
    for (client, user) in clients.iter_mut().zip(["ann", "ann", "bob"]) {
        client.identify(&json!({"user": user}), "\"is\":\"welcome\"");
        client.say(r#"{"do":"join","room":"den"}"#);
        client.answer("\"is\":\"joined\"");
        nodes[0].wait_until(|| receiver.times("member.joined", "user", user) > 0);
    }
    let mut plain = nodes[0].open("/den", "");
    nodes[0].wait_for("/rooms/den", |room| room["sessions"] == json!(4));
    plain.say("from a plain room");
    clients[1].say(r#"{"do":"post","room":"den","text":"from another node","id":"m1"}"#);
    clients[1].answer("\"is\":\"accepted\"");
    for text in ["from a plain room", "from another node"] {
        nodes[0].wait_until(|| receiver.times("message.posted", "text", text) > 0);
    }
    drop((clients, plain));
    nodes[0].wait_until(|| receiver.times("room.vacated", "room", "den") > 0);
    for (kind, member, value) in [
        ("room.occupied", "room", "den"),
        ("member.joined", "user", "ann"),
        ("member.joined", "user", "bob"),
        ("message.posted", "text", "from a plain room"),
        ("message.posted", "text", "from another node"),
        ("member.left", "user", "bob"),
    ] {
        assert_eq!(receiver.times(kind, member, value), 1, "{kind} {value}");
    }
}

//! What happens in rooms is posted by the node of whose clients it is, once for all nodes.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::cluster::Redis;
use crate::scene::{Folder, Scene};

/// Somebody who takes every webhook.
struct Taker {
    url: String,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Taker {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("http://{}/", listener.local_addr().expect("it has an address"));
        let taken = Arc::<Mutex<Vec<Value>>>::default();
        let books = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, books) = (stream.expect("a node"), books.clone());
                std::thread::spawn(move || while take(&mut stream, &books).is_some() {});
            }
        });
        Self { url, taken }
    }

    /// How often something was told of.
    fn times(&self, kind: &str, member: &str, value: &str) -> usize {
        let taken = self.taken.lock().expect("nobody panics with it");
        taken.iter().filter(|said| said["type"] == kind && said["data"][member] == value).count()
    }
}

fn take(stream: &mut TcpStream, books: &Mutex<Vec<Value>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).ok()?.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    books.lock().expect("nobody panics with it").push(serde_json::from_slice(&body).ok()?);
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").ok()
}

#[test]
fn a_message_and_a_member_are_told_of_by_one_node_of_several() {
    let (redis, taker) = (Redis::start(), Taker::start());
    let on = "room.occupied,room.vacated,member.joined,member.left,message.posted";
    let keys = [("redis", redis.url.as_str()), ("webhook", &taker.url), ("webhook_on", on)];
    let nodes = [0, 1].map(|_| Scene::start(Folder::new(), &keys));
    nodes.iter().for_each(|node| node.wait_for_nodes(2));
    let mut clients = [&nodes[0], &nodes[1], &nodes[1]].map(Scene::rich);
    for (client, user) in clients.iter_mut().zip(["ann", "ann", "bob"]) {
        client.identify(&json!({"user": user}), "\"is\":\"welcome\"");
        client.say(r#"{"do":"join","room":"den"}"#);
        client.answer("\"is\":\"joined\"");
        nodes[0].wait_until(|| taker.times("member.joined", "user", user) > 0);
    }
    let mut plain = nodes[0].open("/den", "");
    nodes[0].wait_for("/rooms/den", |room| room["sessions"] == json!(4));
    plain.say("from a plain room");
    clients[1].say(r#"{"do":"post","room":"den","text":"from another node","id":"m1"}"#);
    clients[1].answer("\"is\":\"accepted\"");
    for text in ["from a plain room", "from another node"] {
        nodes[0].wait_until(|| taker.times("message.posted", "text", text) > 0);
    }
    drop((clients, plain));
    nodes[0].wait_until(|| taker.times("room.vacated", "room", "den") > 0);
    for (kind, member, value) in [
        ("room.occupied", "room", "den"),
        ("member.joined", "user", "ann"),
        ("member.joined", "user", "bob"),
        ("message.posted", "text", "from a plain room"),
        ("message.posted", "text", "from another node"),
        ("member.left", "user", "bob"),
    ] {
        assert_eq!(taker.times(kind, member, value), 1, "{kind} {value}");
    }
}

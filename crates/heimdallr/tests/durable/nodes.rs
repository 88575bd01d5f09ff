//! Nodes with a Redis between them, each with a folder of its own.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::client::{Client, history};
use crate::server::{Folder, Server, program, until};

/// A Redis, gone at the end of its test.
struct Redis(Child, String);

impl Redis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.expect("a port is free").port();
        let redis = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts: it is in the package redis-server");
        until("Redis accepts", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self(redis, format!("redis://127.0.0.1:{port}"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_is_accepted_at_a_node_of_a_cluster_is_in_its_folder_and_in_those_of_who_listens() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let start = |name: &str| {
        let server = Server::start_with(program(), &folder.path(name), &[("HEIMDALLR_REDIS", &redis.1)]);
        until("it is ready", || server.ask("/health/ready").0 == 200);
        server
    };
    let (mut one, mut other) = (start("one"), start("other"));
    let (mut bob, _) = Client::join(other.address, "bob", "lobby", None);
    let (mut ann, _) = Client::join(one.address, "ann", "lobby", None);
    for tag in ["1", "2", "3"] {
        let answer = ann.ask_to_post("lobby", tag);
        assert_eq!(answer["is"], "accepted", "{answer}");
    }
    while bob.hear("posted").expect("it comes")["id"] != "3" {}
    until("the other has written it", || other.count("heimdallr_store_kept_messages_total") == 3);
    assert_eq!(ann.ask_to_post("lobby", "2")["at"], history_at(&one, 2), "a retry");
    one.kill();
    other.kill();
    drop(redis);
    for name in ["one", "other"] {
        let alone = Server::start(&folder.path(name));
        let tags: Vec<_> = history(alone.address, "lobby").into_iter().map(|(_, tag)| tag).collect();
        assert_eq!(tags, ["1", "2", "3"], "in the folder of the {name}");
    }
}

/// The position of a message as the server tells it.
fn history_at(server: &Server, offset: u64) -> serde_json::Value {
    let (_, joined) = Client::join(server.address, "cat", "lobby", None);
    let (epoch, _) = crate::client::position(&joined["at"]);
    format!("{epoch}:{offset}").into()
}

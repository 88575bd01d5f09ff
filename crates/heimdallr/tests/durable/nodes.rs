//! Nodes with a Redis between them, each with a folder of its own.

use crate::client::{Client, history};
use crate::programs::folder::Folder;
use crate::programs::{Redis, Server, heimdallr, until};
use crate::server::{serve, serve_with};

#[test]
fn what_is_accepted_at_a_node_of_a_cluster_is_in_its_folder_and_in_those_of_who_listens() {
    let (redis, folder) = (Redis::start(), Folder::new());
    let start = |name: &str| {
        let server = serve_with(heimdallr(), &folder.path(name), &[("redis", &redis.url)]);
        until("it is ready", || server.says("/health/ready", 200));
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
        let alone = serve(&folder.path(name));
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

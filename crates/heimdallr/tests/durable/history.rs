//! What is there again when a server was stopped and started: history, positions and retries.

use crate::client::{Client, history, position};
use crate::programs::folder::Folder;
use crate::programs::{heimdallr, until};
use crate::server::{serve, serve_with};

/// Posts so many messages, each accepted before the next.
fn say(client: &mut Client, numbers: std::ops::RangeInclusive<u32>) {
    for number in numbers {
        let answer = client.ask_to_post("lobby", &number.to_string());
        assert_eq!(answer["is"], "accepted", "{answer}");
    }
}

#[test]
fn a_server_that_was_stopped_goes_on_as_if_it_had_not_been() {
    let folder = Folder::new();
    let server = serve(&folder.path("data"));
    let (mut client, _) = Client::join(server.address, "ann", "lobby", None);
    say(&mut client, 1..=3);
    let (_, joined) = Client::join(server.address, "bob", "lobby", None);
    assert_eq!(server.stop(), Some(0));
    let server = serve(&folder.path("data"));
    let since = joined["at"].as_str();
    let (mut client, again) = Client::join(server.address, "ann", "lobby", since);
    assert_eq!(again["at"], joined["at"], "in the same epoch");
    assert_eq!(again["resumed"], true);
    let retry = client.ask_to_post("lobby", "2");
    assert_eq!(position(&retry["at"]).1, 2, "a retry is the same message");
    assert_eq!(position(&client.ask_to_post("lobby", "4")["at"]).1, 4);
    assert_eq!(history(server.address, "lobby").len(), 4);
}

#[test]
fn pages_go_back_beyond_what_is_in_memory() {
    let folder = Folder::new();
    let server = serve_with(heimdallr(), &folder.path("data"), &[("history_messages", "10")]);
    let (mut client, joined) = Client::join(server.address, "ann", "lobby", None);
    say(&mut client, 1..=450);
    let offsets: Vec<u64> = history(server.address, "lobby").into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(offsets, (1..=450).collect::<Vec<_>>());
    let (mut back, again) = Client::join(server.address, "bob", "lobby", joined["at"].as_str());
    assert_eq!(again["resumed"], true, "{again}");
    for offset in 1..=450 {
        assert_eq!(position(&back.hear("posted").expect("it follows")["at"]).1, offset);
    }
}

#[test]
fn after_a_kill_only_who_has_seen_more_than_is_kept_is_told_so() {
    let folder = Folder::new();
    let mut server = serve(&folder.path("data"));
    let (mut client, _) = Client::join(server.address, "ann", "lobby", None);
    say(&mut client, 1..=3);
    let (_, joined) = Client::join(server.address, "bob", "lobby", None);
    server.kill();
    let server = serve(&folder.path("data"));
    let (epoch, offset) = position(&joined["at"]);
    let (_, again) = Client::join(server.address, "bob", "lobby", joined["at"].as_str());
    assert_eq!(again["resumed"], true, "{again}");
    assert_ne!(position(&again["at"]).0, epoch, "another epoch");
    assert_eq!(position(&again["at"]).1, offset, "that goes on");
    let beyond = format!("{epoch}:{}", offset + 5);
    let (mut told, again) = Client::join(server.address, "cat", "lobby", Some(&beyond));
    assert_eq!(again["resumed"], false, "{again}");
    told.hear("lost").expect("that is told");
}

#[test]
fn rooms_that_are_not_to_be_kept_are_not() {
    let folder = Folder::new();
    let settings = [("durable_rooms", "kept-*,lobby")];
    let server = serve_with(heimdallr(), &folder.path("data"), &settings);
    for room in ["kept-1", "lobby", "passing"] {
        let (mut client, _) = Client::join(server.address, "ann", room, None);
        assert_eq!(client.ask_to_post(room, "1")["is"], "accepted");
    }
    until("two are told to be kept", || server.count("heimdallr_store_kept_messages_total") == 2);
    assert_eq!(server.stop(), Some(0));
    let server = serve_with(heimdallr(), &folder.path("data"), &settings);
    let kept = ["kept-1", "lobby", "passing"].map(|room| history(server.address, room).len());
    assert_eq!(kept, [1, 1, 0]);
}

#[test]
fn direct_messages_are_there_when_their_user_comes_after_a_restart() {
    let folder = Folder::new();
    let server = serve(&folder.path("data"));
    let mut bob = Client::connect(server.address, "bob").expect("it is there");
    let mut ann = Client::connect(server.address, "ann").expect("it is there");
    ann.say(&serde_json::json!({ "do": "direct", "to": "bob", "id": "1", "text": "psst" }))
        .expect("it reads");
    assert_eq!(ann.answer_to("1")["is"], "accepted");
    let at = bob.hear("direct").expect("it comes")["at"].clone();
    assert_eq!(server.stop(), Some(0));
    let server = serve(&folder.path("data"));
    let epoch = position(&at).0;
    let mut bob = Client::identify(server.address, "bob", Some(&format!("{epoch}:0")));
    assert_eq!(bob.hear("direct").expect("it comes again")["at"], at);
}

#[test]
fn the_oldest_go_when_there_are_more_than_are_to_be_kept() {
    let folder = Folder::new();
    let settings = [("retention_messages", "20"), ("history_messages", "5")];
    let server = serve_with(heimdallr(), &folder.path("data"), &settings);
    let (mut client, _) = Client::join(server.address, "ann", "lobby", None);
    say(&mut client, 1..=100);
    until("the oldest have gone", || server.count("heimdallr_store_let_go_messages_total") == 80);
    let offsets: Vec<u64> = history(server.address, "lobby").into_iter().map(|(offset, _)| offset).collect();
    assert_eq!(offsets, (81..=100).collect::<Vec<_>>());
}

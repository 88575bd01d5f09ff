//! Backups, made while the server works, and what comes out of them.

use std::process::Output;

use crate::client::{Client, history, position};
use crate::server::{Folder, Server, program};

fn run(words: &[&str]) -> Output {
    program().args(words).output().expect("the program starts")
}

#[test]
fn a_backup_that_was_made_under_way_can_be_started_with() {
    let folder = Folder::new();
    let server = Server::start(&folder.path("data"));
    let (mut client, joined) = Client::join(server.address, "ann", "lobby", None);
    for number in 1..=5 {
        client.ask_to_post("lobby", &number.to_string());
    }
    let copied = run(&["backup", &folder.word("data"), &folder.word("copy")]);
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    client.ask_to_post("lobby", "6");
    assert!(server.terminate().success());
    let restored = run(&["restore", &folder.word("copy"), &folder.word("other")]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));

    let server = Server::start(&folder.path("other"));
    assert_eq!(history(server.address, "lobby").len(), 5);
    let (epoch, _) = position(&joined["at"]);
    let (_, again) = Client::join(server.address, "bob", "lobby", Some(&format!("{epoch}:5")));
    assert_eq!((&again["resumed"], position(&again["at"]).0 == epoch), (&true.into(), false), "{again}");
    let (mut beyond, again) = Client::join(server.address, "cat", "lobby", Some(&format!("{epoch}:6")));
    assert_eq!(again["resumed"], false, "{again}");
    beyond.hear("lost").expect("that is told");
}

#[test]
fn nothing_is_overwritten_by_a_backup_or_by_restoring_one() {
    let folder = Folder::new();
    assert!(Server::start(&folder.path("data")).terminate().success());
    assert!(run(&["backup", &folder.word("data"), &folder.word("copy")]).status.success());
    let again = run(&["backup", &folder.word("data"), &folder.word("copy")]);
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    let over = run(&["restore", &folder.word("copy"), &folder.word("data")]);
    assert!(String::from_utf8_lossy(&over.stderr).contains("is there already"));
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let folder = Folder::new();
    std::fs::write(folder.path("copy"), b"something else").expect("it can be written");
    let restored = run(&["restore", &folder.word("copy"), &folder.word("data")]);
    assert_eq!(restored.status.code(), Some(1));
    assert!(!folder.path("data/heimdallr.sqlite").exists() && !folder.path("data/restoring.sqlite").exists());
    let said = run(&["backup", &folder.word("data")]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("it takes a folder"));
}

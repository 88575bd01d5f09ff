//! Backups, made while the server works, and what comes out of them.

use std::process::Output;

use crate::client::{Client, history, position};
use crate::programs::folder::Folder;
use crate::programs::heimdallr;
use crate::server::serve;

fn run(words: &[&str]) -> Output {
    heimdallr().args(words).output().expect("the program starts")
}

#[test]
fn a_backup_that_was_made_under_way_can_be_started_with() {
    let folder = Folder::new();
    let server = serve(&folder.path("data"));
    let (mut client, joined) = Client::join(server.address, "ann", "lobby", None);
    for number in 1..=5 {
        client.ask_to_post("lobby", &number.to_string());
    }
    let copied = run(&["backup", &folder.word("data"), &folder.word("copy")]);
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    client.ask_to_post("lobby", "6");
    assert_eq!(server.stop(), Some(0));
    let restored = run(&["restore", &folder.word("copy"), &folder.word("other")]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));

    let server = serve(&folder.path("other"));
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
    assert_eq!(serve(&folder.path("data")).stop(), Some(0));
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

#[test]
fn users_go_with_what_they_say_and_neither_is_anybody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    // A folder that somebody else made, for everybody to read.
    std::fs::create_dir(folder.path("data")).expect("there is room");
    let add = ["user", "add", "ann", "--password", "secret", "--data"];
    assert!(run(&[&add[..], &[&folder.word("data")]].concat()).status.success());
    assert_eq!(serve(&folder.path("data")).stop(), Some(0));
    let copied = run(&["backup", &folder.word("data"), &folder.word("copy")]);
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let restored = run(&["restore", &folder.word("copy"), &folder.word("other")]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let listed = run(&["user", "list", "--data", &folder.word("other")]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "ann\n");
    for name in [
        "data/heimdallr.sqlite",
        "data/users.sqlite",
        "copy",
        "copy.users",
        "other/heimdallr.sqlite",
        "other/users.sqlite",
    ] {
        let mode = std::fs::metadata(folder.path(name)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
    let again = run(&["backup", &folder.word("data"), &folder.word("copy2")]);
    assert!(again.status.success());
    std::fs::remove_file(folder.path("copy2")).expect("it is there");
    let half = run(&["backup", &folder.word("data"), &folder.word("copy2")]);
    assert!(String::from_utf8_lossy(&half.stderr).contains("copy2.users is there already"));
    assert!(!folder.path("copy2").exists(), "half a backup is none");
}

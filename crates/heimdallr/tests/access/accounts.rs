//! Users with passwords, changed by operators beside a node that works.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::programs::folder::Folder;
use crate::programs::heimdallr;
use crate::scene::Scene;

/// A socket of who was removed is closed in less.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Runs `heimdallr user` with these words; the password comes by standard input. Says what it has said, and whether all was well.
fn user(data: &Path, words: &[&str], password: &str) -> (String, bool) {
    let mut program = heimdallr()
        .arg("user")
        .args(words)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // Who is not asked for a password may have ended already.
    let _ = program.stdin.take().expect("it is piped").write_all(password.as_bytes());
    let output = program.wait_with_output().expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).expect("it is text"), output.status.success())
}

fn add(data: &Path, name: &str, password: &str) {
    let (said, is_well) = user(data, &["add", name, "--password-file", "-"], &format!("{password}\nrest"));
    assert!(is_well, "{said}");
}

fn scene() -> Scene {
    let folder = Folder::new();
    let data = folder.root().to_str().expect("the path is text").to_owned();
    add(folder.root(), "ann", "a b c");
    Scene::start(folder, &[("accounts", "true"), ("data", &data)])
}

#[test]
fn a_user_logs_in_with_the_password_over_every_protocol_that_has_words_for_it() {
    let scene = scene();
    let mut rich = scene.rich();
    rich.identify(&json!({"user": "ann", "password": "wrong"}), "\"code\":\"bad_password\"");
    rich.identify(&json!({"user": "bob", "password": "a b c"}), "\"code\":\"bad_password\"");
    rich.identify(&json!({"user": "ann"}), "\"code\":\"not_proven\"");
    rich.identify(&json!({"user": "ann", "password": "a b c"}), "\"is\":\"welcome\"");
    scene.socketio(&json!({"username": "ann", "password": "a b c"})).hear("40{\"sid\"");
    scene.socketio(&json!({"username": "ann", "password": "x"})).hear("44{\"message\":\"bad_password\"");
    let mut by_event = scene.socketio(&json!({}));
    by_event.hear("40{\"sid\"");
    by_event.say("421[\"log in\",{\"username\":\"ann\",\"password\":\"a b c\"}]");
    by_event.hear("431[{}]");
}

#[test]
fn who_is_removed_or_has_another_password_is_out_in_under_a_second() {
    let scene = scene();
    let data = scene.folder.root();
    add(data, "bob", "one");
    for (words, name, password) in [(["remove", "ann"], "ann", "a b c"), (["passwd", "bob"], "bob", "one")] {
        let mut client = scene.rich();
        client.identify(&json!({"user": name, "password": password}), "\"is\":\"welcome\"");
        let more: &[&str] = if words[0] == "passwd" { &["--password-file", "-"] } else { &[] };
        let (said, is_well) = user(data, &[&words, more].concat(), "two\n");
        let start = Instant::now();
        assert!(is_well, "{said}");
        assert_eq!(client.closed(), 4512);
        assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
        scene.rich().identify(&json!({"user": name, "password": password}), "\"code\":\"bad_password\"");
    }
    scene.rich().identify(&json!({"user": "bob", "password": "two"}), "\"is\":\"welcome\"");
}

#[test]
fn operators_are_told_what_cannot_be() {
    let folder = Folder::new();
    let data = folder.root();
    add(data, "ann", "secret");
    add(data, "Zoë", "secret");
    assert_eq!(user(data, &["list"], ""), ("Zoë\nann\n".to_owned(), true));
    for (words, password, complaint) in [
        (&["add", "ann", "--password-file", "-"][..], "x\n", "there is such a user"),
        (&["add", "bob", "--password-file", "-"], "\n", "not empty"),
        (&["passwd", "bob", "--password", "x"], "", "no such user"),
        (&["remove", "bob"], "", "no such user"),
        (&["fly"], "", "usage:"),
    ] {
        let (said, is_well) = user(data, words, password);
        assert!(!is_well && said.contains(complaint), "{words:?}: {said}");
    }
    let nowhere = data.join("nowhere/at/all");
    let (said, is_well) = user(&nowhere, &["list"], "");
    assert!(!is_well && said.contains("nowhere"), "{said}");
}

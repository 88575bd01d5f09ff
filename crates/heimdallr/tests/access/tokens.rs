//! Tokens: shown, refreshed, running out, revoked.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::programs::folder::Folder;
use crate::programs::{heimdallr, refused};
use crate::scene::{Scene, in_seconds, token};

/// A socket of who was revoked is closed in less.
const AT_ONCE: Duration = Duration::from_secs(1);

fn nothing() -> Value {
    json!({})
}

#[test]
fn a_token_says_who_a_client_of_the_rich_protocol_is() {
    let scene = Scene::with_tokens(&[]);
    let mut client = scene.rich();
    client.identify(&json!({"token": "a.b.c", "id": "1"}), "\"code\":\"bad_token\"");
    let expired = token("alice", &json!({"exp": in_seconds(-1)}));
    client.identify(&json!({"token": expired}), "\"code\":\"token_expired\"");
    client.identify(&json!({"user": "alice"}), "\"code\":\"not_proven\"");
    client.identify(&json!({"user": "alice", "password": "p"}), "\"code\":\"bad_password\"");
    let welcome =
        client.identify(&json!({"token": token("alice", &nothing()), "id": "9"}), "\"is\":\"welcome\"");
    assert!(welcome.contains("\"is\":\"welcome\",\"id\":\"9\",\"user\":\"alice\""), "{welcome}");
}

#[test]
fn what_is_asked_behind_a_token_is_done_as_its_bearer() {
    let scene = Scene::with_tokens(&[]);
    let mut client = scene.rich();
    client.say(&json!({"do": "identify", "token": token("alice", &nothing())}).to_string());
    client.say(r#"{"do":"join","room":"lobby"}"#);
    client.say(r#"{"do":"post","room":"lobby","id":"p","text":"hi"}"#);
    client.hear("\"is\":\"welcome\"");
    client.hear("\"is\":\"joined\"");
    let posted = client.answer("\"text\":\"hi\"");
    assert!(posted.contains("\"user\":\"alice\""), "{posted}");
}

#[test]
fn who_refreshes_in_time_stays_and_who_does_not_is_parted_with() {
    let scene = Scene::with_tokens(&[]);
    let mut stays = scene.rich();
    let mut goes = scene.rich();
    for client in [&mut goes, &mut stays] {
        let short = token("alice", &json!({"exp": in_seconds(4)}));
        client.identify(&json!({"token": short}), "\"is\":\"welcome\"");
    }
    for client in [&mut goes, &mut stays] {
        client.hear("\"is\":\"expiring\"");
    }
    stays.identify(&json!({"token": token("bob", &nothing())}), "\"code\":\"not_yours\"");
    stays.identify(&json!({"token": "a.b.c"}), "\"code\":\"bad_token\"");
    let refreshed =
        stays.identify(&json!({"token": token("alice", &nothing()), "id": "r"}), "\"is\":\"refreshed\"");
    assert!(refreshed.contains("\"is\":\"refreshed\",\"id\":\"r\",\"until\":"), "{refreshed}");
    assert_eq!(goes.closed(), 4014);
    stays.say(r#"{"do":"time"}"#);
    stays.hear("\"is\":\"time\"");
}

#[test]
fn who_was_revoked_is_out_in_under_a_second_and_stays_out() {
    let scene = Scene::with_tokens(&[]);
    let [first, second] = ["1", "2"].map(|id| token("alice", &json!({"jti": id})));
    let mut rich = scene.rich();
    rich.identify(&json!({"token": first}), "\"is\":\"welcome\"");
    let plain = scene.open(&format!("/lobby?token={first}"), "");
    let mut other = scene.rich();
    other.identify(&json!({"token": second}), "\"is\":\"welcome\"");
    let mut mallory = scene.rich();
    mallory.identify(&json!({"token": token("mallory", &nothing())}), "\"is\":\"welcome\"");
    scene.folder.write("revoked", "# since today\njti:1\nuser:mallory\n");
    let start = Instant::now();
    assert_eq!([rich.closed(), plain.closed(), mallory.closed()], [4512; 3]);
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    scene.rich().identify(&json!({"token": first}), "\"code\":\"revoked\"");
    scene.rich().identify(&json!({"token": token("mallory", &nothing())}), "\"code\":\"revoked\"");
    other.say(r#"{"do":"time"}"#);
    other.hear("\"is\":\"time\"");
}

#[test]
fn keys_are_read_again_when_their_file_changes() {
    let scene = Scene::with_tokens(&[]);
    let good = token("alice", &nothing());
    scene.folder.write("keys", "another secret that is as long as its hash, or longer");
    let mut client = scene.rich();
    let start = Instant::now();
    while !client.identify(&json!({"token": good, "id": "?"}), "\"is\":").contains("bad_token") {
        assert!(start.elapsed() < 10 * AT_ONCE, "the old key still counts");
        client = scene.rich();
    }
    scene.folder.write("keys", "short");
    scene.folder.write("keys", crate::scene::SECRET);
    while client.identify(&json!({"token": good, "id": "?"}), "\"is\":").contains("bad_token") {
        assert!(start.elapsed() < 20 * AT_ONCE, "the new key does not count");
    }
}

#[test]
fn a_plain_room_takes_a_token_in_a_header_or_in_the_target() {
    let scene = Scene::with_tokens(&[]);
    let good = token("alice", &nothing());
    let mut reader = scene.rich();
    reader.say(r#"{"do":"join","room":"lobby","id":"j"}"#);
    reader.hear("\"is\":\"joined\"");
    for (target, header) in [
        (format!("/lobby?token={good}"), String::new()),
        ("/lobby".to_owned(), format!("Authorization: Bearer {good}\r\n")),
        ("/lobby?token=bad".to_owned(), format!("authorization: bearer {good}\r\n")),
    ] {
        let mut member = scene.open(&target, &header);
        member.say("hi");
        let posted = reader.answer("\"text\":\"hi\"");
        assert!(posted.contains("\"user\":\"alice\""), "{target}: {posted}");
    }
    assert_eq!(scene.open("/lobby?token=bad", "").closed(), 4510);
    let expired = token("alice", &json!({"exp": in_seconds(-5)}));
    assert_eq!(scene.open(&format!("/lobby?token={expired}"), "").closed(), 4014);
    let mut other = scene.open("/lobby", "Authorization: Basic eDp5\r\n");
    other.say("from a guest");
    let posted = reader.answer("\"text\":\"from a guest\"");
    assert!(!posted.contains("user"), "{posted}");
}

#[test]
fn events_and_posts_take_a_token_and_say_what_is_wrong_with_it() {
    let scene = Scene::with_tokens(&[("room_rules", "*: join=proven post=proven")]);
    let bearer = format!("Authorization: Bearer {}\r\n", token("alice", &nothing()));
    let text = "Content-Type: text/plain\r\n";
    let accepted = scene.ask("POST", "/rooms/lobby", &format!("{bearer}{text}"), "hi");
    assert!(accepted.starts_with("HTTP/1.1 200 "), "{accepted}");
    for (headers, status, code) in [
        (String::new(), 401, "not_identified"),
        ("Authorization: Bearer x\r\n".to_owned(), 401, "bad_token"),
        (format!("Authorization: Bearer {}\r\n", token("a", &json!({"rooms": ["den"]}))), 403, "forbidden"),
    ] {
        for (method, target) in [("POST", "/rooms/lobby"), ("GET", "/events/lobby")] {
            let answer = scene.ask(
                method,
                target,
                &format!("{headers}{text}"),
                if method == "POST" { "hi" } else { "" },
            );
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            assert!(answer.contains(&format!("\"code\":\"{code}\"")), "{answer}");
        }
    }
}

#[test]
fn a_socketio_client_shows_its_token_when_it_connects() {
    let scene = Scene::with_tokens(&[("guests", "none")]);
    let mut client = scene.socketio(&json!({"token": token("alice", &nothing())}));
    client.hear("40{\"sid\"");
    client.say("421[\"joinRoom\",{\"room\":\"lobby\"}]");
    client.hear("431[{\"at\"");
    client.say("422[\"message\",{\"room\":\"lobby\",\"message\":\"hi\"}]");
    client.hear("42[\"message\",{\"userId\":\"alice\",\"message\":\"hi\"}");
    for (auth, code) in [(json!({"token": "a.b.c"}), "bad_token"), (json!({}), "not_identified")] {
        let mut refused = scene.socketio(&auth);
        let said = refused.hear("\"retry\":false}}");
        assert!(
            said.contains(&format!("44{{\"message\":\"{code}\",\"data\":{{\"code\":\"{code}\"")),
            "{said}"
        );
    }
}

#[test]
fn a_client_of_the_second_socketio_shows_its_token_in_the_target() {
    let scene = Scene::with_tokens(&[("guests", "none")]);
    let mut client = scene
        .open(&format!("/socket.io/?EIO=3&transport=websocket&token={}", token("alice", &nothing())), "");
    client.hear("40");
    client.say("421[\"joinRoom\",{\"room\":\"lobby\"}]");
    client.hear("431[{\"at\"");
    let mut refused = scene.open("/socket.io/?EIO=3&transport=websocket&token=bad", "");
    refused.hear("44\"bad_token\"");
}

#[test]
fn a_node_does_not_start_without_a_key_that_it_was_told_to_have() {
    let folder = Folder::new();
    let keys = folder.write("keys", "short");
    let program = refused(heimdallr(), &[("jwt_keys", &keys)]);
    let said = String::from_utf8_lossy(&program.stderr);
    assert!(!program.status.success() && said.contains("jwt_keys") && said.contains("32 bytes"), "{said}");
}

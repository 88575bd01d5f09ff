//! What operators rule, over every protocol and from one start to the next.

use serde_json::{Value, json};

use crate::programs::folder::Folder;
use crate::programs::heimdallr;
use crate::scene::{Scene, Socket};

/// A client of the rich protocol in a room.
fn member(scene: &Scene, user: &str, room: &str) -> Socket {
    let mut client = scene.rich();
    client.identify(&json!({"user": user}), "\"is\":\"welcome\"");
    join(&mut client, room);
    client
}

fn join(client: &mut Socket, room: &str) {
    client.say(&json!({"do": "join", "room": room}).to_string());
    client.answer("\"is\":\"joined\"");
}

fn post(client: &mut Socket, room: &str, text: &str) {
    client.say(&json!({"do": "post", "room": room, "text": text, "id": text}).to_string());
}

/// A stock client in a room.
fn stock(scene: &Scene, room: &str) -> Socket {
    let mut client = scene.socketio(&json!({}));
    client.hear("40{");
    client.say(&format!(r#"420["joinRoom",{{"room":"{room}"}}]"#));
    client.hear("430[");
    client
}

/// Everybody who can be in a room, in it: the rich protocol, a plain room, an event stream, Socket.IO.
fn everybody(scene: &Scene, room: &str) -> (Socket, Socket, Socket, Socket) {
    let rich = member(scene, "ann", room);
    let plain = scene.open(&format!("/{room}"), "");
    let events = scene.stream(&format!("/events/{room}"));
    let stock = stock(scene, room);
    scene.wait_for(&format!("/rooms/{room}"), |room| room["sessions"] == json!(4));
    (rich, plain, events, stock)
}

/// Has the program do something else than serve.
fn run(words: &[&str]) {
    let done = heimdallr().args(words).output().expect("it starts");
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn rule(scene: &Scene, method: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = scene.operate(method, path, body);
    assert!((200..300).contains(&status), "{method} {path}: {answer}");
    answer
}

#[test]
fn who_is_kicked_leaves_whatever_it_speaks_and_may_come_back() {
    let scene = Scene::start(Folder::new(), &[]);
    let (mut rich, plain, mut events, mut stock) = everybody(&scene, "den");
    assert_eq!(rule(&scene, "POST", "/rooms/den/kick", &json!({"address": "127.0.0.1"})), json!({"here": 4}));
    let told = rich.answer("\"is\":\"removed\"");
    assert!(told.contains(r#""room":"den","code":"kicked""#), "{told}");
    assert_eq!(plain.closed(), 4521);
    events.hear(r#""code":4521,"reason":"kicked","reconnect":false"#);
    stock.hear(r#"42["removed",{"room":"den","code":"kicked""#);
    post(&mut rich, "den", "still here?");
    rich.answer("\"code\":\"not_joined\"");
    join(&mut rich, "den");
}

#[test]
fn a_closed_room_is_left_and_not_joined_until_it_is_opened() {
    let scene = Scene::start(Folder::new(), &[]);
    let (mut rich, plain, mut events, mut stock) = everybody(&scene, "den");
    rule(&scene, "DELETE", "/rooms/den", &Value::Null);
    rich.answer("\"code\":\"room_closed\"");
    assert_eq!(plain.closed(), 4523);
    events.hear("room_closed");
    stock.hear("room_closed");
    rich.say(r#"{"do":"join","room":"den"}"#);
    rich.answer("\"code\":\"room_closed\"");
    assert_eq!(scene.open("/den", "").closed(), 4523);
    let posted = scene.ask("POST", "/rooms/den", "", "hello");
    assert!(posted.starts_with("HTTP/1.1 403") && posted.contains("room_closed"), "{posted}");
    let read = scene.ask("GET", "/events/den", "", "");
    assert!(read.starts_with("HTTP/1.1 403") && read.contains("room_closed"), "{read}");
    assert_eq!(scene.operate("GET", "/rooms/den", &Value::Null).1["closed"], json!(true));
    rule(&scene, "PUT", "/rooms/den", &json!({}));
    join(&mut rich, "den");
}

#[test]
fn who_is_mute_reads_and_says_nothing() {
    let scene = Scene::start(Folder::new(), &[]);
    let (mut ann, mut bob) = (member(&scene, "ann", "den"), member(&scene, "bob", "den"));
    let mute = rule(&scene, "POST", "/mutes", &json!({"user": "ann", "room": "den", "reason": "spam"}));
    post(&mut ann, "den", "a1");
    ann.answer("\"code\":\"muted\"");
    ann.say(r#"{"do":"signal","room":"den","signal":"typing"}"#);
    ann.answer("\"code\":\"muted\"");
    post(&mut bob, "den", "b1");
    ann.hear("b1");
    join(&mut ann, "hall");
    post(&mut ann, "hall", "a2");
    ann.answer("\"is\":\"accepted\"");
    let (_, list) = scene.operate("GET", "/mutes", &Value::Null);
    assert_eq!((&list["items"], &list["next"]), (&json!([mute]), &Value::Null));
    rule(&scene, "DELETE", &format!("/mutes/{}", mute["id"].as_str().expect("an id")), &Value::Null);
    post(&mut ann, "den", "a3");
    bob.hear("a3");
    assert_eq!(scene.operate("GET", "/mutes", &Value::Null).1["items"], json!([]));
}

#[test]
fn who_is_mute_stays_in_a_plain_room() {
    let scene = Scene::start(Folder::new(), &[]);
    let mut plain = scene.open("/den", "");
    scene.wait_for("/rooms/den", |room| room["sessions"] == json!(1));
    rule(&scene, "POST", "/mutes", &json!({"address": "127.0.0.1"}));
    plain.say("nobody hears this");
    rule(&scene, "POST", "/rooms/den/messages", &json!({"text": "this is heard"}));
    assert!(!plain.hear("this is heard").contains("nobody"));
    let posted = scene.ask("POST", "/rooms/den", "", "hello");
    assert!(posted.starts_with("HTTP/1.1 403") && posted.contains("muted"), "{posted}");
}

#[test]
fn in_slow_mode_one_says_one_thing_after_the_other() {
    let scene = Scene::start(Folder::new(), &[]);
    let (mut ann, mut bob) = (member(&scene, "ann", "den"), member(&scene, "bob", "den"));
    rule(&scene, "PUT", "/rooms/den", &json!({"slow_mode_ms": 60000}));
    post(&mut ann, "den", "a1");
    ann.answer("\"is\":\"accepted\"");
    post(&mut ann, "den", "a2");
    let refused = ann.answer("\"code\":\"slow_mode\"");
    let (_, after) = refused.split_once("\"retry_after\":").expect("it is told when");
    let after: u32 = after.trim_end_matches('}').parse().expect("a number");
    assert!((1..=60000).contains(&after), "{refused}");
    post(&mut bob, "den", "b1");
    bob.answer("\"is\":\"accepted\"");
    let (status, _) = scene.operate("POST", "/rooms/den/messages", &json!({"text": "o1"}));
    assert_eq!(status, 200, "operators say what they like");
    rule(&scene, "PUT", "/rooms/den", &json!({}));
    post(&mut ann, "den", "a3");
    bob.hear("a3");
}

#[test]
fn who_is_banned_goes_and_stays_away_also_after_a_restart() {
    let folder = Folder::new();
    let data = folder.word("data");
    let mut scene = Scene::start(folder, &[("data", &data), ("drain_wait_seconds", "0")]);
    let (mut ann, bob) = (member(&scene, "ann", "den"), member(&scene, "bob", "den"));
    rule(&scene, "POST", "/bans", &json!({"user": "ann", "room": "den"}));
    ann.answer("\"code\":\"banned\"");
    rule(&scene, "POST", "/bans", &json!({"user": "bob", "reason": "spam", "seconds": 3600}));
    assert_eq!(bob.closed(), 4522);
    join(&mut ann, "hall");
    scene.restart();
    let mut again = scene.rich();
    again.identify(&json!({"user": "bob"}), "\"code\":\"banned\"");
    again.identify(&json!({"user": "ann"}), "\"is\":\"welcome\"");
    again.say(r#"{"do":"join","room":"den"}"#);
    again.answer("\"code\":\"banned\"");
    let (_, bans) = scene.operate("GET", "/bans", &Value::Null);
    assert_eq!(bans["items"].as_array().map(Vec::len), Some(2), "{bans}");
    let bob = &bans["items"][1];
    assert_eq!((&bob["user"], &bob["room"], &bob["reason"]), (&json!("bob"), &Value::Null, &json!("spam")));
}

#[test]
fn nobody_comes_from_an_address_that_is_banned() {
    let scene = Scene::start(Folder::new(), &[]);
    let (rich, plain, mut events, mut stock) = everybody(&scene, "den");
    let ban = rule(&scene, "POST", "/bans", &json!({"address": "127.0.0.1"}));
    assert_eq!([rich.closed(), plain.closed()], [4522; 2]);
    events.hear("\"reason\":\"banned\"");
    stock.hear("41");
    assert_eq!(scene.rich().closed(), 4522);
    let posted = scene.ask("POST", "/rooms/den", "", "hello");
    assert!(posted.starts_with("HTTP/1.1 403") && posted.contains("banned"), "{posted}");
    rule(&scene, "DELETE", &format!("/bans/{}", ban["id"].as_str().expect("an id")), &Value::Null);
    member(&scene, "ann", "den");
}

#[test]
fn who_is_banned_is_so_in_a_backup_that_was_made_meanwhile_too() {
    let folder = Folder::new();
    let [data, copy, other] = ["data", "copy", "other"].map(|name| folder.word(name));
    let scene = Scene::start(folder, &[("data", &data)]);
    let mut bob = member(&scene, "bob", "den");
    rule(&scene, "POST", "/bans", &json!({"user": "ann", "reason": "spam"}));
    rule(&scene, "POST", "/mutes", &json!({"user": "bob", "room": "den"}));
    run(&["backup", &data, &copy]);
    // What is ruled later is not in it.
    rule(&scene, "POST", "/bans", &json!({"user": "cat"}));
    post(&mut bob, "den", "b1");
    bob.answer("\"code\":\"muted\"");
    run(&["restore", &copy, &other]);
    let restored = Scene::start(Folder::new(), &[("data", &other)]);
    restored.rich().identify(&json!({"user": "ann"}), "\"code\":\"banned\"");
    restored.rich().identify(&json!({"user": "cat"}), "\"is\":\"welcome\"");
    let mut bob = member(&restored, "bob", "den");
    post(&mut bob, "den", "b2");
    bob.answer("\"code\":\"muted\"");
}

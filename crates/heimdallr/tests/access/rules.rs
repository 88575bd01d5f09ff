//! Rules for rooms, and guests.

use serde_json::json;

use crate::programs::folder::Folder;
use crate::scene::{Scene, Socket, token};

fn join(client: &mut Socket, room: &str, answer: &str) -> String {
    client.say(&json!({"do": "join", "room": room, "id": "j"}).to_string());
    client.answer(answer)
}

fn post(client: &mut Socket, room: &str, answer: &str) {
    client.say(&json!({"do": "post", "room": room, "id": "p", "text": "hi"}).to_string());
    client.answer(answer);
}

#[test]
fn rules_hold_for_whoever_may_be_meant_without_tokens_too() {
    let rules = "staff: join=proven, news: post=nobody, club-*: join=named";
    let scene = Scene::start(Folder::new(), &[("room_rules", rules)]);
    let mut guest = scene.rich();
    join(&mut guest, "staff", "\"code\":\"not_identified\"");
    join(&mut guest, "club-7", "\"code\":\"not_identified\"");
    join(&mut guest, "news", "\"is\":\"joined\"");
    post(&mut guest, "news", "\"code\":\"forbidden\"");
    guest.identify(&json!({"user": "ann"}), "\"is\":\"welcome\"");
    join(&mut guest, "staff", "\"code\":\"forbidden\"");
    join(&mut guest, "club-7", "\"is\":\"joined\"");
    assert_eq!(scene.open("/staff", "").closed(), 4510);
    let mut plain = scene.open("/news", "");
    plain.say("hi");
    assert_eq!(plain.closed(), 4511);
}

#[test]
fn a_token_is_good_for_the_rooms_that_it_names() {
    let scene = Scene::with_tokens(&[("room_rules", "team-*: join=grant post=grant")]);
    let rooms = json!({"rooms": {"join": ["team-1", "team-2"], "post": ["team-1"]}});
    let mut member = scene.rich();
    member.identify(&json!({"token": token("alice", &rooms)}), "\"is\":\"welcome\"");
    for room in ["team-1", "team-2"] {
        join(&mut member, room, "\"is\":\"joined\"");
    }
    post(&mut member, "team-1", "\"is\":\"accepted\"");
    post(&mut member, "team-2", "\"code\":\"forbidden\"");
    join(&mut member, "team-3", "\"code\":\"forbidden\"");
    join(&mut member, "lobby", "\"code\":\"forbidden\"");
    let mut other = scene.rich();
    other.identify(&json!({"token": token("bob", &json!({}))}), "\"is\":\"welcome\"");
    join(&mut other, "team-1", "\"code\":\"forbidden\"");
    join(&mut other, "lobby", "\"is\":\"joined\"");
}

#[test]
fn history_and_names_are_kept_from_those_who_may_not_have_them() {
    let scene = Scene::with_tokens(&[("room_rules", "den: history=proven presence=proven")]);
    let mut alice = scene.rich();
    alice.identify(&json!({"token": token("alice", &json!({}))}), "\"is\":\"welcome\"");
    join(&mut alice, "den", "\"present\":[\"alice\"]");
    alice.say(r#"{"do":"post","room":"den","id":"1","text":"first"}"#);
    let accepted = alice.hear("\"is\":\"accepted\",\"id\":\"1\",\"at\":\"") + &alice.hear(":1\"");
    let epoch = accepted.rsplit('"').nth(1).expect("a position").trim_end_matches(":1").to_owned();
    alice.say(r#"{"do":"recall","room":"den"}"#);
    alice.hear("\"is\":\"page\"");

    let mut guest = scene.rich();
    guest.say(&json!({"do": "join", "room": "den", "since": format!("{epoch}:0"), "id": "j"}).to_string());
    let joined = guest.answer("\"is\":\"lost\"");
    assert!(joined.contains("\"resumed\":false") && !joined.contains("present"), "{joined}");
    assert!(!joined.contains("first"), "{joined}");
    guest.say(r#"{"do":"recall","room":"den","id":"r"}"#);
    guest.hear("\"code\":\"not_identified\"");

    let mut bob = scene.rich();
    bob.identify(&json!({"token": token("bob", &json!({}))}), "\"is\":\"welcome\"");
    let joined = join(&mut bob, "den", "\"present\":[\"alice\",\"bob\"]");
    assert!(joined.contains("\"guests\":1"), "{joined}");
    alice.hear("\"joined\":[\"bob\"]");
    let told = guest.hear("\"members\":2");
    assert!(!told.contains("bob") && !told.contains("alice"), "{told}");
}

#[test]
fn guests_who_are_not_let_in_may_do_nothing_and_names_are_for_those_who_prove_them() {
    let scene = Scene::with_tokens(&[("guests", "none")]);
    let mut guest = scene.rich();
    join(&mut guest, "lobby", "\"code\":\"not_identified\"");
    guest.identify(&json!({"user": "alice"}), "\"code\":\"not_proven\"");
    assert_eq!(scene.open("/lobby", "").closed(), 4510);

    let scene = Scene::with_tokens(&[]);
    let mut guest = scene.rich();
    join(&mut guest, "lobby", "\"is\":\"joined\"");
    post(&mut guest, "lobby", "\"is\":\"accepted\"");
    let text = "Content-Type: application/json\r\n";
    let answer = scene.ask("POST", "/rooms/lobby", text, r#"{"user":"alice","text":"hi"}"#);
    assert!(answer.contains("\"code\":\"not_yours\""), "{answer}");
    let mut plain = scene.open("/lobby", "");
    plain.say(r#"{"msgType":"user","text":"hi","userId":"alice"}"#);
    assert_eq!(plain.closed(), 4511);
}

#[test]
fn rules_are_read_again_while_people_are_there() {
    let folder = Folder::new();
    let file = folder.write("heimdallr.toml", "room_rules = [\"news: post=nobody\"]");
    let scene = Scene::start(folder, &[("config", &file)]);
    let mut member = scene.rich();
    join(&mut member, "news", "\"is\":\"joined\"");
    post(&mut member, "news", "\"code\":\"forbidden\"");
    scene.folder.write("heimdallr.toml", "room_rules = [\"den: join=nobody\"]");
    scene.hang_up();
    let start = std::time::Instant::now();
    loop {
        member.say(&json!({"do": "join", "room": "den", "id": "j"}).to_string());
        if member.answer("\"id\":\"j\"").contains("\"code\":\"forbidden\"") {
            break;
        }
        assert!(start.elapsed() < std::time::Duration::from_secs(20), "the rules are still the former ones");
        member.say(&json!({"do": "leave", "room": "den", "id": "l"}).to_string());
        member.answer("\"id\":\"l\"");
    }
    post(&mut member, "news", "\"is\":\"accepted\"");
}

//! The HTTP API against the program: what operators see, say and do, whatever their users speak.

use serde_json::{Value, json};

use crate::programs::folder::Folder;
use crate::programs::heimdallr;
use crate::scene::Scene;

/// The name of a session, as who has identified is told it.
fn session_of(welcome: &str) -> String {
    let (_, rest) = welcome.split_once(r#""session":""#).expect("it is told");
    rest.split('"').next().expect("a string").to_owned()
}

fn names(list: &Value, member: &str) -> Vec<String> {
    let items = list["items"].as_array().expect("a list").iter();
    items.map(|item| item[member].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn operators_see_and_reach_everybody_whatever_they_speak() {
    let scene = Scene::start(Folder::new(), &[]);
    let mut rich = scene.rich();
    rich.identify(&json!({"user": "ann"}), "\"is\":\"welcome\"");
    rich.say(r#"{"do":"join","room":"a/b"}"#);
    rich.answer("\"is\":\"joined\"");
    let mut plain = scene.open("/a%2Fb", "");
    let mut stock = scene.socketio(&json!({}));
    stock.hear("40{");
    stock.say(r#"420["joinRoom",{"room":"a/b"}]"#);
    stock.hear("430[");
    // The plain room's member is in once somebody sees it so.
    scene.wait_for("/rooms/a%2Fb", |room| room["sessions"] == json!(3));
    let (status, said) =
        scene.operate("POST", "/rooms/a%2Fb/messages", &json!({"text": "hello", "user": "ops", "id": "m1"}));
    assert_eq!(status, 200, "{said}");
    for client in [&mut rich, &mut plain, &mut stock] {
        client.hear("hello");
    }
    let again =
        scene.operate("POST", "/rooms/a%2Fb/messages", &json!({"text": "hello", "user": "ops", "id": "m1"}));
    assert_eq!(again, (200, said), "a retry is the same message");
    let (_, page) = scene.operate("GET", "/rooms/a%2Fb/messages", &Value::Null);
    assert_eq!((names(&page, "text"), &page["next"]), (vec!["hello".to_owned()], &Value::Null));
    let (_, members) = scene.operate("GET", "/rooms/a%2Fb/members", &Value::Null);
    assert_eq!((names(&members, "user"), &members["guests"]), (vec!["ann".to_owned()], &json!(2)));
    let (_, rooms) = scene.operate("GET", "/rooms?prefix=a%2F", &Value::Null);
    assert_eq!((names(&rooms, "room"), &rooms["items"][0]["here"]), (vec!["a/b".to_owned()], &json!(3)));
    let (_, sessions) = scene.operate("GET", "/sessions?room=a%2Fb", &Value::Null);
    let mut protocols = names(&sessions, "protocol");
    protocols.sort();
    assert_eq!(protocols, ["raw", "socketio", "v1"]);
    assert_eq!(scene.operate("GET", "/users/ann", &Value::Null).1["devices"], json!(1));
    let direct = scene.operate("POST", "/users/ann/messages", &json!({"text": "psst"}));
    assert_eq!(direct.0, 200, "{direct:?}");
    rich.hear("psst");
    assert_eq!(scene.operate("POST", "/users/bob/messages", &json!({"text": "psst"})).0, 404);
    assert_eq!(scene.operate("POST", "/messages", &json!({"text": "all"})).0, 200);
    stock.hear("all");
}

#[test]
fn who_is_sent_away_is_told_not_to_come_back() {
    let scene = Scene::start(Folder::new(), &[]);
    let (mut ann, mut bob) = (scene.rich(), scene.rich());
    let welcome = ann.identify(&json!({"user": "ann"}), "\"is\":\"welcome\"");
    bob.identify(&json!({"user": "bob"}), "\"is\":\"welcome\"");
    let session = session_of(&welcome);
    let (status, line) = scene.operate("GET", &format!("/sessions/{session}"), &Value::Null);
    assert_eq!((status, &line["user"], &line["address"]), (200, &json!("ann"), &json!("127.0.0.1")));
    assert_eq!(scene.operate("DELETE", &format!("/sessions/{session}"), &Value::Null).0, 204);
    assert_eq!(ann.closed(), 4520);
    assert_eq!(scene.operate("DELETE", &format!("/sessions/{session}"), &Value::Null).0, 404);
    assert_eq!(
        scene.operate("POST", "/disconnect", &json!({"address": "127.0.0.1"})),
        (200, json!({"here": 1}))
    );
    assert_eq!(bob.closed(), 4520);
}

#[test]
fn many_are_listed_page_by_page() {
    let scene = Scene::start(Folder::new(), &[]);
    let rooms: Vec<String> = (0..25).map(|number| format!("room-{number:02}")).collect();
    let clients: Vec<_> = rooms.iter().map(|room| scene.open(&format!("/{room}"), "")).collect();
    scene.wait_for("/sessions?limit=1000", |sessions| {
        sessions["items"].as_array().is_some_and(|all| all.len() == 25)
    });
    for (path, member) in [
        ("/rooms?limit=7", "room"),
        ("/rooms?sort=members&limit=7", "room"),
        ("/sessions?limit=7", "session"),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let (_, page) = scene.operate("GET", &format!("{path}&cursor={cursor}"), &Value::Null);
            seen.extend(names(&page, member));
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        if member == "room" {
            assert_eq!(seen, rooms, "{path}");
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 25, "{path}: each once");
    }
    drop(clients);
}

/// A secret, and what a node knows it by.
fn key(name: &str, scopes: &str) -> (String, String) {
    let made = heimdallr().args(["key", name, "--scopes", scopes]).output();
    let text = String::from_utf8(made.expect("the program starts").stdout).expect("it is text");
    let part = |beginning: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(beginning)).expect("it is said");
        line.trim_matches('"').to_owned()
    };
    (part("secret: "), part("add to api_keys: "))
}

#[test]
fn a_key_is_good_for_its_scopes_and_until_it_is_taken_out() {
    let folder = Folder::new();
    let ((reader, known_reader), (poster, known_poster)) = (key("reader", "read"), key("poster", "post"));
    let config = folder.write("node.toml", &format!("api_keys = [\"{known_reader}\"]\n"));
    let scene = Scene::start(folder, &[("config", &config)]);
    let status = |secret: &str, method: &str, path: &str| {
        scene.operate_as(Some(secret), method, path, &json!({"text": "hi"})).0
    };
    assert_eq!(scene.operate("GET", "/rooms", &Value::Null).0, 401);
    assert_eq!(status(&reader, "GET", "/rooms"), 200);
    assert_eq!(status(&reader, "POST", "/rooms/a/messages"), 403);
    assert_eq!(status(&poster, "POST", "/rooms/a/messages"), 401);
    scene.folder.write("node.toml", &format!("api_keys = [\"{known_poster}\"]\n"));
    scene.hang_up();
    scene.wait_until(|| status(&reader, "GET", "/rooms") == 401);
    assert_eq!(status(&poster, "POST", "/rooms/a/messages"), 200);
}

#[test]
fn a_drain_is_a_stop_that_can_be_watched() {
    let mut scene = Scene::start(Folder::new(), &[("drain_wait_seconds", "0"), ("drain_seconds", "5")]);
    let mut ann = scene.rich();
    ann.identify(&json!({"user": "ann"}), "\"is\":\"welcome\"");
    let (status, leave) = scene.operate("POST", "/drain", &Value::Null);
    assert_eq!((status, &leave["stage"]), (202, &json!("draining")));
    assert_eq!(ann.closed(), 4012);
    assert!(scene.ends_well(), "the process ends with 0");
}

//! Messages of the rich protocol that are no commands.

use crate::peer::{BINARY, Peer, TEXT, frame};
use crate::scene::Scene;

/// Objects that ask for nothing that can be done, and the code of the refusal.
const REFUSED: &[(&str, &str)] = &[
    ("{}", "bad_request"),
    (r#"{"do":7}"#, "bad_request"),
    (r#"{"do":"dance"}"#, "bad_request"),
    (r#"{"do":"join","do":"join"}"#, "bad_request"),
    (r#"{"do":"join"}"#, "bad_request"),
    (r#"{"do":"join","room":{}}"#, "bad_request"),
    (r#"{"do":"join","room":""}"#, "bad_name"),
    (r#"{"do":"join","room":"r","since":"never"}"#, "bad_position"),
    (r#"{"do":"join","room":"r","id":[]}"#, "bad_request"),
    (r#"{"do":"join","room":"r","id":""}"#, "bad_request"),
    (r#"{"do":"identify","user":"a\u0000b"}"#, "bad_name"),
    (r#"{"do":"post","room":"r","text":"no id"}"#, "bad_request"),
    (r#"{"do":"post","room":"r","id":"1"}"#, "bad_request"),
    (r#"{"do":"post","room":"r","id":"1","text":"not in"}"#, "not_joined"),
    (r#"{"do":"direct","to":"bob","id":"1","text":"who am I"}"#, "not_identified"),
    (r#"{"do":"recall","room":"r","limit":0}"#, "bad_request"),
    (r#"{"do":"recall","room":"r","limit":1e9}"#, "bad_request"),
    (r#"{"do":"signal","room":"r","signal":""}"#, "bad_request"),
];

/// Messages that are no objects.
const NONE: &[&str] =
    &["", " ", "null", "7", "\"{}\"", "[]", "[{}]", "{", "{}}", "{\"do\"", "{'do':'time'}", "\u{feff}{}"];

#[test]
fn objects_of_the_wrong_shape_are_refused_and_the_session_goes_on() {
    let scene = Scene::new();
    let mut peer = Peer::rich(scene.address());
    for (object, code) in REFUSED {
        peer.send(&frame(TEXT, object.as_bytes()));
        let answer = peer.text();
        assert!(answer.contains(r#""is":"refused""#) && answer.contains(code), "{object} {answer}");
    }
    peer.send(&frame(TEXT, br#"{"do":"time","id":"still here"}"#));
    assert!(peer.text().contains("still here"));
    drop(peer);
    let refused = |code| REFUSED.iter().filter(|(_, other)| *other == code).count() as u64;
    scene.end(&[
        ("refusals bad_request", refused("bad_request")),
        ("refusals bad_name", refused("bad_name")),
        ("refusals bad_position", refused("bad_position")),
        ("refusals not_joined", refused("not_joined")),
        ("refusals not_identified", refused("not_identified")),
    ]);
}

#[test]
fn what_is_no_object_is_closed_with_4500() {
    let scene = Scene::new();
    let texts = NONE.iter().map(|text| frame(TEXT, text.as_bytes()));
    for bytes in texts.chain([frame(BINARY, b"{}")]) {
        let mut peer = Peer::rich(scene.address());
        peer.send(&bytes);
        assert!(
            peer.text().contains(r#""is":"closing","code":4500,"reason":"bad_message","reconnect":false"#)
        );
        assert_eq!(peer.close(), (4500, "bad_message".to_owned()));
    }
    scene.end(&[("closes bad_message", NONE.len() as u64 + 1)]);
}

#[test]
fn an_object_as_deep_as_a_message_allows_overflows_nothing() {
    let scene = Scene::new();
    let mut peer = Peer::rich(scene.address());
    peer.send(&frame(TEXT, br#"{"do":"join","room":"deep"}"#));
    assert!(peer.text().contains(r#""is":"joined""#));
    let deep = format!("{}{}", "[".repeat(32_000), "]".repeat(32_000));
    peer.send(&frame(TEXT, format!(r#"{{"do":"post","room":"deep","id":"d","data":{deep}}}"#).as_bytes()));
    let told: Vec<String> = std::iter::from_fn(|| Some(peer.text())).take(3).collect();
    assert!(
        told.iter().any(|text| text.contains(&deep)) && told.iter().any(|text| text.contains("accepted"))
    );
    drop(peer);
    scene.end(&[]);
}

//! Names of sessions that are guessed, forged or somebody else's.

use std::collections::BTreeSet;

use crate::peer::Answer;
use crate::scene::Scene;

fn poll(scene: &Scene, more: &str) -> Answer {
    let mut peer = scene.stranger();
    peer.send(
        format!(
            "GET /socket.io/?EIO=4&transport=polling{more} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        .as_bytes(),
    );
    peer.answer()
}

/// The name of a new session.
fn open(scene: &Scene) -> String {
    let mut peer = scene.stranger();
    peer.send(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let text = String::from_utf8(peer.rest()).expect("a text");
    let rest = text.split("\"sid\":\"").nth(1).expect("a name");
    rest.split('"').next().expect("its end").to_owned()
}

#[test]
fn a_name_that_was_not_given_out_is_nobodys() {
    let scene = Scene::new();
    let name = open(&scene);
    let characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for place in 0..name.len() {
        let other = characters.chars().find(|other| !name[place..].starts_with(*other)).expect("another");
        let forged = format!("{}{other}{}", &name[..place], &name[place + 1..]);
        let answer = poll(&scene, &format!("&sid={forged}"));
        assert!(answer.status == 400 && answer.text.contains("\"code\":1"), "{forged} {answer:?}");
    }
    for odd in ["", "a", "null", "..%2f..", "%00", &"A".repeat(32), &"A".repeat(4000)] {
        let answer = poll(&scene, &format!("&sid={odd}"));
        assert!(answer.status == 400 && answer.text.contains("\"code\":1"), "{odd} {answer:?}");
    }
}

#[test]
fn one_name_tells_nothing_of_the_next() {
    let scene = Scene::new();
    let names: Vec<String> = (0..50).map(|_| open(&scene)).collect();
    // The proof is the last 80 bits: 13 characters that share no more than chance has it.
    let proofs: BTreeSet<&str> = names.iter().map(|name| &name[name.len() - 13..]).collect();
    assert_eq!(proofs.len(), names.len());
    for place in 0..13 {
        let characters: BTreeSet<u8> = proofs.iter().map(|proof| proof.as_bytes()[place]).collect();
        assert!(characters.len() > 10, "{place} {characters:?}");
    }
}

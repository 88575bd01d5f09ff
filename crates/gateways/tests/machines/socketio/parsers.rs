//! The msgpack parser.

use chat::{Command, Event, PayloadKind, Refusal, RoomId, RoomName, Text};
use wire::json::write_base64;
use wire::socketio::{Packet, msgpack};

use super::{ID, Polling};
use crate::line::gateway;
use crate::words::{body, lobby, message};

/// A packet as the msgpack parser writes it, in a payload: `b` and base64.
fn packed(text: &str, attachments: &[Vec<u8>]) -> String {
    let (mut bytes, mut out) = (Vec::new(), b"b".to_vec());
    msgpack::write(&Packet::read(text, attachments.len()).expect(text), attachments, &mut bytes);
    write_base64(&mut out, &bytes);
    String::from_utf8(out).expect("base64")
}

#[test]
fn who_begins_with_msgpack_is_spoken_to_in_it() {
    let mut polling = Polling::open(4);
    polling.post(&packed("0", &[]));
    assert_eq!(polling.kept(), format!("\u{1e}{}", packed(&format!("0{{\"sid\":\"{ID}\"}}"), &[])));
    polling.kept.clear();

    let room = RoomId::public(RoomName::new("a").expect("a valid name"));
    let post = polling.post(&packed("20[\"joinRoom\",{\"room\":\"a\"}]", &[]));
    let [Command::Join { room: asked, tag, .. }] = &post.commands[..] else { panic!("{:?}", post.commands) };
    assert_eq!(*asked, room);
    polling.deliver(&Event::Left { tag: tag.clone(), room });
    assert_eq!(polling.kept(), format!("\u{1e}{}", packed("30[{}]", &[])));
}

#[test]
fn rooms_are_told_in_msgpack_with_bytes_in_their_places() {
    let mut polling = Polling::open(4);
    polling.post(&packed("0", &[]));
    let mut told = Vec::new();
    let said = message(lobby(), body(PayloadKind::Binary, b"\0\xff", Text::None));
    let form = polling.session.form().expect("it takes rooms");
    gateway("socketio").encode(form, &Event::Posted(said), &mut told);
    let text = "51-[\"message\",{\"userId\":\"ann\",\"message\":{\"_placeholder\":true,\"num\":0}}]";
    assert_eq!(told, format!("\u{1e}{}", packed(text, &[b"\0\xff".to_vec()])).into_bytes());
}

#[test]
fn bytes_said_in_msgpack_are_bytes() {
    let mut polling = Polling::open(4);
    polling.post(&packed("0", &[]));
    let text = "51-[\"message\",{\"room\":\"lobby & co\",\"message\":{\"_placeholder\":true,\"num\":0}}]";
    let post = polling.post(&packed(text, &[b"hi".to_vec()]));
    let body = body(PayloadKind::Binary, b"hi", Text::None);
    let said = Command::Post { room: lobby(), author: None, body, tag: None, reply: false };
    assert_eq!((post.commands, post.refusals), (vec![said], Vec::<Refusal>::new()));
}

#[test]
fn a_parser_is_kept() {
    let mut polling = Polling::open(4);
    polling.post(&packed("0", &[]));
    assert!(polling.post("42[\"a\"]").is_over);
    assert!(Polling::connected().post(&packed("0", &[])).is_over);
    assert!(Polling::open(4).post(&packed("2[\"a\"]", &[])).is_over);
}

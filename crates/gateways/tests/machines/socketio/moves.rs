//! How sessions move from polls to a WebSocket.

use chat::{Command, Event};
use gateways::{Outbox, Then};
use wire::websocket::{Opcode, write_masked_frame};

use super::{ID, Polling, body};
use crate::words::{at, lobby, tag};

#[test]
fn a_session_moves_to_a_websocket_with_what_was_kept() {
    let mut polling = Polling::connected();
    polling.poll();
    let (lane, opened) = polling.attach_websocket();
    assert!(opened.bytes.starts_with(b"HTTP/1.1 101 ") && opened.aside.is_empty());

    let probed = polling.frame(lane, "2probe");
    assert_eq!(probed.bytes, b"\x81\x063probe");
    let [noop] = &probed.aside[..] else { panic!("the poll ends") };
    assert_eq!(body(&noop.bytes), "6");
    assert!(!polling.session.spread().expect("it may have several").awaits());

    let mut out = Outbox::default();
    polling.session.deliver(&Event::Accepted { tag: tag(&format!("{ID}-5-0")), at: at(1) }, &mut out);
    polling.kept = out.bytes;
    let moved = polling.frame(lane, "5");
    assert_eq!((moved.lead, moved.then), (Some(lane), Then::Stay));
    let told = polling.relay();
    let packet = format!("435[{{\"at\":\"{}\"}}]", at(1));
    assert_eq!(told.bytes, [&[0x81, packet.len() as u8][..], packet.as_bytes()].concat());
    assert!(!polling.session.spread().expect("it may have several").lingers(), "the WebSocket is all it has");
}

#[test]
fn a_websocket_that_does_not_move_as_agreed_is_closed_and_the_session_polls_on() {
    for words in [&["5"][..], &["42[\"message\"]"], &["2probe", "40"]] {
        let mut polling = Polling::connected();
        let (lane, _) = polling.attach_websocket();
        let last = words.iter().map(|word| polling.frame(lane, word)).last().expect("something is said");
        assert_eq!((last.then, last.lead, last.is_over), (Then::Close, None, false), "{words:?}");
        assert!(polling.session.spread().expect("it may have several").lingers());
    }
}

#[test]
fn what_is_said_right_behind_the_move_is_heard() {
    let mut polling = Polling::connected();
    let (lane, _) = polling.attach_websocket();
    polling.frame(lane, "2probe");
    let (mut bytes, mut out) = (Vec::new(), Outbox::default());
    for text in ["5", "42[\"joinRoom\",{\"room\":\"lobby & co\"}]"] {
        write_masked_frame(&mut bytes, Opcode::Text, text.as_bytes(), [1, 2, 3, 4]);
    }
    let spread = polling.session.spread().expect("it may have several");
    assert_eq!(spread.receive(lane, &mut bytes, &mut out), Ok(bytes.len()));
    assert_eq!((out.lead, out.then), (Some(lane), Then::Stay));
    assert_eq!(out.commands, [Command::Join { room: lobby(), since: None, tag: None }]);
}

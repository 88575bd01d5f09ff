//! Several namespaces over one connection.

use chat::{Body, Command, Event, RoomId, RoomName};
use gateways::Outbox;

use super::{ID, Polling, SIDE_ID, told};
use crate::line::{ask, settings};
use crate::words::{at, lobby, message, tag, user};

fn room(name: &str) -> RoomId {
    RoomId::public(RoomName::new(name).expect("a valid name"))
}

#[test]
fn each_namespace_knows_the_client_by_another_id_and_none_by_its_secret() {
    let mut polling = Polling::open(4);
    polling.post("40\u{1e}40/side,{\"token\":1}\u{1e}40/elsewhere,");
    let expected = format!(
        "\u{1e}40{{\"sid\":\"{ID}\"}}\u{1e}40/side,{{\"sid\":\"{SIDE_ID}\"}}\
         \u{1e}44/elsewhere,{{\"message\":\"Invalid namespace\"}}"
    );
    assert_eq!(polling.kept(), expected);

    let mut old = Polling::open(3);
    old.post("12:40/side?a=b,6:40/no,");
    assert_eq!(old.kept(), "8:40/side,25:44/no,\"Invalid namespace\"");
}

#[test]
fn rooms_of_a_namespace_begin_with_its_name() {
    let mut polling = Polling::connected();
    polling.post("40/side,");
    let post = polling.post("42/side,7[\"joinRoom\",{\"room\":\"a\"}]");
    let asked = tag(&format!("{SIDE_ID}-7-0"));
    assert_eq!(post.commands, [Command::Join { room: room("/side/a"), since: None, tag: asked.clone() }]);
    polling.kept.clear();
    polling.deliver(&Event::Accepted { tag: asked, at: at(3) });
    assert_eq!(polling.kept(), format!("\u{1e}43/side,7[{{\"at\":\"{}\"}}]", at(3)));

    let refused = polling.post("42[\"joinRoom\",{\"room\":\"/side/a\"}]");
    assert_eq!((refused.commands, refused.refusals), (vec![], vec![chat::Refusal::BadName]));
}

#[test]
fn a_room_is_told_in_its_namespace_whoever_is_told() {
    let session = Polling::connected().session;
    let said = |room| Event::Posted(message(room, Body::text("hi")));
    let hi = "[\"message\",{\"userId\":\"ann\",\"message\":\"hi\"}]";
    assert_eq!(told(&settings(), &*session, &said(lobby())), format!("42{hi}"));
    assert_eq!(told(&settings(), &*session, &said(room("/side/a"))), format!("42/side,{hi}"));
    assert_eq!(told(&settings(), &*session, &said(room("/side/"))), format!("42{hi}"));
    let lost = Event::Lost { room: room("/side/a"), since: at(1), at: at(2) };
    assert!(told(&settings(), &*session, &lost).starts_with("42/side,[\"lost\",{\"room\":\"a\","));
}

#[test]
fn direct_messages_come_in_the_main_namespace_or_else_in_the_first() {
    let direct = Event::Posted(message(RoomId::inbox(user("bob")), Body::text("psst")));
    let psst = "[\"new message\",{\"username\":\"ann\",\"message\":\"psst\"}]";
    let mut polling = Polling::open(4);
    assert_eq!(told(&settings(), &*polling.session, &direct), "");
    let first = polling.post("40/side,");
    assert_eq!(
        (first.reforms, told(&settings(), &*polling.session, &direct)),
        (true, format!("42/side,{psst}"))
    );
    let main = polling.post("40");
    assert_eq!((main.reforms, told(&settings(), &*polling.session, &direct)), (true, format!("42{psst}")));
    assert!(!polling.post("40/side,").reforms, "nothing has changed");
    let left = polling.post("41");
    assert_eq!(
        (left.reforms, told(&settings(), &*polling.session, &direct)),
        (true, format!("42/side,{psst}"))
    );
}

#[test]
fn who_leaves_a_namespace_leaves_its_rooms_and_keeps_the_connection() {
    let mut polling = Polling::connected();
    let post = polling.post("40/side,\u{1e}41/side,");
    let [Command::LeaveAll { rooms }] = &post.commands[..] else { panic!("{:?}", post.commands) };
    assert!(rooms.contain("/side/a") && !rooms.contain("a") && !post.is_over);
    let post = polling.post("41");
    let [Command::LeaveAll { rooms }] = &post.commands[..] else { panic!("{:?}", post.commands) };
    assert!(rooms.contain("a") && !rooms.contain("/side/a") && !post.is_over);
}

#[test]
fn a_client_that_connects_to_no_namespace_in_time_is_parted_with() {
    let asked = ask("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n");
    let [due] = asked.out.wakes[..] else { panic!("{:?}", asked.out.wakes) };
    assert_eq!(due.after_ms, 45_000);
    for (packets, is_over) in [("6", true), ("40/elsewhere,", true), ("40/side,", false)] {
        let (mut polling, mut out) = (Polling::open(4), Outbox::default());
        polling.post(packets);
        polling.session.wake(due.what_for, &mut out);
        assert_eq!(out.is_over, is_over, "{packets}");
    }
    let (mut left, mut out) = (Polling::connected(), Outbox::default());
    left.post("41");
    left.session.wake(due.what_for, &mut out);
    assert!(!out.is_over, "it was connected once");
}

#[test]
fn a_packet_for_a_namespace_that_is_not_connected_ends_the_session() {
    for packet in ["42/side,[\"a\"]", "41/side,", "43/side,1[]", "42/elsewhere,[\"a\"]"] {
        assert!(Polling::connected().post(packet).is_over, "{packet}");
    }
}

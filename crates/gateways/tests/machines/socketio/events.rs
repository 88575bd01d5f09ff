//! What is said and told under the names of events.

use chat::{Body, Command, Event, RoomId, Tag};
use gateways::{EventNames, Outbox, Then};

use super::{ID, Polling, WEBSOCKET, body, get};
use crate::line::{gateway_with, settings};
use crate::words::{at, lobby, message, user};

#[test]
fn packets_of_a_post_are_done_in_order_and_answered_in_the_next_poll() {
    let mut polling = Polling::open(4);
    let post = polling.post("40\u{1e}420[\"joinRoom\",{\"room\":\"lobby & co\"}]");
    assert_eq!((body(&post.bytes), post.then), ("ok", Then::NextRequest));
    let first = Tag::new(&format!("{ID}-0-0")).expect("short");
    let join = |room, tag| Command::Join { room, since: None, tag };
    assert_eq!(post.commands, [join(RoomId::everybody(), None), join(lobby(), Some(first.clone()))]);
    assert_eq!(polling.kept(), format!("\u{1e}40{{\"sid\":\"{ID}\"}}"));

    let (lane, waiting) = polling.poll();
    assert!(lane.is_some() && waiting.bytes.is_empty(), "a poll waits");
    let mut out = Outbox::default();
    polling.session.deliver(&Event::Accepted { tag: Some(first), at: at(42) }, &mut out);
    polling.kept.extend_from_slice(&out.bytes);
    let told = polling.relay();
    let [answer] = &told.aside[..] else { panic!("the poll is answered") };
    let expected = format!("40{{\"sid\":\"{ID}\"}}\u{1e}430[{{\"at\":\"{}\"}}]", at(42));
    assert_eq!((body(&answer.bytes), answer.then), (&*expected, Then::NextRequest));
}

#[test]
fn events_become_commands() {
    let mut polling = Polling::connected();
    let post = polling.post(
        "42[\"message\",{\"room\":\"lobby & co\",\"userId\":\"alice\",\"message\":\"hi\"}]\u{1e}\
         42[\"log in\",{\"username\":\"alice\"}]\u{1e}42[\"send message\",{\"username\":\"bob\",\"message\":\"psst\"}]\u{1e}\
         42[\"leaveRoom\",{\"room\":\"lobby & co\"}]\u{1e}42[\"something else\",1]",
    );
    let said = Command::Post {
        room: lobby(),
        author: Some(user("alice")),
        body: Body::text("hi"),
        tag: None,
        reply: false,
    };
    let identify = Command::go_by(user("alice"), None, None);
    let direct = Command::Direct { to: user("bob"), body: Body::text("psst"), tag: None };
    assert_eq!(post.commands, [said, identify, direct, Command::Leave { room: lobby(), tag: None }]);
}

#[test]
fn a_message_is_told_in_the_form_of_each_transport() {
    let event = Event::Posted(message(lobby(), Body::text("hi")));
    let frame = "42[\"message\",{\"userId\":\"ann\",\"message\":\"hi\"}]";
    let polling = Polling::open(4);
    let mut gateway = crate::line::gateway("socketio");
    let mut out = Vec::new();
    gateway.encode(polling.session.form().expect("it takes rooms"), &event, &mut out);
    assert_eq!(out, [b"\x1e", frame.as_bytes()].concat());

    out.clear();
    gateway.encode(Polling::open(3).session.form().expect("it takes rooms"), &event, &mut out);
    assert_eq!(out, format!("{}:{frame}", frame.len()).into_bytes());

    out.clear();
    let socket =
        get("/socket.io/?EIO=4&transport=websocket", WEBSOCKET).protocol.expect("it opens a session");
    gateway.encode(socket.form().expect("it takes rooms"), &event, &mut out);
    assert_eq!(out, [&[0x81, frame.len() as u8][..], frame.as_bytes()].concat());
}

#[test]
fn events_go_by_the_names_they_were_given() {
    let mut settings = settings();
    let (message_name, none) = ("say".to_owned(), String::new());
    settings.socketio.events =
        EventNames { message: message_name, leave_room: none, ..EventNames::default() };
    let mut polling = Polling::connected_with(&settings);
    let post = polling.post(
        "42[\"message\",{\"room\":\"a\"}]\u{1e}42[\"leaveRoom\",{\"room\":\"a\"}]\u{1e}42[\"\",{\"room\":\"a\"}]\u{1e}\
         42[\"say\",{\"room\":\"lobby & co\",\"message\":\"hi\"}]",
    );
    let body = Body::text("hi");
    let said = Command::Post { room: lobby(), author: None, body: body.clone(), tag: None, reply: false };
    assert_eq!((post.commands, post.refusals), (vec![said], vec![]));
    let (mut told, form) = (Vec::new(), polling.session.form().expect("it takes rooms"));
    gateway_with(&settings, "socketio").encode(form, &Event::Posted(message(lobby(), body)), &mut told);
    assert_eq!(told, b"\x1e42[\"say\",{\"userId\":\"ann\",\"message\":\"hi\"}]");
}

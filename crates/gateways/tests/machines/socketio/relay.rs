//! What is said to all, and events that are passed on.

use std::sync::Arc;

use bytes::Bytes;
use chat::{Body, Command, Content, Event, Refusal, RoomId, SignalName};
use gateways::{EventNames, Settings, SocketIoSettings};

use super::{Polling, told};
use crate::line::settings;
use crate::words::{lobby, message, tag, user};

fn relaying() -> Settings {
    let relay = vec!["typing".into(), "draw".into()];
    Settings { socketio: SocketIoSettings { relay, ..settings().socketio }, ..settings() }
}

fn sign(name: &str, arguments: &str, attachments: &[&'static [u8]]) -> (SignalName, Option<Arc<Content>>) {
    let attachments = attachments.iter().map(|bytes| Bytes::from_static(bytes)).collect();
    let content = Content { arguments: arguments.into(), attachments };
    (SignalName::new(name).expect("a valid name"), Some(Arc::new(content)))
}

#[test]
fn who_connects_hears_what_is_said_to_all() {
    let mut polling = Polling::open(4);
    let join = Command::Join { room: RoomId::everybody(), since: None, tag: None };
    assert_eq!(polling.post("40\u{1e}40/side,\u{1e}40").commands, [join], "once");
    let post = polling.post("42[\"all\",{\"message\":\"hi\",\"userId\":\"ann\"}]");
    let (room, author) = (RoomId::everybody(), Some(user("ann")));
    let said = Command::Post { room, author, body: Body::text("hi"), tag: None, reply: false };
    assert_eq!(post.commands, [said]);
    let event = Event::Posted(message(RoomId::everybody(), Body::text("hi")));
    assert_eq!(
        told(&settings(), &*polling.session, &event),
        "42[\"all\",{\"userId\":\"ann\",\"message\":\"hi\"}]"
    );
}

#[test]
fn nobody_is_there_for_all_where_it_is_off() {
    let events = EventNames { all: String::new(), ..EventNames::default() };
    let socketio = SocketIoSettings { events, ..SocketIoSettings::default() };
    let mut polling = Polling::open_with(&Settings { socketio, ..settings() }, 4);
    assert_eq!(polling.post("40\u{1e}42[\"all\",{\"message\":\"hi\"}]").commands, []);
}

#[test]
fn an_event_is_passed_on_to_the_room_that_it_names_as_it_is() {
    let mut polling = Polling::connected_with(&relaying());
    let post = polling.post(
        "42[\"typing\",{\"room\":\"lobby & co\", \"x\":[1]},null]\u{1e}423[\"typing\",\"lobby & co\"]\u{1e}\
         451-[\"draw\",\"lobby & co\",[{\"_placeholder\":true,\"num\":0}]]\u{1e}baGk=",
    );
    let signal = |(signal, content), tag| Command::Signal { room: lobby(), signal, content, tag };
    let expected = [
        signal(sign("typing", "{\"room\":\"lobby & co\", \"x\":[1]},null", &[]), None),
        signal(sign("typing", "\"lobby & co\"", &[]), tag(&format!("{}-3-0", super::ID))),
        signal(sign("draw", "\"lobby & co\",[{\"_placeholder\":true,\"num\":0}]", &[b"hi"]), None),
    ];
    assert_eq!(post.commands, expected);
}

#[test]
fn an_event_that_names_no_room_is_refused_and_one_that_was_not_allowed_passed_over() {
    let mut polling = Polling::connected_with(&relaying());
    for nonsense in ["[\"typing\"]", "[\"typing\",1]", "[\"typing\",{}]", "[\"typing\",{\"room\":1}]"] {
        let post = polling.post(&format!("42{nonsense}"));
        assert_eq!((post.commands, post.refusals), (vec![], vec![Refusal::BadRequest]), "{nonsense}");
    }
    let post = polling.post("42[\"shout\",{\"room\":\"lobby & co\"}]");
    assert_eq!((post.commands, post.refusals), (vec![], vec![]));
}

#[test]
fn what_is_passed_on_is_told_untouched_with_its_bytes() {
    let polling = Polling::connected_with(&relaying());
    let tell = |(signal, content): (SignalName, Option<Arc<Content>>)| {
        let event = Event::Signal { room: lobby(), user: Some(user("ann")), signal, content };
        told(&relaying(), &*polling.session, &event)
    };
    let drawn = sign("draw", "\"lobby & co\", {\"_placeholder\":true,\"num\":0}", &[b"hi"]);
    assert_eq!(tell(drawn), "451-[\"draw\",\"lobby & co\",{\"_placeholder\":true,\"num\":0}]baGk=");
    // An application's, which needs no leave.
    assert_eq!(tell(sign("shout", "1", &[])), "42[\"shout\",1]");
    let [(typing, _), (shout, _)] = [sign("typing", "", &[]), sign("shout", "", &[])];
    assert_eq!(tell((shout, None)), "");
    assert_eq!(tell((typing, None)), "42[\"typing\",{\"room\":\"lobby & co\",\"userId\":\"ann\"}]");
}

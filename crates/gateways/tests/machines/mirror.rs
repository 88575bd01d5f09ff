//! A gateway and its own client mirror each other: what a client asks is what the server's side understands, what the server tells is
//! what the client hears, however the bytes are cut.

use std::sync::Arc;

use bytes::Bytes;
use chat::{
    Body, Command, Counts, Epoch, Event, Farewell, Message, Payload, PayloadKind, Position, Presence,
    Refusal, Resumption, RoomId, RoomName, SignalName, Tag, Text, Time, UserId,
};
use gateways::{Heard, Said, Then};

use crate::line::{Line, cuts, login};

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a valid name")
}

fn lobby() -> RoomId {
    RoomId::public(login().room)
}

fn tag(tag: &str) -> Option<Tag> {
    Some(Tag::new(tag).expect("a valid tag"))
}

fn at(offset: u64) -> Position {
    Position { epoch: Epoch(1_700_000_000_000), offset }
}

fn body(kind: PayloadKind, payload: &'static [u8], text: Text) -> Body {
    Body { payload: Payload { kind, bytes: Bytes::from_static(payload) }, text }
}

fn own(text: &str) -> Text {
    Text::Own(text.into())
}

fn rich_commands() -> Vec<Command> {
    let post = |body| Command::Post { room: lobby(), author: None, body, tag: tag("p\"1"), reply: true };
    let json = body(PayloadKind::Json, br#"{ "a": [1, 2e9, "\ud83d\ude00"] }"#, Text::None);
    vec![
        Command::Identify { user: user("Zoë \"z\""), inbox: Some(at(7)), tag: tag("1") },
        Command::Identify { user: user("a"), inbox: None, tag: None },
        Command::Join { room: lobby(), since: Some(at(0)), tag: tag("2") },
        Command::Join {
            room: RoomId::public(RoomName::new("a/b\n").expect("valid")),
            since: None,
            tag: None,
        },
        post(Body::text("hi \\ \u{1}\n €")),
        post(Body::text("")),
        post(json.clone()),
        post(body(PayloadKind::Json, b"null", own("both"))),
        Command::Direct { to: user("bob"), body: json, tag: tag("d") },
        Command::Recall { room: lobby(), before: Some(at(9)), limit: 200, tag: tag("r") },
        Command::Recall { room: lobby(), before: None, limit: 1, tag: None },
        Command::Signal { room: lobby(), signal: SignalName::new("typing").expect("valid") },
        Command::AskTime { tag: tag("t") },
        Command::Leave { room: lobby(), tag: tag("l") },
    ]
}

fn message(room: RoomId, body: Body) -> Arc<Message> {
    Arc::new(Message { room, at: at(43), author: Some(user("ann")), time: Time(5), tag: tag("c-1"), body })
}

fn said(room: RoomId) -> Said {
    Said {
        room,
        at: Some(at(43)),
        user: Some(user("ann")),
        tag: tag("c-1"),
        time: Some(Time(5)),
        text: None,
        binary: None,
        data: None,
    }
}

#[test]
fn the_rich_protocol_has_words_for_every_command() {
    for deflate in [false, true] {
        for cut in cuts() {
            let mut line =
                Line::open("v1", &gateways::Login { deflate, ..login() }, cut).expect("v1 has a client");
            assert_eq!(line.heard, [Heard::Opened]);
            for command in rich_commands() {
                assert!(line.ask(&command), "{command:?}");
            }
            assert_eq!(line.commands, rich_commands());
        }
    }
}

fn told() -> Vec<(Event, Heard)> {
    let counts = Counts { members: 2, guests: 1 };
    let users = vec![user("alice"), user("bob")];
    let inbox = RoomId::inbox(user("alice"));
    let text = message(lobby(), Body::text("hi"));
    let heard_text = Said { text: Some("hi".into()), ..said(lobby()) };
    let bytes = message(lobby(), body(PayloadKind::Binary, &[0, 255, 7, 9], Text::None));
    let json = message(inbox.clone(), body(PayloadKind::Json, b"{\"a\": 1}", own("")));
    let nobody = Arc::new(Message { author: None, tag: None, ..(*text).clone() });
    vec![
        (
            Event::Welcome {
                tag: tag("1"),
                user: user("alice"),
                session: "0-1f-3".into(),
                time: Time(9),
                ping_interval_s: 25,
                inbox: at(7),
                resumption: Resumption::Complete,
            },
            Heard::Welcome {
                tag: tag("1"),
                user: user("alice"),
                session: "0-1f-3".into(),
                time: Time(9),
                inbox: at(7),
                resumption: Resumption::Complete,
            },
        ),
        (
            Event::Joined {
                tag: None,
                room: lobby(),
                at: at(42),
                resumption: Resumption::Fresh,
                counts,
                present: Some(users.clone().into()),
            },
            Heard::Joined {
                tag: None,
                room: lobby(),
                at: at(42),
                resumption: Resumption::Fresh,
                counts,
                present: Some(users.clone()),
            },
        ),
        (Event::Posted(text.clone()), Heard::Posted(heard_text.clone())),
        (Event::Posted(bytes), Heard::Posted(Said { binary: Some(vec![0, 255, 7, 9]), ..said(lobby()) })),
        (
            Event::Posted(json),
            Heard::Posted(Said {
                data: Some("{\"a\": 1}".into()),
                text: Some(String::new()),
                ..said(inbox.clone())
            }),
        ),
        (Event::Posted(nobody), Heard::Posted(Said { user: None, tag: None, ..heard_text.clone() })),
        (
            Event::Presence(Arc::new(Presence {
                room: lobby(),
                joined: Some(users.clone()),
                left: Some(vec![]),
                counts,
            })),
            Heard::Presence { room: lobby(), joined: Some(users), left: Some(vec![]), counts },
        ),
        (
            Event::Presence(Arc::new(Presence { room: lobby(), joined: None, left: None, counts })),
            Heard::Presence { room: lobby(), joined: None, left: None, counts },
        ),
        (
            Event::Page { tag: tag("9"), room: lobby(), messages: vec![text], more: true },
            Heard::Page { tag: tag("9"), room: lobby(), messages: vec![heard_text], more: true },
        ),
        (
            Event::Signal { room: lobby(), user: None, signal: SignalName::new("typing").expect("valid") },
            Heard::Signal { room: lobby(), user: None, signal: SignalName::new("typing").expect("valid") },
        ),
        (Event::Accepted { tag: tag("c"), at: at(44) }, Heard::Accepted { tag: tag("c"), at: at(44) }),
        (
            Event::Refused { tag: None, refusal: Refusal::Draining },
            Heard::Refused { tag: None, refusal: Refusal::Draining },
        ),
        (
            Event::Lost { room: lobby(), since: at(1), at: at(3) },
            Heard::Lost { room: lobby(), since: at(1), at: at(3) },
        ),
        (
            Event::Lost { room: inbox.clone(), since: at(1), at: at(3) },
            Heard::Lost { room: inbox, since: at(1), at: at(3) },
        ),
        (Event::Time { tag: tag("t"), time: Time(1) }, Heard::Time { tag: tag("t"), time: Time(1) }),
        (Event::Left { tag: None, room: lobby() }, Heard::Left { tag: None, room: lobby() }),
        (
            Event::Closing(Farewell::ServerRestart { delay_ms: 1500 }),
            Heard::Closing(Farewell::ServerRestart { delay_ms: 1500 }),
        ),
    ]
}

#[test]
fn the_rich_protocol_has_words_for_every_event() {
    for deflate in [false, true] {
        for cut in cuts() {
            let mut line =
                Line::open("v1", &gateways::Login { deflate, ..login() }, cut).expect("v1 has a client");
            for (index, (event, heard)) in told().into_iter().enumerate() {
                if index % 2 == 0 {
                    line.deliver(&event)
                } else {
                    line.tell(&event)
                }
                assert_eq!(line.heard.last(), Some(&heard));
            }
        }
    }
}

#[test]
fn a_plain_room_has_words_for_its_own_messages_alone() {
    let post = |author, body| Command::Post { room: lobby(), author, body, tag: None, reply: false };
    let plain = |text: &'static str| body(PayloadKind::Text, text.as_bytes(), Text::Payload);
    for cut in cuts() {
        let mut line = Line::open("raw", &login(), cut).expect("raw has a client");
        assert_eq!(line.heard, [Heard::Opened]);
        assert_eq!(line.commands, [Command::Join { room: lobby(), since: None, tag: None }]);
        line.commands.clear();
        let bytes = post(None, body(PayloadKind::Binary, &[1, 2], Text::None));
        assert!(line.ask(&post(None, plain("hi"))) && line.ask(&bytes));
        assert_eq!(line.commands, [post(None, plain("hi")), bytes]);
        assert!(line.ask(&post(Some(user("ann")), Body::text("I am"))));
        let demo =
            body(PayloadKind::Text, br#"{"msgType":"user","text":"I am","userId":"ann"}"#, own("I am"));
        assert_eq!(line.commands.last(), Some(&post(Some(user("ann")), demo)));
        assert!(!line.ask(&Command::AskTime { tag: None }));
    }
}

#[test]
fn a_plain_room_shows_what_others_said_in_the_demos_words() {
    let nothing = Said { at: None, user: None, tag: None, time: None, ..said(lobby()) };
    for cut in cuts() {
        let mut line = Line::open("raw", &login(), cut).expect("raw has a client");
        line.heard.clear();
        line.tell(&Event::Posted(message(lobby(), Body::text("hi"))));
        line.tell(&Event::Posted(message(lobby(), body(PayloadKind::Json, b"[1]", Text::None))));
        line.tell(&Event::Posted(message(lobby(), body(PayloadKind::Binary, b"\x00", Text::None))));
        let texts = [Some("hi"), Some("[1]"), None].map(|text| text.map(str::to_owned));
        let mut expected = texts.map(|text| Heard::Posted(Said { text, ..nothing.clone() }));
        if let [Heard::Posted(first), _, Heard::Posted(last)] = &mut expected {
            (first.user, last.binary) = (Some(user("ann")), Some(vec![0]));
        }
        assert_eq!(line.heard, expected);
    }
}

#[test]
fn whoever_closes_a_websocket_the_other_answers() {
    for name in ["v1", "raw"] {
        let mut line = Line::open(name, &login(), Box::new(|| usize::MAX)).expect("a client");
        line.serve(|protocol, out| assert!(protocol.ping(out)));
        line.close();
        let bye = Heard::Closed { code: 1000, reason: String::new() };
        assert_eq!((line.then, &line.heard[1..]), (Then::Close, &[Heard::Pinged, bye][..]));
        let mut line = Line::open(name, &login(), Box::new(|| usize::MAX)).expect("a client");
        line.serve(|protocol, out| protocol.part(Farewell::SlowConsumer, out));
        let slow = Heard::Closed { code: 4008, reason: "slow_consumer".into() };
        assert_eq!((line.then, line.heard.last()), (Then::Close, Some(&slow)));
        assert!(!line.ask(&Command::AskTime { tag: None }), "nobody is there any more");
    }
}

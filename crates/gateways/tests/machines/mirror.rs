//! A gateway and its own client mirror each other: what a client asks is what the server's side understands, what the server tells is
//! what the client hears, however the bytes are cut.

use std::sync::Arc;

use chat::{
    Body, Command, Counts, Credentials, Event, Farewell, Message, PayloadKind, Presence, Refusal, Resumption,
    RoomId, RoomName, Secret, Tag, Text, Time,
};
use gateways::{Heard, Said, Then};

use crate::line::{Line, cuts, login};
use crate::words::{at, body, content, lobby, message, own, tag, typing, user};

fn rich_commands() -> Vec<Command> {
    let post = |body| Command::Post { room: lobby(), author: None, body, tag: tag("p\"1"), reply: true };
    let json = body(PayloadKind::Json, br#"{ "a": [1, 2e9, "\ud83d\ude00"] }"#, Text::None);
    vec![
        Command::go_by(user("Zoë \"z\""), Some(at(7)), tag("1")),
        Command::go_by(user("a"), None, None),
        show(Credentials::Token(secret("a.\"b")), tag("t")),
        show(Credentials::Password(user("a"), secret("p w")), None),
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
        Command::Signal { room: lobby(), signal: typing(), content: None, tag: tag("s") },
        Command::AskTime { tag: tag("t") },
        Command::Leave { room: lobby(), tag: tag("l") },
    ]
}

fn secret(text: &str) -> Secret {
    Secret::new(text).expect("a secret")
}

fn show(credentials: Credentials, tag: Option<Tag>) -> Command {
    Command::Identify { credentials, takes_direct: true, inbox: None, tag }
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
                session: Some("0-1f-3".into()),
                time: Some(Time(9)),
                inbox: Some(at(7)),
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
            Event::Signal { room: lobby(), user: None, signal: typing(), content: None },
            Heard::Signal { room: lobby(), user: None, signal: typing(), arguments: None },
        ),
        (
            Event::Signal {
                room: lobby(),
                user: Some(user("bob")),
                signal: typing(),
                content: Some(content(r#"{"at": 1},{"num":0,"_placeholder":true}"#, &[b"\xff\0"])),
            },
            Heard::Signal {
                room: lobby(),
                user: Some(user("bob")),
                signal: typing(),
                arguments: Some(r#"[{"at": 1},{"binary":"/wA="}]"#.into()),
            },
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

#[test]
fn a_reader_hears_what_its_room_is_told() {
    let joined = |resumption| {
        let counts = Counts { members: 0, guests: 1 };
        Event::Joined { tag: None, room: lobby(), at: at(42), resumption, counts, present: None }
    };
    let messages = [
        Body::text("hi"),
        body(PayloadKind::Json, b"{\n\"a\":\r\n1}", own("both")),
        body(PayloadKind::Binary, b"\xff\n\n", Text::None),
    ];
    let said = |text: Option<&str>, data: Option<&str>, binary| {
        let (text, data) = (text.map(str::to_owned), data.map(str::to_owned));
        Heard::Posted(Said { text, data, binary, ..said(lobby()) })
    };
    for cut in cuts() {
        let since = Some(at(7));
        let mut line =
            Line::open("sse", &gateways::Login { since, ..login() }, cut).expect("sse has a client");
        assert_eq!(line.commands, [Command::Join { room: lobby(), since, tag: None }]);
        line.deliver(&joined(Resumption::Partial));
        line.deliver(&Event::Lost { room: lobby(), since: at(7), at: at(9) });
        for body in messages.clone() {
            line.tell(&Event::Posted(message(lobby(), body)));
        }
        line.serve(|protocol, out| assert!(!protocol.ping(out), "a reader cannot answer"));
        line.serve(|protocol, out| protocol.part(Farewell::ServerRestart { delay_ms: 7 }, out));
        assert!(matches!(
            line.heard[..2],
            [Heard::Opened, Heard::Joined { resumption: Resumption::Partial, .. }]
        ));
        let expected = [
            Heard::Lost { room: lobby(), since: at(7), at: at(9) },
            said(Some("hi"), None, None),
            said(Some("both"), Some("{ \"a\":  1}"), None),
            said(None, None, Some(b"\xff\n\n".to_vec())),
            Heard::Pinged,
            Heard::Closing(Farewell::ServerRestart { delay_ms: 7 }),
        ];
        assert_eq!(line.heard[2..], expected);
        assert_eq!(line.then, Then::Close);
    }
}

#[test]
fn a_reader_that_is_not_let_in_is_told_why() {
    for cut in cuts() {
        let mut line = Line::open("sse", &login(), cut).expect("sse has a client");
        line.deliver(&Event::Refused { tag: None, refusal: Refusal::RoomFull });
        let closed = Heard::Closed { code: 503, reason: String::new() };
        assert_eq!(line.heard, [Heard::Refused { tag: None, refusal: Refusal::RoomFull }, closed]);
        assert_eq!(line.then, Then::Close);
    }
}

#[test]
fn a_script_posts_one_request_after_the_other() {
    let post = |author, body, tag| Command::Post { room: lobby(), author, body, tag, reply: true };
    let commands = [
        post(None, Body::text("grüße\r\n"), tag("key 1")),
        post(None, body(PayloadKind::Binary, &[0, 13, 10], Text::None), None),
        post(Some(user("ann")), Body::text(""), tag("ö")),
        post(Some(user("ann")), body(PayloadKind::Json, b"[1, 2]", own("both")), None),
    ];
    for cut in cuts() {
        let mut line = Line::open("post", &login(), cut).expect("post has a client");
        assert_eq!(line.heard, [Heard::Opened]);
        for command in &commands {
            assert!(line.ask(command), "{command:?}");
            assert_eq!(line.commands.last(), Some(command));
            line.deliver(&Event::Accepted { tag: None, at: at(3) });
            assert!(matches!(line.heard.last(), Some(Heard::Accepted { at: kept, .. }) if *kept == at(3)));
            assert_eq!(line.hang_up_request(), Then::NextRequest);
        }
        assert!(line.ask(&commands[0]));
        line.deliver(&Event::Refused { tag: None, refusal: Refusal::Overloaded });
        let refused = Heard::Refused { tag: tag("key 1"), refusal: Refusal::Overloaded };
        assert_eq!(line.heard.last(), Some(&refused));
    }
}

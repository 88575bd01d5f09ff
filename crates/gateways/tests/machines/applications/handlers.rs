//! Handlers of Socket.IO: when they are called, with what, and what they can do.

use std::time::Duration;

use chat::{
    Body, Command, Content, Credentials, Payload, PayloadKind, Refusal, RoomId, RoomName, Text, UserId,
};
use gateways::handlers::{Application, Arguments, Call, Handlers, Socket, Values};
use gateways::{GATEWAYS, Outbox, SessionName, Settings, SocketIoSettings, beside};
use serde_json::{Value, json};

use super::{Polling, kept};
use crate::line::{ADDRESS, settings};

/// What the socket in the main namespace is called: the hash of the session's name and of `/`.
const ID: &str = "1H_N_bBJdJRaur-v2Po5";

fn open(register: impl Fn(&mut Handlers) + Send + Sync + 'static) -> Polling {
    Polling::open("/socket.io/", register)
}

/// A session that has connected to the main namespace.
fn connected(register: impl Fn(&mut Handlers) + Send + Sync + 'static) -> Polling {
    let mut polling = open(register);
    polling.post("40");
    polling
}

fn room(name: &str) -> RoomId {
    RoomId::public(RoomName::new(name).expect("a valid name"))
}

/// What the client is told when it connects.
fn welcome() -> String {
    format!(r#"40{{"sid":"{ID}","pid":"{}"}}"#, SessionName([7; SessionName::BYTES]))
}

fn with_secret(shown: Values<'_>) -> Result<(), String> {
    let shown: Value = shown.get(0).ok_or("nothing is shown")?;
    if shown["secret"] == 42 { Ok(()) } else { Err("not you".to_owned()) }
}

#[test]
fn who_is_judged_well_is_connected_and_greeted_with_what_it_has_shown() {
    let register = |handlers: &mut Handlers| {
        let greet = |socket: &mut Socket<'_>, shown: Values<'_>| socket.emit("hello", shown);
        handlers.of("/").admit(with_secret).on_connect(greet);
    };
    assert_eq!(kept(&open(register).post("40")), [r#"44{"message":"not you"}"#]);
    let post = open(register).post(r#"40{"secret":42}"#);
    assert_eq!(kept(&post), [&*welcome(), r#"42["hello",{"secret":42}]"#]);
}

#[test]
fn where_a_client_is_can_be_asked() {
    let polling = &mut connected(|handlers| {
        handlers
            .of("/")
            .on("where", |socket: &mut Socket<'_>, call: &Call<'_>| call.ack(&*socket.address().to_string()));
    });
    assert_eq!(kept(&polling.post(r#"421["where"]"#)), [format!(r#"431["{ADDRESS}"]"#)]);
}

#[test]
fn who_may_go_on_is_greeted_once_that_is_known() {
    for goes_on in [true, false] {
        let mut polling = open(|handlers| {
            let greet = |socket: &mut Socket<'_>, shown: Values<'_>| {
                let pid = shown.get::<Value>(0).map_or(0, |shown| shown["pid"].to_string().len());
                socket.emit("hello", json!([socket.has_recovered(), pid]));
            };
            handlers.of("/").on_connect(greet).on_disconnect(|socket| socket.emit("bye", ()));
        });
        let former = SessionName([8; SessionName::BYTES]);
        assert!(kept(&polling.post(&format!("40{{\"pid\":\"{former}\"}}"))).is_empty());
        let mut out = Outbox::default();
        polling.session.recovered(0, goes_on, &mut out);
        let told = String::from_utf8(out.bytes).expect("text");
        let [_, answer, hello] = told.split('\u{1e}').collect::<Vec<_>>()[..] else { panic!("two: {told}") };
        assert!(answer.starts_with("40{\"sid\":"));
        assert_eq!(hello, format!("42[\"hello\",[{goes_on},{}]]", former.to_string().len() + 2));
    }
}

#[test]
fn a_namespace_with_handlers_can_be_connected_to() {
    let mut polling = open(|handlers| {
        handlers.of("/custom").on("where", |socket, call| call.ack(socket.namespace()));
    });
    let post = polling.post("40/custom,\u{1e}42/custom,7[\"where\"]\u{1e}40/other,");
    let [welcome, answer, error] = kept(&post)[..] else { panic!("three answers") };
    assert!(welcome.starts_with(r#"40/custom,{"sid":""#));
    assert_eq!(answer, r#"43/custom,7["/custom"]"#);
    assert_eq!(error, r#"44/other,{"message":"Invalid namespace"}"#);
}

#[test]
fn values_and_bytes_go_through_a_handler_untouched() {
    let mut polling = connected(|handlers| {
        let back = |socket: &mut Socket<'_>, call: &Call<'_>| {
            socket.emit("back", call.values());
            call.ack(call.values());
        };
        handlers.of("/").on("there", back);
    });
    let values = r#"1,{ "3":[true] }"#;
    let post = polling.post(&format!("42[\"there\",{values}]\u{1e}421[\"there\",{values}]"));
    let (event, ack) = (format!("42[\"back\",{values}]"), format!("431[{values}]"));
    assert_eq!(kept(&post), [&*event, &*event, &*ack]);

    let placeholder = r#"{"_placeholder":true,"num":0}"#;
    let post = polling.post(&format!("451-2[\"there\",{placeholder}]\u{1e}bAQID"));
    let (event, ack) = (format!("451-[\"back\",{placeholder}]"), format!("461-2[{placeholder}]"));
    assert_eq!(kept(&post), [&*event, "bAQID", &*ack, "bAQID"]);
}

#[test]
fn a_refusal_is_the_acknowledgement_and_what_has_no_handler_is_done_as_ever() {
    let mut polling = connected(|handlers| {
        handlers.of("/").on("joinRoom", |_, call| call.get::<u8>(3).map(drop));
    });
    let post = polling.post("429[\"joinRoom\",{\"room\":\"a\"}]\u{1e}42[\"leaveRoom\",{\"room\":\"a\"}]");
    assert_eq!(post.refusals, [Refusal::BadRequest]);
    assert_eq!(post.commands, [Command::Leave { room: room("a"), tag: None }]);
    let [answer] = kept(&post)[..] else { panic!("one answer") };
    assert!(answer.starts_with("439[{") && answer.contains("\"bad_request\""), "{answer}");
}

fn do_everything(socket: &mut Socket<'_>, _: &Call<'_>) -> Result<(), Refusal> {
    socket.log_in("ann")?;
    socket.join("a")?;
    socket.post("a", "hi")?;
    socket.direct("bob", "psst")?;
    socket.to("a")?.emit("typing", json!({ "who": 1 }))?;
    socket.leave("a")
}

#[test]
fn what_handlers_ask_for_is_asked_of_chat_in_rooms_of_their_namespace() {
    let mut polling = open(|handlers| {
        handlers.of("/custom").on("go", do_everything);
    });
    polling.post("40/custom,");
    let post = polling.post("42/custom,[\"go\"]");
    let [identify, join, say, direct, announce, leave] = &post.commands[..] else { panic!("six") };
    let room = room("/custom/a");
    assert!(
        matches!(identify, Command::Identify { credentials: Credentials::Vouched(user), .. } if user.as_str() == "ann")
    );
    assert_eq!(*join, Command::Join { room: room.clone(), since: None, tag: None });
    assert!(
        matches!(say, Command::Post { room: into, body, .. } if *into == room && *body == Body::text("hi"))
    );
    assert!(matches!(direct, Command::Direct { to, .. } if to.as_str() == "bob"));
    let Command::Announce { room: to, signal, content } = announce else { panic!("{announce:?}") };
    assert_eq!((to, signal.as_str(), &*content.arguments), (&room, "typing", r#"{"who":1}"#));
    assert_eq!(*leave, Command::Leave { room, tag: None });
}

fn ask_twice(handlers: &mut Handlers) {
    let ask = |socket: &mut Socket<'_>, _: &Call<'_>| {
        for (question, seconds) in [("first", 5), ("second", 1)] {
            socket.emit_with_ack(question, (), Duration::from_secs(seconds), move |socket, answer| {
                socket.emit(question, answer.map_or_else(|| "nothing".into(), Arguments::from));
            })?;
        }
        Ok(())
    };
    handlers.of("/").on("ask", ask);
}

#[test]
fn an_answer_finds_who_asked_and_its_absence_too() {
    let mut polling = connected(ask_twice);
    let post = polling.post("42[\"ask\"]");
    assert_eq!(kept(&post), ["421[\"first\"]", "422[\"second\"]"]);
    let wakes: Vec<_> = post.wakes.iter().map(|wake| (wake.after_ms, wake.what_for)).collect();
    assert_eq!(wakes, [(5000, 1), (1000, 2)]);
    assert_eq!(kept(&polling.post("431[\"yes\"]\u{1e}431[\"yes\"]\u{1e}4377[]")), ["42[\"first\",\"yes\"]"]);
    let mut out = Outbox::default();
    polling.session.wake(1, &mut out);
    assert!(out.bytes.is_empty(), "it has been answered");
    polling.session.wake(2, &mut out);
    assert_eq!(out.bytes, b"\x1e42[\"second\",\"nothing\"]");
    assert!(kept(&polling.post("432[]")).is_empty(), "too late");
}

#[test]
fn a_client_does_not_owe_more_and_more() {
    let mut polling = connected(ask_twice);
    let asked: usize = (0..200).map(|_| kept(&polling.post("42[\"ask\"]")).len()).sum();
    assert_eq!(asked, 256);
    assert_eq!(polling.post("42[\"ask\"]").refusals, [Refusal::Overloaded]);
}

#[test]
fn what_passes_is_for_those_who_can_take_it_now() {
    let mut polling = connected(|handlers| {
        handlers.of("/").on("go", |socket, _| socket.emit_volatile("tick", json!(1)));
    });
    let post = polling.post("42[\"go\"]");
    assert_eq!((kept(&post).len(), &post.passing[..]), (0, &b"\x1e42[\"tick\",1]"[..]));
}

fn miss(handlers: &mut Handlers) {
    let lobby = handlers.of("/");
    lobby.on("go", |socket, _| socket.disconnect());
    lobby.on_disconnect(|socket| {
        socket.emit("you", "hear this no more");
        let others = socket.to("lobby").expect("a valid name");
        others.emit("gone", ()).expect("a valid name");
    });
}

#[test]
fn who_leaves_whatever_way_is_missed_once() {
    let missed =
        |commands: &[Command]| commands.iter().filter(|it| matches!(it, Command::Announce { .. })).count();
    let post = connected(miss).post("41");
    assert_eq!((kept(&post).len(), missed(&post.commands)), (0, 1));
    let post = connected(miss).post("42[\"go\"]");
    assert_eq!((kept(&post), missed(&post.commands)), (vec!["41"], 1));

    let mut polling = connected(miss);
    let mut out = Outbox::default();
    polling.session.end(&mut out);
    polling.session.end(&mut out);
    assert_eq!(missed(&out.commands), 1);
}

#[test]
fn the_servers_beside_are_answered_by_the_handlers_of_a_namespace() {
    let register = |handlers: &mut Handlers| {
        let double = |call: &Call<'_>| -> Result<(), Refusal> {
            call.ack(json!(2 * call.get::<i64>(0)?));
            Ok(())
        };
        handlers.of("/").on_server_side("double", double).on_server_side("hear", |_: &Call<'_>| {});
    };
    let (_, open) = GATEWAYS.iter().find(|(name, _)| *name == "socketio").expect("it is there");
    let socketio =
        SocketIoSettings { application: Application::new(register), ..SocketIoSettings::default() };
    let mut gateway = open(&Settings { socketio, ..settings() });
    let mut serve = |namespace, event, arguments: &str| {
        let content = Content { arguments: arguments.into(), attachments: Vec::new() };
        gateway.serve(namespace, event, &content)
    };
    assert_eq!(serve("/", "double", "21, null").as_deref(), Some("42"));
    for (namespace, event, arguments) in
        [("/", "double", "null"), ("/", "hear", ""), ("/", "x", ""), ("/x", "double", "1")]
    {
        assert_eq!(serve(namespace, event, arguments), None);
    }
}

#[test]
fn a_client_is_known_by_its_id_and_leaves_when_it_is_dismissed() {
    let mut polling = connected(|_| {});
    assert_eq!(polling.session.alias("/").as_deref(), Some(ID));
    assert_eq!((polling.session.alias("/x"), open(|_| {}).session.alias("/")), (None, None));
    let mut out = Outbox::default();
    polling.session.dismiss("/x", &mut out);
    assert!(out.bytes.is_empty());
    polling.session.dismiss("/", &mut out);
    assert!(out.bytes.ends_with(b"41") && polling.session.alias("/").is_none());
    assert!(matches!(out.commands[..], [Command::LeaveAll { .. }]));
}

#[test]
fn a_message_is_the_same_to_servers_beside_and_back() {
    let payload = |kind, bytes: &'static [u8]| Payload { kind, bytes: bytes.into() };
    let bytes = Body { payload: payload(PayloadKind::Binary, &[1, 2]), text: Text::None };
    let json = Body { payload: payload(PayloadKind::Json, b"[1, null]"), text: Text::None };
    for author in [None, UserId::new("ann").ok()] {
        for body in [Body::text("hi \"you\""), bytes.clone(), json.clone()] {
            let content = beside::write_message(author.as_ref(), &body);
            let values = beside::values(&content);
            let values: Vec<&str> = values.iter().map(|value| &**value).collect();
            let attachments: Vec<Vec<u8>> = content.attachments.iter().map(|bytes| bytes.to_vec()).collect();
            assert_eq!(beside::read_message(&values, &attachments), Some((author.clone(), body)));
        }
    }
    for other in [
        &["\"hi\""][..],
        &[r#"{"message":1,"more":2}"#],
        &[r#"{"userId":"a"}"#],
        &[r#"{"message":1}"#, "2"],
        &[],
    ] {
        assert_eq!(beside::read_message(other, &[]), None, "{other:?}");
    }
}

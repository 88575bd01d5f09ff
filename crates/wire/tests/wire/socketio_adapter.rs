//! What servers of Socket.IO tell each other: as `@socket.io/redis-adapter` 8.3.0 and `@socket.io/redis-emitter` 5.1.0 were heard to speak.

use std::borrow::Cow;

use wire::socketio::adapter::{
    Answer, Broadcast, Circle, Dialect, Ear, Letter, Message, Peer, Said, Selection, Wanted,
};
use wire::socketio::{Fault, Limits};

use crate::noise::noise;
use crate::socketio_adapter_laws::obey;

const LIMITS: Limits = Limits { max_attachments: 4, max_bytes: 1000 };

/// What the servers were called that were listened to.
const CLASSIC: &str = "xrL-wD";
const SHARDED: &str = "6c11a9b53f9c6db9";

/// What came, where, and what it says.
type Heard = (Dialect, &'static str, &'static [u8], Said<'static>);

const NO_ATTACHMENTS: &[Vec<u8>] = &[];

fn circle(dialect: Dialect, namespace: &str) -> Circle {
    let name = match dialect {
        Dialect::Classic => CLASSIC,
        Dialect::Sharded => SHARDED,
    };
    Circle::new(dialect, "socket.io", namespace, name)
}

fn names(names: &[&'static str]) -> Vec<Cow<'static, str>> {
    names.iter().map(|name| Cow::Borrowed(*name)).collect()
}

fn who(rooms: &[&'static str], except: &[&'static str]) -> Selection<'static> {
    Selection { rooms: names(rooms), except: names(except) }
}

fn event(name: &'static str, arguments: &[&'static str], to: Selection<'static>) -> Broadcast<'static> {
    let arguments = arguments.to_vec();
    Broadcast { name: name.into(), arguments, to, is_volatile: false, wants: None }
}

/// As servers write it, in the order in which we write it.
fn examples() -> Vec<Heard> {
    use Dialect::{Classic, Sharded};
    let lobby = || who(&["lobby"], &[]);
    vec![
        (
            Classic,
            "socket.io#/#",
            b"\x93\xa6xrL-wD\x83\xa4type\x02\xa4data\x93\xa5hello\x81\xa1x\x01\xa3two\xa3nsp\xa1/\x83\xa5rooms\x90\xa6except\x90\xa5flags\x80",
            Said::Broadcast(event("hello", &[r#"{"x":1}"#, r#""two""#], who(&[], &[]))),
        ),
        (
            Classic,
            "socket.io#/#lobby#",
            b"\x93\xa6xrL-wD\x83\xa4type\x02\xa4data\x92\xa7message\x82\xa6userId\xa3ann\xa7message\xa2hi\xa3nsp\xa1/\x83\xa5rooms\x91\xa5lobby\xa6except\x90\xa5flags\x80",
            Said::Broadcast(event("message", &[r#"{"userId":"ann","message":"hi"}"#], lobby())),
        ),
        (
            Classic,
            "socket.io#/#",
            b"\x93\xa6xrL-wD\x83\xa4type\x02\xa4data\x96\xa1e\x01\xc0\xcb?\xf8\x00\x00\x00\x00\x00\x00\xfd\xc3\xa3nsp\xa1/\x83\xa5rooms\x92\xa5lobby\xa5other\xa6except\x91\xa5muted\xa5flags\x80",
            Said::Broadcast(event("e", &["1", "null", "1.5", "-3", "true"], who(&["lobby", "other"], &["muted"]))),
        ),
        (
            Classic,
            "socket.io-request#/#",
            br#"{"uid":"xrL-wD","requestId":"Gr5msm","type":1}"#,
            Said::Rooms { request: "Gr5msm".into() },
        ),
        (
            Classic,
            "socket.io-request#/#",
            br#"{"uid":"xrL-wD","type":6,"data":["sse",1,"two"]}"#,
            Said::ServerSide { arguments: vec![r#""sse""#, "1", r#""two""#], request: None },
        ),
        (
            Classic,
            "socket.io-request#/#",
            br#"{"uid":"xrL-wD","requestId":"dRn7k3","type":6,"data":["sse","q"]}"#,
            Said::ServerSide { arguments: vec![r#""sse""#, r#""q""#], request: Some("dRn7k3".into()) },
        ),
        (
            Sharded,
            "socket.io#/#lobby#",
            br#"{"type":3,"data":{"packet":{"type":2,"data":["message",{"userId":"ann","message":"hi"}]},"opts":{"rooms":["lobby"],"except":[],"flags":{}}},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
            Said::Broadcast(event("message", &[r#"{"userId":"ann","message":"hi"}"#], lobby())),
        ),
        (
            Sharded,
            "socket.io#/#",
            br#"{"type":3,"data":{"packet":{"type":2,"data":["dm","x"]},"opts":{"rooms":["NsIdO--tp57tHkQZAAAB"],"except":[],"flags":{}}},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
            Said::Broadcast(event("dm", &[r#""x""#], who(&["NsIdO--tp57tHkQZAAAB"], &[]))),
        ),
        (
            Sharded,
            "socket.io#/#lobby#",
            b"\x84\xa4type\x03\xa4data\x82\xa6packet\x82\xa4type\x02\xa4data\x93\xa3bin\xc4\x03\x01\x02\x03\x81\xa1b\xc4\x01\t\xa4opts\x83\xa5rooms\x91\xa5lobby\xa6except\x90\xa5flags\x80\xa3uid\xb06c11a9b53f9c6db9\xa3nsp\xa1/",
            Said::Broadcast(event(
                "bin",
                &[r#"{"_placeholder":true,"num":0}"#, r#"{"b":{"_placeholder":true,"num":1}}"#],
                lobby(),
            )),
        ),
        (
            Sharded,
            "socket.io#/#",
            br#"{"type":9,"data":{"requestId":"c2da978146909123","packet":["sse","q"]},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
            Said::ServerSide { arguments: vec![r#""sse""#, r#""q""#], request: Some("c2da978146909123".into()) },
        ),
        (
            Sharded,
            "socket.io#/#",
            br#"{"type":4,"data":{"opts":{"rooms":["lobby"],"except":[],"flags":{}},"rooms":["x","y"]},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
            Said::Join { who: lobby(), rooms: names(&["x", "y"]) },
        ),
        (
            Sharded,
            "socket.io#/#",
            br#"{"type":5,"data":{"opts":{"rooms":["lobby"],"except":[],"flags":{}},"rooms":["x"]},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
            Said::Leave { who: lobby(), rooms: names(&["x"]) },
        ),
        (
            Sharded,
            "socket.io#/#",
            br#"{"type":6,"data":{"opts":{"rooms":["lobby"],"except":[],"flags":{}},"close":true},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
            Said::Disconnect { who: lobby(), close: true },
        ),
    ]
}

/// As servers write it, in another order than ours or with members that we leave out.
fn other_examples() -> Vec<Heard> {
    use Dialect::{Classic, Sharded};
    let lobby = || who(&["lobby"], &[]);
    let asked = |request, timeout_ms| Broadcast {
        wants: Some(Wanted { request: Cow::Borrowed(request), timeout_ms }),
        ..event("q", &[r#""sure?""#], lobby())
    };
    vec![
        (
            Classic,
            "socket.io#/#lobby#",
            b"\x93\xa6xrL-wD\x83\xa4type\x02\xa4data\x92\xa1v\xa1x\xa3nsp\xa1/\x83\xa5rooms\x91\xa5lobby\xa6except\x90\xa5flags\x82\xa8volatile\xc3\xa8compress\xc2",
            Said::Broadcast(Broadcast { is_volatile: true, ..event("v", &[r#""x""#], lobby()) }),
        ),
        (
            Classic,
            "socket.io#/#lobby#",
            b"\x93\xa6xrL-wD\x83\xa4type\x02\xa4data\x94\xa4date\xd6\xff\x00\x00\x00\x00\xc0\x80\xa3nsp\xa1/\x83\xa5rooms\x91\xa5lobby\xa6except\x90\xa5flags\x80",
            Said::Broadcast(event("date", &[r#""1970-01-01T00:00:00.000Z""#, "null", "{}"], lobby())),
        ),
        (
            Classic,
            "socket.io#/#lobby#",
            b"\x93\xa6xrL-wD\x83\xa4type\x02\xa4data\x92\xa1n\x01\xa3nsp\xa1/\x83\xa5rooms\x91\x05\xa6except\xc0\xa5flags\xc0",
            Said::Broadcast(event("n", &["1"], who(&["5"], &[]))),
        ),
        (
            Classic,
            "socket.io-request#/#",
            b"\x85\xa3uid\xa6xrL-wD\xa9requestId\xa6c6zgNp\xa4type\x07\xa6packet\x83\xa4type\x02\xa4data\x92\xa1q\xa5sure?\xa3nsp\xa1/\xa4opts\x83\xa5rooms\x91\xa5lobby\xa6except\x90\xa5flags\x81\xa7timeout\xcd\x01\xf4",
            Said::Broadcast(asked("c6zgNp", 500)),
        ),
        (
            Classic,
            "socket.io-request#/#",
            br#"{"uid":"xrL-wD","requestId":"B_Tu5z","type":5,"opts":{"rooms":["lobby"],"except":[]}}"#,
            Said::Fetch { who: lobby(), request: "B_Tu5z".into() },
        ),
        (
            Classic,
            "socket.io-request#/#",
            br#"{"uid":"xrL-wD","type":2,"opts":{"rooms":["lobby"],"except":[]},"rooms":["x","y"]}"#,
            Said::Join { who: lobby(), rooms: names(&["x", "y"]) },
        ),
        (
            Classic,
            "socket.io-request#/#",
            br#"{"uid":"xrL-wD","type":4,"opts":{"rooms":["lobby"],"except":[]},"close":true}"#,
            Said::Disconnect { who: lobby(), close: true },
        ),
        (
            Sharded,
            "socket.io#/#",
            br#"{"type":3,"data":{"packet":{"type":2,"data":["q","sure?"]},"requestId":"36bf77bf78584a32","opts":{"rooms":["lobby"],"except":[],"flags":{"timeout":500}}},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
            Said::Broadcast(asked("36bf77bf78584a32", 500)),
        ),
        (
            Sharded,
            "socket.io#/#",
            br#"{"type":7,"data":{"opts":{"rooms":["lobby"],"except":[],"flags":{}},"requestId":"caf173ef7c95612b"},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
            Said::Fetch { who: lobby(), request: "caf173ef7c95612b".into() },
        ),
    ]
}

#[test]
fn what_servers_say_is_understood() {
    for (dialect, channel, bytes, said) in examples().into_iter().chain(other_examples()) {
        let circle = circle(dialect, "/");
        let letter = Letter::open(bytes, &LIMITS).expect("it is a letter");
        let from = Cow::Borrowed(circle.name());
        assert_eq!(circle.read(&letter), Ok(Message { from, said }), "{}", bytes.escape_ascii());
        assert!(matches!(circle.hears(channel), Some(Ear::All | Ear::Room)), "{channel}");
    }
}

#[test]
fn what_is_said_is_what_servers_say() {
    for (dialect, channel, bytes, said) in examples() {
        let letter = Letter::open(bytes, &LIMITS).expect("it is a letter");
        let (to, written) = circle(dialect, "/").write(&said, letter.attachments());
        assert_eq!((&*to, written.escape_ascii().to_string()), (channel, bytes.escape_ascii().to_string()));
    }
    for (dialect, channel, bytes, said) in other_examples().into_iter().filter(|example| example.2[0] != 0x93)
    {
        let circle = circle(dialect, "/");
        let (to, written) = circle.write(&said, NO_ATTACHMENTS);
        let letter = Letter::open(&written, &LIMITS).expect("it is a letter");
        assert_eq!((to.as_str(), circle.read(&letter).map(|message| message.said)), (channel, Ok(said)));
        assert!(!bytes.is_empty());
    }
}

#[test]
fn the_emitter_is_understood() {
    let circle = circle(Dialect::Classic, "/news");
    let said = |bytes: &[u8]| {
        let letter = Letter::open(bytes, &LIMITS).expect("it is a letter");
        let message = circle.read(&letter).expect("it is a message");
        (message.from.into_owned(), format!("{:?}", message.said))
    };
    let broadcast = b"\x93\xa7emitter\x83\xa4type\x02\xa4data\x92\xa7message\xa2hi\xa3nsp\xa5/news\x83\xa5rooms\x92\xa6sports\xa1x\xa5flags\x80\xa6except\x91\xa1y";
    let expected = Said::Broadcast(event("message", &[r#""hi""#], who(&["sports", "x"], &["y"])));
    assert_eq!(said(broadcast), ("emitter".to_owned(), format!("{expected:?}")));
    let join = br#"{"type":2,"opts":{"rooms":["lobby"],"except":[]},"rooms":["z"]}"#;
    let expected = Said::Join { who: who(&["lobby"], &[]), rooms: names(&["z"]) };
    assert_eq!(said(join), (String::new(), format!("{expected:?}")));
}

#[test]
fn answers_are_as_servers_give_them() {
    let rooms = ["lobby"];
    let peer = Peer { id: "FpcmPZDEfpkmIMTfAAAB", handshake: r#"{"auth":{}}"#, rooms: &rooms, data: "{}" };
    let sockets = [peer];
    let classic = "socket.io-response#/#";
    for (answer, expected) in [
        (
            Answer::Sockets(&sockets),
            r#"{"requestId":"r","sockets":[{"id":"FpcmPZDEfpkmIMTfAAAB","handshake":{"auth":{}},"rooms":["FpcmPZDEfpkmIMTfAAAB","lobby"],"data":{}}]}"#,
        ),
        (Answer::Rooms(&["lobby", "y"]), r#"{"requestId":"r","rooms":["lobby","y"]}"#),
        (Answer::Asked(1), r#"{"type":8,"requestId":"r","clientCount":1}"#),
        (Answer::Acknowledged(r#""yes""#), r#"{"type":9,"requestId":"r","packet":"yes"}"#),
        (Answer::ServerSide(r#"{"from":"here"}"#), r#"{"type":6,"requestId":"r","data":{"from":"here"}}"#),
    ] {
        let (to, bytes) = circle(Dialect::Classic, "/").write_answer("them", "r", &answer, NO_ATTACHMENTS);
        assert_eq!((&*to, std::str::from_utf8(&bytes)), (classic, Ok(expected)));
    }
    for (answer, expected) in [
        (
            Answer::Sockets(&[]),
            r#"{"type":8,"data":{"requestId":"r","sockets":[]},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
        ),
        (
            Answer::ServerSide("1"),
            r#"{"type":10,"data":{"requestId":"r","packet":1},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
        ),
        (
            Answer::Asked(1),
            r#"{"type":11,"data":{"requestId":"r","clientCount":1},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
        ),
        (
            Answer::Acknowledged(r#""yes""#),
            r#"{"type":12,"data":{"requestId":"r","packet":"yes"},"uid":"6c11a9b53f9c6db9","nsp":"/"}"#,
        ),
    ] {
        let (to, bytes) = circle(Dialect::Sharded, "/").write_answer("them", "r", &answer, NO_ATTACHMENTS);
        assert_eq!((&*to, std::str::from_utf8(&bytes)), ("socket.io#/#them#", Ok(expected)));
    }
    let bytes = [b"x".to_vec()];
    let answer = Answer::Acknowledged(r#"{"_placeholder":true,"num":0}"#);
    let (_, written) = circle(Dialect::Classic, "/").write_answer("them", "r", &answer, &bytes);
    assert_eq!(written, b"\x83\xa4type\x09\xa9requestId\xa1r\xa6packet\xc4\x01x");
}

#[test]
fn channels_are_those_that_servers_listen_to() {
    let circle = circle(Dialect::Classic, "/news");
    assert_eq!(circle.pattern().as_deref(), Some("socket.io#/news#*"));
    let listened =
        ["socket.io-request#/news#", "socket.io-response#/news#", "socket.io-response#/news#xrL-wD#"];
    assert_eq!(circle.channels(), listened);
    assert_eq!(circle.channel_of_room("lobby"), None);
    for (channel, ear) in [
        ("socket.io#/news#", Some(Ear::All)),
        ("socket.io#/news#a#b#", Some(Ear::Room)),
        ("socket.io-request#/news#", Some(Ear::All)),
        ("socket.io-response#/news#", Some(Ear::Answers)),
        ("socket.io-response#/news#xrL-wD#", Some(Ear::Answers)),
        ("socket.io-response#/news#other#", None),
        ("socket.io#/#", None),
        ("socket.io#/newsroom#", None),
        ("socket.io2#/news#", None),
        ("x", None),
    ] {
        assert_eq!(circle.hears(channel), ear, "{channel}");
    }
    let special = Circle::new(Dialect::Classic, "[s]*", "/", "us");
    assert_eq!(special.pattern().as_deref(), Some(r"\[s\]\*#/#*"));
}

#[test]
fn in_the_sharded_adapter_rooms_have_channels_and_sockets_have_none() {
    let circle = circle(Dialect::Sharded, "/");
    assert_eq!(circle.pattern(), None);
    assert_eq!(circle.channels(), ["socket.io#/#", "socket.io#/#6c11a9b53f9c6db9#"]);
    assert_eq!(circle.channel_of_room("lobby").as_deref(), Some("socket.io#/#lobby#"));
    assert_eq!(circle.channel_of_room("NsIdO--tp57tHkQZAAAB"), None);
    for (channel, ear) in [
        ("socket.io#/#", Some(Ear::All)),
        ("socket.io#/#lobby#", Some(Ear::Room)),
        ("socket.io#/#6c11a9b53f9c6db9#", Some(Ear::Answers)),
        ("socket.io-request#/#", None),
    ] {
        assert_eq!(circle.hears(channel), ear, "{channel}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let deep = format!(r#"{{"type":6,"data":["a",{}1{}]}}"#, "[".repeat(101), "]".repeat(101));
    let classic = |bytes: &[u8]| {
        Letter::open(bytes, &LIMITS).and_then(|letter| circle(Dialect::Classic, "/").read(&letter).map(drop))
    };
    for (bytes, fault) in [
        (&b""[..], Fault::Msgpack),
        (b"\xc1", Fault::Msgpack),
        (b"{}", Fault::PacketType),
        (b"{\xff}", Fault::Payload),
        (br#"{"type":6"#, Fault::Payload),
        (br#"{"type":6,"data":[]}"#, Fault::EventName),
        (br#"{"type":6,"data":[{}]}"#, Fault::EventName),
        (br#"{"type":5,"opts":{"rooms":[]}}"#, Fault::Payload),
        (br#"{"type":2,"opts":{"rooms":[{}]},"rooms":[]}"#, Fault::Payload),
        (br#"{"type":2,"rooms":["x"]}"#, Fault::Payload),
        (br#"{"type":99}"#, Fault::PacketType),
        (br#"{"type":7,"packet":{"type":3,"data":["a"]},"opts":{}}"#, Fault::PacketType),
        (br#"{"type":7,"packet":{"type":2,"nsp":"/x","data":["a"]},"opts":{}}"#, Fault::Namespace),
        (br#"{"type":7,"packet":{"type":2,"data":["disconnect"]},"opts":{}}"#, Fault::ReservedEvent),
        (deep.as_bytes(), Fault::TooDeep),
        (&[b'{'; 1001], Fault::TooLarge),
    ] {
        assert_eq!(classic(bytes), Err(fault), "{}", bytes.escape_ascii());
    }
    let elsewhere = Letter::open(br#"{"type":5,"nsp":"/x","uid":"a","data":{}}"#, &LIMITS).expect("a letter");
    assert_eq!(circle(Dialect::Sharded, "/").read(&elsewhere), Err(Fault::Namespace));
}

#[test]
fn examples_and_whatever_becomes_of_them_obey_the_laws() {
    for (_, _, bytes, _) in examples().into_iter().chain(other_examples()) {
        obey(bytes);
        for cut in 0..bytes.len() {
            obey(&bytes[..cut]);
            for changed in noise(4) {
                let mut bytes = bytes.to_vec();
                bytes[cut] = changed ^ cut as u8;
                obey(&bytes);
            }
        }
    }
}

/// Found by fuzzing: bytes beside what is read made a message MessagePack that is JSON without them.
#[test]
fn only_events_have_attachments() {
    let to_leave =
        b"\x84\xa4type\x03\xa4opts\x80\xa5rooms\x91\xa5lobby\xa4what\x92\xa3bin\xc4\x03\x01\x02\x03";
    obey(to_leave);
    let letter = Letter::open(to_leave, &LIMITS).expect("a letter");
    let circle = circle(Dialect::Classic, "/");
    let said = circle.read(&letter).expect("a message").said;
    assert_eq!(said, Said::Leave { who: who(&[], &[]), rooms: names(&["lobby"]) });
    assert_eq!(letter.attachments(), [[1, 2, 3]]);
    assert_eq!(circle.write(&said, letter.attachments()), circle.write(&said, NO_ATTACHMENTS));
}

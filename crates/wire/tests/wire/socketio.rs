//! Packets of Socket.IO: the examples of its specifications, and what is refused.

use std::borrow::Cow;

use wire::socketio::{
    Ack, ArgumentsWriter, Body, Connected, Event, Fault, MAX_ARGUMENTS, MAX_DEPTH, Packet, Rejection,
    is_reserved, split_query,
};

use crate::socketio_laws::{obey, written};

const PLACEHOLDER: &str = r#"{"_placeholder":true,"num":0}"#;
const SECOND_PLACEHOLDER: &str = r#"{"_placeholder":true,"num":1}"#;

fn event<'a>(id: Option<u64>, attachments: usize, name: &'a str, arguments: &[&'a str]) -> Body<'a> {
    Body::Event(Event { name: Cow::Borrowed(name), arguments: arguments.into(), id, attachments })
}

fn ack<'a>(id: u64, attachments: usize, arguments: &[&'a str]) -> Body<'a> {
    Body::Ack(Ack { id, arguments: arguments.into(), attachments })
}

#[test]
fn packets_are_those_of_the_specifications() {
    for (text, namespace, body) in [
        ("0", "/", Body::Connect(None)),
        (r#"0{"token":"123"}"#, "/", Body::Connect(Some(r#"{"token":"123"}"#))),
        ("0/admin,", "/admin", Body::Connect(None)),
        (r#"0/admin,{"sid":"oSO0"}"#, "/admin", Body::Connect(Some(r#"{"sid":"oSO0"}"#))),
        ("0/admin?token=1234&uid=abcd,", "/admin?token=1234&uid=abcd", Body::Connect(None)),
        ("1", "/", Body::Disconnect),
        ("1/admin,", "/admin", Body::Disconnect),
        (r#"2["foo"]"#, "/", event(None, 0, "foo", &[])),
        (r#"2/admin,["bar"]"#, "/admin", event(None, 0, "bar", &[])),
        (r#"212["foo"]"#, "/", event(Some(12), 0, "foo", &[])),
        (r#"2["hello",1]"#, "/", event(None, 0, "hello", &["1"])),
        (r#"2/admin,456["project:delete",123]"#, "/admin", event(Some(456), 0, "project:delete", &["123"])),
        ("3/admin,456[]", "/admin", ack(456, 0, &[])),
        (r#"3/admin,13["bar"]"#, "/admin", ack(13, 0, &[r#""bar""#])),
        ("4", "/", Body::ConnectError(None)),
        (
            r#"4{"message":"Not authorized"}"#,
            "/",
            Body::ConnectError(Some(r#"{"message":"Not authorized"}"#)),
        ),
        (r#"4/admin,"Not authorized""#, "/admin", Body::ConnectError(Some(r#""Not authorized""#))),
        (r#"51-["baz",{"_placeholder":true,"num":0}]"#, "/", event(None, 1, "baz", &[PLACEHOLDER])),
        (
            r#"52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
            "/admin",
            event(None, 2, "baz", &[PLACEHOLDER, SECOND_PLACEHOLDER]),
        ),
        (r#"61-15["bar",{"_placeholder":true,"num":0}]"#, "/", ack(15, 1, &[r#""bar""#, PLACEHOLDER])),
        (r#"61-/admin,456[{"_placeholder":true,"num":0}]"#, "/admin", ack(456, 1, &[PLACEHOLDER])),
    ] {
        let packet = Packet { namespace, body };
        assert_eq!(Packet::read(text, 2).as_ref(), Ok(&packet), "{text}");
        assert_eq!(written(&packet), text);
    }
}

#[test]
fn what_others_write_otherwise_means_the_same() {
    for (text, again) in [
        ("0/admin", "0/admin,"),
        ("0/,{}", "0{}"),
        (r#"50-["a"]"#, r#"2["a"]"#),
        (r#"60-7[]"#, "37[]"),
        (r#"2007[ "a" , {"b" : 1 } ,2 ] "#, r#"27["a",{"b" : 1 },2]"#),
        (r#"2["\u0061\n\ud83d\ude00\/"]"#, "2[\"a\\n😀/\"]"),
        (r#"2["\ud83dx","\ud83d"]"#, "2[\"\u{fffd}x\",\"\\ud83d\"]"),
        (r#"2[1,"a"]"#, r#"2["1","a"]"#),
        (r#"2["a",{"_placeholder":true,"num":7}]"#, r#"2["a",{"_placeholder":true,"num":7}]"#),
        (r#"51-["a",{ "num" : 0, "_placeholder":true}]"#, r#"51-["a",{ "num" : 0, "_placeholder":true}]"#),
    ] {
        assert_eq!(written(&Packet::read(text, 2).expect(text)), again);
    }
}

#[test]
fn malformed_packets_are_refused() {
    for (fault, texts) in [
        (Fault::PacketType, r#"|7|999|a|-1|€| 2["a"]|"2""#),
        (Fault::AttachmentCount, r#"5|51|5a-|51.23-["a"]|5-["a"]|5["a"]|6-1-1[]"#),
        (Fault::TooManyAttachments, r#"53-["a"]|599999999999999999999999-["a"]"#),
        (Fault::AckId, r#"3[]|05|15|012{}|41{}|29007199254740992["a"]|399999999999999999999[]"#),
        (Fault::Payload, r#"0[]|0/admin,"invalid"|0 {}|0{|0{}{}|0null|0x|1/admin,{}|1"""#),
        (Fault::Payload, r#"2|2/admin,"invalid|2/admin,{}|2["a"|2["a"]]|2 ["a"]|2["a",]|2/admin["a"]"#),
        (Fault::Payload, r#"2,["a"]|2["a",01]|2["\x"]|2"a"|2["a",nan]|442["some","data""#),
        (Fault::Payload, "2[\"\n\"]|2[\"a\", \u{1}]"),
        (Fault::Payload, "31|31{}|31 []|4[]|4null|4true"),
        (Fault::EventName, r#"2[]|2[{"toString":"foo"}]|2[true,"foo"]|2[null,"bar"]|2[1.5]|2[[]]"#),
        (Fault::ReservedEvent, r#"2["connect"]|2["disconnect",1]|2["\u0063onnect"]|50-["newListener"]"#),
    ] {
        for text in texts.split('|') {
            assert_eq!(Packet::read(text, 2), Err(fault), "{text}");
        }
    }
}

#[test]
fn attachments_are_each_named_once() {
    let nested = r#"51-["a",[{"b":{"_placeholder":true,"num":0}}]]"#;
    assert_eq!(Packet::read(nested, 2).map(|packet| packet.attachments()), Ok(1));
    for text in [
        r#"51-["a"]"#,
        r#"50-["a",{"_placeholder":true,"num":0}]"#,
        r#"51-["a",{"_placeholder":true,"num":1}]"#,
        r#"51-["a",{"_placeholder":true,"num":"splice"}]"#,
        r#"51-["a",{"_placeholder":true,"num":-1}]"#,
        r#"51-["a",{"_placeholder":true,"num":0.0}]"#,
        r#"51-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
        r#"51-["a",{"_placeholder":true,"num":0},{"_placeholder":false,"num":9}]"#,
        r#"51-["a",{"_placeholder":true,"num":0},{"x":1,"_placeholder":"true"}]"#,
        r#"51-["a",{"_placeholder":true,"num":0},{"\u005fplaceholder":true,"num":9}]"#,
        r#"51-["a",{"_placeholder":true,"num":0,"num":9}]"#,
        r#"61-1[{"_placeholder":true}]"#,
    ] {
        assert_eq!(Packet::read(text, 2), Err(Fault::Placeholder), "{text}");
    }
    let only_text = r#"51-["_placeholder",{"_placeholder":true,"num":0},"_placeholder"]"#;
    assert!(Packet::read(only_text, 2).is_ok());
}

#[test]
fn payloads_are_bounded() {
    let nested = |depth: usize| format!("2[\"a\",{}1{}]", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(Packet::read(&nested(MAX_DEPTH), 0).is_ok());
    assert_eq!(Packet::read(&nested(MAX_DEPTH + 1), 0), Err(Fault::TooDeep));
    assert_eq!(Packet::read(&nested(100_000), 0), Err(Fault::TooDeep));
    let deep_object = format!("0{}1{}", "{\"[\":".repeat(MAX_DEPTH + 1), "}".repeat(MAX_DEPTH + 1));
    assert_eq!(Packet::read(&deep_object, 0), Err(Fault::TooDeep));
    let brackets = format!(r#"2["{}",[],{{}},[[{{}}]]]"#, "[{".repeat(1000));
    assert!(Packet::read(&brackets, 0).is_ok());
    let many = |count: usize| format!("2[\"a\"{}]", ",1".repeat(count - 1));
    assert!(Packet::read(&many(MAX_ARGUMENTS), 0).is_ok());
    assert_eq!(Packet::read(&many(MAX_ARGUMENTS + 1), 0), Err(Fault::TooManyArguments));
    let unfinished = many(MAX_ARGUMENTS + 5).replace(']', "");
    assert_eq!(Packet::read(&unfinished, 0), Err(Fault::Payload));
}

#[test]
fn packets_are_written_argument_by_argument() {
    let mut out = Vec::new();
    let writer = ArgumentsWriter::event("/", None, 0, "say \"hi\"", &mut out).json("1");
    writer.with(|out| out.extend_from_slice(b"[2]")).end();
    ArgumentsWriter::ack("/x", 7, 2, &mut out).attachment(0).attachment(1).end();
    ArgumentsWriter::ack("/", 8, 0, &mut out).end();
    let expected = format!(r#"2["say \"hi\"",1,[2]]62-/x,7[{PLACEHOLDER},{SECOND_PLACEHOLDER}]38[]"#);
    assert_eq!(String::from_utf8(out), Ok(expected));
}

#[test]
fn a_server_says_who_one_is() {
    for (sid, pid, payload) in
        [("wZX3", None, r#"{"sid":"wZX3"}"#), ("a\"b", Some("p"), r#"{"sid":"a\"b","pid":"p"}"#)]
    {
        let connected = Connected { sid: sid.into(), pid: pid.map(Cow::Borrowed) };
        let mut out = Vec::new();
        connected.write(&mut out);
        assert_eq!(std::str::from_utf8(&out), Ok(payload));
        assert_eq!(Connected::read(payload), Ok(connected));
    }
    assert_eq!(Connected::read("{}"), Err(Fault::Payload));
}

#[test]
fn a_server_says_why_one_is_not_wanted() {
    let rejection = Rejection { message: "Not \"authorized\"".into(), data: Some(r#"{"code":7}"#) };
    let (mut object, mut string) = (Vec::new(), Vec::new());
    rejection.write(&mut object);
    rejection.write_message(&mut string);
    assert_eq!(std::str::from_utf8(&object), Ok(r#"{"message":"Not \"authorized\"","data":{"code":7}}"#));
    assert_eq!(std::str::from_utf8(&string), Ok(r#""Not \"authorized\"""#));
    for (payload, message, data) in [
        (
            r#"{"message":"Not \"authorized\"","data":{"code":7}}"#,
            "Not \"authorized\"",
            Some(r#"{"code":7}"#),
        ),
        (r#"{"message":"no","stack":[]}"#, "no", None),
        (r#""no""#, "no", None),
        (r#"{"code":7}"#, "", Some(r#"{"code":7}"#)),
    ] {
        assert_eq!(Rejection::read(payload), Rejection { message: message.into(), data }, "{payload}");
    }
}

#[test]
fn older_clients_put_a_query_behind_the_namespace() {
    assert_eq!(split_query("/admin?token=1234&uid=abcd?"), ("/admin", Some("token=1234&uid=abcd?")));
    assert_eq!(split_query("/admin"), ("/admin", None));
}

#[test]
fn names_that_mean_something_to_the_libraries_are_reserved() {
    let reserved =
        ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
    assert!(reserved.into_iter().all(is_reserved));
    assert!(!["Connect", "error", "message", "joinRoom", ""].into_iter().any(is_reserved));
}

#[test]
fn every_example_obeys_the_laws() {
    for text in
        ["0{}", "1/a,", r#"2["a",1.50,-0,1e999,{"b":[null,true]}]"#, r#"4/a,"b""#, "31[18446744073709551615]"]
    {
        obey(text.as_bytes());
    }
    obey(b"52-[\"a\",{\"_placeholder\":true,\"num\":1},{\"num\":0,\"_placeholder\":true}]\xffone\xfftwo\xff2[\"b\"]");
}

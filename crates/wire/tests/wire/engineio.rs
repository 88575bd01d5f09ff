//! Packets and payloads of Engine.IO: the examples of its specifications, and what is refused.

use std::borrow::Cow;

use proptest::collection::vec;
use proptest::prelude::*;
use wire::engineio::PacketType::{Close, Message, Noop, Ping, Pong, Upgrade};
use wire::engineio::{Fault, Open, Packet, PacketType, PayloadForm, Revision, jsonp};
use wire::websocket::Kind;

use crate::engineio_laws::{FORMS, assert_survives_messages, obey, read_all, write_all};

fn text(packet_type: PacketType, text: &str) -> Packet<'_> {
    Packet::Text(packet_type, text)
}

fn binary(bytes: &[u8]) -> Packet<'_> {
    Packet::Binary(Cow::Borrowed(bytes))
}

#[test]
fn text_packets_are_those_of_the_specifications() {
    for (written, packet) in [
        ("4hello", text(Message, "hello")),
        ("4", text(Message, "")),
        ("2probe", text(Ping, "probe")),
        ("3probe", text(Pong, "probe")),
        ("5", text(Upgrade, "")),
        ("6", text(Noop, "")),
        ("1", text(Close, "")),
        ("0{}", text(PacketType::Open, "{}")),
        ("4€", text(Message, "€")),
    ] {
        for revision in [Revision::V3, Revision::V4] {
            assert_eq!(Packet::read_text(written, revision).as_ref(), Ok(&packet));
            let mut out = Vec::new();
            assert_eq!(packet.write_message(revision, true, &mut out), Kind::Text);
            assert_eq!(out, written.as_bytes());
        }
    }
}

#[test]
fn binary_packets_are_those_of_the_specifications() {
    let packet = binary(&[1, 2, 3, 4]);
    for (revision, bytes, base64) in
        [(Revision::V3, &[4, 1, 2, 3, 4][..], "b4AQIDBA=="), (Revision::V4, &[1, 2, 3, 4], "bAQIDBA==")]
    {
        assert_eq!(Packet::read_binary(bytes, revision).as_ref(), Ok(&packet));
        assert_eq!(Packet::read_text(base64, revision).as_ref(), Ok(&packet));
        let (mut out, mut text) = (Vec::new(), Vec::new());
        assert_eq!(packet.write_message(revision, true, &mut out), Kind::Binary);
        assert_eq!(packet.write_message(revision, false, &mut text), Kind::Text);
        assert_eq!((out.as_slice(), text.as_slice()), (bytes, base64.as_bytes()));
    }
}

#[test]
fn base64_is_read_as_all_clients_write_it() {
    let bytes: Vec<u8> = (0..100).collect();
    let mut line = Vec::new();
    binary(&bytes).write_text(Revision::V4, &mut line);
    let line = String::from_utf8(line).expect("base64 is text");
    let broken = format!("{}\n{}\n", &line[..77], &line[77..]);
    for written in [line.as_str(), &broken, &broken.replace('\n', "\r\n"), line.trim_end_matches('=')] {
        assert_eq!(Packet::read_text(written, Revision::V4), Ok(binary(&bytes)), "{written:?}");
    }
}

#[test]
fn malformed_packets_are_refused() {
    for (revision, written, fault) in [
        (Revision::V4, "", Fault::EmptyPacket),
        (Revision::V4, "7", Fault::PacketType),
        (Revision::V4, "abc", Fault::PacketType),
        (Revision::V4, "€", Fault::PacketType),
        (Revision::V4, "b!", Fault::Base64),
        (Revision::V4, "bA", Fault::Base64),
        (Revision::V3, "b", Fault::BinaryType),
        (Revision::V3, "b2cHJvYmU=", Fault::BinaryType),
        (Revision::V3, "b4AQ.=", Fault::Base64),
    ] {
        assert_eq!(Packet::read_text(written, revision), Err(fault), "{written:?}");
    }
    for (bytes, fault) in
        [(&[][..], Fault::EmptyPacket), (&[2, 1], Fault::BinaryType), (&[52, 1], Fault::PacketType)]
    {
        assert_eq!(Packet::read_binary(bytes, Revision::V3), Err(fault), "{bytes:?}");
    }
}

#[test]
fn payloads_are_those_of_the_specifications() {
    let hello = || vec![text(Message, "hello"), text(Ping, ""), text(Message, "world")];
    let with_binary = || vec![text(Message, "€"), binary(&[1, 2, 3, 4])];
    for (form, written, packets) in [
        (PayloadForm::Separated, &b"4hello\x1e2\x1e4world"[..], hello()),
        (PayloadForm::Separated, b"4hello\x1ebAQIDBA==", vec![text(Message, "hello"), binary(&[1, 2, 3, 4])]),
        (PayloadForm::Counted, b"6:4hello1:26:4world", hello()),
        (PayloadForm::Counted, "6:4hello2:4€".as_bytes(), vec![text(Message, "hello"), text(Message, "€")]),
        (PayloadForm::Counted, "3:4😀2:4€".as_bytes(), vec![text(Message, "😀"), text(Message, "€")]),
        (PayloadForm::Counted, "2:4€10:b4AQIDBA==".as_bytes(), with_binary()),
        (PayloadForm::Octets, b"\x00\x04\xff\x34\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04", with_binary()),
        (PayloadForm::Octets, b"\x01\x01\x02\xff\x04..........!", vec![binary(b"..........!")]),
    ] {
        assert_eq!(read_all(written, form, packets.len()).as_ref(), Ok(&packets));
        assert_eq!(write_all(&packets, form), written);
    }
}

#[test]
fn packets_of_no_characters_are_passed_over_in_counted_payloads() {
    assert_eq!(read_all(b"0:", PayloadForm::Counted, 9), Ok(vec![]));
    assert_eq!(read_all(b"0:0:1:20:", PayloadForm::Counted, 9), Ok(vec![text(Ping, "")]));
}

#[test]
fn malformed_payloads_are_refused() {
    for (form, written, fault) in [
        (PayloadForm::Separated, &b""[..], Fault::EmptyPayload),
        (PayloadForm::Separated, b"4a\x1e", Fault::EmptyPacket),
        (PayloadForm::Separated, b"\x1e4a", Fault::EmptyPacket),
        (PayloadForm::Separated, b"4a\x1e\x1e4a", Fault::EmptyPacket),
        (PayloadForm::Separated, b"4\xff", Fault::InvalidUtf8),
        (PayloadForm::Counted, b"abc", Fault::Length),
        (PayloadForm::Counted, b":4a", Fault::Length),
        (PayloadForm::Counted, b"2:4a3", Fault::Length),
        (PayloadForm::Counted, b"3:4a", Fault::Length),
        (PayloadForm::Counted, b"-2:4a", Fault::Length),
        (PayloadForm::Counted, b"00000000002:4a", Fault::Length),
        (PayloadForm::Counted, b"99999999999999999999:4a", Fault::Length),
        (PayloadForm::Counted, "2:4😀".as_bytes(), Fault::Length),
        (PayloadForm::Counted, b"1:9", Fault::PacketType),
        (PayloadForm::Octets, b"\x00\x01", Fault::Length),
        (PayloadForm::Octets, b"\x00\xff4", Fault::Length),
        (PayloadForm::Octets, b"\x00\x0a\xff4", Fault::Length),
        (PayloadForm::Octets, b"\x00\x02\xff4", Fault::Length),
        (PayloadForm::Octets, b"\x00\x00\xff", Fault::EmptyPacket),
        (PayloadForm::Octets, b"\x02\x01\xff4", Fault::Marker),
        (PayloadForm::Octets, b"\x00\x02\xff4\xff", Fault::InvalidUtf8),
    ] {
        assert_eq!(read_all(written, form, 9), Err(fault), "{written:?}");
    }
}

#[test]
fn payloads_are_bounded() {
    let packets = vec![text(Ping, ""); 5];
    for form in FORMS {
        let written = write_all(&packets, form);
        assert_eq!(read_all(&written, form, 5).as_ref(), Ok(&packets));
        assert_eq!(read_all(&written, form, 4), Err(Fault::TooManyPackets));
    }
}

#[test]
fn the_form_of_a_payload_follows_from_the_revision_and_the_client() {
    for (revision, takes_binary, has_binary, form) in [
        (Revision::V4, true, true, PayloadForm::Separated),
        (Revision::V3, true, true, PayloadForm::Octets),
        (Revision::V3, true, false, PayloadForm::Counted),
        (Revision::V3, false, true, PayloadForm::Counted),
    ] {
        assert_eq!(PayloadForm::of_answer(revision, takes_binary, has_binary), form);
        assert_eq!(PayloadForm::of_request(revision, form == PayloadForm::Octets), Some(form));
        assert_eq!(form.content_type().starts_with("text/plain"), form != PayloadForm::Octets);
    }
    assert_eq!(PayloadForm::of_request(Revision::V4, true), None);
}

#[test]
fn open_packets_say_what_the_specifications_say() {
    let mut open = Open {
        sid: Cow::Borrowed("lv_VI97HAXpY6yYWAAAC"),
        may_upgrade: true,
        ping_interval_ms: 25_000,
        ping_timeout_ms: 20_000,
        max_payload_bytes: Some(1_000_000),
    };
    let v4 = r#"{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
    let v3 = r#"{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
    for written in [v4, v3] {
        let mut out = Vec::new();
        open.write(&mut out);
        assert_eq!((out.as_slice(), Open::read(written).as_ref()), (written.as_bytes(), Ok(&open)));
        (open.may_upgrade, open.max_payload_bytes) = (false, None);
    }
    let only_websocket =
        r#"{"sid":"lv_VI97HAXpY6yYWAAAC","pingInterval":25000,"pingTimeout":20000,"x":[{}]}"#;
    assert_eq!(Open::read(only_websocket), Ok(open));
    for written in ["", "[]", r#"{"sid":"a"}"#, r#"{"sid":"a","pingInterval":-1,"pingTimeout":1}"#] {
        assert_eq!(Open::read(written), Err(Fault::Open));
    }
}

#[test]
fn jsonp_answers_are_scripts() {
    for (payload, script) in [
        ("packet data", r#"___eio[4]("packet data");"#),
        ("6:4hello", r#"___eio[4]("6:4hello");"#),
        ("9:42[\"a\\n\"]\u{2028}", r#"___eio[4]("9:42[\"a\\n\"]\u2028");"#),
        ("\u{2029}\u{2027}\u{2028}é", "___eio[4](\"\\u2029\u{2027}\\u2028é\");"),
    ] {
        let mut out = b"x".to_vec();
        jsonp::write_answer(4, payload, &mut out);
        assert_eq!(std::str::from_utf8(&out[1..]), Ok(script));
        assert_eq!(jsonp::read_answer(4, script).as_deref(), Ok(payload));
        assert_eq!(jsonp::read_answer(5, script), Err(Fault::Jsonp));
    }
    assert_eq!(jsonp::read_answer(4, "___eio[4](1);"), Err(Fault::Jsonp));
}

#[test]
fn jsonp_requests_are_forms_with_escaped_line_ends() {
    for (body, payload) in [
        ("d=6%3A4hello", "6:4hello"),
        ("d=4%3A4a+b", "4:4a b"),
        // A line end, escaped by the client; an escape of JSON, escaped once more; three backslashes.
        (r"d=4%3A4a%5Cnb", "4:4a\nb"),
        (r"d=a%5C%5Cnb", r"a\nb"),
        (r"d=a%5C%5C%5Cnb", r"a\\nb"),
        (r"d=a%5Cb%5C", r"a\b\"),
        ("x=1&d=2", "2"),
    ] {
        assert_eq!(jsonp::read_request(body).as_deref(), Ok(payload), "{body}");
    }
    for body in ["", "e=1", "d=%", "d=%ff"] {
        assert_eq!(jsonp::read_request(body), Err(Fault::Jsonp), "{body}");
    }
}

#[test]
fn revisions_are_named_by_their_parameter() {
    for revision in [Revision::V3, Revision::V4] {
        assert_eq!(Revision::from_parameter(revision.parameter()), Some(revision));
    }
    assert_eq!(["", "2", "5", "04"].map(Revision::from_parameter), [None; 4]);
}

/// Without the separator, which no payload of revision 4 can hold.
fn content() -> impl Strategy<Value = String> {
    prop_oneof![".{0,20}", "[a:0-9b\\\\\n\"€😀]{0,20}"].prop_map(|text| text.replace('\x1e', ""))
}

#[derive(Clone, Debug)]
enum Any {
    Text(PacketType, String),
    Binary(Vec<u8>),
}

fn any_packet() -> impl Strategy<Value = Any> {
    let types = vec![PacketType::Open, Close, Ping, Pong, Message, Upgrade, Noop];
    prop_oneof![
        (prop::sample::select(types), content()).prop_map(|(packet_type, text)| Any::Text(packet_type, text)),
        vec(any::<u8>(), 0..40).prop_map(Any::Binary),
    ]
}

proptest! {
    #[test]
    fn packets_survive_every_form_and_message(packets in vec(any_packet(), 1..8)) {
        let packets: Vec<Packet<'_>> = packets.iter().map(|packet| match packet {
            Any::Text(packet_type, content) => text(*packet_type, content),
            Any::Binary(bytes) => binary(bytes),
        }).collect();
        for form in FORMS {
            let written = write_all(&packets, form);
            prop_assert_eq!(read_all(&written, form, packets.len()), Ok(packets.clone()));
        }
        for packet in &packets {
            assert_survives_messages(packet, Revision::V3);
            assert_survives_messages(packet, Revision::V4);
        }
    }

    #[test]
    fn any_bytes_obey(bytes in vec(any::<u8>(), 0..60)) {
        obey(&bytes);
    }

    #[test]
    fn anything_like_a_payload_obeys(
        text in "([0-9]:|[0-6]|b4?|AQID|=|\x1e|\\\\n|\n|a|€|😀|d=|%5C|\"){0,12}",
        octets in vec(prop_oneof![Just(0u8), Just(1), Just(2), Just(3), Just(4), Just(255), Just(b'4'), Just(b'b')], 0..20),
    ) {
        obey(text.as_bytes());
        obey(&octets);
    }

    #[test]
    fn jsonp_carries_any_text(text in content()) {
        obey(text.as_bytes());
    }
}

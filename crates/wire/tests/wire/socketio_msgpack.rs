//! Packets in MessagePack: what notepack.io makes of them, what other languages make of them, and what is refused.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use wire::socketio::{Fault, Limits, MAX_DEPTH, Packet, msgpack};

use crate::socketio_laws::{WIDE, carry, obey, written};

const LIMITS: Limits = Limits { max_attachments: 2, max_bytes: 1000 };

/// A packet `{type: 2, nsp: "/", data: ["a", …]}` around one argument.
fn around(argument: &[u8]) -> Vec<u8> {
    [&b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a"[..], argument].concat()
}

fn read(bytes: &[u8]) -> Result<(String, Vec<Vec<u8>>), Fault> {
    let assembled = msgpack::read(bytes, &LIMITS)?;
    Ok((written(&assembled.packet()), assembled.attachments().to_vec()))
}

fn write(text: &str, attachments: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    msgpack::write(&Packet::read(text, attachments.len()).expect(text), attachments, &mut out);
    out
}

#[test]
fn packets_of_every_type_are_maps() {
    for (text, bytes) in [
        ("0", &b"\x82\xa4type\x00\xa3nsp\xa1/"[..]),
        (r#"0/a,{"b":1}"#, b"\x83\xa4type\x00\xa3nsp\xa2/a\xa4data\x81\xa1b\x01"),
        ("1", b"\x82\xa4type\x01\xa3nsp\xa1/"),
        (r#"2["a",1]"#, b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\x01"),
        (r#"2/b,12["a"]"#, b"\x84\xa4type\x02\xa3nsp\xa2/b\xa4data\x91\xa1a\xa2id\x0c"),
        ("30[]", b"\x84\xa4type\x03\xa3nsp\xa1/\xa4data\x90\xa2id\x00"),
        (r#"4"no""#, b"\x83\xa4type\x04\xa3nsp\xa1/\xa4data\xa2no"),
        (r#"4{"message":"no"}"#, b"\x83\xa4type\x04\xa3nsp\xa1/\xa4data\x81\xa7message\xa2no"),
    ] {
        assert_eq!(write(text, &[]), bytes, "{text}");
        assert_eq!(read(bytes), Ok((text.to_owned(), vec![])));
    }
}

#[test]
fn attachments_stand_in_their_places() {
    let bytes = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x93\xa1a\xc4\x02hi\x81\xa1b\xc4\x00";
    let text = r#"52-["a",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}]"#;
    let attachments = vec![b"hi".to_vec(), vec![]];
    assert_eq!(write(text, &attachments), bytes);
    assert_eq!(read(bytes), Ok((text.to_owned(), attachments)));
    let ack = b"\x84\xa4type\x03\xa3nsp\xa1/\xa4data\x91\xc4\x01x\xa2id\x07";
    let text = r#"61-7[{"_placeholder":true,"num":0}]"#;
    assert_eq!(write(text, &[b"x".to_vec()]), ack);
    assert_eq!(read(ack), Ok((text.to_owned(), vec![b"x".to_vec()])));
}

#[test]
fn a_name_that_is_a_number_is_carried_as_its_digits() {
    let bytes = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xcename";
    assert_eq!(read(bytes), Ok((r#"2["1851878757"]"#.to_owned(), vec![])));
    obey(bytes);
}

#[test]
fn every_value_has_its_shortest_form() {
    for (json, item) in [
        ("null", &b"\xc0"[..]),
        ("true", b"\xc3"),
        ("false", b"\xc2"),
        ("127", b"\x7f"),
        ("128", b"\xcc\x80"),
        ("256", b"\xcd\x01\x00"),
        ("65536", b"\xce\x00\x01\x00\x00"),
        ("4294967296", b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
        ("-1", b"\xff"),
        ("-32", b"\xe0"),
        ("-33", b"\xd0\xdf"),
        ("-129", b"\xd1\xff\x7f"),
        ("-32769", b"\xd2\xff\xff\x7f\xff"),
        ("-2147483649", b"\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"),
        ("1.5", b"\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"),
        ("-0.0", b"\xcb\x80\x00\x00\x00\x00\x00\x00\x00"),
        ("\"é\"", b"\xa2\xc3\xa9"),
        ("\"\\n\"", b"\xa1\n"),
        ("[]", b"\x90"),
        ("{}", b"\x80"),
        (r#"{"_placeholder":true,"num":0}"#, b"\x82\xac_placeholder\xc3\xa3num\x00"),
    ] {
        let text = format!(r#"2["a",{json}]"#);
        assert_eq!(write(&text, &[]), around(item), "{json}");
        assert_eq!(read(&around(item)), Ok((text, vec![])));
    }
}

#[test]
fn long_values_have_long_lengths() {
    for (count, string, array, map) in [
        (40, &b"\xd9\x28"[..], &b"\xdc\x00\x28"[..], &b"\xde\x00\x28"[..]),
        (300, b"\xda\x01\x2c", b"\xdc\x01\x2c", b"\xde\x01\x2c"),
        (70_000, b"\xdb\x00\x01\x11\x70", b"\xdd\x00\x01\x11\x70", b"\xdf\x00\x01\x11\x70"),
    ] {
        let items = |one: &str| vec![one; count].join(",");
        for (json, item) in [
            (format!("\"{}\"", "x".repeat(count)), [string, "x".repeat(count).as_bytes()].concat()),
            (format!("[{}]", items("1")), [array, &vec![1; count]].concat()),
            (format!("{{{}}}", items("\"k\":1")), [map, b"\xa1k\x01".repeat(count).as_slice()].concat()),
        ] {
            let text = format!(r#"2["a",{json}]"#);
            assert_eq!(write(&text, &[]), around(&item));
            assert_eq!(written(&msgpack::read(&around(&item), &WIDE).expect("long").packet()), text);
        }
    }
}

#[test]
fn what_json_has_not_becomes_what_javascript_writes_for_it() {
    for (item, json) in [
        (&b"\xd4\x00\x00"[..], "null"),
        (b"\x82\xa1b\xd4\x00\x00\xa1c\x01", r#"{"c":1}"#),
        (b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", "null"),
        (b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "null"),
        (b"\xca\x3f\x80\x00\x00", "1.0"),
        (b"\xd3\x00\x00\x00\x00\x00\x00\x00\x05", "5"),
        (b"\x82\x01\xc3\xff\xc2", r#"{"1":true,"-1":false}"#),
        (b"\xd7\x00\x00\x00\x00\x00\x00\x00\x00\x00", r#""1970-01-01T00:00:00.000Z""#),
        (b"\xd6\xff\x00\x00\x00\x01", r#""1970-01-01T00:00:01.000Z""#),
        (b"\xd7\xff\x00\x7a\x12\x00\x00\x00\x00\x01", r#""1970-01-01T00:00:01.002Z""#),
        (b"\xc7\x0c\xff\x00\x1e\x84\x80\xff\xff\xff\xff\xff\xff\xff\xff", r#""1969-12-31T23:59:59.002Z""#),
        (b"\xd7\x00\xff\xff\xff\xff\xff\xff\xff\xff", r#""1969-12-31T23:59:59.999Z""#),
        (b"\xd7\x00\x00\x00\x00\xdd\x9d\x5a\x09\xc3", r#""2000-02-29T12:34:56.067Z""#),
        (b"\xd7\x00\x00\x1e\xb2\x08\xc2\xdc\x00\x00", r#""+275760-09-13T00:00:00.000Z""#),
        (b"\xd7\x00\xff\xe1\x4d\xf7\x3d\x24\x00\x00", r#""-271821-04-20T00:00:00.000Z""#),
    ] {
        assert_eq!(read(&around(item)), Ok((format!(r#"2["a",{json}]"#), vec![])), "{item:02x?}");
    }
    let array_buffer = around(b"\xc7\x02\x00hi");
    assert_eq!(read(&array_buffer).map(|(_, attachments)| attachments), Ok(vec![b"hi".to_vec()]));
}

#[test]
fn members_may_be_more_others_and_nil() {
    let options =
        b"\x85\xa4type\x02\xa4data\x91\xa1a\xa7options\x81\xa8compress\xc3\xa3nsp\xa1/\xa2id\xd4\x00\x00";
    assert_eq!(read(options), Ok((r#"2["a"]"#.to_owned(), vec![])));
    let python = b"\x84\xa4type\x00\xa4data\xc0\xa3nsp\xa1/\xa2id\xc0";
    assert_eq!(read(python), Ok(("0".to_owned(), vec![])));
}

#[test]
fn malformed_packets_are_refused() {
    for (bytes, fault) in [
        (&b""[..], Fault::Msgpack),
        (b"\x90", Fault::Msgpack),
        (b"\x81\x01\x02", Fault::Msgpack),
        (b"\x82\xa4type\x00\xa3nsp", Fault::Msgpack),
        (b"\x82\xa4type\x00\xa3nsp\xa1/\x00", Fault::Msgpack),
        (b"\x81\xa4type\x00", Fault::Namespace),
        (b"\x82\xa4type\x00\xa3nsp\x01", Fault::Namespace),
        (b"\x82\xa4type\x00\xa3nsp\xa1a", Fault::Namespace),
        (b"\x82\xa4type\x00\xa3nsp\xa3/,1", Fault::Namespace),
        (b"\x81\xa3nsp\xa1/", Fault::PacketType),
        (b"\x82\xa4type\x05\xa3nsp\xa1/", Fault::PacketType),
        (b"\x82\xa4type\xa12\xa3nsp\xa1/", Fault::PacketType),
        (b"\x82\xa4type\x02\xa3nsp\xa1/", Fault::Payload),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x90", Fault::EventName),
        (b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x91\xa7connect", Fault::ReservedEvent),
        (b"\x83\xa4type\x03\xa3nsp\xa1/\xa4data\x90", Fault::AckId),
        (b"\x84\xa4type\x03\xa3nsp\xa1/\xa4data\x90\xa2id\xff", Fault::AckId),
        (b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x90", Fault::Payload),
        (b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa1b\xc4\x00", Fault::Payload),
        (b"\x83\xa4type\x01\xa3nsp\xa1/\xa4data\x80", Fault::Payload),
    ] {
        assert_eq!(read(bytes), Err(fault), "{bytes:02x?}");
    }
    for item in [
        &b"\xc1"[..],
        b"\xa1\xff",
        b"\xc7\x01\x01x",
        b"\xd4\x01x",
        b"\xd6\x01\0\0\0\0",
        b"\xd7\xff\xff\xff\xff\xff\0\0\0\0",
        b"\x81\x80\x01",
    ] {
        assert_eq!(read(&around(item)), Err(Fault::Msgpack), "{item:02x?}");
    }
    let no_date = around(b"\xd7\x00\x7f\xff\xff\xff\xff\xff\xff\xff");
    assert_eq!(read(&no_date), Err(Fault::Msgpack));
}

#[test]
fn what_is_read_is_bounded() {
    let nested = |depth: usize| around(&[vec![0x91; depth - 1], vec![0xC0]].concat());
    assert!(read(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(read(&nested(MAX_DEPTH + 1)), Err(Fault::TooDeep));
    assert_eq!(read(&nested(1_000_000)), Err(Fault::TooDeep));
    assert_eq!(read(&around(b"\xdd\xff\xff\xff\xff\xc0")), Err(Fault::Msgpack));
    assert_eq!(read(&around(b"\xc6\xff\xff\xff\xff\xc0")), Err(Fault::Msgpack));
    assert_eq!(read(&around(b"\x93\xc4\x00\xc4\x00\xc4\x00")), Err(Fault::TooManyAttachments));
    let long = [&b"\xc5\x03\xd0"[..], &[0; 976]].concat();
    assert_eq!(read(&around(&long)), Err(Fault::TooLarge));
    assert_eq!(read(&around(&[&b"\xd9\xc8"[..], &[0; 200]].concat())), Err(Fault::TooLarge));
}

#[test]
fn half_a_surrogate_pair_is_no_character() {
    let item = [&b"\xa7"[..], "\u{fffd}x\u{fffd}".as_bytes()].concat();
    assert_eq!(write(r#"2["a","\ud83dx\uDE00"]"#, &[]), around(&item));
}

fn any_json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-70_000..70_000i32).prop_map(Value::from)
    ];
    // Exact, so that no parser rounds them.
    let float = any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0));
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number,
        float,
        ".{0,40}".prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 60, 20, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..20).prop_map(Value::from),
            vec((".{0,6}", inner), 0..20).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn json_means_the_same_after_messagepack(arguments in vec(any_json(), 0..5), id in prop::option::of(0..1u64 << 53), namespace in "/[a-zé{\"]{0,5}") {
        let data = Value::from([vec![json!("name")], arguments].concat());
        let text = format!("2{namespace},{}{data}", id.map_or(String::new(), |id| id.to_string()));
        let packet = Packet::read(&text, 0).expect("it is a packet");
        let carried = written(&carry(&packet, &[]).packet());
        let of = |text: &str| serde_json::from_str::<Value>(&text[text.find('[').expect("an array")..]).expect("JSON");
        prop_assert_eq!(of(&carried), data);
        obey(text.as_bytes());
    }

    #[test]
    fn any_bytes_obey(bytes in vec(any::<u8>(), 0..60)) {
        obey(&bytes);
        obey(&around(&bytes));
    }

    #[test]
    fn packets_gone_wrong_obey(arguments in vec(any_json(), 0..3), place: prop::sample::Index, change: u8) {
        let data = Value::from([vec![json!("name")], arguments].concat());
        let mut bytes = write(&format!("21{data}"), &[]);
        let at = place.index(bytes.len());
        bytes[at] ^= change;
        obey(&bytes);
    }
}

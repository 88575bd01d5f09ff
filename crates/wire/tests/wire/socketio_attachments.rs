//! Packets and the binary messages that follow them.

use std::borrow::Cow;

use wire::socketio::{Decoder, Fault, Limits, Received};

const LIMITS: Limits = Limits { max_attachments: 3, max_bytes: 100 };

const TWO: &str = r#"52-/a,7["b",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]"#;

fn binary(decoder: &mut Decoder, bytes: &[u8]) -> Result<Received<'static>, Fault> {
    decoder.receive_binary(Cow::Borrowed(bytes), &LIMITS)
}

#[test]
fn a_packet_is_whole_with_its_last_attachment() {
    let mut decoder = Decoder::new();
    assert_eq!(decoder.receive_text(TWO, &LIMITS), Ok(Received::Part));
    assert!(decoder.is_waiting());
    assert_eq!(binary(&mut decoder, b"zero"), Ok(Received::Part));
    let Ok(Received::Assembled(assembled)) = binary(&mut decoder, b"one") else { panic!("it is whole") };
    assert_eq!(assembled.attachments(), [b"zero".to_vec(), b"one".to_vec()]);
    assert_eq!((assembled.packet().namespace, assembled.packet().attachments()), ("/a", 2));
    assert!(!decoder.is_waiting());
    assert!(matches!(decoder.receive_text("2[\"c\"]", &LIMITS), Ok(Received::Packet(_))));
}

#[test]
fn attachments_without_a_packet_and_packets_without_their_attachments_are_refused() {
    let mut decoder = Decoder::new();
    assert_eq!(binary(&mut decoder, b"x"), Err(Fault::UnexpectedBinary));
    assert_eq!(decoder.receive_text(TWO, &LIMITS), Ok(Received::Part));
    assert_eq!(decoder.receive_text("2[\"c\"]", &LIMITS), Err(Fault::UnexpectedText));
}

#[test]
fn a_packet_that_promises_none_is_whole_at_once() {
    let mut decoder = Decoder::new();
    assert!(matches!(decoder.receive_text("50-[\"a\"]", &LIMITS), Ok(Received::Packet(_))));
    assert!(!decoder.is_waiting());
}

#[test]
fn attachments_are_bounded_in_number_and_size() {
    let many = r#"54-["a"]"#;
    assert_eq!(Decoder::new().receive_text(many, &LIMITS), Err(Fault::TooManyAttachments));
    let mut decoder = Decoder::new();
    assert_eq!(decoder.receive_text(TWO, &LIMITS), Ok(Received::Part));
    assert_eq!(binary(&mut decoder, &vec![0; LIMITS.max_bytes - TWO.len()]), Ok(Received::Part));
    assert_eq!(binary(&mut decoder, &[0]), Err(Fault::TooLarge));
}

#[test]
fn a_decoder_that_waits_for_nothing_is_small() {
    assert_eq!(size_of::<Decoder>(), size_of::<usize>());
}

//! The rules of RFC 6455 §5 and §7 and RFC 7692 §6, one stream each.

use wire::deflate::Deflater;
use wire::websocket::{Breach, Decoder, Fault, Role};

use crate::drive::{End, Heard, cut, listen};
use crate::frames::*;
use crate::noise::noise;

const MAX: usize = 1000;

fn server(stream: &[u8]) -> (Vec<Heard>, End) {
    let whole = listen(Role::Server, false, MAX, [stream]);
    assert_eq!(listen(Role::Server, false, MAX, cut(stream, &[1])), whole, "byte by byte");
    whole
}

fn client(stream: &[u8]) -> (Vec<Heard>, End) {
    let whole = listen(Role::Client, false, MAX, [stream]);
    assert_eq!(listen(Role::Client, false, MAX, cut(stream, &[1])), whole, "byte by byte");
    whole
}

fn deflating_server(stream: &[u8]) -> (Vec<Heard>, End) {
    let whole = listen(Role::Server, true, MAX, [stream]);
    assert_eq!(listen(Role::Server, true, MAX, cut(stream, &[1])), whole, "byte by byte");
    whole
}

fn text(text: &str) -> Heard {
    Heard::Text(text.to_owned())
}

fn breach(breach: Breach) -> End {
    End::Failed(Fault::Protocol(breach))
}

fn compressed(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Deflater::new().compress(15, payload, &mut out);
    out
}

#[test]
fn the_examples_of_rfc_6455_5_7_are_understood() {
    let hello = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(client(&hello), (vec![text("Hello")], End::Open(0)));
    let masked_hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(server(&masked_hello), (vec![text("Hello")], End::Open(0)));
    let fragmented = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    assert_eq!(client(&fragmented), (vec![text("Hello")], End::Open(0)));
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(client(&ping), (vec![Heard::Ping(b"Hello".to_vec())], End::Open(0)));
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(server(&pong), (vec![Heard::Pong(b"Hello".to_vec())], End::Open(0)));
}

#[test]
fn payloads_of_every_length_class_arrive() {
    for length in [0, 1, 125, 126, 127, 128, 65535, 65536, 65537] {
        let payload = vec![b'x'; length];
        let stream = masked(FIN | BINARY, &payload);
        let heard = listen(Role::Server, false, 70_000, [stream.as_slice()]);
        assert_eq!(heard, (vec![Heard::Binary(payload)], End::Open(0)), "{length}");
    }
}

#[test]
fn control_frames_come_between_the_fragments_of_a_message() {
    let stream = [
        masked(TEXT, "a€".as_bytes()),
        masked(FIN | PING, b"1"),
        masked(CONTINUATION, b""),
        masked(FIN | PONG, b""),
        masked(FIN | CONTINUATION, b"b"),
    ];
    let heard = vec![Heard::Ping(b"1".to_vec()), Heard::Pong(Vec::new()), text("a€b")];
    assert_eq!(server(&stream.concat()), (heard, End::Open(0)));
}

#[test]
fn a_character_may_be_split_between_fragments() {
    let euro = "€".as_bytes();
    let stream = [masked(TEXT, &euro[..1]), masked(CONTINUATION, &euro[1..2]), masked(FIN, &euro[2..])];
    assert_eq!(server(&stream.concat()), (vec![text("€")], End::Open(0)));
}

#[test]
fn reserved_bits_and_opcodes_are_refused() {
    for bits in [RSV1, RSV2, RSV3, RSV1 | RSV2 | RSV3] {
        for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
            assert_eq!(server(&masked(FIN | bits | opcode, b"")).1, breach(Breach::ReservedBits));
        }
    }
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
        assert_eq!(server(&masked(FIN | opcode, b"")).1, breach(Breach::ReservedOpcode));
    }
}

#[test]
fn only_clients_mask_and_they_always_do() {
    assert_eq!(server(&unmasked(FIN | TEXT, b"hi")).1, breach(Breach::Unmasked));
    assert_eq!(client(&masked(FIN | TEXT, b"hi")).1, breach(Breach::Masked));
}

#[test]
fn control_frames_are_short_and_whole() {
    for opcode in [CLOSE, PING, PONG] {
        assert_eq!(server(&masked(FIN | opcode, &[b'x'; 126])).1, breach(Breach::LongControl));
        assert_eq!(server(&masked(opcode, b"")).1, breach(Breach::FragmentedControl));
    }
    let longest = vec![0xFF; 125];
    assert_eq!(server(&masked(FIN | PING, &longest)).0, [Heard::Ping(longest)]);
}

#[test]
fn lengths_are_minimal_and_of_63_bits() {
    for length in [0u16, 1, 125] {
        let stream = [&[0x82, 0xFE][..], &length.to_be_bytes(), &KEY].concat();
        assert_eq!(server(&stream).1, breach(Breach::LengthNotMinimal), "{length} in 16 bits");
    }
    for length in [0u64, 125, 126, 65535] {
        let stream = [&[0x82, 0xFF][..], &length.to_be_bytes(), &KEY].concat();
        assert_eq!(server(&stream).1, breach(Breach::LengthNotMinimal), "{length} in 64 bits");
    }
    for (length, end) in
        [(1 << 63, breach(Breach::LengthTooBig)), (u64::MAX >> 1, End::Failed(Fault::TooLarge))]
    {
        let stream = [&[0x82, 0xFF][..], &u64::to_be_bytes(length), &KEY].concat();
        assert_eq!(server(&stream).1, end);
    }
}

#[test]
fn fragments_follow_their_order() {
    let unexpected = breach(Breach::UnexpectedContinuation);
    assert_eq!(server(&masked(FIN | CONTINUATION, b"x")).1, unexpected);
    assert_eq!(server(&masked(CONTINUATION, b"x")).1, unexpected);
    let finished = [masked(TEXT, b"a"), masked(FIN, b"b"), masked(FIN, b"c")].concat();
    assert_eq!(server(&finished), (vec![text("ab")], unexpected));
    for second in [TEXT, BINARY, FIN | TEXT, FIN | BINARY] {
        let stream = [masked(TEXT, b"a"), masked(second, b"b")].concat();
        assert_eq!(server(&stream).1, breach(Breach::ExpectedContinuation));
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    let wrong: [&[u8]; 8] = [
        b"\xFF",
        b"a\x80",
        b"\xC0\x80",
        b"\xED\xA0\x80",
        b"\xF4\x90\x80\x80",
        b"\xE2\x82",
        b"\xC3",
        b"\xF8\x88\x80\x80\x80",
    ];
    for payload in wrong {
        let end = End::Failed(Fault::InvalidUtf8);
        assert_eq!(server(&masked(FIN | TEXT, payload)), (vec![], end), "{payload:x?}");
        assert_eq!(
            server(&[masked(TEXT, payload), masked(FIN, b"")].concat()),
            (vec![], end),
            "{payload:x?}"
        );
        assert_eq!(server(&masked(FIN | BINARY, payload)).0, [Heard::Binary(payload.to_vec())]);
    }
}

#[test]
fn wrong_text_is_refused_at_the_first_byte_that_shows_it() {
    // Autobahn 6.4: the text goes wrong long before its frame or message ends.
    for (right, wrong) in [("κόσμε", 0xF5), ("κόσμε", 0x80), ("a", 0xC1)] {
        let mut stream = masked(TEXT, right.as_bytes());
        stream.extend([0x80, 0x80 | 100]);
        stream.extend(KEY);
        assert_eq!(listen(Role::Server, false, MAX, [stream.as_slice()]).1, End::Open(0));
        stream.push(wrong ^ KEY[0]);
        assert_eq!(listen(Role::Server, false, MAX, [stream.as_slice()]).1, End::Failed(Fault::InvalidUtf8));
    }
    // F4 can begin a character, F4 90 cannot.
    let stream = [masked(TEXT, b"\xF4"), masked(CONTINUATION, b"\x90")].concat();
    assert_eq!(server(&stream).1, End::Failed(Fault::InvalidUtf8));
}

#[test]
fn close_payloads_are_checked() {
    let close = |payload: &[u8]| server(&masked(FIN | CLOSE, payload));
    assert_eq!(close(b""), (vec![Heard::Close(None)], End::Closed));
    assert_eq!(close(b"\x03").1, breach(Breach::ShortClose));
    assert_eq!(close(b"\x03\xE8").0, [Heard::Close(Some((1000, String::new())))]);
    assert_eq!(close("\u{3}\u{0}bye".as_bytes()).1, breach(Breach::CloseCode));
    assert_eq!(close(b"\x03\xE8bye").0, [Heard::Close(Some((1000, "bye".to_owned())))]);
    assert_eq!(close(b"\x03\xE8\xFF").1, End::Failed(Fault::InvalidUtf8));
    let longest = [&b"\x0F\xA0"[..], &[b'r'; 123]].concat();
    assert_eq!(close(&longest).0, [Heard::Close(Some((4000, "r".repeat(123))))]);
}

#[test]
fn only_close_codes_that_may_be_sent_are_taken() {
    let taken = |code: u16| server(&masked(FIN | CLOSE, &code.to_be_bytes())).1 == End::Closed;
    for code in
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
    {
        assert!(taken(code), "{code}");
    }
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        assert!(!taken(code), "{code}");
    }
}

#[test]
fn nothing_is_heard_behind_a_close() {
    let stream = [masked(FIN | CLOSE, b""), masked(FIN | TEXT, b"late")].concat();
    assert_eq!(server(&stream), (vec![Heard::Close(None)], End::Closed));
}

#[test]
fn a_message_is_as_long_as_it_may_be_and_no_longer() {
    assert_eq!(server(&masked(FIN | BINARY, &[1; MAX])).0, [Heard::Binary(vec![1; MAX])]);
    assert_eq!(server(&masked(FIN | BINARY, &[1; MAX + 1])).1, End::Failed(Fault::TooLarge));
    let fitting = [masked(BINARY, &[1; MAX - 1]), masked(FIN, &[1; 1])].concat();
    assert_eq!(server(&fitting).0, [Heard::Binary(vec![1; MAX])]);
    let beyond = [masked(BINARY, &[1; MAX - 1]), masked(FIN, &[1; 2])].concat();
    assert_eq!(server(&beyond).1, End::Failed(Fault::TooLarge));
}

#[test]
fn a_message_too_large_is_refused_by_its_header_alone() {
    let stream = masked(FIN | BINARY, &[1; MAX + 1]);
    assert_eq!(server(&stream[..8]).1, End::Failed(Fault::TooLarge));
}

#[test]
fn compressed_messages_are_inflated() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(deflating_server(&masked(FIN | RSV1 | TEXT, &hello)), (vec![text("Hello")], End::Open(0)));
    let fragments =
        [masked(RSV1 | TEXT, &hello[..3]), masked(FIN | PING, b""), masked(FIN | CONTINUATION, &hello[3..])];
    let heard = vec![Heard::Ping(Vec::new()), text("Hello")];
    assert_eq!(deflating_server(&fragments.concat()), (heard, End::Open(0)));
    let plain = [masked(FIN | TEXT, b"plain"), masked(FIN | RSV1 | BINARY, &compressed(&[7; 500]))].concat();
    assert_eq!(deflating_server(&plain).0, [text("plain"), Heard::Binary(vec![7; 500])]);
}

#[test]
fn rsv1_belongs_to_the_first_frame_of_a_message() {
    let later = [masked(RSV1 | TEXT, b"\xf2"), masked(FIN | RSV1 | CONTINUATION, b"\x48")].concat();
    assert_eq!(deflating_server(&later).1, breach(Breach::ReservedBits));
    for opcode in [PING, PONG, CLOSE] {
        assert_eq!(deflating_server(&masked(FIN | RSV1 | opcode, b"")).1, breach(Breach::ReservedBits));
    }
}

#[test]
fn compressed_messages_are_checked_once_inflated() {
    let message = |payload: &[u8]| deflating_server(&masked(FIN | RSV1 | TEXT, payload)).1;
    assert_eq!(message(&compressed(b"a\xFF")), End::Failed(Fault::InvalidUtf8));
    assert_eq!(message(&compressed(&[b'x'; MAX])), End::Open(0));
    assert_eq!(message(&compressed(&[b'x'; MAX + 1])), End::Failed(Fault::TooLarge));
    assert_eq!(message(&compressed(&vec![0; 100 * MAX])), End::Failed(Fault::TooLarge));
    assert_eq!(message(b"\x07\x07\x07"), End::Failed(Fault::DoesNotInflate));
    let whole = compressed("a message that is cut short".as_bytes());
    assert_eq!(message(&whole[..whole.len() / 2]), End::Failed(Fault::DoesNotInflate));
}

#[test]
fn what_does_not_compress_may_still_be_as_long_as_any_message() {
    let noise = noise(MAX);
    let stream = masked(FIN | RSV1 | BINARY, &compressed(&noise));
    assert!(stream.len() > MAX);
    assert_eq!(deflating_server(&stream).0, [Heard::Binary(noise)]);
}

#[test]
fn every_fault_has_its_close_code_and_reason() {
    for (fault, code, reason) in [
        (Fault::Protocol(Breach::Unmasked), 1002, "protocol_error"),
        (Fault::UnsupportedData, 1003, "unsupported_data"),
        (Fault::InvalidUtf8, 1007, "invalid_utf8"),
        (Fault::DoesNotInflate, 1007, "invalid_utf8"),
        (Fault::TooLarge, 1009, "message_too_large"),
    ] {
        assert_eq!((fault.close_code(), fault.reason()), (code, reason));
    }
}

#[test]
fn an_idle_connection_is_small_and_holds_nothing() {
    assert!(size_of::<Decoder>() <= 16);
    let mut decoder = Decoder::new(Role::Server, true);
    let mut inflater = wire::deflate::Inflater::new();
    let mut stream = [masked(TEXT, b"a"), masked(FIN | CONTINUATION, b"b")].concat();
    let first = decoder.next(&mut stream, MAX, &mut inflater).expect("a fragment").consumed;
    assert!(decoder.held_bytes() > 0);
    decoder.next(&mut stream[first..], MAX, &mut inflater).expect("the last fragment");
    assert_eq!(decoder.held_bytes(), 0);
}

#[test]
fn a_whole_message_is_lent_from_the_input() {
    let mut stream = masked(FIN | TEXT, b"in place");
    let expected = stream[6..].as_ptr();
    let mut inflater = wire::deflate::Inflater::new();
    let step = Decoder::new(Role::Server, false).next(&mut stream, MAX, &mut inflater).expect("a message");
    let (_, payload) = step.item.and_then(|item| item.message()).expect("a message");
    assert_eq!(payload.as_ptr(), expected);
}

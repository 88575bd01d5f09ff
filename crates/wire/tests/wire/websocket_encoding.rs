//! The frames that we write, byte for byte.

use wire::websocket::{
    Kind, MAX_HEADER_BYTES, MAX_REASON_BYTES, Opcode, write_close, write_deflated_frame, write_frame,
    write_frame_with, write_masked_close, write_masked_deflated_frame, write_masked_frame,
};

use crate::frames::*;

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = b"before".to_vec();
    write(&mut out);
    assert!(out.starts_with(b"before"), "what was in the buffer stays");
    out.split_off(6)
}

#[test]
fn frames_of_every_length_class_are_as_the_specification_says() {
    for length in [0, 1, 125, 126, 127, 1000, 65535, 65536, 70_000] {
        let payload: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let plain = unmasked(FIN | BINARY, &payload);
        assert_eq!(written(|out| write_frame(out, Opcode::Binary, &payload)), plain);
        assert_eq!(written(|out| write_frame_with(out, Opcode::Binary, |out| out.extend(&payload))), plain);
        let by_client = masked(FIN | BINARY, &payload);
        assert_eq!(written(|out| write_masked_frame(out, Opcode::Binary, &payload, KEY)), by_client);
        assert!(by_client.len() - payload.len() <= MAX_HEADER_BYTES);
    }
}

#[test]
fn compressed_frames_carry_rsv1() {
    assert_eq!(written(|out| write_deflated_frame(out, Kind::Text, b"z")), unmasked(FIN | RSV1 | TEXT, b"z"));
    let by_client = written(|out| write_masked_deflated_frame(out, Kind::Binary, b"z", KEY));
    assert_eq!(by_client, masked(FIN | RSV1 | BINARY, b"z"));
}

#[test]
fn a_close_says_why() {
    assert_eq!(written(|out| write_close(out, 1000, "bye")), unmasked(FIN | CLOSE, b"\x03\xE8bye"));
    assert_eq!(written(|out| write_masked_close(out, 4999, "", KEY)), masked(FIN | CLOSE, b"\x13\x87"));
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    let reason = "€".repeat(50);
    let frame = written(|out| write_close(out, 1000, &reason));
    let sent = std::str::from_utf8(&frame[4..]).expect("whole characters");
    assert_eq!(sent.len(), MAX_REASON_BYTES);
    assert!(reason.starts_with(sent));
    let odd = format!("a{reason}");
    let frame = written(|out| write_close(out, 1000, &odd));
    assert_eq!(std::str::from_utf8(&frame[4..]).map(str::len), Ok(MAX_REASON_BYTES - 2));
}

//! Compression of messages one by one (RFC 7692 §7.2).

use proptest::collection::vec;
use proptest::prelude::*;
use wire::deflate::{Deflater, InflateFault, Inflater, WINDOW_BITS};

use crate::noise::noise;
use crate::plain_inflate::Reader;

fn compressed(window_bits: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = b"before".to_vec();
    Deflater::new().compress(window_bits, payload, &mut out);
    assert!(out.starts_with(b"before"), "what was in the buffer stays");
    out.split_off(6)
}

fn inflated(payload: &[u8], max_bytes: usize) -> Result<Vec<u8>, InflateFault> {
    let mut out = b"before".to_vec();
    Inflater::new().inflate(payload, max_bytes, &mut out)?;
    assert!(out.starts_with(b"before"), "what was in the buffer stays");
    Ok(out.split_off(6))
}

#[test]
fn the_examples_of_rfc_7692_7_2_3_inflate() {
    let hello = Ok(b"Hello".to_vec());
    let one_block = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let not_compressed = [0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00];
    let final_block = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let two_blocks = [0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00];
    for payload in [&one_block[..], &not_compressed, &final_block, &two_blocks] {
        assert_eq!(inflated(payload, 5), hello, "{payload:x?}");
        assert_eq!(inflated(payload, 4), Err(InflateFault::TooLarge), "{payload:x?}");
    }
    assert_eq!(inflated(&[0x00], 0), Ok(Vec::new()));
    assert_eq!(inflated(&[], 0), Ok(Vec::new()));
}

#[test]
fn last_blocks_may_follow_each_other() {
    let hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let twice = [&hello[..], &hello, &[0x00]].concat();
    assert_eq!(inflated(&twice, 10), Ok(b"HelloHello".to_vec()));
}

#[test]
fn what_is_cut_short_does_not_inflate() {
    let whole = compressed(15, b"some text that is long enough to be cut in the middle of it");
    for end in 1..whole.len() {
        assert_eq!(inflated(&whole[..end], 1000), Err(InflateFault::Malformed), "cut at {end}");
    }
}

#[test]
fn nothing_inflates_beyond_its_bound() {
    let bomb = compressed(15, &vec![0; 10_000_000]);
    let mut out = Vec::new();
    assert_eq!(Inflater::new().inflate(&bomb, 100_000, &mut out), Err(InflateFault::TooLarge));
    assert!(out.len() <= 100_000 && out.capacity() <= 100_001, "{} {}", out.len(), out.capacity());
    assert_eq!(inflated(&bomb, 10_000_000).map(|out| out.len()), Ok(10_000_000));
}

#[test]
fn a_stream_that_goes_wrong_behind_its_bound_stays_within_it() {
    let payload = [18, 40, 40, 8, 40, 40, 184, 48, 187, 32, 0, 112, 0];
    let mut out = Vec::new();
    assert_eq!(Inflater::new().inflate(&payload, 9, &mut out), Err(InflateFault::TooLarge));
    assert_eq!(out.len(), 9);
}

#[test]
fn an_inflater_survives_a_fault() {
    let mut inflater = Inflater::new();
    for wrong in [&b"\x07"[..], &[0xf2, 0x48, 0xcd], &compressed(15, &[0; 5000])] {
        assert!(inflater.inflate_held(wrong, 100).is_err());
        assert_eq!(inflater.inflate_held(&compressed(15, b"right"), 100), Ok(&b"right"[..]));
    }
}

#[test]
fn a_compressed_message_needs_no_wider_window_than_agreed() {
    for window_bits in WINDOW_BITS {
        for distance in [100, 200, 600, 5000, 20_000] {
            let payload = noise(distance).repeat(3);
            let mut stream = compressed(window_bits, &payload);
            stream.extend([0, 0, 0xFF, 0xFF]);
            let read = Reader::read(&stream);
            assert!(read.out == payload, "window 2^{window_bits}, distance {distance}");
            assert!(read.farthest <= 1 << window_bits, "{} with a window of 2^{window_bits}", read.farthest);
            let reach = (1 << window_bits) - 300;
            assert!(
                read.farthest >= distance || distance as i32 > reach,
                "2^{window_bits} reaches {distance}"
            );
        }
    }
}

#[test]
fn chat_becomes_shorter() {
    let line = br#"{"is":"posted","room":"lobby","at":"1kq3v9x:43","user":"alice","id":"c-17","time":1700000000000,"text":"hi"}"#;
    let alone = compressed(15, line);
    assert!(alone.len() <= line.len(), "{} of {}", alone.len(), line.len());
    let many = line.repeat(20);
    assert!(compressed(15, &many).len() * 5 < many.len());
}

proptest! {
    #[test]
    fn what_is_compressed_inflates_to_itself(
        words in vec(vec(any::<u8>(), 0..30), 0..10), repeats in 1..30usize, window_bits in WINDOW_BITS,
    ) {
        let payload = words.concat().repeat(repeats);
        let stream = compressed(window_bits, &payload);
        prop_assert_eq!(inflated(&stream, payload.len()), Ok(payload.clone()));
        prop_assert_eq!(&Reader::read(&[&stream[..], &[0, 0, 0xFF, 0xFF]].concat()).out, &payload);
        if !payload.is_empty() {
            prop_assert_eq!(inflated(&stream, payload.len() - 1), Err(InflateFault::TooLarge));
        }
    }

    #[test]
    fn one_deflater_makes_each_message_as_a_new_one_would(messages in vec((vec(any::<u8>(), 0..400), WINDOW_BITS), 1..6)) {
        let mut deflater = Deflater::new();
        for (payload, window_bits) in messages {
            let mut out = Vec::new();
            deflater.compress(window_bits, &payload, &mut out);
            prop_assert_eq!(out, compressed(window_bits, &payload));
        }
    }

    #[test]
    fn noise_never_inflates_beyond_its_bound(noise in vec(any::<u8>(), 0..200), max_bytes in 0..5000usize) {
        let mut out = Vec::new();
        let _ = Inflater::new().inflate(&noise, max_bytes, &mut out);
        prop_assert!(out.len() <= max_bytes, "{} of {max_bytes}", out.len());
        prop_assert!(out.capacity() <= max_bytes + 8, "room for {} of {max_bytes}", out.capacity());
    }
}

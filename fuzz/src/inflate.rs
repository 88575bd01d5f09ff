//! Compression: never beyond the bound, and what inflates can be compressed and inflated again.

use wire::deflate::{Deflater, InflateFault, Inflater};

use crate::input::Input;

const MAX: usize = 5000;

pub fn inflate(bytes: &[u8]) {
    let Some(Input { choice, stream, .. }) = Input::read(bytes) else { return };
    let mut inflater = Inflater::new();
    let mut out = Vec::new();
    let result = inflater.inflate(stream, MAX, &mut out);
    assert!(out.len() <= MAX && out.capacity() <= MAX + 8, "{} {}", out.len(), out.capacity());
    if result.is_ok() {
        assert_eq!(inflater.inflate_held(stream, out.len()), Ok(out.as_slice()));
        if !out.is_empty() {
            assert_eq!(inflater.inflate_held(stream, out.len() - 1), Err(InflateFault::TooLarge));
        }
        round_trip(&mut inflater, 9 + choice % 7, &out);
    }
    round_trip(&mut inflater, 9 + choice % 7, stream);
}

fn round_trip(inflater: &mut Inflater, window_bits: u8, payload: &[u8]) {
    let mut compressed = Vec::new();
    Deflater::new().compress(window_bits, payload, &mut compressed);
    assert_eq!(inflater.inflate_held(&compressed, payload.len()), Ok(payload));
}

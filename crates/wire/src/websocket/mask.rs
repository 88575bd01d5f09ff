//! Masking of payloads (RFC 6455 §5.3); the same operation masks and unmasks.

/// Bytes taken at a step: what the widest vector registers hold.
const BLOCK: usize = 64;

/// Applies `key` to `bytes`, whose first byte meets the key's first.
#[inline]
pub(super) fn apply(bytes: &mut [u8], key: [u8; 4]) {
    if key == [0; 4] {
        return;
    }
    let word = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let (blocks, tail) = bytes.as_chunks_mut::<BLOCK>();
    for block in blocks {
        for lane in block.as_chunks_mut::<8>().0 {
            *lane = (u64::from_ne_bytes(*lane) ^ word).to_ne_bytes();
        }
    }
    let (lanes, rest) = tail.as_chunks_mut::<8>();
    for lane in lanes {
        *lane = (u64::from_ne_bytes(*lane) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(word.to_ne_bytes()) {
        *byte ^= key;
    }
}

/// The key as it applies from `offset` bytes further on.
pub(super) fn advance(mut key: [u8; 4], offset: usize) -> [u8; 4] {
    key.rotate_left(offset % 4);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applying_equals_the_definition_at_every_length() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for length in 0..200 {
            let plain: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let expected: Vec<u8> = plain.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
            let mut masked = plain.clone();
            apply(&mut masked, key);
            assert_eq!(masked, expected, "length {length}");
        }
    }

    #[test]
    fn a_payload_unmasked_in_two_pieces_equals_one() {
        let key = [1, 2, 3, 4];
        for cut in 0..50 {
            let mut whole = [9; 50];
            let mut pieces = whole;
            apply(&mut whole, key);
            let (head, tail) = pieces.split_at_mut(cut);
            apply(head, key);
            apply(tail, advance(key, cut));
            assert_eq!(pieces, whole, "cut {cut}");
        }
    }
}

//! How something said is changed into what nobody would say.

use sim::Random;

/// What means something to one of the layers.
const WORDS: &[&[u8]] = &[
    b"\x1e",
    b"\xff",
    b"\0",
    b"\x01\x02\xff",
    b"\xc3",
    b"b4AQI=",
    b"2probe",
    b"40",
    b"41",
    b"42[",
    b"4511-",
    b"451-",
    b"4599999999999999999999-",
    b"46",
    b"/custom,",
    b"{\"_placeholder\":true,\"num\":0}",
    b"{\"_placeholder\":true,\"num\":1e9}",
    b"[[[[[[[[[[[[[[[[",
    b"{\"\":{\"\":{\"\":",
    b"\"connect\"",
    b"\"__proto__\"",
    b"18446744073709551616",
    b"-1",
    b"1e999",
    b"null",
    b"\\ud800",
    b"\"",
    b"\\",
    b":",
    b"9999999999:",
];

/// Longer ones show nothing more.
const BYTES_MAX: usize = 20_000;
const TIMES_MAX: usize = 300;

/// Changes `original` in a few places; `other` may lend a part.
pub(crate) fn mutate(original: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    let times = if random.chance(600) { 1 } else { random.between(2, 4) };
    for _ in 0..times {
        mutate_once(&mut bytes, other, random);
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

fn mutate_once(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = at + random.below(bytes.len() - at + 1);
    match random.below(9) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => drop(bytes.splice(at..at, random.pick(WORDS).iter().copied())),
        3 => drop(bytes.splice(at..end, random.pick(WORDS).iter().copied())),
        4 => {
            let part = bytes[at..end].repeat(random.between(1, TIMES_MAX));
            bytes.splice(end..end, part.into_iter().take(BYTES_MAX));
        }
        5 => {
            let from = random.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << *random.pick(&[0, 0, 1, 1, 2, 3, 5, 7]);
            }
        }
    }
}

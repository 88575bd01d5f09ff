//! What clients show as tokens, and what files hold as keys: nobody makes a token without the key, whatever it looks like; one that is believed says what
//! it must; a file either has keys for the algorithms asked for or is refused.

use std::sync::LazyLock;

use access::{Algorithm, Keys, Terms, Verdict, judge_token};
use chat::{Refusal, Time};
use jsonwebtoken::EncodingKey;
use jsonwebtoken::crypto::sign;

use crate::input::Input;

const SECRET: &[u8] = b"a secret that is as long as its hash, or longer";
const RSA: &[u8] = include_bytes!("../../crates/access/src/tokens/testkeys/rsa.pub.pem");
const P256: &[u8] = include_bytes!("../../crates/access/src/tokens/testkeys/p256.pub.pem");
const NOW: Time = Time(1_700_000_000_000);

static KEYS: LazyLock<[Keys; 3]> = LazyLock::new(|| {
    [SECRET, RSA, P256].map(|file| Keys::read(file, &Algorithm::ALL).expect("it holds a key"))
});

pub fn tokens(bytes: &[u8]) {
    let Some(Input { choice, stream, .. }) = Input::read(bytes) else { return };
    match choice % 4 {
        0 => forged(stream),
        1 => signed(stream, SECRET),
        // A public key is no secret of HMAC.
        2 => assert!(KEYS[1..].iter().all(|keys| judged(&token(stream, RSA), keys).is_err())),
        _ => file(stream),
    }
}

fn judged(token: &str, keys: &Keys) -> Verdict {
    judge_token(token, keys, &Terms::default(), NOW)
}

/// Without the key nothing is believed.
fn forged(stream: &[u8]) {
    let shown = String::from_utf8_lossy(stream);
    for keys in KEYS.iter() {
        assert_eq!(judged(&shown, keys), Err(Refusal::BadToken));
    }
}

/// With the key, what is believed says so itself.
fn signed(stream: &[u8], secret: &[u8]) {
    let token = token(stream, secret);
    match judged(&token, &KEYS[0]) {
        Ok(pass) => {
            let until = pass.standing.and_then(|standing| standing.until());
            assert!(until.is_some_and(|until| until > NOW));
            assert!(pass.user.is_some());
        }
        Err(refusal) => assert!(matches!(refusal, Refusal::BadToken | Refusal::TokenExpired)),
    }
    assert!(KEYS[1..].iter().all(|keys| judged(&token, keys).is_err()), "the key is for one algorithm");
}

/// Whatever the file holds: keys are for the algorithms that were asked for, and believe nothing that is not signed.
fn file(stream: &[u8]) {
    for algorithm in Algorithm::ALL {
        match Keys::read(stream, &[algorithm]) {
            Ok(keys) => {
                assert!(judged("e30.e30.", &keys).is_err() && judged(&token(b"{}{}", SECRET), &keys).is_err())
            }
            Err(reason) => assert!(!reason.0.is_empty()),
        }
    }
}

/// The header that the fuzzer made up, and the claims.
fn parts(stream: &[u8]) -> (&[u8], &[u8]) {
    let end = stream.iter().position(|byte| *byte == 0).unwrap_or(stream.len());
    (&stream[..end], stream.get(end + 1..).unwrap_or_default())
}

fn token(stream: &[u8], secret: &[u8]) -> String {
    let (header, claims) = parts(stream);
    let message = format!("{}.{}", base64(header), base64(claims));
    let key = EncodingKey::from_secret(secret);
    let signature =
        sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).expect("anything can be signed");
    format!("{message}.{signature}")
}

/// RFC 4648 §5, without padding.
fn base64(bytes: &[u8]) -> String {
    const CHARACTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let three = |chunk: &[u8]| {
        let bits =
            (0..3).fold(0_u32, |bits, index| bits << 8 | u32::from(chunk.get(index).copied().unwrap_or(0)));
        let characters = [18, 12, 6, 0].map(|shift| char::from(CHARACTERS[(bits >> shift) as usize & 63]));
        characters.into_iter().take(chunk.len() + 1).collect::<String>()
    };
    bytes.chunks(3).map(three).collect()
}

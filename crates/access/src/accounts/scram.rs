//! What is kept of a password: SCRAM-SHA-256 credentials (RFC 5802 §3, RFC 7677). Whoever reads them cannot log in by them, and a client that
//! speaks SCRAM need never send its password.

use std::borrow::Cow;
use std::num::NonZero;

use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};

/// RFC 7677 §4 asks for 4096 or more, and says that more is better: a few milliseconds for whoever tries one.
const ITERATIONS: NonZero<u32> = NonZero::new(15_000).expect("not 0");
pub(super) const SALT_BYTES: usize = 16;
pub(super) const KEY_BYTES: usize = 32;

/// What is kept of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) salt: [u8; SALT_BYTES],
    pub(super) iterations: NonZero<u32>,
    pub(super) stored_key: [u8; KEY_BYTES],
    pub(super) server_key: [u8; KEY_BYTES],
}

/// A password with characters that none may have (RFC 4013 §2.3).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfit;

impl Credentials {
    /// Those of a password, with a salt that nobody has had.
    pub(super) fn of(password: &str, salt: [u8; SALT_BYTES]) -> Result<Self, Unfit> {
        Self::with(password, salt, ITERATIONS)
    }

    /// Those that no password has, however long it is tried: so that who asks for nobody's waits as long.
    pub(super) fn of_nobody(salt: [u8; SALT_BYTES]) -> Self {
        let key = [0; KEY_BYTES];
        Self { salt, iterations: ITERATIONS, stored_key: key, server_key: key }
    }

    /// RFC 5802 §3.
    fn with(password: &str, salt: [u8; SALT_BYTES], iterations: NonZero<u32>) -> Result<Self, Unfit> {
        let mut salted = [0; KEY_BYTES];
        let password = prepare(password)?;
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, password.as_bytes(), &mut salted);
        let client_key = hash_with(&salted, b"Client Key");
        let stored_key = bytes_of(digest::digest(&digest::SHA256, &client_key).as_ref());
        Ok(Self { salt, iterations, stored_key, server_key: hash_with(&salted, b"Server Key") })
    }

    /// Whether they are those of a password. How long it takes tells nothing of how much of it is right.
    pub(super) fn are_of(&self, password: &str) -> bool {
        let Ok(theirs) = Self::with(password, self.salt, self.iterations) else { return false };
        let is_stored = constant_time::verify_slices_are_equal(&self.stored_key, &theirs.stored_key).is_ok();
        let is_servers = constant_time::verify_slices_are_equal(&self.server_key, &theirs.server_key).is_ok();
        is_stored & is_servers
    }
}

/// RFC 5802 §2.2: what looks alike is alike.
fn prepare(password: &str) -> Result<Cow<'_, str>, Unfit> {
    let prepared = stringprep::saslprep(password).map_err(|_| Unfit)?;
    if prepared.is_empty() { Err(Unfit) } else { Ok(prepared) }
}

fn hash_with(key: &[u8], message: &[u8]) -> [u8; KEY_BYTES] {
    bytes_of(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

fn bytes_of(hash: &[u8]) -> [u8; KEY_BYTES] {
    hash.try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// RFC 7677 §3.
    fn of_the_specification() -> Credentials {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").expect("base64");
        let iterations = NonZero::new(4096).expect("not 0");
        Credentials::with("pencil", salt.try_into().expect("16 bytes"), iterations).expect("a password")
    }

    #[test]
    fn the_exchange_of_the_specification_comes_out_as_it_stands_there() {
        let credentials = of_the_specification();
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let message = format!(
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
        );
        let proof = STANDARD.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").expect("base64");
        let signature = hash_with(&credentials.stored_key, message.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(proof, byte)| proof ^ byte).collect();
        assert_eq!(digest::digest(&digest::SHA256, &client_key).as_ref(), credentials.stored_key);
        let verifier = STANDARD.encode(hash_with(&credentials.server_key, message.as_bytes()));
        assert_eq!(verifier, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_password_and_no_other_has_its_credentials() {
        let credentials = of_the_specification();
        assert!(credentials.are_of("pencil"));
        for other in ["pencils", "penci", "Pencil", "", "\u{0}", "pencil "] {
            assert!(!credentials.are_of(other), "{other:?}");
        }
        assert!(!Credentials::of_nobody([7; SALT_BYTES]).are_of("pencil"));
    }

    #[test]
    fn what_looks_alike_is_the_same_password() {
        let salt = [7; SALT_BYTES];
        let credentials = Credentials::of("I\u{00AD}X \u{00E9}", salt).expect("a password");
        assert!(credentials.are_of("IX e\u{0301}") && credentials.are_of("\u{2168} \u{00E9}"));
        assert_eq!(Credentials::of("\u{0007}", salt), Err(Unfit));
        assert_eq!(Credentials::of("", salt), Err(Unfit));
    }
}

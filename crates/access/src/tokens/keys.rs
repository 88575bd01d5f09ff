//! The keys that tokens are signed with: one in a file of its own, as PEM or as a secret, or several in a JSON Web Key Set (RFC 7517). Each is
//! for one algorithm, whatever a token says of itself.

use std::fmt;

use chat::Refusal;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::verify;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};

/// How tokens may be signed. There is no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// HMAC with SHA-256: whoever can judge a token can make one.
    Hs256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// Keys of a set.
const KEYS_MAX: usize = 64;
/// RFC 7518 §3.2: a key for HS256 is as long as its hash, or longer.
const SECRET_BYTES_MIN: usize = 32;
/// How the label of a private key ends (RFC 7468 §10, §13).
const PRIVATE: &[u8] = b"PRIVATE KEY-----";
/// SEC 1 §2.3.3: an uncompressed point.
const P256_POINT_BYTES: usize = 65;

/// Some keys.
pub struct Keys(Vec<Key>);

struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Reads a public key of one sort.
type ReadPem = fn(&[u8]) -> jsonwebtoken::errors::Result<DecodingKey>;

/// Why a file holds no keys, for a person.
#[derive(Debug, PartialEq, Eq)]
pub struct NoKeys(pub String);

impl Algorithm {
    /// Every algorithm there is.
    pub const ALL: [Self; 4] = [Self::Hs256, Self::Rs256, Self::Es256, Self::EdDsa];

    /// As tokens name it (RFC 7518 §3.1, RFC 8037 §3.1).
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    fn theirs(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Hs256 => jsonwebtoken::Algorithm::HS256,
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl Keys {
    /// Reads what a file holds, and keeps the keys for those algorithms.
    pub fn read(file: &[u8], algorithms: &[Algorithm]) -> Result<Self, NoKeys> {
        let text = file.trim_ascii();
        let mut keys = match text.first() {
            Some(b'{') => read_set(text)?,
            _ if text.starts_with(b"-----BEGIN") => vec![read_pem(text)?],
            _ => vec![read_secret(text)?],
        };
        keys.retain(|key| algorithms.contains(&key.algorithm));
        match keys.len() {
            0 => Err(no_keys("no key for any of the algorithms")),
            count if count > KEYS_MAX => Err(no_keys("more than 64 keys")),
            _ => Ok(Self(keys)),
        }
    }

    /// Whether somebody who has one of these keys has signed a message so. The algorithm is the key's; the token must name it too. A token that
    /// does not name its key must leave no doubt which it is, so that a forged one costs no more than one look.
    pub(super) fn check(
        &self,
        (algorithm, id): (&str, Option<&str>),
        message: &[u8],
        signature: &str,
    ) -> Result<(), Refusal> {
        let names_any = self.0.iter().any(|key| key.id.is_some());
        let is_meant = |key: &&Key| {
            key.algorithm.name() == algorithm && (id.is_none() || !names_any || key.id.as_deref() == id)
        };
        let mut meant = self.0.iter().filter(is_meant);
        let (Some(key), None) = (meant.next(), meant.next()) else { return Err(Refusal::BadToken) };
        match verify(signature, message, &key.key, key.algorithm.theirs()) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(Refusal::BadToken),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| (&key.id, key.algorithm))).finish()
    }
}

fn read_secret(secret: &[u8]) -> Result<Key, NoKeys> {
    if secret.len() < SECRET_BYTES_MIN {
        return Err(no_keys("a secret of less than 32 bytes"));
    }
    Ok(Key { id: None, algorithm: Algorithm::Hs256, key: DecodingKey::from_secret(secret) })
}

/// A public key says itself what it is for (RFC 5280 §4.1.2.7).
fn read_pem(pem: &[u8]) -> Result<Key, NoKeys> {
    let readers: [(Algorithm, ReadPem); 3] = [
        (Algorithm::Rs256, DecodingKey::from_rsa_pem),
        (Algorithm::Es256, DecodingKey::from_ec_pem),
        (Algorithm::EdDsa, DecodingKey::from_ed_pem),
    ];
    if pem.windows(PRIVATE.len()).any(|words| words == PRIVATE) {
        return Err(no_keys(
            "a private key, of which nobody but who makes tokens should know: the public one is needed",
        ));
    }
    let mut read = readers.into_iter().filter_map(|(algorithm, read)| Some((algorithm, read(pem).ok()?)));
    let is_fit = |(algorithm, key): &(Algorithm, DecodingKey)| {
        *algorithm != Algorithm::Es256 || key.as_bytes().len() == P256_POINT_BYTES
    };
    let (algorithm, key) =
        read.find(is_fit).ok_or_else(|| no_keys("PEM, but of no public key of RSA, P-256 or Ed25519"))?;
    Ok(Key { id: None, algorithm, key })
}

/// Keys of other sorts and for other uses are passed over.
fn read_set(json: &[u8]) -> Result<Vec<Key>, NoKeys> {
    #[derive(serde::Deserialize)]
    struct Any {
        keys: Vec<serde_json::Value>,
    }
    let Any { keys } = serde_json::from_slice(json).map_err(|error| NoKeys(format!("no JWKS: {error}")))?;
    let known = keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    Ok(JwkSet { keys: known.collect() }.keys.iter().filter_map(read_jwk).collect())
}

fn read_jwk(jwk: &Jwk) -> Option<Key> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::Rs256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::Es256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDsa,
        AlgorithmParameters::OctetKey(_) => Algorithm::Hs256,
        _ => return None,
    };
    let is_for_it = match jwk.common.key_algorithm {
        None => true,
        Some(named) => named == their_key_algorithm(algorithm),
    };
    let is_for_signatures =
        jwk.common.public_key_use.as_ref().is_none_or(|what| *what == PublicKeyUse::Signature);
    let key = DecodingKey::from_jwk(jwk).ok().filter(|_| is_for_it && is_for_signatures)?;
    let is_long_enough = algorithm != Algorithm::Hs256
        || key.try_get_hmac_secret().is_ok_and(|secret| secret.len() >= SECRET_BYTES_MIN);
    is_long_enough.then(|| Key { id: jwk.common.key_id.clone(), algorithm, key })
}

fn their_key_algorithm(algorithm: Algorithm) -> KeyAlgorithm {
    match algorithm {
        Algorithm::Hs256 => KeyAlgorithm::HS256,
        Algorithm::Rs256 => KeyAlgorithm::RS256,
        Algorithm::Es256 => KeyAlgorithm::ES256,
        Algorithm::EdDsa => KeyAlgorithm::EdDSA,
    }
}

fn no_keys(reason: &str) -> NoKeys {
    NoKeys(reason.to_owned())
}

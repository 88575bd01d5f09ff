//! Keys: who may ask for what. A node keeps of each what cannot be turned back into it.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// How every key begins, so that one that has leaked is found by who searches for such.
const MARK: &str = "hk_";
/// Nobody guesses so many bytes, so the digest needs no salt and no work.
const SECRET_BYTES: usize = 32;
/// The longest name of a key.
const NAME_BYTES_MAX: usize = 64;

/// What a key may be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// To know what there is.
    Read,
    /// To say something.
    Post,
    /// To say who may stay, and how rooms are.
    Moderate,
    /// To stop the node, and to know what was done.
    Operate,
}

/// What a key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

/// A key as a node knows it: `NAME:SCOPE+SCOPE:DIGEST`.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    name: String,
    scopes: Scopes,
    digest: [u8; SHA256_OUTPUT_LEN],
}

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyError;

/// Every key that is good.
pub(super) struct Keys(Vec<Key>);

/// On what grounds somebody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    /// The key's name; `None`: there are no keys.
    pub(super) key: Option<String>,
    pub(super) scopes: Scopes,
}

impl Scope {
    /// Every scope there is.
    pub const ALL: [Self; 4] = [Self::Read, Self::Post, Self::Moderate, Self::Operate];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Post => "post",
            Self::Moderate => "moderate",
            Self::Operate => "operate",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Scopes {
    /// All there are.
    pub const ALL: Self = Self(0b1111);

    /// Reads words with `+` or `,` between them.
    ///
    /// # Errors
    ///
    /// When there is none, one is no scope's, or one is named twice.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let mut bits = 0;
        for word in text.split(['+', ',']) {
            let scope = Scope::ALL.into_iter().find(|scope| scope.word() == word).ok_or(KeyError)?;
            if bits & scope.bit() != 0 {
                return Err(KeyError);
            }
            bits |= scope.bit();
        }
        Ok(Self(bits))
    }

    pub(super) fn cover(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Their words.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        Scope::ALL.into_iter().filter(|scope| self.cover(*scope)).map(Scope::word).collect()
    }
}

impl Key {
    /// A key of that name made from so many bytes that nobody can guess, and the secret to be shown with it.
    ///
    /// # Errors
    ///
    /// When the name is none.
    pub fn make(name: &str, scopes: Scopes, chance: [u8; SECRET_BYTES]) -> Result<(Self, String), KeyError> {
        let secret = format!("{MARK}{}", URL_SAFE_NO_PAD.encode(chance));
        let key = Self { name: name_of(name)?, scopes, digest: digest_of(&secret) };
        Ok((key, secret))
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.split(':');
        let (Some(name), Some(scopes), Some(digest), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError);
        };
        let digest = URL_SAFE_NO_PAD.decode(digest).map_err(|_| KeyError)?;
        let digest = digest.try_into().map_err(|_| KeyError)?;
        Ok(Self { name: name_of(name)?, scopes: Scopes::read(scopes)?, digest })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.name, self.scopes.words().join("+"), URL_SAFE_NO_PAD.encode(self.digest))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key {}", self.name)
    }
}

impl Keys {
    pub(super) fn new(keys: Vec<Key>) -> Self {
        Self(keys)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose secret that is. Takes as long whichever it is, or none.
    pub(super) fn find(&self, secret: &str) -> Option<Grant> {
        let shown = digest_of(secret);
        self.0.iter().fold(None, |found, key| match verify_slices_are_equal(&shown, &key.digest) {
            Ok(()) => Some(Grant { key: Some(key.name.clone()), scopes: key.scopes }),
            Err(_) => found,
        })
    }
}

fn digest_of(secret: &str) -> [u8; SHA256_OUTPUT_LEN] {
    let digest = digest(&SHA256, secret.as_bytes());
    digest.as_ref().try_into().expect("a digest has its length")
}

fn name_of(name: &str) -> Result<String, KeyError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain);
    if is_name { Ok(name.to_owned()) } else { Err(KeyError) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_secret_and_read_as_it_was_written() {
        let scopes = Scopes::read("read+moderate").expect("scopes");
        let (key, secret) = Key::make("ops", scopes, [7; SECRET_BYTES]).expect("a name");
        let (other, _) = Key::make("other", Scopes::ALL, [8; SECRET_BYTES]).expect("a name");
        assert_eq!(key.to_string().parse(), Ok(key.clone()));
        assert!(!key.to_string().contains(&secret) && secret.starts_with("hk_"));
        let keys = Keys::new(vec![other, key]);
        assert_eq!(keys.find(&secret), Some(Grant { key: Some("ops".to_owned()), scopes }));
        assert_eq!(keys.find("hk_"), None);
    }

    #[test]
    fn what_is_no_key_is_none() {
        let digest = URL_SAFE_NO_PAD.encode([0; 32]);
        for text in [
            String::new(),
            "ops:read".to_owned(),
            format!(":read:{digest}"),
            format!("o ps:read:{digest}"),
            format!("ops::{digest}"),
            format!("ops:fly:{digest}"),
            format!("ops:read+read:{digest}"),
            format!("ops:operate+operate:{digest}"),
            format!("ops:read:{digest}:"),
            "ops:read:AAAA".to_owned(),
        ] {
            assert_eq!(text.parse::<Key>(), Err(KeyError), "{text}");
        }
    }

    #[test]
    fn scopes_are_words() {
        assert_eq!(Scopes::read("read,post,moderate,operate"), Ok(Scopes::ALL));
        let scopes = Scopes::read("operate").expect("a scope");
        assert!(scopes.cover(Scope::Operate) && !scopes.cover(Scope::Read));
        assert_eq!(scopes.words(), ["operate"]);
    }
}

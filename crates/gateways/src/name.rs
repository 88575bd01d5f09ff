//! What a session is called where its client has to say which one it means: on another stream, or after a cut.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// The name of a session: 24 bytes that nobody can guess, 32 characters of base64url (RFC 4648 §5). Whoever knows it may speak for the session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionName(pub [u8; SessionName::BYTES]);

/// It is not the name of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAName;

impl SessionName {
    /// Bytes of a name.
    pub const BYTES: usize = 24;
    /// Characters of a name.
    pub const CHARACTERS: usize = 32;

    /// Its characters.
    pub fn text(&self) -> [u8; Self::CHARACTERS] {
        let mut text = [0; Self::CHARACTERS];
        let written = BASE64_URL_SAFE_NO_PAD.encode_slice(self.0, &mut text);
        assert_eq!(written, Ok(Self::CHARACTERS), "three bytes are four characters");
        text
    }
}

impl FromStr for SessionName {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let mut bytes = [0; Self::BYTES];
        if text.len() != Self::CHARACTERS {
            return Err(NotAName);
        }
        match BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(Self::BYTES) => Ok(Self(bytes)),
            _ => Err(NotAName),
        }
    }
}

impl fmt::Display for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text()))
    }
}

/// A name is a secret: logs and panics do not tell it.
impl fmt::Debug for SessionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionName(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back_from_its_text() {
        let name = SessionName(std::array::from_fn(|index| index as u8 * 11));
        assert_eq!(name.to_string().len(), SessionName::CHARACTERS);
        assert_eq!(name.to_string().parse(), Ok(name));
    }

    #[test]
    fn other_texts_are_no_names() {
        for text in ["", "abc", &"a".repeat(31), &"a".repeat(33), &"+".repeat(32), &"ä".repeat(16)] {
            assert_eq!(text.parse::<SessionName>(), Err(NotAName), "{text}");
        }
    }
}

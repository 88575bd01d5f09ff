//! What sockets are called in public.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha1::{Digest as _, Sha1};

use crate::SessionName;

/// Bytes of the hash that an id tells.
const BYTES: usize = 15;

/// The id of a socket: 20 characters of base64url. It follows from the name of the session, which is secret, and from the namespace, and
/// leads back to neither.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct SocketId([u8; SocketId::CHARACTERS]);

impl SocketId {
    const CHARACTERS: usize = 20;

    pub(super) fn of(session: SessionName, namespace: &str) -> Self {
        let hash = Sha1::new().chain_update(session.0).chain_update(namespace).finalize();
        let mut text = [0; Self::CHARACTERS];
        let written = BASE64_URL_SAFE_NO_PAD.encode_slice(&hash[..BYTES], &mut text);
        assert_eq!(written, Ok(Self::CHARACTERS), "three bytes are four characters");
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("base64url is ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_socket_has_an_id_of_its_own() {
        let id = |byte, namespace| SocketId::of(SessionName([byte; SessionName::BYTES]), namespace);
        assert_eq!(id(1, "/").as_str().len(), 20);
        assert!(id(1, "/") == id(1, "/") && id(1, "/") != id(2, "/") && id(1, "/") != id(1, "/a"));
    }
}

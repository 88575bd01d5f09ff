//! What clients show so that it is believed who they are. Knows not what is believed: that is decided elsewhere.

use std::fmt;

use crate::UserId;

/// The longest token or password, in bytes. A request head holds no longer one.
pub const SECRET_BYTES_MAX: usize = 8192;

/// What a client shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Credentials {
    /// A name, and nothing besides.
    Name(UserId),
    /// A name that the application in this server vouches for.
    Vouched(UserId),
    /// A token, which says who its bearer is.
    Token(Secret),
    /// A name, and the password that belongs to it.
    Password(UserId, Secret),
}

/// What only its owner may read. It is shown in no log.
#[derive(Clone)]
pub struct Secret(Box<str>);

impl Secret {
    /// Takes a secret as a client sent it; `None` when it is empty or too long.
    pub fn new(secret: &str) -> Option<Self> {
        (1..=SECRET_BYTES_MAX).contains(&secret.len()).then(|| Self(secret.into()))
    }

    /// The secret, for whoever judges it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Looks at every byte, wherever the first difference is: how long it takes tells nothing but whether they are equally long.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), other.0.as_bytes());
        let difference =
            ours.iter().zip(theirs).fold(0, |difference, (our, their)| difference | (our ^ their));
        ours.len() == theirs.len() && difference == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let user = UserId::new("alice").expect("a valid name");
        let secret = Secret::new("hunter2").expect("a valid secret");
        let shown = format!("{:?}", Credentials::Password(user, secret));
        assert!(shown.contains("alice") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn secrets_are_equal_when_all_their_bytes_are() {
        let secret = |text| Secret::new(text).expect("a valid secret");
        assert_eq!(secret("abc"), secret("abc"));
        for other in ["abd", "xbc", "ab", "abcd"] {
            assert_ne!(secret("abc"), secret(other));
        }
        assert!(Secret::new("").is_none() && Secret::new(&"x".repeat(SECRET_BYTES_MAX + 1)).is_none());
    }
}

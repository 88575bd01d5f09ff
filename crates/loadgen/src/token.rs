//! What a member proves with who it is: a JSON Web Token (RFC 7519) that the server has the secret for.

use std::time::{Duration, SystemTime};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;

/// Longer than any run lasts.
const GOOD_FOR: Duration = Duration::from_secs(24 * 3600);

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    exp: u64,
}

/// A token of this user, signed with HMAC and SHA-256.
pub(crate) fn signed(secret: &str, user: &str) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let claims = Claims { sub: user, exp: (now + GOOD_FOR).as_secs() };
    encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes()))
        .expect("two plain claims can be written and a secret of any length signs")
}

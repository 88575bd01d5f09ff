//! What a token says (RFC 7519), and whether it is to be believed now. Whether it is signed is looked at first.

use std::num::NonZero;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat::{Refusal, Time, UserId};
use serde::Deserialize;

use super::keys::Keys;
use crate::port::fingerprint;
use crate::{Grants, Pass, Pattern, Standing, Verdict};

/// Rooms that a token may name to be in, and to post in.
const GRANTS_MAX: usize = 1000;

/// What tokens must say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Who must have made them; empty: whoever has the key.
    pub issuer: String,
    /// For whom they must be, any of these; none: they are for nobody in particular.
    pub audience: Vec<String>,
    /// How far clocks may be apart, in seconds.
    pub leeway_s: u64,
}

/// What a token says of itself (RFC 7515 §4.1). What else is there, keys and addresses of keys too, is not looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

/// RFC 7519 §4.1.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    iss: Option<String>,
    aud: Option<OneOrMany>,
    jti: Option<String>,
    rooms: Option<Rooms>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// Rooms to be in and post in, or to do either.
#[derive(Deserialize)]
#[serde(untagged)]
enum Rooms {
    Both(Vec<String>),
    Each(Each),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Each {
    #[serde(default)]
    join: Vec<String>,
    #[serde(default)]
    post: Vec<String>,
}

/// What a token that is believed says.
#[derive(Debug)]
pub(super) struct Believed {
    pub(super) user: UserId,
    pub(super) standing: Standing,
    pub(super) id: Option<String>,
}

/// Judges a token (RFC 7515 §5.2, RFC 7519 §7.2).
pub(super) fn judge(token: &str, keys: &Keys, terms: &Terms, now: Time) -> Result<Believed, Refusal> {
    let (message, signature) = token.rsplit_once('.').ok_or(Refusal::BadToken)?;
    let (header, payload) = message.split_once('.').ok_or(Refusal::BadToken)?;
    let header: Header = read(header)?;
    // RFC 7515 §4.1.11: what is said to be critical must be understood, and nothing is.
    if header.crit.is_some() {
        return Err(Refusal::BadToken);
    }
    keys.check((&header.alg, header.kid.as_deref()), message.as_bytes(), signature)?;
    read::<Claims>(payload)?.judge(terms, now)
}

/// Who the bearer of a token is, if it is to be believed now.
///
/// # Errors
///
/// As the client is to be refused.
pub fn judge_token(token: &str, keys: &Keys, terms: &Terms, now: Time) -> Verdict {
    judge(token, keys, terms, now).map(Believed::pass)
}

fn read<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, Refusal> {
    let json = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::BadToken)?;
    serde_json::from_slice(&json).map_err(|_| Refusal::BadToken)
}

impl Believed {
    pub(super) fn pass(self) -> Pass {
        Pass::proven(self.user, self.standing)
    }
}

impl Claims {
    fn judge(self, terms: &Terms, now: Time) -> Result<Believed, Refusal> {
        let (now_s, leeway_s) = (now.0 as f64 / 1000.0, terms.leeway_s as f64);
        let is_theirs = terms.issuer.is_empty() || self.iss.as_deref() == Some(&*terms.issuer);
        if !is_theirs || !self.is_for(&terms.audience) || self.nbf.is_some_and(|nbf| nbf > now_s + leeway_s) {
            return Err(Refusal::BadToken);
        }
        let until_s = self.exp + leeway_s;
        if until_s <= now_s {
            return Err(Refusal::TokenExpired);
        }
        let grants = self.rooms.map(Rooms::grants).transpose()?;
        let user = UserId::new(&self.sub).map_err(|_| Refusal::BadToken)?;
        let standing = Standing {
            grants: grants.map(Into::into),
            token: self.jti.as_deref().map(fingerprint),
            until_s: Some(NonZero::new(until_s as u32).unwrap_or(NonZero::<u32>::MAX)),
            ..Standing::since(self.iat.unwrap_or(0.0) as u32)
        };
        Ok(Believed { user, standing, id: self.jti })
    }

    /// RFC 7519 §4.1.3: a token for somebody is for nobody else.
    fn is_for(&self, audience: &[String]) -> bool {
        match &self.aud {
            None => audience.is_empty(),
            Some(OneOrMany::One(one)) => audience.contains(one),
            Some(OneOrMany::Many(many)) => many.iter().any(|one| audience.contains(one)),
        }
    }
}

impl Rooms {
    fn grants(self) -> Result<Grants, Refusal> {
        let (join, post) = match self {
            Self::Both(rooms) => (rooms.clone(), rooms),
            Self::Each(Each { join, post }) => (join, post),
        };
        Ok(Grants { join: patterns(&join)?, post: patterns(&post)? })
    }
}

fn patterns(texts: &[String]) -> Result<Box<[Pattern]>, Refusal> {
    if texts.len() > GRANTS_MAX {
        return Err(Refusal::BadToken);
    }
    texts.iter().map(|text| Pattern::new(text).ok_or(Refusal::BadToken)).collect()
}

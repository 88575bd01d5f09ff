//! Members of the JSON objects that clients send, read into the words of chat. One that is `null` is taken as left out, but for `data`.

use std::borrow::Cow;

use bytes::Bytes;
use chat::{Body, Credentials, Payload, PayloadKind, Position, Refusal, Secret, Tag, Text, UserId};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A member that was not looked into yet.
pub(crate) type Member<'a> = Option<&'a RawValue>;

pub(crate) fn tag(member: Member<'_>) -> Result<Option<Tag>, Refusal> {
    let Some(id) = member else { return Ok(None) };
    Tag::new(&string(id)?).map(Some).ok_or(Refusal::BadRequest)
}

/// A text, any JSON as it was written, or both.
pub(crate) fn body(text: Member<'_>, data: Member<'_>) -> Result<Body, Refusal> {
    let text = match text {
        Some(text) => Text::Own(string(text)?.into()),
        None if data.is_some() => Text::None,
        None => return Err(Refusal::BadRequest),
    };
    let payload = match data {
        Some(data) => {
            Payload { kind: PayloadKind::Json, bytes: Bytes::copy_from_slice(data.get().as_bytes()) }
        }
        None => Payload { kind: PayloadKind::None, bytes: Bytes::new() },
    };
    Ok(Body { payload, text })
}

pub(crate) fn user(member: Member<'_>) -> Result<UserId, Refusal> {
    UserId::new(&required(member)?).map_err(|_| Refusal::BadName)
}

/// A token, a name and a password, or a name alone.
pub(crate) fn credentials(
    name: Member<'_>,
    password: Member<'_>,
    token: Member<'_>,
) -> Result<Credentials, Refusal> {
    let secret = |member, refusal| Secret::new(&string(member)?).ok_or(refusal);
    match (name, password, token) {
        (None, None, Some(token)) => Ok(Credentials::Token(secret(token, Refusal::BadToken)?)),
        (Some(_), Some(password), None) => {
            Ok(Credentials::Password(user(name)?, secret(password, Refusal::BadPassword)?))
        }
        (_, None, None) => Ok(Credentials::Name(user(name)?)),
        _ => Err(Refusal::BadRequest),
    }
}

pub(crate) fn position(member: Member<'_>) -> Result<Option<Position>, Refusal> {
    let Some(position) = member else { return Ok(None) };
    string(position)?.parse().map(Some).map_err(|_| Refusal::BadPosition)
}

pub(crate) fn required<'a>(member: Member<'a>) -> Result<Cow<'a, str>, Refusal> {
    string(member.ok_or(Refusal::BadRequest)?)
}

pub(crate) fn string(value: &RawValue) -> Result<Cow<'_, str>, Refusal> {
    #[derive(Deserialize)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

    serde_json::from_str(value.get()).map(|Borrowed(string)| string).map_err(|_| Refusal::BadRequest)
}

/// `null` is a value like any other.
pub(crate) fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Member<'de>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

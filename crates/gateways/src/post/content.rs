//! What a posted body says, by its type.

use bytes::Bytes;
use chat::{Body, Payload, PayloadKind, Refusal, Tag, Text, UserId};
use serde::Deserialize;
use wire::http::Head;

use crate::Outbox;
use crate::answer::Answer;
use crate::members::{Member, body, even_null, tag, user};

/// How a body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// UTF-8, also when no type is given.
    Text,
    Json,
    Bytes,
}

/// What a body says.
#[derive(Debug, PartialEq)]
pub struct Posting {
    /// Whom it names as its author.
    pub author: Option<UserId>,
    /// The message's id.
    pub tag: Option<Tag>,
    /// What is said.
    pub body: Body,
}

impl Posting {
    /// Reads a JSON object.
    pub fn from_json(bytes: &[u8]) -> Result<Self, Refusal> {
        read_json(bytes)
    }
}

impl Content {
    /// `None`: a type that is not taken, or one under a coding: nothing is inflated here.
    pub(super) fn of(head: &Head<'_>) -> Option<Self> {
        if head.list("content-encoding").any(|coding| !coding.eq_ignore_ascii_case("identity")) {
            return None;
        }
        let mut types = head.header_values("content-type");
        let Some(value) = types.next() else { return Some(Self::Text) };
        let value = std::str::from_utf8(value).ok().filter(|_| types.next().is_none())?;
        let (kind, parameters) = value.split_once(';').unwrap_or((value, ""));
        match kind.trim().to_ascii_lowercase().as_str() {
            "text/plain" => is_unicode(parameters).then_some(Self::Text),
            "application/json" => Some(Self::Json),
            "application/octet-stream" => Some(Self::Bytes),
            _ => None,
        }
    }

    pub(super) fn read(self, bytes: Vec<u8>) -> Result<Posting, Refusal> {
        match self {
            Self::Text => read_text(bytes),
            Self::Json => read_json(&bytes),
            Self::Bytes => {
                let payload = Payload { kind: PayloadKind::Binary, bytes: bytes.into() };
                Ok(Posting { author: None, tag: None, body: Body { payload, text: Text::None } })
            }
        }
    }
}

/// RFC 9110 §15.5.16; `Accept-Post` says what would be taken (W3C Linked Data Platform §7.1).
pub(super) fn refuse_type(answer: Answer, out: &mut Outbox) {
    let taken = ("accept-post", "text/plain, application/json, application/octet-stream");
    out.refusals.push(Refusal::BadRequest);
    answer.refuse_as(415, Refusal::BadRequest, &[taken], out);
}

/// Whether the parameters of a type leave the text in UTF-8.
fn is_unicode(parameters: &str) -> bool {
    parameters.split(';').filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        let value = value.trim().trim_matches('"');
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        !is_charset || value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("us-ascii")
    })
}

fn read_text(bytes: Vec<u8>) -> Result<Posting, Refusal> {
    let text = String::from_utf8(bytes).map_err(|_| Refusal::BadRequest)?;
    let payload = Payload { kind: PayloadKind::None, bytes: Bytes::new() };
    Ok(Posting { author: None, tag: None, body: Body { payload, text: Text::Own(text.into()) } })
}

fn read_json(bytes: &[u8]) -> Result<Posting, Refusal> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Members<'a> {
        #[serde(borrow)]
        text: Member<'a>,
        #[serde(borrow)]
        user: Member<'a>,
        #[serde(borrow)]
        id: Member<'a>,
        #[serde(borrow, deserialize_with = "even_null")]
        data: Member<'a>,
    }
    // An array would do for serde.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Refusal::BadRequest);
    }
    let members: Members<'_> = serde_json::from_slice(bytes).map_err(|_| Refusal::BadRequest)?;
    let author = if members.user.is_some() { Some(user(members.user)?) } else { None };
    Ok(Posting { author, tag: tag(members.id)?, body: body(members.text, members.data)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_utf8_and_bytes_are_anything() {
        assert_eq!(Content::Text.read(vec![b'a', 0xff]), Err(Refusal::BadRequest));
        let said = Content::Bytes.read(vec![b'a', 0xff]).map(|said| said.body.payload.bytes);
        assert_eq!(said, Ok(Bytes::from_static(b"a\xff")));
    }

    #[test]
    fn a_charset_is_one_that_utf8_covers() {
        for (parameters, covered) in [
            ("", true),
            (" charset=utf-8", true),
            ("a=b; CHARSET = \"UTF-8\"", true),
            ("charset=us-ascii", true),
            ("charset=latin1", false),
            ("a=b;charset=utf-16;", false),
        ] {
            assert_eq!(is_unicode(parameters), covered, "{parameters}");
        }
    }
}

//! What a backend is asked, and what it answers, as JSON (docs/access.md, "A backend that decides").

use std::num::NonZero;

use aws_lc_rs::hmac;
use chat::{Credentials, Refusal, UserId};
use serde::{Deserialize, Serialize};

use crate::port::fingerprint;
use crate::{Grants, Pass, Pattern, Standing, Verdict, Wish};

/// Codes that a backend may refuse with. Another one is taken for `forbidden`.
const CODES: [Refusal; 7] = [
    Refusal::Forbidden,
    Refusal::NotProven,
    Refusal::NotIdentified,
    Refusal::BadToken,
    Refusal::TokenExpired,
    Refusal::BadPassword,
    Refusal::Revoked,
];

/// Rooms that a backend may name to be in, and to post in.
const GRANTS_MAX: usize = 1000;

#[derive(Serialize)]
struct Question<'a> {
    ask: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<&'a str>,
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    allow: bool,
    code: Option<String>,
    user: Option<String>,
    rooms: Option<Rooms>,
    /// In seconds since 1970.
    expires: Option<u32>,
    id: Option<String>,
}

#[derive(Deserialize)]
struct Rooms {
    #[serde(default)]
    join: Vec<String>,
    #[serde(default)]
    post: Vec<String>,
}

/// An answer that makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Senseless;

/// The question that a wish is, as it is sent.
pub(super) fn question(wish: &Wish) -> Vec<u8> {
    let nothing =
        Question { ask: "identify", room: None, user: None, token: None, password: None, text: None };
    let question = match wish {
        Wish::Identify(Credentials::Name(user) | Credentials::Vouched(user)) => {
            Question { user: Some(user.as_str()), ..nothing }
        }
        Wish::Identify(Credentials::Token(token)) => Question { token: Some(token.reveal()), ..nothing },
        Wish::Identify(Credentials::Password(user, password)) => {
            Question { user: Some(user.as_str()), password: Some(password.reveal()), ..nothing }
        }
        Wish::Join { room, user } => Question {
            ask: "join",
            room: Some(room.name()),
            user: user.as_ref().map(UserId::as_str),
            ..nothing
        },
        Wish::Post { room, user, text } => {
            let (room, user) = (Some(room.name()), user.as_ref().map(UserId::as_str));
            Question { ask: "post", room, user, text: text.as_deref(), ..nothing }
        }
    };
    serde_json::to_vec(&question).expect("texts are JSON")
}

/// What an answer to a wish says.
pub(super) fn read(wish: &Wish, answer: &[u8], now_s: u32) -> Result<Verdict, Senseless> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| Senseless)?;
    if !answer.allow {
        let named = CODES.into_iter().find(|refusal| answer.code.as_deref() == Some(refusal.code()));
        return Ok(Err(named.unwrap_or(Refusal::Forbidden)));
    }
    let Wish::Identify(credentials) = wish else { return Ok(Ok(Pass::default())) };
    let user = match (&answer.user, credentials) {
        (Some(user), _) => UserId::new(user).map_err(|_| Senseless)?,
        (None, Credentials::Name(user) | Credentials::Vouched(user) | Credentials::Password(user, _)) => {
            user.clone()
        }
        (None, Credentials::Token(_)) => return Err(Senseless),
    };
    let grants = answer.rooms.map(Rooms::grants).transpose()?;
    let standing = Standing {
        grants: grants.map(Into::into),
        token: answer.id.as_deref().map(fingerprint),
        until_s: answer.expires.and_then(NonZero::new),
        ..Standing::since(now_s)
    };
    Ok(Ok(Pass::proven(user, standing)))
}

/// What proves that a question is ours and was asked at that time: `t=SECONDS,v1=HEX`, the HMAC-SHA256 of the seconds, a dot and the question.
pub(super) fn sign(secret: &str, question: &[u8], now_s: u32) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let message = [format!("{now_s}.").as_bytes(), question].concat();
    let hex: String = hmac::sign(&key, &message).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={now_s},v1={hex}")
}

impl Rooms {
    fn grants(self) -> Result<Grants, Senseless> {
        let patterns = |texts: Vec<String>| {
            let patterns = texts.iter().map(|text| Pattern::new(text)).collect::<Option<Box<[_]>>>();
            patterns.filter(|patterns| patterns.len() <= GRANTS_MAX).ok_or(Senseless)
        };
        Ok(Grants { join: patterns(self.join)?, post: patterns(self.post)? })
    }
}

#[cfg(test)]
mod tests {
    use chat::{RoomId, RoomName, Secret};

    use super::*;

    fn user(name: &str) -> UserId {
        UserId::new(name).expect("a valid name")
    }

    fn room() -> RoomId {
        RoomId::public(RoomName::new("den").expect("a valid name"))
    }

    fn asked(wish: &Wish) -> String {
        String::from_utf8(question(wish)).expect("UTF-8")
    }

    fn token() -> Wish {
        Wish::Identify(Credentials::Token(Secret::new("t").expect("a secret")))
    }

    #[test]
    fn a_question_says_what_is_wanted_and_by_whom() {
        let secret = Secret::new("p\"").expect("a secret");
        for (wish, expected) in [
            (Wish::Identify(Credentials::Name(user("ann"))), r#"{"ask":"identify","user":"ann"}"#),
            (token(), r#"{"ask":"identify","user":null,"token":"t"}"#),
            (
                Wish::Identify(Credentials::Password(user("ann"), secret)),
                r#"{"ask":"identify","user":"ann","password":"p\""}"#,
            ),
            (Wish::Join { room: room(), user: None }, r#"{"ask":"join","room":"den","user":null}"#),
            (
                Wish::Post { room: room(), user: Some(user("ann")), text: Some("hi".into()) },
                r#"{"ask":"post","room":"den","user":"ann","text":"hi"}"#,
            ),
        ] {
            assert_eq!(asked(&wish), expected);
        }
    }

    #[test]
    fn an_answer_lets_pass_or_says_why_not() {
        let refused = |answer: &str| {
            read(&token(), answer.as_bytes(), 7).expect("it makes sense").expect_err("not let pass")
        };
        assert_eq!(refused(r#"{"allow":false}"#), Refusal::Forbidden);
        assert_eq!(refused(r#"{"allow":false,"code":"token_expired"}"#), Refusal::TokenExpired);
        assert_eq!(refused(r#"{"allow":false,"code":"room_full"}"#), Refusal::Forbidden);
        let join = Wish::Join { room: room(), user: None };
        assert_eq!(read(&join, br#"{"allow":true,"user":7}"#, 7), Err(Senseless));
        assert_eq!(read(&join, br#"{"allow":true}"#, 7), Ok(Ok(Pass::default())));
    }

    #[test]
    fn who_is_let_pass_is_whom_the_backend_names() {
        let answer = br#"{"allow":true,"user":"ann","rooms":{"join":["den"]},"expires":9,"id":"1"}"#;
        let pass = read(&token(), answer, 7).expect("it makes sense").expect("let pass");
        let standing = pass.standing.expect("it is proven");
        assert_eq!((pass.user, standing.since_s.get()), (Some(user("ann")), 7));
        assert_eq!(standing.until_s.map(NonZero::get), Some(9));
        assert!(standing.grants.is_some_and(|grants| grants.join.len() == 1 && grants.post.is_empty()));
        let name = Wish::Identify(Credentials::Name(user("bob")));
        let pass = read(&name, br#"{"allow":true}"#, 7).expect("it makes sense").expect("let pass");
        assert_eq!(pass.user, Some(user("bob")));
        for senseless in
            [&br#"{"allow":true}"#[..], br#"{"allow":1}"#, b"", b"[]", br#"{"allow":true,"user":"a\n"}"#]
        {
            assert_eq!(read(&token(), senseless, 7), Err(Senseless));
        }
    }

    #[test]
    fn a_signature_is_the_hmac_of_time_and_question() {
        // From `printf '7.{}' | openssl dgst -sha256 -hmac key`.
        let expected = "t=7,v1=77bc83bd1f40422311e47918b203449aecf84b02c1568bb1b570ac2a474cc2d8";
        assert_eq!(sign("key", b"{}", 7), expected);
    }
}

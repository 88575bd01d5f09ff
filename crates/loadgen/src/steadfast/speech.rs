//! What members and the server say to each other in the rich protocol (docs/protocol.md), as far as it matters to those who come back.

use std::borrow::Cow;

use serde::Deserialize;

use super::position::Position;
use crate::protocols::Fault;
use crate::stamp::Stamp;

/// What a member was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is in its room.
    Joined { at: Position, is_resumed: Option<bool> },
    /// Somebody's post.
    Posted { at: Position, stamp: Stamp },
    /// Its own post is kept.
    Accepted { number: u32, at: Position },
    /// Its own post is not, for now or for good.
    Refused { number: u32, code: String, is_final: bool },
    /// It may not join for now.
    Barred { code: String },
    /// Posts will not be shown.
    Lost { since: Position, at: Position },
    /// It is to come back so much later.
    Closing { delay_ms: u64 },
}

#[derive(Deserialize)]
struct Said<'s> {
    #[serde(borrow)]
    is: Cow<'s, str>,
    #[serde(borrow)]
    id: Option<Cow<'s, str>>,
    #[serde(borrow)]
    at: Option<Cow<'s, str>>,
    #[serde(borrow)]
    since: Option<Cow<'s, str>>,
    #[serde(borrow)]
    text: Option<Cow<'s, str>>,
    #[serde(borrow)]
    code: Option<Code<'s>>,
    resumed: Option<bool>,
    retry: Option<bool>,
    delay: Option<u64>,
}

/// Of a refusal it is a word, of a farewell a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Code<'s> {
    Word(#[serde(borrow)] Cow<'s, str>),
    Number(serde::de::IgnoredAny),
}

/// Reads a message; `None`: one that says nothing of these things.
pub(super) fn read(message: &[u8]) -> Result<Option<Told>, Fault> {
    let wrong = || Fault::new(format!("cannot be read: {}", String::from_utf8_lossy(message)));
    let said: Said<'_> = serde_json::from_slice(message).map_err(|_| wrong())?;
    let position = |text: &Option<Cow<'_, str>>| text.as_deref().and_then(Position::read).ok_or_else(wrong);
    let number = |prefix| said.id.as_deref().and_then(|id| id.strip_prefix(prefix)?.parse().ok());
    Ok(Some(match &*said.is {
        "joined" => Told::Joined { at: position(&said.at)?, is_resumed: said.resumed },
        "posted" => {
            let stamp = said.text.as_deref().and_then(|text| Stamp::find(text.as_bytes()));
            Told::Posted { at: position(&said.at)?, stamp: stamp.ok_or_else(wrong)? }
        }
        "accepted" => Told::Accepted { number: number("p").ok_or_else(wrong)?, at: position(&said.at)? },
        "lost" => Told::Lost { since: position(&said.since)?, at: position(&said.at)? },
        "refused" => {
            let Some(Code::Word(code)) = said.code else { return Err(wrong()) };
            let (code, is_final) = (code.into_owned(), said.retry != Some(true));
            match number("p") {
                Some(number) => Told::Refused { number, code, is_final },
                None if is_final => return Err(wrong()),
                None => Told::Barred { code },
            }
        }
        "closing" => Told::Closing { delay_ms: said.delay.unwrap_or(0) },
        _ => return Ok(None),
    }))
}

/// Who a member is.
pub(super) fn identify(user: &str) -> String {
    format!(r#"{{"do":"identify","user":"{user}","id":"i"}}"#)
}

/// Where it wants to be, and since when.
pub(super) fn join(room: &str, since: Option<Position>) -> String {
    let since = since.map(|since| format!(r#","since":"{since}""#)).unwrap_or_default();
    format!(r#"{{"do":"join","room":"{room}","id":"j"{since}}}"#)
}

/// What it posts; the number is the stamp's, so that whoever asks again asks for the same.
pub(super) fn post(room: &str, stamp: &Stamp, payload_bytes: usize) -> Vec<u8> {
    let mut post =
        format!(r#"{{"do":"post","room":"{room}","id":"p{}","text":""#, stamp.sequence).into_bytes();
    stamp.write(payload_bytes, &mut post);
    post.extend_from_slice(br#""}"#);
    post
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> Told {
        read(message.as_bytes()).expect("it is well-formed").expect("it says something")
    }

    #[test]
    fn each_message_is_read_as_what_it_says() {
        let (at, stamp) =
            (Position { epoch: 10, offset: 7 }, Stamp { publisher: 3, sequence: 9, intended_ns: 5 });
        let mut text = Vec::new();
        stamp.write(50, &mut text);
        let text = String::from_utf8(text).expect("a stamp is text");
        let posted = format!(
            r#"{{"is":"posted","room":"r","at":"a:7","user":"u3","id":"p9","time":0,"text":"{text}"}}"#
        );
        for (message, expected) in [
            (&*posted, Told::Posted { at, stamp }),
            (
                r#"{"is":"joined","id":"j","room":"r","at":"a:7","members":1}"#,
                Told::Joined { at, is_resumed: None },
            ),
            (
                r#"{"is":"joined","id":"j","at":"a:7","resumed":false}"#,
                Told::Joined { at, is_resumed: Some(false) },
            ),
            (r#"{"is":"accepted","id":"p9","at":"a:7"}"#, Told::Accepted { number: 9, at }),
            (
                r#"{"is":"lost","room":"r","since":"9:6","at":"a:7"}"#,
                Told::Lost { since: Position { epoch: 9, offset: 6 }, at },
            ),
            (
                r#"{"is":"refused","id":"p9","code":"unavailable","reason":"…","retry":true}"#,
                Told::Refused { number: 9, code: "unavailable".to_owned(), is_final: false },
            ),
            (
                r#"{"is":"refused","id":"j","code":"draining","retry":true}"#,
                Told::Barred { code: "draining".to_owned() },
            ),
            (
                r#"{"is":"closing","code":4012,"reason":"x","reconnect":true,"delay":15}"#,
                Told::Closing { delay_ms: 15 },
            ),
        ] {
            assert_eq!(told(message), expected, "{message}");
        }
    }

    #[test]
    fn presence_says_nothing_here_and_a_member_that_is_refused_for_good_has_a_fault() {
        assert_eq!(read(br#"{"is":"presence","joined":[],"left":[]}"#), Ok(None));
        assert!(read(br#"{"is":"refused","id":"j","code":"bad_name","retry":false}"#).is_err());
        assert!(read(b"hello").is_err());
    }

    #[test]
    fn what_a_member_says_is_as_the_protocol_has_it() {
        let since = Some(Position { epoch: 10, offset: 7 });
        assert_eq!(join("r", since), r#"{"do":"join","room":"r","id":"j","since":"a:7"}"#);
        assert_eq!(join("r", None), r#"{"do":"join","room":"r","id":"j"}"#);
        assert_eq!(identify("u3"), r#"{"do":"identify","user":"u3","id":"i"}"#);
        let stamp = Stamp { publisher: 3, sequence: 9, intended_ns: 5 };
        let post = post("r", &stamp, 0);
        assert!(post.starts_with(br#"{"do":"post","room":"r","id":"p9","text":"@0000000300000009"#));
    }
}

//! What a client of the rich protocol sends (docs/protocol.md, "What a client sends"), read into commands.

use chat::{Command, Refusal, RoomId, RoomName, SignalName, Tag};
use serde::Deserialize;
use serde_json::error::Category;

use crate::members::{self, Member, body, credentials, even_null, position, required, user};

const RECALL_DEFAULT: usize = 50;
const RECALL_MAX: usize = 200;

/// Why a message is no command.
#[derive(Debug, PartialEq)]
pub(super) enum Unread {
    /// It is not a JSON object at all.
    NotAnObject,
    /// A member is not as it should be.
    Refused {
        /// The command's, where it could be read.
        tag: Option<Tag>,
        /// Why.
        refusal: Refusal,
    },
}

/// Reads one message.
pub(super) fn read(message: &[u8]) -> Result<Command, Unread> {
    // An array would do for serde.
    if message.trim_ascii_start().first() != Some(&b'{') {
        return Err(Unread::NotAnObject);
    }
    let members: Members<'_> = serde_json::from_slice(message).map_err(|error| unread(&error))?;
    let tag = members::tag(members.id).map_err(|refusal| Unread::Refused { tag: None, refusal })?;
    members.command(tag.clone()).map_err(|refusal| Unread::Refused { tag, refusal })
}

/// The members of all commands, not looked into yet. One that is `null` is taken as left out, but for `data`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Members<'a> {
    #[serde(rename = "do", borrow)]
    deed: Member<'a>,
    #[serde(borrow)]
    id: Member<'a>,
    #[serde(borrow)]
    user: Member<'a>,
    #[serde(borrow)]
    password: Member<'a>,
    #[serde(borrow)]
    token: Member<'a>,
    #[serde(borrow)]
    inbox: Member<'a>,
    #[serde(borrow)]
    room: Member<'a>,
    #[serde(borrow)]
    since: Member<'a>,
    #[serde(borrow)]
    to: Member<'a>,
    #[serde(borrow)]
    text: Member<'a>,
    #[serde(borrow, deserialize_with = "even_null")]
    data: Member<'a>,
    #[serde(borrow)]
    before: Member<'a>,
    #[serde(borrow)]
    limit: Member<'a>,
    #[serde(borrow)]
    signal: Member<'a>,
}

impl Members<'_> {
    fn command(&self, tag: Option<Tag>) -> Result<Command, Refusal> {
        Ok(match &*required(self.deed)? {
            "identify" => {
                let credentials = credentials(self.user, self.password, self.token)?;
                Command::Identify { credentials, takes_direct: true, inbox: position(self.inbox)?, tag }
            }
            "join" => Command::Join { room: self.room()?, since: position(self.since)?, tag },
            "leave" => Command::Leave { room: self.room()?, tag },
            "post" => {
                let tag = Some(tag.ok_or(Refusal::BadRequest)?);
                Command::Post {
                    room: self.room()?,
                    author: None,
                    body: body(self.text, self.data)?,
                    tag,
                    reply: true,
                }
            }
            "direct" => {
                let tag = Some(tag.ok_or(Refusal::BadRequest)?);
                Command::Direct { to: user(self.to)?, body: body(self.text, self.data)?, tag }
            }
            "recall" => Command::Recall {
                room: self.room()?,
                before: position(self.before)?,
                limit: self.limit()?,
                tag,
            },
            "signal" => Command::Signal { room: self.room()?, signal: self.signal()?, content: None, tag },
            "time" => Command::AskTime { tag },
            _ => return Err(Refusal::BadRequest),
        })
    }

    fn room(&self) -> Result<RoomId, Refusal> {
        RoomName::new(&required(self.room)?).map(RoomId::public).map_err(|_| Refusal::BadName)
    }

    fn limit(&self) -> Result<usize, Refusal> {
        let Some(limit) = self.limit else { return Ok(RECALL_DEFAULT) };
        let limit = serde_json::from_str(limit.get()).map_err(|_| Refusal::BadRequest)?;
        if (1..=RECALL_MAX).contains(&limit) { Ok(limit) } else { Err(Refusal::BadRequest) }
    }

    fn signal(&self) -> Result<SignalName, Refusal> {
        SignalName::new(&required(self.signal)?).ok_or(Refusal::BadRequest)
    }
}

/// An object with a member twice is an object all the same.
fn unread(error: &serde_json::Error) -> Unread {
    match error.classify() {
        Category::Data => Unread::Refused { tag: None, refusal: Refusal::BadRequest },
        _ => Unread::NotAnObject,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(tag: Option<&str>, refusal: Refusal) -> Result<Command, Unread> {
        Err(Unread::Refused { tag: tag.and_then(Tag::new), refusal })
    }

    #[test]
    fn what_is_not_an_object_is_no_message() {
        for other in [
            "",
            " ",
            "1",
            "null",
            "\"x\"",
            "[]",
            r#"["time"]"#,
            "{",
            r#"{"do":"time"} x"#,
            "{\"do\":}",
            "\u{feff}{}",
        ] {
            assert_eq!(read(other.as_bytes()), Err(Unread::NotAnObject), "{other}");
        }
    }

    #[test]
    fn a_member_that_is_not_as_it_should_be_is_refused_by_the_commands_id() {
        for members in [
            "",
            r#","do":7"#,
            r#","do":"fly""#,
            r#","do":"identify""#,
            r#","do":"identify","user":7"#,
            r#","do":"join""#,
            r#","do":"identify","user":"a","token":"t""#,
            r#","do":"identify","password":"p""#,
            r#","do":"identify","token":7"#,
            r#","do":"post","room":"a""#,
            r#","do":"post","text":"a""#,
            r#","do":"post","room":"a","text":1"#,
            r#","do":"post","room":"a","text":null"#,
            r#","do":"post","room":"a","text":"\ud800""#,
            r#","do":"direct","text":"a""#,
            r#","do":"recall","room":"a","limit":0"#,
            r#","do":"recall","room":"a","limit":201"#,
            r#","do":"recall","room":"a","limit":1.5"#,
            r#","do":"signal","room":"a""#,
            r#","do":"signal","room":"a","signal":"""#,
        ] {
            let message = format!(r#"{{"id":"i"{members}}}"#);
            assert_eq!(read(message.as_bytes()), refused(Some("i"), Refusal::BadRequest), "{message}");
        }
    }

    #[test]
    fn a_post_needs_an_id_and_an_id_its_length() {
        let long = format!(r#"{{"do":"time","id":"{}"}}"#, "x".repeat(65));
        for message in [
            r#"{"do":"post","room":"a","text":"x"}"#,
            r#"{"do":"direct","to":"a","text":"x"}"#,
            r#"{"do":"time","id":""}"#,
            r#"{"do":"time","id":1}"#,
            r#"{"do":"time","do":"time"}"#,
            &long,
        ] {
            assert_eq!(read(message.as_bytes()), refused(None, Refusal::BadRequest), "{message}");
        }
    }

    #[test]
    fn names_and_positions_have_refusals_of_their_own() {
        for (message, refusal) in [
            (r#"{"do":"join","room":""}"#, Refusal::BadName),
            (r#"{"do":"identify","user":"a\nb"}"#, Refusal::BadName),
            (r#"{"do":"identify","token":""}"#, Refusal::BadToken),
            (r#"{"do":"identify","user":"a","password":""}"#, Refusal::BadPassword),
            (r#"{"do":"join","room":"a","since":"x"}"#, Refusal::BadPosition),
            (r#"{"do":"recall","room":"a","before":"1"}"#, Refusal::BadPosition),
            (r#"{"do":"identify","user":"a","inbox":"A:1"}"#, Refusal::BadPosition),
        ] {
            assert_eq!(read(message.as_bytes()), refused(None, refusal), "{message}");
        }
    }

    #[test]
    fn unknown_members_are_passed_over_and_null_is_left_out() {
        let message = br#" { "x": [{}], "id": null, "do": "time", "limit": 7 } "#;
        assert_eq!(read(message), Ok(Command::AskTime { tag: None }));
    }

    #[test]
    fn members_in_arrays_nested_deeply_do_no_harm() {
        let deep = format!(r#"{{"do":"time","x":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
        assert_eq!(read(deep.as_bytes()), Ok(Command::AskTime { tag: None }));
    }
}

//! What a client of the rich protocol sends (docs/protocol.md, "What a client sends"), read into commands.

use chat::{Command, Refusal, RoomId, RoomName, SignalName, Tag};
use serde::Deserialize;
use serde_json::error::Category;

use crate::members::{self, Member, body, even_null, position, required, user};

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
    let members: Members<'_> = serde_json::from_slice(message).map_err(|error| unread(message, &error))?;
    let tag = members::tag(members.id);
    let refused = |refusal| Unread::Refused { tag: tag.clone().unwrap_or(None), refusal };
    let tag = tag.clone().map_err(refused)?;
    members.command(tag).map_err(refused)
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
            "identify" => Command::Identify { user: user(self.user)?, inbox: position(self.inbox)?, tag },
            "join" => Command::Join { room: self.room()?, since: position(self.since)?, tag },
            "leave" => Command::Leave { room: self.room()?, tag },
            "post" => {
                let tag = Some(tag.ok_or(Refusal::BadRequest)?);
                Command::Post { room: self.room()?, author: None, body: body(self.text, self.data)?, tag, reply: true }
            }
            "direct" => {
                let tag = Some(tag.ok_or(Refusal::BadRequest)?);
                Command::Direct { to: user(self.to)?, body: body(self.text, self.data)?, tag }
            }
            "recall" => {
                Command::Recall { room: self.room()?, before: position(self.before)?, limit: self.limit()?, tag }
            }
            "signal" => Command::Signal { room: self.room()?, signal: self.signal()? },
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
fn unread(message: &[u8], error: &serde_json::Error) -> Unread {
    let is_object = message.trim_ascii_start().first() == Some(&b'{');
    if is_object && error.classify() == Category::Data {
        Unread::Refused { tag: None, refusal: Refusal::BadRequest }
    } else {
        Unread::NotAnObject
    }
}

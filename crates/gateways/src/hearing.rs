//! What a server says, read back from JSON objects: the other side of [`crate::json`]. Stricter than a client needs to be.

use chat::{
    Counts, Farewell, Position, Refusal, Resumption, RoomId, RoomName, SignalName, Tag, Time, UserId,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use wire::json::read_base64;

use crate::client::{Heard, Said, ServerFault};
use crate::members::even_null;

/// Reads an object. `user` is whose inbox direct messages are in.
pub(crate) fn read(json: &[u8], user: Option<&UserId>) -> Result<Heard, ServerFault> {
    let object: Object<'_> = serde_json::from_slice(json).map_err(ServerFault::new)?;
    let read = match user {
        _ if object.room.is_some() => object.heard(room(object.room.as_deref())),
        Some(user) => object.heard(Some(RoomId::inbox(user.clone()))),
        None => object.heard(None),
    };
    read.ok_or_else(|| ServerFault::new(format_args!("not understood: {}", String::from_utf8_lossy(json))))
}

/// Reads the answer to a join that says neither what it is nor of which room.
pub(crate) fn read_joined(json: &[u8], tag: Option<Tag>, room: RoomId) -> Result<Heard, ServerFault> {
    let answer: Object<'_> = serde_json::from_slice(json).map_err(ServerFault::new)?;
    let id = tag.map(|tag| tag.as_str().to_owned());
    let joined = Object { is: "joined".into(), id, ..answer }.heard(Some(room));
    joined.ok_or_else(|| ServerFault::new(format_args!("not understood: {}", String::from_utf8_lossy(json))))
}

/// Reads the code of a refusal.
pub(crate) fn read_refusal(json: &[u8]) -> Result<Refusal, ServerFault> {
    let object: Object<'_> = serde_json::from_slice(json).map_err(ServerFault::new)?;
    object.refusal().ok_or_else(|| ServerFault::new("an unknown refusal"))
}

/// Reads the position in the answer to a post.
pub(crate) fn read_position(json: &[u8]) -> Result<Position, ServerFault> {
    let object: Object<'_> = serde_json::from_slice(json).map_err(ServerFault::new)?;
    position(object.at.as_deref()).ok_or_else(|| ServerFault::new("no position"))
}

/// The members of all objects.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Object<'a> {
    is: String,
    id: Option<String>,
    room: Option<String>,
    at: Option<String>,
    since: Option<String>,
    user: Option<String>,
    session: Option<String>,
    time: Option<u64>,
    until: Option<u64>,
    inbox: Option<String>,
    resumed: Option<bool>,
    members: Option<u32>,
    guests: Option<u32>,
    present: Option<Vec<String>>,
    joined: Option<Vec<String>>,
    left: Option<Vec<String>>,
    text: Option<String>,
    binary: Option<String>,
    #[serde(borrow, deserialize_with = "even_null")]
    data: Option<&'a RawValue>,
    code: Option<Code>,
    retry: Option<bool>,
    retry_after: Option<u32>,
    reconnect: Option<bool>,
    delay: Option<u32>,
    signal: Option<String>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<Vec<Object<'a>>>,
    more: Option<bool>,
}

/// A refusal has a word, a farewell a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Code {
    Number(u16),
    Word(String),
}

impl Object<'_> {
    /// What the object says; `None` where a member is missing or wrong. `room` is the object's own, or the inbox.
    fn heard(&self, room: Option<RoomId>) -> Option<Heard> {
        let tag = self.tag()?;
        Some(match &*self.is {
            "welcome" => Heard::Welcome {
                tag,
                user: name(self.user.as_deref())?,
                session: Some(self.session.clone()?),
                time: Some(Time(self.time?)),
                inbox: Some(position(self.inbox.as_deref())?),
                resumption: self.resumption(),
            },
            "refreshed" => Heard::Refreshed { tag, until: self.until.map(Time) },
            "expiring" => Heard::Expiring { at: Time(self.until?) },
            "joined" => Heard::Joined {
                tag,
                room: room?,
                at: position(self.at.as_deref())?,
                resumption: self.resumption(),
                counts: self.counts()?,
                present: names(self.present.as_deref())?,
            },
            "posted" | "direct" => {
                Heard::Posted(self.said(room.filter(|room| room.is_inbox() == (self.is == "direct"))?)?)
            }
            "accepted" => Heard::Accepted { tag, at: position(self.at.as_deref())? },
            "refused" => Heard::Refused { tag, refusal: self.refusal()? },
            "lost" => Heard::Lost {
                room: room?,
                since: position(self.since.as_deref())?,
                at: position(self.at.as_deref())?,
            },
            "presence" => Heard::Presence {
                room: room?,
                joined: names(self.joined.as_deref())?,
                left: names(self.left.as_deref())?,
                counts: self.counts()?,
            },
            "signal" => Heard::Signal {
                room: room?,
                user: self.author()?,
                signal: SignalName::new(self.signal.as_deref()?)?,
                arguments: self.arguments.map(|arguments| arguments.get().to_owned()),
            },
            "page" => {
                Heard::Page { tag, messages: self.page(&room.clone()?)?, room: room?, more: self.more? }
            }
            "removed" => Heard::Removed { room: room?, because: self.refusal()? },
            "left" => Heard::Left { tag, room: room? },
            "time" => Heard::Time { tag, time: Time(self.time?) },
            "closing" => Heard::Closing(self.farewell()?),
            _ => return None,
        })
    }

    fn said(&self, room: RoomId) -> Option<Said> {
        let binary = match &self.binary {
            Some(binary) => Some(read_base64(binary)?),
            None => None,
        };
        Some(Said {
            room,
            at: Some(position(self.at.as_deref())?),
            user: self.author()?,
            tag: self.tag()?,
            time: Some(Time(self.time?)),
            text: self.text.clone(),
            binary,
            data: self.data.map(|data| data.get().to_owned()),
        })
    }

    fn page(&self, room: &RoomId) -> Option<Vec<Said>> {
        self.messages.as_ref()?.iter().map(|message| message.said(room.clone())).collect()
    }

    fn tag(&self) -> Option<Option<Tag>> {
        match &self.id {
            Some(id) => Tag::new(id).map(Some),
            None => Some(None),
        }
    }

    fn author(&self) -> Option<Option<UserId>> {
        match &self.user {
            Some(user) => name(Some(user)).map(Some),
            None => Some(None),
        }
    }

    fn counts(&self) -> Option<Counts> {
        Some(Counts { members: self.members?, guests: self.guests? })
    }

    fn resumption(&self) -> Resumption {
        match self.resumed {
            None => Resumption::Fresh,
            Some(true) => Resumption::Complete,
            Some(false) => Resumption::Partial,
        }
    }

    fn refusal(&self) -> Option<Refusal> {
        let Some(Code::Word(code)) = &self.code else { return None };
        let refusal = Refusal::ALL.into_iter().find(|refusal| refusal.code() == code)?;
        if self.retry? != refusal.may_retry() {
            return None;
        }
        Some(match refusal {
            Refusal::TooFast { .. } => Refusal::TooFast { retry_after_ms: self.retry_after? },
            Refusal::SlowMode { .. } => Refusal::SlowMode { retry_after_ms: self.retry_after? },
            refusal => refusal,
        })
    }

    fn farewell(&self) -> Option<Farewell> {
        let Some(Code::Number(code)) = self.code else { return None };
        let farewell = Farewell::ALL.into_iter().find(|farewell| farewell.code() == code)?;
        if self.reconnect? != farewell.may_reconnect() {
            return None;
        }
        match farewell {
            Farewell::ServerRestart { .. } => Some(Farewell::ServerRestart { delay_ms: self.delay? }),
            farewell => Some(farewell),
        }
    }
}

fn position(text: Option<&str>) -> Option<Position> {
    text?.parse().ok()
}

fn room(name: Option<&str>) -> Option<RoomId> {
    RoomName::new(name?).ok().map(RoomId::public)
}

fn name(user: Option<&str>) -> Option<UserId> {
    UserId::new(user?).ok()
}

fn names(users: Option<&[String]>) -> Option<Option<Vec<UserId>>> {
    match users {
        Some(users) => users.iter().map(|user| name(Some(user))).collect::<Option<Vec<_>>>().map(Some),
        None => Some(None),
    }
}

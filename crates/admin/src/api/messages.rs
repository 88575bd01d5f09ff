//! Operations about messages: to say something, and to read what was said. What messages hold is read and written by the gateways.

use chat::{Position, Refusal, RoomId};
use gateways::{Posting, write_message};
use serde::Serialize;
use serde_json::value::RawValue;
use shard::{Instruction, Report};

use super::answer::{Answer, List, Outcome};
use super::asked::Asked;
use super::problem::{Fault, Problem};

/// Where a message stands.
#[derive(Serialize)]
struct Accepted {
    at: String,
}

pub(super) async fn post_to_room(asked: Asked) -> Outcome {
    post(asked.room()?, asked).await
}

pub(super) async fn post_to_user(asked: Asked) -> Outcome {
    post(RoomId::inbox(asked.user()?), asked).await
}

pub(super) async fn post_to_all(asked: Asked) -> Outcome {
    post(RoomId::everybody(), asked).await
}

async fn post(room: RoomId, asked: Asked) -> Outcome {
    let Posting { author, tag, body } = Posting::from_json(&asked.body)?;
    let tag = tag.or(asked.idempotency_key);
    let wanted = Instruction::Post { room: room.clone(), author, body, tag };
    match asked.api.ask_home(&room, wanted).await? {
        Report::Accepted(at) => Answer::ok(&Accepted { at: at.to_string() }),
        _ => Err(Fault::NoAnswer.into()),
    }
}

pub(super) async fn history(asked: Asked) -> Outcome {
    let (room, limit) = (asked.room()?, asked.limit()?);
    let before = match asked.parameter("before")? {
        Some(before) => Some(before.parse::<Position>().map_err(|_| Refusal::BadPosition)?),
        None => None,
    };
    let wanted = Instruction::Recall { room: room.clone(), before, limit };
    let Report::Page(messages, more) = asked.api.ask_home(&room, wanted).await? else {
        return Err(Fault::NoAnswer.into());
    };
    let next = messages.first().filter(|_| more).map(|first| first.at.to_string());
    let items: Result<Vec<_>, Problem> = messages.iter().map(|message| shown(message)).collect();
    Answer::ok(&List { items: items?, next })
}

fn shown(message: &chat::Message) -> Result<Box<RawValue>, Problem> {
    let mut json = Vec::new();
    write_message(message, &mut json);
    let json = String::from_utf8(json).ok();
    json.and_then(|json| RawValue::from_string(json).ok()).ok_or_else(|| Fault::NoAnswer.into())
}

//! Operations about who may stay and who may speak, and about how rooms are.

use access::{Offender, Penalty, RoomTerms, Ruling, RulingTerms, Subject};
use chat::{RoomId, Time};
use serde::{Deserialize, Serialize};
use shard::{Decree, Instruction, Report, ShardId, Whose};

use super::Api;
use super::answer::{Answer, List, Outcome};
use super::asked::{self, Asked};
use super::cursor;
use super::problem::{Fault, Problem};
use super::rooms::Room;
use super::sessions::{Done, Meant, decree};

/// The longest reason, in bytes.
const REASON_BYTES_MAX: usize = 500;
/// The longest wait between two messages: a day.
const SLOW_MS_MAX: u32 = 86_400_000;

/// A penalty that is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    user: Option<String>,
    address: Option<String>,
    room: Option<String>,
    seconds: Option<u64>,
    reason: Option<String>,
}

/// A penalty that holds.
#[derive(Serialize)]
struct Sanction {
    id: String,
    user: Option<String>,
    address: Option<String>,
    room: Option<String>,
    until: Option<u64>,
    since: u64,
    reason: Option<String>,
}

/// How a room is to be.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WantedRoom {
    closed: bool,
    slow_mode_ms: u32,
}

pub(super) async fn ban(asked: Asked) -> Outcome {
    impose(Penalty::Ban, asked).await
}

pub(super) async fn mute(asked: Asked) -> Outcome {
    impose(Penalty::Mute, asked).await
}

pub(super) async fn lift_ban(asked: Asked) -> Outcome {
    lift(Penalty::Ban, asked).await
}

pub(super) async fn lift_mute(asked: Asked) -> Outcome {
    lift(Penalty::Mute, asked).await
}

pub(super) async fn list_bans(asked: Asked) -> Outcome {
    list(Penalty::Ban, asked).await
}

pub(super) async fn list_mutes(asked: Asked) -> Outcome {
    list(Penalty::Mute, asked).await
}

async fn impose(penalty: Penalty, asked: Asked) -> Outcome {
    let wanted = asked.json::<Wanted>()?;
    let whom = match (&wanted.user, &wanted.address) {
        (Some(user), None) => Offender::User(asked::user(user)?),
        (None, Some(address)) => Offender::Address(asked::address(address)?),
        _ => return Err(Problem::bad("one of user and address says who is meant")),
    };
    let room = wanted.room.as_deref().map(asked::room).transpose()?;
    let reason: Box<str> = wanted.reason.unwrap_or_default().into();
    if reason.len() > REASON_BYTES_MAX {
        return Err(Problem::bad(format!("a reason has at most {REASON_BYTES_MAX} bytes")));
    }
    let since = asked.api.moment();
    let until = wanted
        .seconds
        .map(|seconds| Time(since.0.saturating_add(seconds.saturating_mul(1000)).min(i64::MAX as u64)));
    let subject = Subject::Somebody(penalty, whom, room);
    let ruling = Ruling { subject, terms: RulingTerms::Penalty { until, reason }, since };
    let shown = Sanction::of(&ruling);
    rule(&asked.api, ruling).await?;
    Answer::of(201, &shown)
}

async fn lift(penalty: Penalty, asked: Asked) -> Outcome {
    let subject = read_id(penalty, asked.name()).ok_or(Fault::NoSuchPenalty)?;
    let since = asked.api.moment();
    rule(&asked.api, Ruling { subject, terms: RulingTerms::Lifted, since }).await?;
    Answer::nothing()
}

async fn list(penalty: Penalty, asked: Asked) -> Outcome {
    let after = match asked.parameter("cursor")? {
        Some(cursor) => Some(read_id(penalty, &cursor).ok_or_else(cursor::bad)?),
        None => None,
    };
    let wanted = Instruction::ListRulings { penalty, after, limit: asked.limit()? };
    let Report::Rulings(rulings, more) = asked.api.ask(ShardId(0), wanted).await? else {
        return Err(Fault::NoAnswer.into());
    };
    let items: Vec<Sanction> = rulings.iter().filter_map(Sanction::of).collect();
    let next = items.last().filter(|_| more).map(|last| last.id.clone());
    Answer::ok(&List { items, next })
}

pub(super) async fn configure(asked: Asked) -> Outcome {
    let (room, wanted) = (asked.room()?, asked.json::<WantedRoom>()?);
    if wanted.slow_mode_ms > SLOW_MS_MAX {
        return Err(Problem::bad(format!("slow_mode_ms is at most {SLOW_MS_MAX}")));
    }
    let terms = RoomTerms { is_closed: wanted.closed, slow_ms: wanted.slow_mode_ms };
    set_terms(&asked.api, &room, terms).await?;
    Answer::ok(&Room::ask(&asked.api, &room).await?)
}

pub(super) async fn close(asked: Asked) -> Outcome {
    let room = asked.room()?;
    let is_slow = Room::ask(&asked.api, &room).await?.slow_mode_ms;
    set_terms(&asked.api, &room, RoomTerms { is_closed: true, slow_ms: is_slow }).await?;
    Answer::nothing()
}

pub(super) async fn kick(asked: Asked) -> Outcome {
    let room = asked.room()?;
    let whose = match asked.json::<Meant>()?.read()? {
        Whose::Room(_) => return Err(Problem::bad("one of session, user and address says who is meant")),
        whose => whose,
    };
    Answer::ok(&Done { here: decree(&asked.api, Decree::Kick(room, whose)).await? })
}

async fn set_terms(api: &Api, room: &RoomId, terms: RoomTerms) -> Result<(), Problem> {
    let since = api.moment();
    let terms = if terms.are_plain() { RulingTerms::Lifted } else { RulingTerms::Room(terms) };
    rule(api, Ruling { subject: Subject::Room(room.clone()), terms, since }).await
}

/// Has a ruling hold on every node, and kept.
async fn rule(api: &Api, ruling: Ruling) -> Result<(), Problem> {
    decree(api, Decree::Rule(vec![ruling.clone()])).await?;
    api.keep(ruling).await
}

impl Sanction {
    /// `None`: it is about no penalty that holds.
    fn of(ruling: &Ruling) -> Option<Self> {
        let (Subject::Somebody(_, whom, room), RulingTerms::Penalty { until, reason }) =
            (&ruling.subject, &ruling.terms)
        else {
            return None;
        };
        let (user, address) = match whom {
            Offender::User(user) => (Some(user.as_str().to_owned()), None),
            Offender::Address(address) => (None, Some(address.to_string())),
        };
        Some(Self {
            id: write_id(whom, room.as_ref()),
            user,
            address,
            room: room.as_ref().map(|room| room.name().to_owned()),
            until: until.map(|until| until.0),
            since: ruling.since.0,
            reason: Some(reason.to_string()).filter(|reason| !reason.is_empty()),
        })
    }
}

/// What a penalty is known by: whom and where, so that it is the same on every node. Names of users have no line ends.
fn write_id(whom: &Offender, room: Option<&RoomId>) -> String {
    let room = room.map_or("", RoomId::name);
    match whom {
        Offender::User(user) => cursor::write(&format!("u{}\n{room}", user.as_str())),
        Offender::Address(address) => cursor::write(&format!("a{address}\n{room}")),
    }
}

fn read_id(penalty: Penalty, id: &str) -> Option<Subject> {
    let text = cursor::read(id).ok()?;
    let (whom, room) = text.split_once('\n')?;
    let whom = match whom.split_at_checked(1)? {
        ("u", user) => Offender::User(asked::user(user).ok()?),
        ("a", address) => Offender::Address(address.parse().ok()?),
        _ => return None,
    };
    let room = if room.is_empty() { None } else { Some(asked::room(room).ok()?) };
    Some(Subject::Somebody(penalty, whom, room))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_penalty_is_known_by_whom_and_where() {
        for (whom, room) in [("uann", ""), ("uann", "a\nb/é"), ("a10.0.0.1", "lobby"), ("a::1", "")] {
            let id = cursor::write(&format!("{whom}\n{room}"));
            let Some(Subject::Somebody(Penalty::Mute, offender, of)) = read_id(Penalty::Mute, &id) else {
                panic!("{whom} {room:?} is no penalty");
            };
            assert_eq!(write_id(&offender, of.as_ref()), id);
        }
        for id in ["", "uann", "xann\n", "a1.2.3\n", "u\n"] {
            assert_eq!(read_id(Penalty::Ban, &cursor::write(id)), None, "{id:?}");
        }
    }
}

//! Operations about sessions: which there are on this node, and sending them away wherever they are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shard::{Decree, Instruction, Report, SessionKey, SessionLine, SessionsSought, ShardId, Whose};

use super::Api;
use super::answer::{Answer, List, Outcome};
use super::asked::{self, Asked};
use super::cursor;
use super::problem::{Fault, Problem};

/// A session.
#[derive(Serialize)]
struct Session {
    session: String,
    user: Option<String>,
    proven: bool,
    protocol: &'static str,
    address: Option<String>,
    rooms: Vec<String>,
    rooms_total: usize,
    positions: Vec<Option<String>>,
    queued_bytes: usize,
    silent_ms: u64,
    round_trip_us: Option<u64>,
}

/// How many sessions were meant on this node.
#[derive(Serialize)]
pub(super) struct Done {
    pub(super) here: usize,
}

/// Whose sessions are meant: one of these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meant {
    session: Option<String>,
    user: Option<String>,
    address: Option<String>,
    room: Option<String>,
}

pub(super) async fn list(asked: Asked) -> Outcome {
    let (first, from) = match asked.parameter("cursor")? {
        Some(cursor) => {
            let (shard, place) = cursor::read_pair(&cursor)?;
            (u16::try_from(shard).map_err(|_| cursor::bad())?, place.parse().map_err(|_| cursor::bad())?)
        }
        None => (0, 0),
    };
    let read = |name| asked.parameter(name);
    let sought = SessionsSought {
        session: None,
        user: read("user")?.map(|name| asked::user(&name)).transpose()?,
        room: read("room")?.map(|name| asked::room(&name)).transpose()?,
        address: read("address")?.map(|text| asked::address(&text)).transpose()?,
        from,
        limit: asked.limit()?,
    };
    let (lines, next) = collect(&asked.api, sought, first).await?;
    let next = next.map(|(shard, place)| cursor::write(&format!("{shard}:{place}")));
    Answer::ok(&List { items: lines.iter().map(Session::of).collect(), next })
}

/// Asks one shard after the other until there are enough. Says where to go on.
async fn collect(
    api: &Api,
    mut sought: SessionsSought,
    first: u16,
) -> Result<(Vec<SessionLine>, Option<(u16, u32)>), Problem> {
    let (limit, mut lines) = (sought.limit, Vec::new());
    for shard in first..api.shard_count()? {
        sought.limit = limit - lines.len();
        let report = api.ask(ShardId(shard), Instruction::ListSessions(sought.clone())).await?;
        let Report::Sessions(found, goes_on) = report else { return Err(Fault::NoAnswer.into()) };
        lines.extend(found);
        sought.from = 0;
        let next = goes_on.map(|place| (shard, place)).or(Some((shard + 1, 0)));
        if lines.len() >= limit {
            return Ok((
                lines,
                next.filter(|(shard, _)| api.shard_count().is_ok_and(|count| *shard < count)),
            ));
        }
    }
    Ok((lines, None))
}

pub(super) async fn describe(asked: Asked) -> Outcome {
    match find(&asked.api, asked.session()?).await? {
        Some(line) => Answer::ok(&Session::of(&line)),
        None => Err(Fault::NoSuchSession.into()),
    }
}

async fn find(api: &Api, session: SessionKey) -> Result<Option<SessionLine>, Problem> {
    if session.shard.0 >= api.shard_count()? {
        return Ok(None);
    }
    let sought =
        SessionsSought { session: Some(session), from: session.slot, limit: 1, ..SessionsSought::default() };
    match api.ask(session.shard, Instruction::ListSessions(sought)).await? {
        Report::Sessions(lines, _) => Ok(lines.into_iter().next()),
        _ => Err(Fault::NoAnswer.into()),
    }
}

pub(super) async fn disconnect_one(asked: Asked) -> Outcome {
    let session = asked.session()?;
    match decree(&asked.api, Decree::Disconnect(Whose::Session(session))).await? {
        0 => Err(Fault::NoSuchSession.into()),
        _ => Answer::nothing(),
    }
}

pub(super) async fn disconnect(asked: Asked) -> Outcome {
    let whose = asked.json::<Meant>()?.read()?;
    Answer::ok(&Done { here: decree(&asked.api, Decree::Disconnect(whose)).await? })
}

/// Has something done on every shard of every node. Says with how many sessions of this one.
pub(super) async fn decree(api: &Api, decree: Decree) -> Result<usize, Problem> {
    let reports = api.ask_all(Instruction::Decree(Arc::new(decree))).await?;
    Ok(reports.iter().map(|report| if let Report::Done(sessions) = report { *sessions } else { 0 }).sum())
}

impl Meant {
    pub(super) fn read(self) -> Result<Whose, Problem> {
        match (self.session, self.user, self.address, self.room) {
            (Some(session), None, None, None) => Ok(Whose::Session(asked::session(&session)?)),
            (None, Some(user), None, None) => Ok(Whose::User(asked::user(&user)?)),
            (None, None, Some(address), None) => Ok(Whose::Address(asked::address(&address)?)),
            (None, None, None, Some(room)) => Ok(Whose::Room(asked::room(&room)?)),
            _ => Err(Problem::bad("one of session, user, address and room says who is meant")),
        }
    }
}

impl Session {
    fn of(line: &SessionLine) -> Self {
        Self {
            session: line.session.to_string(),
            user: line.user.as_ref().map(|user| user.as_str().to_owned()),
            proven: line.is_proven,
            protocol: line.gateway,
            address: Some(line.address)
                .filter(|address| !address.is_unspecified())
                .map(|address| address.to_string()),
            rooms: line.rooms.iter().map(|room| room.name().to_owned()).collect(),
            rooms_total: line.rooms_total,
            positions: line.positions.iter().map(|at| at.map(|at| at.to_string())).collect(),
            queued_bytes: line.queued_bytes,
            silent_ms: line.silence_ms,
            round_trip_us: line.round_trip_us,
        }
    }
}

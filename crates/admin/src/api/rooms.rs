//! Operations about rooms: which there are, how they stand, and who is in them.

use std::collections::BTreeMap;

use chat::RoomId;
use serde::Serialize;
use shard::{Instruction, MembersReport, Report, RoomLine, RoomMark, RoomReport, RoomsSought};

use super::Api;
use super::answer::{Answer, List, Outcome};
use super::asked::{self, Asked};
use super::cursor;
use super::problem::{Fault, Problem};

/// A room in a list.
#[derive(Serialize)]
struct Item {
    room: String,
    members: u32,
    guests: u32,
    here: u32,
}

/// A room.
#[derive(Serialize)]
pub(super) struct Room {
    room: String,
    members: u32,
    guests: u32,
    sessions: u32,
    at: Option<String>,
    closed: bool,
    pub(super) slow_mode_ms: u32,
}

/// A user in a room.
#[derive(Serialize)]
struct Member {
    user: String,
}

/// Who is in a room.
#[derive(Serialize)]
struct Members {
    #[serde(flatten)]
    list: List<Member>,
    members: u32,
    guests: u32,
    complete: bool,
}

pub(super) async fn list(asked: Asked) -> Outcome {
    let by_size = match asked.parameter("sort")?.as_deref() {
        None | Some("name") => false,
        Some("members") => true,
        Some(_) => return Err(Problem::bad("sort is name or members")),
    };
    let after = match asked.parameter("cursor")? {
        Some(cursor) => Some(cursor::read_pair(&cursor)?),
        None => None,
    };
    let limit = asked.limit()?;
    let sought = RoomsSought {
        prefix: asked.parameter("prefix")?.unwrap_or_default().into(),
        by_size,
        after: after.map(|(size, name)| RoomMark::new(if by_size { size } else { 0 }, &name)),
        limit,
    };
    let reports = asked.api.ask_all(Instruction::ListRooms(sought)).await?;
    let mut rooms = merge(reports, by_size).into_iter();
    let page: Vec<(RoomMark, RoomLine)> = rooms.by_ref().take(limit).collect();
    let last = page.last().filter(|_| rooms.next().is_some()).map(|(mark, _)| mark.parts());
    let next = last.map(|(size, name)| cursor::write(&format!("{size}:{name}")));
    Answer::ok(&List { items: page.into_iter().map(|(_, line)| Item::of(&line)).collect(), next })
}

/// What all shards have said, each room once.
fn merge(reports: Vec<Report>, by_size: bool) -> BTreeMap<RoomMark, RoomLine> {
    let mut by_name = BTreeMap::new();
    for line in reports
        .into_iter()
        .flat_map(|report| if let Report::Rooms(lines) = report { lines } else { Vec::new() })
    {
        let merged = by_name.entry(line.room.clone()).or_insert(RoomLine { here: 0, ..line.clone() });
        merged.here += line.here;
        // Each shard has been told at another moment.
        let size = |line: &RoomLine| line.counts.members + line.counts.guests;
        if size(&line) > size(merged) {
            merged.counts = line.counts;
        }
    }
    by_name.into_values().map(|line| (line.mark(by_size), line)).collect()
}

pub(super) async fn describe(asked: Asked) -> Outcome {
    let room = asked.room()?;
    match asked.api.ask_home(&room, Instruction::DescribeRoom(room.clone())).await? {
        Report::Room(report) => Answer::ok(&Room::of(&room, report)),
        _ => Err(Fault::NoSuchRoom.into()),
    }
}

impl Room {
    /// How a room stands, be there anybody in it or not.
    pub(super) async fn ask(api: &Api, room: &RoomId) -> Result<Self, Problem> {
        let report = api.ask_home(room, Instruction::DescribeRoom(room.clone())).await?;
        let report = if let Report::Room(report) = report { report } else { RoomReport::default() };
        Ok(Self::of(room, report))
    }

    fn of(room: &RoomId, RoomReport { counts, sessions, at, terms, .. }: RoomReport) -> Self {
        Self {
            room: room.name().to_owned(),
            members: counts.members,
            guests: counts.guests,
            sessions,
            at: at.map(|at| at.to_string()),
            closed: terms.is_closed,
            slow_mode_ms: terms.slow_ms,
        }
    }
}

pub(super) async fn members(asked: Asked) -> Outcome {
    let (room, limit) = (asked.room()?, asked.limit()?);
    let after = match asked.parameter("cursor")? {
        Some(cursor) => Some(asked::user(&cursor::read(&cursor)?).map_err(|_| cursor::bad())?),
        None => None,
    };
    let wanted = Instruction::ListMembers { room: room.clone(), after, limit };
    let Report::Members(report) = asked.api.ask_home(&room, wanted).await? else {
        return Err(Fault::NoSuchRoom.into());
    };
    let MembersReport { users, more, counts, is_complete } = report;
    let next = users.last().filter(|_| more).map(|last| cursor::write(last.as_str()));
    let items = users.iter().map(|user| Member { user: user.as_str().to_owned() }).collect();
    let list = List { items, next };
    Answer::ok(&Members { list, members: counts.members, guests: counts.guests, complete: is_complete })
}

impl Item {
    fn of(line: &RoomLine) -> Self {
        Self {
            room: line.room.name().to_owned(),
            members: line.counts.members,
            guests: line.counts.guests,
            here: line.here,
        }
    }
}

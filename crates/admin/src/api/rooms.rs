//! Operations about rooms: which there are, how they stand, and who is in them.

use std::collections::BTreeMap;
use std::time::Duration;

use chat::RoomId;
use serde::Serialize;
use shard::{Instruction, MembersReport, Report, RoomLine, RoomMark, RoomOrder, RoomReport, RoomsSought};

use super::Api;
use super::answer::{Answer, List, Outcome};
use super::asked::{self, Asked};
use super::cursor;
use super::problem::{Fault, Problem};

/// How fast rooms go is known from the second look on: after so long for who looks only once.
const SECOND_LOOK: Duration = Duration::from_millis(1010);

/// A room in a list.
#[derive(Serialize)]
struct Item {
    room: String,
    members: u32,
    guests: u32,
    here: u32,
    rate: Option<f64>,
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
    let order = match asked.parameter("sort")?.as_deref() {
        None | Some("name") => RoomOrder::Name,
        Some("members") => RoomOrder::Size,
        Some("rate") => RoomOrder::Rate,
        Some(_) => return Err(Problem::bad("sort is name, members or rate")),
    };
    let after = match asked.parameter("cursor")? {
        Some(cursor) => Some(cursor::read_pair(&cursor)?),
        None => None,
    };
    let limit = asked.limit()?;
    let sought = RoomsSought {
        prefix: asked.parameter("prefix")?.unwrap_or_default().into(),
        order,
        after: after
            .map(|(rank, name)| RoomMark::new(if order == RoomOrder::Name { 0 } else { rank }, &name)),
        limit,
    };
    let mut rooms = look(&asked.api, &sought).await?;
    if order == RoomOrder::Rate && !rooms.is_empty() && rooms.values().all(|line| line.rate.is_none()) {
        tokio::time::sleep(SECOND_LOOK).await;
        rooms = look(&asked.api, &sought).await?;
    }
    let mut rooms = rooms.into_iter();
    let page: Vec<(RoomMark, RoomLine)> = rooms.by_ref().take(limit).collect();
    let last = page.last().filter(|_| rooms.next().is_some()).map(|(mark, _)| mark.parts());
    let next = last.map(|(rank, name)| cursor::write(&format!("{rank}:{name}")));
    Answer::ok(&List { items: page.into_iter().map(|(_, line)| Item::of(&line)).collect(), next })
}

async fn look(api: &Api, sought: &RoomsSought) -> Result<BTreeMap<RoomMark, RoomLine>, Problem> {
    Ok(merge(api.ask_all(Instruction::ListRooms(sought.clone())).await?, sought.order))
}

/// What all shards have said, each room once.
fn merge(reports: Vec<Report>, order: RoomOrder) -> BTreeMap<RoomMark, RoomLine> {
    let mut by_name = BTreeMap::new();
    for line in reports
        .into_iter()
        .flat_map(|report| if let Report::Rooms(lines) = report { lines } else { Vec::new() })
    {
        let merged = by_name.entry(line.room.clone()).or_insert(RoomLine { here: 0, ..line.clone() });
        merged.here += line.here;
        merged.rate = merged.rate.max(line.rate);
        // Each shard has been told at another moment.
        let size = |line: &RoomLine| line.counts.members + line.counts.guests;
        if size(&line) > size(merged) {
            merged.counts = line.counts;
        }
    }
    by_name.into_values().map(|line| (line.mark(order), line)).collect()
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
            rate: line.rate.map(|rate| f64::from(rate) / 1000.0),
        }
    }
}

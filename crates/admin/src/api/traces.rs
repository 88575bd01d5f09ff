//! One message followed from its bytes to those of its members, because an operator asks.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shard::{Followed, Instruction, Report, TraceStage, TraceStep};

use super::Api;
use super::answer::{Answer, Outcome};
use super::asked::{Asked, room, session, user};
use super::problem::Problem;

/// A message is waited for so long, unless it is said for how long.
const WAIT_S: u64 = 30;
const WAIT_S_MAX: u64 = 300;
/// How often it is looked where it has come to.
const LOOK: Duration = Duration::from_millis(50);
/// A message that was put in order and is not with all its members after so many looks has met slow readers.
const LOOKS_MAX: u32 = 40;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    room: Option<String>,
    user: Option<String>,
    session: Option<String>,
    wait_seconds: Option<u64>,
}

/// A message on its way.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Trace {
    room: Option<String>,
    at: Option<String>,
    steps: Vec<Step>,
}

/// Where it had come to, and when, from when it was read.
#[derive(Debug, PartialEq, Serialize)]
struct Step {
    step: &'static str,
    shard: usize,
    us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<u64>,
}

pub(super) async fn trace(asked: Asked) -> Outcome {
    let (followed, wait) = read(&asked.json()?)?;
    let api = &asked.api;
    let Ok(_alone) = api.tracing.try_lock() else {
        return Err(Problem::from(chat::Refusal::Overloaded).because("another message is being followed"));
    };
    let clock = api.shards()?.clock;
    api.ask_all(Instruction::Follow(followed, clock)).await?;
    let trace = follow(api, wait).await;
    api.ask_all(Instruction::EndTrace).await?;
    let trace = trace?;
    if !trace.steps.is_empty() {
        write_down(&trace);
    }
    Answer::ok(&trace)
}

fn read(wish: &Wish) -> Result<(Followed, Duration), Problem> {
    let followed = match (&wish.room, &wish.user, &wish.session) {
        (Some(name), None, None) => Followed::Room(room(name)?),
        (None, Some(name), None) => Followed::User(user(name)?),
        (None, None, Some(name)) => Followed::Session(session(name)?),
        _ => return Err(Problem::bad("what is followed is a room, a user or a session")),
    };
    let wait = wish.wait_seconds.unwrap_or(WAIT_S);
    if wait > WAIT_S_MAX {
        return Err(Problem::bad(format!("wait_seconds is at most {WAIT_S_MAX}")));
    }
    Ok((followed, Duration::from_secs(wait)))
}

/// Looks until the message is with all its members here. Without one, there are no steps.
async fn follow(api: &Api, wait: Duration) -> Result<Trace, Problem> {
    let (mut looks, mut waited) = (0, Duration::ZERO);
    loop {
        let reports = api.ask_all(Instruction::ListSteps).await?;
        let steps = reports.into_iter().map(|report| match report {
            Report::Steps(steps) => steps,
            _ => Vec::new(),
        });
        let (trace, is_over) = tell(steps.collect());
        looks += u32::from(trace.at.is_some());
        if is_over || looks > LOOKS_MAX || (trace.steps.is_empty() && waited >= wait) {
            return Ok(trace);
        }
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
    }
}

/// The steps of all shards, in order, and whether there are no more to come: its author knows, and every member was sent it.
fn tell(by_shard: Vec<Vec<TraceStep>>) -> (Trace, bool) {
    let all =
        || by_shard.iter().enumerate().flat_map(|(shard, steps)| steps.iter().map(move |step| (shard, step)));
    let first = all().filter(|(_, step)| step.stage == TraceStage::Read).min_by_key(|(_, step)| step.us);
    let Some((_, TraceStep { trace, us: read_us, .. })) = first else { return (Trace::default(), false) };
    let mut own: Vec<_> = all().filter(|(_, step)| step.trace == *trace).collect();
    own.sort_by_key(|(_, step)| step.us);
    let (mut told, mut open) = (Trace::default(), 0_i64);
    for (shard, step) in own {
        let (word, members) = match &step.stage {
            TraceStage::Read => ("read", None),
            TraceStage::Decoded(room) => {
                told.room = Some(room.name().to_owned());
                ("decoded", None)
            }
            TraceStage::Ordered(at) => {
                told.at = Some(at.to_string());
                ("ordered", None)
            }
            TraceStage::Accepted => ("accepted", None),
            TraceStage::Told(members) => {
                open += *members as i64;
                ("encoded", Some(*members as u64))
            }
            TraceStage::Sent(members) => {
                open -= *members as i64;
                ("sent", Some(*members))
            }
        };
        told.steps.push(Step { step: word, shard, us: step.us.saturating_sub(*read_us), members });
    }
    let is_over = open <= 0 && told.at.is_some() && told.steps.iter().any(|step| step.step == "accepted");
    (told, is_over)
}

fn write_down(trace: &Trace) {
    let steps: Vec<String> =
        trace.steps.iter().map(|step| format!("{}@{}={}", step.step, step.shard, step.us)).collect();
    let (room, at) = (trace.room.as_deref().unwrap_or(""), trace.at.as_deref().unwrap_or(""));
    tracing::info!(room = ?room, at, steps = steps.join(" "), "trace");
}

#[cfg(test)]
mod tests {
    use chat::{Epoch, Position, RoomId, RoomName};

    use super::*;

    #[test]
    fn the_steps_of_all_shards_are_told_in_order_and_end_with_the_last_member() {
        let room = RoomId::public(RoomName::new("lobby").expect("a name"));
        let at = Position { epoch: Epoch(1), offset: 7 };
        let step = |us, stage| TraceStep { trace: 1, us, stage };
        let home = vec![
            step(140, TraceStage::Ordered(at)),
            step(150, TraceStage::Told(2)),
            step(180, TraceStage::Sent(2)),
        ];
        let author = |sent| {
            let other = TraceStep { trace: 0, us: 150, stage: TraceStage::Told(9) };
            let (read, decoded) = (step(100, TraceStage::Read), step(120, TraceStage::Decoded(room.clone())));
            let (told, accepted) = (step(160, TraceStage::Told(3)), step(170, TraceStage::Accepted));
            vec![read, decoded, told, accepted, step(200, TraceStage::Sent(sent)), other]
        };
        let (_, is_over) = tell(vec![home.clone(), author(2)]);
        assert!(!is_over, "one member was not sent it");
        let (trace, is_over) = tell(vec![home, author(3)]);
        assert!(is_over && trace.room.as_deref() == Some("lobby") && trace.at == Some(at.to_string()));
        let told: Vec<_> = trace.steps.iter().map(|step| (step.step, step.shard, step.us)).collect();
        let first =
            [("read", 1, 0), ("decoded", 1, 20), ("ordered", 0, 40), ("encoded", 0, 50), ("encoded", 1, 60)];
        assert_eq!(told[..5], first);
        assert_eq!(told[5..], [("accepted", 1, 70), ("sent", 0, 80), ("sent", 1, 100)]);
        assert_eq!(tell(vec![Vec::new()]), (Trace::default(), false));
    }
}

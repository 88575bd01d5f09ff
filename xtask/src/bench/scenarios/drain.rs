//! A node of two that takes leave of its members, at the pace that it was told: how fast they come to the other one, and whether they miss anything.

use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;

use super::super::chaos::stay::Stay;
use super::super::contender;
use super::super::figure::{Bar, Figure, Spread};
use super::super::lab::{Cluster, Lab};
use super::super::result::{Finding, Raw};
use crate::step::{Failure, Outcome};

const ROOMS: u32 = 1000;
const ROOM_SIZE: u32 = 10;
const POSTS_PER_SECOND: u32 = 500;
/// As fast as the node may tell its members to come back: 10,000 of them in 21 seconds, with what it leaves for their own pauses.
const PER_SECOND: u32 = 500;
const OPENING: Duration = Duration::from_secs(60);
/// What members say before and after, so that there is something to be missed.
const BESIDE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of one drain.
struct Seen {
    seconds: f64,
    code: f64,
    account: Account,
}

#[derive(Deserialize)]
struct Account {
    findings: Findings,
    members: f64,
    returns: f64,
    returns_in_a_second: f64,
    partly_resumed: f64,
}

#[derive(Deserialize)]
struct Findings {
    expected: f64,
    lost: f64,
    duplicated: f64,
    reordered: f64,
    untold: f64,
    unaccepted: f64,
}

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let (mut seen, mut raw) = (Vec::new(), Vec::new());
    for _ in 0..lab.scale.runs {
        let (one, report) = drain(lab)?;
        seen.push(one);
        raw.push(Raw { what: "drain".to_owned(), server: "ours".to_owned(), report });
    }
    let told = |name: &str, unit: &str, read: fn(&Seen) -> f64| {
        let spread = Spread::of(seen.iter().map(read)).ok_or_else(|| Failure::new("nothing was measured"))?;
        Ok::<_, Failure>(Figure::told(name, unit, spread, Vec::new()))
    };
    let none =
        |name: &str, read: fn(&Seen) -> f64| Ok::<_, Failure>(told(name, "", read)?.against(Bar::Zero));
    let figures = vec![
        told("until the node had ended", "s", |seen| seen.seconds)?,
        none("the code that it ended with", |seen| seen.code)?,
        told("members that came back within any one second", "", |seen| seen.account.returns_in_a_second)?
            .against(Bar::AtMost(f64::from(PER_SECOND))),
        none("members that did not come back", |seen| {
            (seen.account.members - seen.account.returns).max(0.0)
        })?,
        told("showings there had to be", "", |seen| seen.account.findings.expected)?,
        none("accepted posts that a member was neither shown nor told of", |seen| {
            seen.account.findings.lost
        })?,
        none("returns with a gap, though it was told", |seen| seen.account.partly_resumed)?,
        none("posts shown twice", |seen| seen.account.findings.duplicated)?,
        none("posts shown out of order", |seen| seen.account.findings.reordered)?,
        none("gaps not told", |seen| seen.account.findings.untold)?,
        none("posts not accepted in the end", |seen| seen.account.findings.unaccepted)?,
    ];
    Ok(Finding { figures, raw, ..Finding::default() })
}

fn drain(lab: &Lab) -> Result<(Seen, Value), Failure> {
    let ours = lab.entrant("ours")?.over("v1").spread(2);
    let ours = ours.with("HEIMDALLR_DRAIN_WAIT_SECONDS", "0").with("HEIMDALLR_DRAIN_SECONDS", "50");
    let ours = ours.with("HEIMDALLR_DRAIN_SESSIONS_PER_SECOND", &PER_SECOND.to_string());
    let mut cluster = lab.start(&ours)?;
    let Cluster { nodes, .. } = &mut cluster;
    let [leaving, staying] = nodes.as_mut_slice() else {
        return Err(Failure::new("two nodes were asked for"));
    };
    let rooms = lab.scale.size(ROOMS);
    let options = format!(
        "--target {} --elsewhere {} --rooms {rooms} --room-size {ROOM_SIZE} --publishers {rooms} --rate {POSTS_PER_SECOND}",
        leaving.address(),
        staying.address(),
    );
    let mut stay = Stay::begin(&options, &contender::built_generator()?, &lab.folder)?;
    await_begun(&mut stay)?;
    thread::sleep(BESIDE);
    stay.tell("drained")?;
    let (took, code) = leaving.leave(PATIENCE)?;
    thread::sleep(BESIDE);
    let report = stay.finish()?;
    let account = serde_json::from_value(report.clone())
        .map_err(|error| Failure::new(format!("the account: {error}")))?;
    let code = code.map_or(f64::NAN, f64::from);
    Ok((Seen { seconds: took.as_secs_f64(), code, account }, report))
}

fn await_begun(stay: &mut Stay) -> Outcome {
    let deadline = Instant::now() + OPENING;
    while !stay.is_begun()? {
        if Instant::now() > deadline {
            return Err(Failure::new("not everybody is in"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

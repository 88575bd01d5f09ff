//! Very many rooms between two nodes and a Redis: what it takes to attend to them, and how soon all are attended to again when the Redis was
//! gone: once with what it knew saved, and once with all of it lost, which everybody has to be told.

use std::thread;
use std::time::{Duration, Instant};

use super::super::figure::{Bar, Figure, Spread};
use super::super::generator::{Report, Run};
use super::super::lab::{Cluster, Entrant, Lab, Shown};
use super::super::redis::Redis;
use super::super::result::Finding;
use super::figure;
use super::rooms::{ROOMS_EACH, bytes_each, per_second};
use crate::step::Failure;

const NODES: u32 = 2;
const SESSIONS: u32 = 1000;
const CONNECTIONS_MAX: f64 = 8.0;
const AGAIN_S: f64 = 10.0;
/// How long to wait for what should have come long before.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the sessions stay: the patience, and what they themselves take.
const STAY_S: u32 = 90;
/// Figures of one run each; a median of as many says enough.
const RUNS_MAX: usize = 3;

/// What one run has shown beside the generator's report.
struct Seen {
    /// Connections to Redis, of each node.
    connections: f64,
    /// What Redis has for each room.
    redis_bytes_each: f64,
    /// From the moment at which Redis answers again until every room is subscribed to.
    again_s: f64,
    /// The same when Redis knows nothing any more.
    anew_s: f64,
    /// Rooms whose one member was not told of that.
    untold: f64,
}

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let ours = lab.entrant("ours")?.over("v1").spread(NODES);
    let (mut seen, mut shown) = (Vec::new(), Shown { name: ours.name.clone(), reports: Vec::new() });
    for _ in 0..lab.scale.runs.min(RUNS_MAX) {
        let (one, report) = attend(lab, &ours)?;
        seen.push(one);
        shown.reports.push(report);
    }
    let shown = [shown];
    let told = |name: &str, unit: &str, read: fn(&Seen) -> f64| {
        let spread = Spread::of(seen.iter().map(read)).ok_or_else(|| Failure::new("nothing was measured"))?;
        Ok::<_, Failure>(Figure::told(name, unit, spread, Vec::new()))
    };
    let mut finding = Finding {
        figures: vec![
            told("connections to Redis of each node", "", |seen| seen.connections)?
                .against(Bar::AtMost(CONNECTIONS_MAX)),
            figure("rooms joined and subscribed to per second", "", &shown, per_second)?,
            figure("memory of the nodes per room", "bytes", &shown, bytes_each)?,
            told("memory of Redis per room", "bytes", |seen| seen.redis_bytes_each)?,
            told("subscribed again after a restart of Redis", "s", |seen| seen.again_s)?
                .against(Bar::AtMost(AGAIN_S)),
            told("subscribed again after Redis has lost everything", "s", |seen| seen.anew_s)?
                .against(Bar::AtMost(AGAIN_S)),
            told("rooms whose member was not told of that", "", |seen| seen.untold)?.against(Bar::Zero),
            figure("connections broken", "", &shown, super::rooms::broken)?.against(Bar::Zero),
        ],
        ..Finding::default()
    };
    finding.keep("subscriptions", &shown);
    Ok(finding)
}

fn attend(lab: &Lab, ours: &Entrant) -> Result<(Seen, Report), Failure> {
    let Cluster { nodes, redis: Some(mut redis) } = lab.start(ours)? else {
        return Err(Failure::new("there is no Redis between the nodes"));
    };
    let sessions = lab.scale.size(SESSIONS);
    let rooms = u64::from(sessions * ROOMS_EACH);
    let run = Run::new(&format!(
        "idle --rooms {sessions} --room-size 1 --side-rooms {} --hold {} --open-timeout 60",
        ROOMS_EACH - 1,
        if lab.scale.is_quick { STAY_S / 6 } else { STAY_S },
    ));
    let empty_bytes = redis.number("used_memory")?;
    let underway = run.begin(&nodes, ours.protocol, ours.generator_place, &lab.folder.join("report.json"))?;
    await_subscribed(&redis, rooms)?;
    // The one that asks is not a node's.
    let connections = (redis.number("connected_clients")? - 1) as f64 / f64::from(NODES);
    let redis_bytes_each = redis.number("used_memory")?.saturating_sub(empty_bytes) as f64 / rooms as f64;
    redis.restart()?;
    let again_s = seconds_until_subscribed(&redis, rooms)?;
    redis.restart_empty()?;
    let anew_s = seconds_until_subscribed(&redis, rooms)?;
    let report = underway.finish()?;
    let told = report.idle.as_ref().map_or(0, |idle| idle.gaps);
    let untold = rooms.saturating_sub(told) as f64;
    Ok((Seen { connections, redis_bytes_each, again_s, anew_s, untold }, report))
}

fn seconds_until_subscribed(redis: &Redis, rooms: u64) -> Result<f64, Failure> {
    let began = Instant::now();
    await_subscribed(redis, rooms)?;
    Ok(began.elapsed().as_secs_f64())
}

fn await_subscribed(redis: &Redis, rooms: u64) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let subscribed = redis.number("pubsub_channels")?;
        if subscribed >= rooms {
            return Ok(());
        }
        if Instant::now() > deadline {
            let seconds = PATIENCE.as_secs();
            return Err(Failure::new(format!(
                "{subscribed} of {rooms} rooms are subscribed to after {seconds} s"
            )));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

//! A node with rooms on disk that is killed again and again while posts go on at a steady rate: nothing accepted is lost.

use std::time::{Duration, Instant};

use super::super::figure::{Bar, Figure, Spread};
use super::super::kills::{Crowd, Faults, Schedule};
use super::super::lab::{Cluster, Cores, Entrant, Lab};
use super::super::result::Finding;
use crate::step::Failure;

const KILLS: u32 = 50;
const KILLS_QUICK: u32 = 2;
const AUTHORS: u32 = 8;
const PER_SECOND: f64 = 5000.0;
/// Of which so many have to be accepted, over everything, the time without a node included.
const ACCEPTED_PER_SECOND: f64 = 4900.0;
/// A node lives so long.
const LIFE: Duration = Duration::from_millis(3500);
const LIFE_QUICK: Duration = Duration::from_millis(800);

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let (kills, life) = if lab.scale.is_quick { (KILLS_QUICK, LIFE_QUICK) } else { (KILLS, LIFE) };
    let node = entrant(lab)?;
    let began = Instant::now();
    let schedule = Schedule { began, per_second: PER_SECOND, seconds: (life * (kills + 1)).as_secs_f64() };
    let mut crowd = Crowd::new(AUTHORS);
    let mut starts = Vec::new();
    for kill in 1..=kills {
        let cluster = start(lab, &node, &mut starts)?;
        let talk = crowd.talk(address_of(&cluster)?, schedule);
        std::thread::sleep((life * kill).saturating_sub(began.elapsed()));
        // Gone from one moment to the next (SIGKILL).
        drop(cluster);
        crowd = talk.end()?;
    }
    let cluster = start(lab, &node, &mut starts)?;
    crowd = crowd.talk(address_of(&cluster)?, schedule).end()?;
    let seconds = began.elapsed().as_secs_f64();
    let faults = crowd.judge(address_of(&cluster)?)?;
    finding(faults, f64::from(kills), seconds, &starts)
}

fn entrant(lab: &Lab) -> Result<Entrant, Failure> {
    let data = lab.folder.join("data");
    let _ = std::fs::remove_dir_all(&data);
    let mut node = lab.entrant("ours")?.with("HEIMDALLR_DATA", &data.to_string_lossy());
    // Few authors say much.
    node = node.with("HEIMDALLR_RETENTION_MESSAGES", "0").with("HEIMDALLR_SESSION_POSTS_PER_SECOND", "0");
    // What writes to the disk is a thread of its own, and has its share of the machine.
    node.place = lab.place(Cores::All);
    Ok(node)
}

/// Starts it, and notes how long that takes.
fn start(lab: &Lab, node: &Entrant, starts: &mut Vec<f64>) -> Result<Cluster, Failure> {
    let started = Instant::now();
    let cluster = lab.start(node)?;
    starts.push(started.elapsed().as_secs_f64() * 1000.0);
    Ok(cluster)
}

fn address_of(cluster: &Cluster) -> Result<std::net::SocketAddr, Failure> {
    let node = cluster.nodes.first().ok_or_else(|| Failure::new("one node was asked for"))?;
    Ok(node.address())
}

fn finding(faults: Faults, kills: f64, seconds: f64, starts: &[f64]) -> Result<Finding, Failure> {
    let told = |name: &str, unit: &str, value: f64| {
        Figure::told(name, unit, Spread { median: value, min: value, max: value }, Vec::new())
    };
    let none = |name: &str, count: u64| told(name, "", count as f64).against(Bar::Zero);
    let starts = Spread::of(starts.iter().copied()).ok_or_else(|| Failure::new("nothing was started"))?;
    let per_second = faults.accepted as f64 / seconds;
    Ok(Finding {
        figures: vec![
            told("kills", "", kills),
            told("posts accepted", "", faults.accepted as f64),
            told("posts accepted per second, without a node too", "", per_second)
                .against(Bar::AtLeast(ACCEPTED_PER_SECOND)),
            none("accepted and not there in the end", faults.lost),
            none("there twice", faults.twice),
            none("positions given to two messages", faults.reused),
            none("missed without being told", faults.untold),
            none("posts without an answer in the end", faults.unanswered),
            told("refused for a while", "", faults.refused as f64),
            Figure::told("until a node that was killed takes clients again", "ms", starts, Vec::new()),
        ],
        ..Finding::default()
    })
}

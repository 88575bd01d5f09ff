//! Rooms that are kept on disk: how many posts a second are accepted and how soon, and what is noticed of a disk that stalls.

use std::path::Path;
use std::time::Duration;

use super::super::authors::{Noted, Plan};
use super::super::figure::{Bar, Figure, Spread};
use super::super::lab::{Cores, Lab};
use super::super::result::Finding;
use crate::program::Program;
use crate::step::Failure;

const AUTHORS: u32 = 8;
const PER_SECOND: u32 = 22_000;
const SECONDS: f64 = 4.5;
const ACCEPTED_PER_SECOND: f64 = 20_000.0;
const ACCEPTED_MS: f64 = 50.0;
/// What those who listen may notice of a disk that stalls for two seconds.
const HEARD_MS: f64 = 50.0;
/// How many posts a second there are while it does: as many as the ledger's.
const PER_SECOND_STALLED: u32 = 5000;

/// Holds the file for as long as a disk stalls.
const STALL: &str = "import sqlite3, sys, time\n\
    file = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)\n\
    time.sleep(float(sys.argv[2]))\n\
    file.execute('BEGIN EXCLUSIVE')\n\
    time.sleep(2)\n\
    file.execute('ROLLBACK')\n";

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let (mut steady, mut stalled) = (Vec::new(), Vec::new());
    for _ in 0..lab.scale.runs {
        steady.push(post(lab, PER_SECOND, false)?);
        stalled.push(post(lab, PER_SECOND_STALLED, true)?);
    }
    let told = |name: &str, unit: &str, noted: &[Noted], read: fn(&Noted) -> f64| {
        let spread =
            Spread::of(noted.iter().map(read)).ok_or_else(|| Failure::new("nothing was measured"))?;
        Ok::<_, Failure>(Figure::told(name, unit, spread, Vec::new()))
    };
    Ok(Finding {
        figures: vec![
            told("posts accepted per second", "", &steady, |noted| noted.accepted_per_second)?
                .against(Bar::AtLeast(ACCEPTED_PER_SECOND)),
            told("until a post is accepted, p50", "ms", &steady, |noted| noted.accepted_p50_ms)?,
            told("until a post is accepted, p99", "ms", &steady, |noted| noted.accepted_p99_ms)?
                .against(Bar::AtMost(ACCEPTED_MS)),
            told("until it is heard, p99", "ms", &steady, |noted| noted.heard_p99_ms)?,
            told("posts not accepted", "", &steady, |noted| noted.failed)?.against(Bar::Zero),
            told("a disk that stalls for 2 s: until a post is heard, p99", "ms", &stalled, |noted| {
                noted.heard_p99_ms
            })?
            .against(Bar::AtMost(HEARD_MS)),
            told("a disk that stalls for 2 s: until a post is heard, longest", "ms", &stalled, |noted| {
                noted.heard_max_ms
            })?,
            told("a disk that stalls for 2 s: until a post is accepted, p99", "ms", &stalled, |noted| {
                noted.accepted_p99_ms
            })?,
            told("a disk that stalls for 2 s: posts not accepted", "", &stalled, |noted| noted.failed)?
                .against(Bar::Zero),
        ],
        ..Finding::default()
    })
}

fn post(lab: &Lab, per_second: u32, has_stall: bool) -> Result<Noted, Failure> {
    let data = lab.folder.join("data");
    let _ = std::fs::remove_dir_all(&data);
    let ours = lab.entrant("ours")?.with("HEIMDALLR_DATA", &data.to_string_lossy());
    // Few authors say much.
    let mut ours = ours.with("HEIMDALLR_SESSION_POSTS_PER_SECOND", "0");
    // What writes to the disk is a thread of its own, and has its share of the machine.
    ours.place = lab.place(Cores::All);
    let cluster = lab.start(&ours)?;
    let [node] = cluster.nodes.as_slice() else { return Err(Failure::new("one node was asked for")) };
    // A stall has to fit in.
    let seconds = lab.scale.seconds(SECONDS).max(if has_stall { 4.0 } else { 1.0 });
    let plan = Plan { address: node.address(), authors: AUTHORS, per_second, seconds };
    if !has_stall {
        return plan.carry_out();
    }
    let mut stall = stall(&data.join("heimdallr.sqlite"), Duration::from_secs_f64(seconds / 4.0), lab)?;
    let noted = plan.carry_out();
    let status = stall.wait()?;
    if status.success() { noted } else { Err(Failure::new("the disk could not be made to stall")) }
}

fn stall(file: &Path, after: Duration, lab: &Lab) -> Result<std::process::Child, Failure> {
    let words = [
        "-c".to_owned(),
        STALL.to_owned(),
        file.to_string_lossy().into_owned(),
        after.as_secs_f64().to_string(),
    ];
    Program::new("python3").args(&words).start(&lab.folder.join("stall.log"))
}

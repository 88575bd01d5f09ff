//! What a room costs, to have: half a million of them on one node, with one member each. Sessions are in many rooms each, so that what is
//! measured is not their connections.

use super::super::figure::Bar;
use super::super::generator::{Report, Run};
use super::super::lab::Lab;
use super::super::result::Finding;
use super::connections::{forgetful, returned_percent};
use super::figure;
use crate::step::Failure;

const SESSIONS: u32 = 5000;
/// As many as a session may be in unless a node is told otherwise.
pub(super) const ROOMS_EACH: u32 = 100;
const RETURNED_PERCENT: f64 = 90.0;
/// How long the rooms are there, and how long a node has to give their memory back; it lets an empty one go after a second.
const SECONDS: f64 = 5.0;

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let ours = forgetful(lab.entrant("ours")?).over("v1");
    let seconds = lab.scale.seconds(SECONDS);
    let run = Run::new(&format!(
        "idle --rooms {} --room-size 1 --side-rooms {} --hold {seconds} --give-back {SECONDS} --open-timeout 120",
        lab.scale.size(SESSIONS),
        ROOMS_EACH - 1
    ));
    let shown = lab.measure_in_turn(&[ours], &run, lab.scale.runs)?;
    let mut finding = Finding {
        figures: vec![
            figure("memory per room", "bytes", &shown, bytes_each)?,
            figure("memory given back", "%", &shown, returned_percent)?
                .against(Bar::AtLeast(RETURNED_PERCENT)),
            figure("rooms joined per second", "", &shown, per_second)?,
            figure("CPU per room joined", "µs", &shown, us_each)?,
            figure("connections broken", "", &shown, broken)?.against(Bar::Zero),
        ],
        ..Finding::default()
    };
    finding.keep("rooms", &shown);
    Ok(finding)
}

pub(super) fn bytes_each(report: &Report) -> Option<f64> {
    Some(report.memory.as_ref()?.private_bytes_each / f64::from(ROOMS_EACH))
}

pub(super) fn per_second(report: &Report) -> Option<f64> {
    Some(report.opening.per_second * f64::from(ROOMS_EACH))
}

fn us_each(report: &Report) -> Option<f64> {
    Some(report.opening.server_us_each? / f64::from(ROOMS_EACH))
}

pub(super) fn broken(report: &Report) -> Option<f64> {
    Some(f64::from(report.idle.as_ref()?.broken))
}

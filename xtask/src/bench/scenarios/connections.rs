//! What a connection costs: to have, and to make.

use super::super::figure::Bar;
use super::super::generator::{Report, Run};
use super::super::lab::{Entrant, Lab};
use super::super::result::Finding;
use super::figure;
use crate::step::Failure;

const BYTES_EACH: f64 = 512.0;
const RETURNED_PERCENT: f64 = 90.0;
/// How long a server has for that.
const GIVE_BACK_S: f64 = 5.0;
/// Of a core, when nobody is pinged: nothing, as far as ticks of 10 ms can tell.
const IDLE_PERCENT: f64 = 0.1;
const HANDSHAKE_US: f64 = 55.0;
pub(super) fn idle(lab: &Lab) -> Result<Finding, Failure> {
    let mut entrants = lab.entrants(&["ours", "floor", "Socket.IO", "socketioxide", "axum"])?;
    entrants[0] = forgetful(entrants[0].clone());
    // Longer than the interval of pings, which is 25 s, so that each connection is pinged.
    let pinged = lab.measure_in_turn(&entrants, &idle_run(lab, 30.0), 1)?;
    let still =
        Entrant { options: vec!["--threads", "1", "--ping-interval", "3600"], ..lab.entrant("ours")? };
    // In several runs: this is so little that a machine taken away for a moment would be most of it.
    let still = lab.measure_in_turn(&[still], &idle_run(lab, 10.0), lab.scale.runs)?;
    let mut finding = Finding {
        figures: vec![
            figure("memory per connection", "bytes", &pinged, bytes_each)?.against(Bar::AtMost(BYTES_EACH)),
            figure("memory given back", "%", &pinged, returned_percent)?
                .against(Bar::AtLeast(RETURNED_PERCENT)),
            figure("CPU without pings", "%", &still, cpu_percent)?.against(Bar::AtMost(IDLE_PERCENT)),
            figure("CPU with everybody pinged once", "%", &pinged, cpu_percent)?,
        ],
        ..Finding::default()
    };
    finding.keep("idle", &pinged);
    finding.keep("idle without pings", &still);
    Ok(finding)
}

/// An empty room is kept for an hour unless told otherwise, and an inbox for two minutes; here they are to go while we look.
pub(super) fn forgetful(ours: Entrant) -> Entrant {
    ours.with("HEIMDALLR_ROOM_IDLE_SECONDS", "1").with("HEIMDALLR_INBOX_IDLE_SECONDS", "1")
}

/// Everybody comes and stays for so many seconds.
pub(super) fn idle_run(lab: &Lab, seconds: f64) -> Run {
    let (rooms, seconds, give_back) =
        (lab.scale.size(1500), lab.scale.seconds(seconds), lab.scale.seconds(GIVE_BACK_S));
    Run::new(&format!(
        "idle --rooms {rooms} --room-size 10 --hold {seconds} --give-back {give_back} --sources 4"
    ))
}

pub(super) fn handshakes(lab: &Lab) -> Result<Finding, Failure> {
    let entrants = lab.entrants(&["ours", "floor", "Socket.IO", "socketioxide", "axum"])?;
    let run = Run::new(&format!("handshakes --rooms {} --room-size 10 --sources 4", lab.scale.size(1000)));
    let shown = lab.measure_in_turn(&entrants, &run, lab.scale.runs)?;
    let mut finding = Finding {
        figures: vec![
            figure("CPU per handshake", "µs", &shown, us_each)?.against(Bar::AtMost(HANDSHAKE_US)),
            figure("handshakes per second", "", &shown, per_second)?,
        ],
        ..Finding::default()
    };
    finding.keep("handshakes", &shown);
    Ok(finding)
}

pub(super) fn bytes_each(report: &Report) -> Option<f64> {
    Some(report.memory.as_ref()?.private_bytes_each)
}

pub(super) fn returned_percent(report: &Report) -> Option<f64> {
    Some(report.memory.as_ref()?.returned_percent)
}

pub(super) fn cpu_percent(report: &Report) -> Option<f64> {
    report.idle.as_ref()?.server_cpu_percent
}

fn us_each(report: &Report) -> Option<f64> {
    report.opening.server_us_each
}

fn per_second(report: &Report) -> Option<f64> {
    Some(report.opening.per_second)
}

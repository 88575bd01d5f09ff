//! Socket.IO clients on our server: what a delivery costs beside our own plain rooms, how much more there is than with the servers that
//! speak nothing else, and what an idle client costs over either transport.

use super::super::figure::{Bar, Figure};
use super::super::generator::Report;
use super::super::lab::{Entrant, Lab, Shown};
use super::super::result::Finding;
use super::connections::{bytes_each, cpu_percent, forgetful, idle_run};
use super::cost::{LARGE_FAST, LARGE_SLOW};
use super::saturation::{self, DELIVERIES, ONE_ROOM, READINGS};
use super::{faults, figure, p99_ms, us_per_delivery};
use crate::step::Failure;

const WEBSOCKET: &str = "socketio";
const POLLING: &str = "socketio-polling";

/// What a delivery may cost beside one of plain rooms, whose frames are shorter.
const TIMES_PLAIN: f64 = 1.2;
const TIMES_NODE: f64 = 15.0;
const TIMES_SOCKETIOXIDE: f64 = 2.0;
/// Looking for the highest rate takes minutes each time.
const CLIMBS_MAX: usize = 3;

const BYTES_EACH: [(&str, &str, f64); 2] = [("WebSocket", WEBSOCKET, 1024.0), ("polling", POLLING, 1536.0)];

pub(super) fn broadcast(lab: &Lab) -> Result<Finding, Failure> {
    let mut finding = Finding::default();
    let ours = lab.entrant("ours")?;
    let entrants = [ours.clone().over(WEBSOCKET), ours.over("raw").called("ours, plain rooms")];
    for shape in [LARGE_SLOW, LARGE_FAST] {
        let shown = lab.measure_in_turn(&entrants, &shape.run(lab.scale), lab.scale.runs)?;
        let named = |what: &str| format!("{} posts/s: {what}", shape.rate);
        let cost = figure(&named("CPU per delivery"), "µs", &shown, us_per_delivery)?;
        finding.figures.push(cost.against(Bar::AtMostTimes(TIMES_PLAIN)));
        finding.figures.push(figure(&named("latency p99"), "ms", &shown, p99_ms)?);
        let ledger = figure(&named("entries in the ledger"), "", &shown, faults)?;
        finding.figures.push(ledger.against(Bar::Zero));
        finding.keep(&named("plain rooms beside"), &shown);
    }
    let peers = speaking(lab, WEBSOCKET)?;
    let highest =
        saturation::highest_in_turn(lab, &peers, &ONE_ROOM, lab.scale.runs.min(CLIMBS_MAX), &mut finding)?;
    let (what, unit, read) = DELIVERIES;
    let [ours, others @ ..] = &highest[..] else { return Err(Failure::new("nobody was measured")) };
    for (other, times) in others.iter().zip([TIMES_NODE, TIMES_SOCKETIOXIDE]) {
        let pair = [ours.clone(), other.clone()];
        finding.figures.push(saturation::told(what, unit, &pair, read)?.against(Bar::AtLeastTimes(times)));
    }
    for (what, unit, read) in &READINGS[1..] {
        finding.figures.push(saturation::told(&format!("{what} at that"), unit, &highest, *read)?);
    }
    Ok(finding)
}

pub(super) fn idle(lab: &Lab) -> Result<Finding, Failure> {
    let mut finding = Finding::default();
    for (transport, protocol, bytes_at_most) in BYTES_EACH {
        let (entrants, run) = (speaking(lab, protocol)?, idle_run(lab, 30.0));
        let (ours, peers) = entrants.split_at(1);
        let mut shown = lab.measure_in_turn(ours, &run, 1)?;
        for peer in peers {
            // One that does not get so many in is told as such; the others are measured all the same.
            match lab.measure_in_turn(std::slice::from_ref(peer), &run, 1) {
                Ok(peer) => shown.extend(peer),
                Err(failure) => finding.notes.push(format!("{transport}, {}: {failure}", peer.name)),
            }
        }
        finding.figures.extend(of_transport(transport, &shown, bytes_at_most)?);
        finding.keep(&format!("idle over {transport}"), &shown);
    }
    Ok(finding)
}

/// Memory that is given back is nothing to look at: clients that polled leave without a word, and are waited for.
fn of_transport(transport: &str, shown: &[Shown], bytes_at_most: f64) -> Result<[Figure; 3], Failure> {
    let figure = |what: &str, unit, read| figure(&format!("{transport}: {what}"), unit, shown, read);
    Ok([
        figure("memory per connection", "bytes", bytes_each)?.against(Bar::AtMost(bytes_at_most)),
        figure("CPU with everybody pinged once", "%", cpu_percent)?,
        figure("connections broken", "", broken)?.against(Bar::Zero),
    ])
}

/// Ours and those that speak Socket.IO, in one of its transports.
fn speaking(lab: &Lab, protocol: &'static str) -> Result<Vec<Entrant>, Failure> {
    let mut entrants = lab.entrants(&["ours", "Socket.IO", "socketioxide"])?;
    entrants[0] = forgetful(entrants[0].clone());
    Ok(entrants.into_iter().map(|entrant| entrant.over(protocol)).collect())
}

fn broken(report: &Report) -> Option<f64> {
    Some(f64::from(report.idle.as_ref()?.broken))
}

//! How far each server goes: the rate of posts is raised until a run is late or its ledger is not clean.

use super::super::figure::{Figure, Spread};
use super::super::generator::{Report, Run};
use super::super::lab::{Entrant, Lab, Shown};
use super::super::result::Finding;
use crate::step::Failure;

const P99_AT_MOST_MS: f64 = 200.0;
/// From one rate to the next.
const STEP: f64 = 1.3;
/// More steps than any server needs.
const STEPS_MAX: usize = 40;

struct Shape {
    name: &'static str,
    rooms: u32,
    room_size: u32,
    publishers: u32,
    first_rate: f64,
}

const SHAPES: [Shape; 2] = [
    Shape { name: "1000 in one room", rooms: 1, room_size: 1000, publishers: 100, first_rate: 25.0 },
    Shape { name: "1000 rooms of 10", rooms: 1000, room_size: 10, publishers: 3000, first_rate: 500.0 },
];

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let entrants = lab.entrants(&["ours", "floor", "Socket.IO", "socketioxide", "axum"])?;
    let mut finding = Finding::default();
    for shape in &SHAPES {
        let mut best = Vec::new();
        for entrant in &entrants {
            let reports = climb(lab, entrant, shape)?;
            best.push((entrant.name.clone(), reports.last().cloned()));
            finding.keep(shape.name, &[Shown { name: entrant.name.clone(), reports }]);
        }
        for (what, unit, read) in READINGS {
            let spreads =
                best.iter().map(|(name, report)| (name.clone(), single(report.as_ref().and_then(read))));
            let mut spreads: Vec<_> = spreads.collect();
            let (_, ours) = spreads.remove(0);
            finding.figures.push(Figure::told(&format!("{}: {what}", shape.name), unit, ours, spreads));
        }
    }
    Ok(finding)
}

type Reading = fn(&Report) -> Option<f64>;

const READINGS: [(&str, &str, Reading); 3] = [
    ("deliveries per second", "", |report| Some(report.load.as_ref()?.deliveries_per_second)),
    ("latency p99", "ms", super::p99_ms),
    ("CPU per delivery", "µs", super::us_per_delivery),
];

/// A value that was not reached is told as zero.
fn single(value: Option<f64>) -> Spread {
    let value = value.unwrap_or(0.0);
    Spread { median: value, min: value, max: value }
}

/// The reports of all rates that the server kept up with, the highest last.
fn climb(lab: &Lab, entrant: &Entrant, shape: &Shape) -> Result<Vec<Report>, Failure> {
    let mut kept = Vec::new();
    let mut rate = shape.first_rate;
    for _ in 0..STEPS_MAX {
        let report = lab.measure(entrant, &shape.run(lab, rate))?;
        if !keeps_up(&report) {
            break;
        }
        kept.push(report);
        rate *= STEP;
    }
    Ok(kept)
}

impl Shape {
    fn run(&self, lab: &Lab, rate: f64) -> Run {
        let Self { rooms, room_size, publishers, .. } = self;
        let (warm_up, duration) = (lab.scale.seconds(1.5), lab.scale.seconds(4.0));
        Run::new(&format!(
            "load --rooms {rooms} --room-size {room_size} --publishers {publishers} --rate {rate} \
             --warm-up {warm_up} --duration {duration}"
        ))
    }
}

fn keeps_up(report: &Report) -> bool {
    report.load.as_ref().is_some_and(|load| load.faults() == 0 && load.latency.p99_ms <= P99_AT_MOST_MS)
}

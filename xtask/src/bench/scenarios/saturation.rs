//! How far each server goes: the highest rate of posts at which a run is in time and its ledger clean.

use super::super::figure::{Figure, Spread};
use super::super::generator::{Report, Run};
use super::super::lab::{Entrant, Lab, Shown};
use super::super::result::Finding;
use crate::step::Failure;

const P99_AT_MOST_MS: f64 = 200.0;
/// The rate is doubled until a run fails; more often than any server can take.
const DOUBLINGS_MAX: usize = 16;
/// Between the last rate that a server kept up with and the first that it did not, it is looked for as closely as this.
const CLOSENESS: f64 = 1.1;

pub(super) struct Shape {
    name: &'static str,
    rooms: u32,
    room_size: u32,
    publishers: u32,
    first_rate: f64,
    /// Whether a server may show the readers of a room different orders; told then, and not held against it.
    excuses_order: bool,
}

pub(super) const ONE_ROOM: Shape = Shape {
    name: "1000 in one room",
    rooms: 1,
    room_size: 1000,
    publishers: 100,
    first_rate: 25.0,
    excuses_order: false,
};
const SMALL_ROOMS: Shape = Shape {
    name: "1000 rooms of 10",
    rooms: 1000,
    room_size: 10,
    publishers: 3000,
    first_rate: 500.0,
    excuses_order: false,
};

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let entrants = lab.entrants(&["ours", "floor", "Socket.IO", "socketioxide", "axum"])?;
    let mut finding = Finding::default();
    for shape in &[ONE_ROOM, SMALL_ROOMS] {
        let highest = highest_in_turn(lab, &entrants, shape, 1, &mut finding)?;
        for (what, unit, read) in READINGS {
            finding.figures.push(told(&format!("{}: {what}", shape.name), unit, &highest, read)?);
        }
    }
    Ok(finding)
}

/// The highest rates that the entrants kept up with, looked for anew so many times, the entrants in turn. A server that kept up with none is
/// shown without a report, and a note says why.
pub(super) fn highest_in_turn(
    lab: &Lab,
    entrants: &[Entrant],
    shape: &Shape,
    times: usize,
    finding: &mut Finding,
) -> Result<Vec<Shown>, Failure> {
    let mut shown: Vec<_> =
        entrants.iter().map(|entrant| Shown { name: entrant.name.clone(), reports: Vec::new() }).collect();
    // Ours would slow down publishers who say what the rates ask of them.
    let unbound = |entrant: &Entrant| entrant.clone().with("HEIMDALLR_SESSION_POSTS_PER_SECOND", "0");
    let unbound: Vec<_> = entrants.iter().map(unbound).collect();
    for _ in 0..times {
        for (entrant, shown) in unbound.iter().zip(&mut shown) {
            let climb = climb(lab, entrant, shape);
            match (climb.highest, climb.stopped_by) {
                (Some(report), _) => shown.reports.push(report),
                (None, why) => finding.notes.push(format!("{}, {}: {why}", shape.name, entrant.name)),
            }
        }
    }
    finding.keep(shape.name, &shown);
    Ok(shown)
}

pub(super) type Reading = fn(&Report) -> Option<f64>;

pub(super) const DELIVERIES: (&str, &str, Reading) =
    ("most deliveries per second", "", |report| Some(report.load.as_ref()?.deliveries_per_second));
pub(super) const READINGS: [(&str, &str, Reading); 3] =
    [DELIVERIES, ("latency p99", "ms", super::p99_ms), ("CPU per delivery", "µs", super::us_per_delivery)];

/// A figure of the first entrant with the others beside it; where no rate was low enough it is told as zero.
pub(super) fn told(name: &str, unit: &str, shown: &[Shown], read: Reading) -> Result<Figure, Failure> {
    const NOTHING: Spread = Spread { median: 0.0, min: 0.0, max: 0.0 };
    let spread = |shown: &Shown| Spread::of(shown.reports.iter().filter_map(read)).unwrap_or(NOTHING);
    let [ours, others @ ..] = shown else { return Err(Failure::new("nobody was measured")) };
    let beside = others.iter().map(|shown| (shown.name.clone(), spread(shown)));
    Ok(Figure::told(name, unit, spread(ours), beside.collect()))
}

/// What was found of a server's highest rate.
struct Climb {
    /// The report of the highest rate that it kept up with.
    highest: Option<Report>,
    /// Why it did not keep up with the lowest rate that was too high.
    stopped_by: String,
}

/// Doubles the rate until it is too high, then halves the distance to it until that is small.
fn climb(lab: &Lab, entrant: &Entrant, shape: &Shape) -> Climb {
    let mut climb = Climb { highest: None, stopped_by: "nothing stopped it".to_owned() };
    let mut tried = |rate: f64| match attempt(lab, entrant, shape, rate) {
        Ok(report) => {
            climb.highest = Some(report);
            true
        }
        Err(why) => {
            climb.stopped_by = format!("{rate:.0} posts/s were too many: {why}");
            false
        }
    };
    let doublings = if lab.scale.is_quick { 1 } else { DOUBLINGS_MAX };
    highest(shape.first_rate, doublings, &mut tried);
    climb
}

fn highest(first: f64, doublings: usize, keeps_up: &mut dyn FnMut(f64) -> bool) {
    let mut rates = (0..doublings).map(|doubling| first * 2_f64.powi(doubling as i32));
    let Some(too_high) = rates.find(|rate| !keeps_up(*rate)) else { return };
    let (mut low, mut high) = (too_high / 2.0, too_high);
    while too_high > first && high / low > CLOSENESS {
        let middle = (low * high).sqrt();
        *(if keeps_up(middle) { &mut low } else { &mut high }) = middle;
    }
}

/// The report of a run that was kept up with, or why it was not: a generator that gives up has met a server that hangs.
fn attempt(lab: &Lab, entrant: &Entrant, shape: &Shape, rate: f64) -> Result<Report, String> {
    let report = lab.measure(entrant, &shape.run(lab, rate)).map_err(|failure| failure.to_string())?;
    let load = report.load.as_ref().ok_or("nothing was posted")?;
    let faults = if shape.excuses_order { load.faults_but_order() } else { load.faults() };
    match (faults, load.latency.p99_ms) {
        (0, ..=P99_AT_MOST_MS) => Ok(report),
        (0, p99_ms) => Err(format!("p99 {p99_ms:.0} ms")),
        (faults, _) => Err(format!("{faults} entries in the ledger")),
    }
}

impl Shape {
    /// The same for servers that may show the readers of a room different orders.
    pub(super) const fn excusing_order(self) -> Self {
        Self { excuses_order: true, ..self }
    }

    fn run(&self, lab: &Lab, rate: f64) -> Run {
        let scale = lab.scale;
        let Self { rooms, room_size, publishers, .. } = *self;
        let (rooms, room_size) =
            if rooms > 1 { (scale.size(rooms), room_size) } else { (1, scale.size(room_size)) };
        let publishers = scale.size(publishers);
        let (warm_up, duration) = (scale.seconds(1.5), scale.seconds(4.0));
        Run::new(&format!(
            "load --rooms {rooms} --room-size {room_size} --publishers {publishers} --rate {rate} \
             --warm-up {warm_up} --duration {duration}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates tried of a server that keeps up with so many.
    fn tried(limit: f64, doublings: usize) -> Vec<f64> {
        let mut tried = Vec::new();
        highest(100.0, doublings, &mut |rate| {
            tried.push(rate.round());
            rate <= limit
        });
        tried
    }

    #[test]
    fn a_rate_is_doubled_until_it_is_too_high_and_then_looked_for_in_between() {
        assert_eq!(tried(500.0, 16), [100.0, 200.0, 400.0, 800.0, 566.0, 476.0, 519.0]);
    }

    #[test]
    fn the_first_rate_may_be_too_high_and_the_last_one_kept_up_with() {
        assert_eq!(tried(50.0, 16), [100.0]);
        assert_eq!(tried(5000.0, 3), [100.0, 200.0, 400.0]);
    }
}

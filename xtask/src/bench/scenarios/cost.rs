//! What a delivery costs, beside what the kernel alone takes for it.

use super::super::figure::{Bar, Figure};
use super::super::generator::Run;
use super::super::lab::{Cores, Entrant, Lab, Scale};
use super::super::result::Finding;
use super::{faults, figure, p50_ms, p99_ms, us_per_delivery};
use crate::step::Failure;

const CPU: &str = "CPU per delivery";
/// What we may cost beyond the floor.
const TIMES_FLOOR: f64 = 1.15;
/// What a second thread may cost each delivery.
const TIMES_ONE_THREAD: f64 = 1.15;

#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    rooms: u32,
    room_size: u32,
    publishers: u32,
    pub(super) rate: u32,
    p99_at_most_ms: Option<f64>,
    /// Whether two servers can carry it on one core.
    pub(super) fits_twice: bool,
}

pub(super) const LARGE_SLOW: Shape = Shape {
    name: "large-slow",
    rooms: 1,
    room_size: 1000,
    publishers: 20,
    rate: 20,
    p99_at_most_ms: None,
    fits_twice: true,
};
pub(super) const LARGE_FAST: Shape = Shape {
    name: "large-fast",
    rooms: 1,
    room_size: 1000,
    publishers: 100,
    rate: 1000,
    p99_at_most_ms: Some(60.0),
    fits_twice: false,
};
pub(super) const SMALL: Shape = Shape {
    name: "small",
    rooms: 1000,
    room_size: 10,
    publishers: 3000,
    rate: 3000,
    p99_at_most_ms: Some(10.0),
    fits_twice: true,
};

impl Shape {
    pub(super) fn run(&self, scale: Scale) -> Run {
        let Self { rooms, room_size, publishers, rate, .. } = *self;
        let (rooms, room_size) =
            if rooms > 1 { (scale.size(rooms), room_size) } else { (1, scale.size(room_size)) };
        Run::new(&format!(
            "load --rooms {rooms} --room-size {room_size} --publishers {} --rate {} --warm-up {} --duration {}",
            scale.size(publishers),
            scale.size(rate).max(20),
            scale.seconds(2.0),
            scale.seconds(10.0)
        ))
    }
}

pub(super) fn large_slow(lab: &Lab) -> Result<Finding, Failure> {
    beside_the_floor(lab, LARGE_SLOW)
}

pub(super) fn large_fast(lab: &Lab) -> Result<Finding, Failure> {
    beside_the_floor(lab, LARGE_FAST)
}

pub(super) fn small(lab: &Lab) -> Result<Finding, Failure> {
    beside_the_floor(lab, SMALL)
}

fn beside_the_floor(lab: &Lab, shape: Shape) -> Result<Finding, Failure> {
    let entrants = lab.entrants(&["ours", "floor"])?;
    let mut finding = Finding::default();
    if let (true, [ours, floor]) = (shape.fits_twice, &entrants[..]) {
        let cost = cost_at_once(lab, &mut finding, shape, [ours, floor])?;
        finding.figures.push(cost.against(Bar::AtMostTimes(TIMES_FLOOR)));
    }
    let shown = lab.measure_in_turn(&entrants, &shape.run(lab.scale), lab.scale.runs)?;
    let cost = figure(CPU, "µs", &shown, us_per_delivery)?;
    let latency = figure("latency p99", "ms", &shown, p99_ms)?;
    finding.figures.extend([
        if shape.fits_twice { cost } else { cost.against(Bar::AtMostTimes(TIMES_FLOOR)) },
        match shape.p99_at_most_ms {
            Some(most) => latency.against(Bar::AtMost(most)),
            None => latency,
        },
        figure("latency p50", "ms", &shown, p50_ms)?,
        figure("entries in the ledger", "", &shown, faults)?.against(Bar::Zero),
    ]);
    finding.keep(shape.name, &shown);
    Ok(finding)
}

/// What a delivery costs each of two that are measured at once.
pub(super) fn cost_at_once(
    lab: &Lab,
    finding: &mut Finding,
    shape: Shape,
    pair: [&Entrant; 2],
) -> Result<Figure, Failure> {
    let shown = lab.measure_at_once(&pair.map(Clone::clone), &shape.run(lab.scale), lab.scale.runs)?;
    finding.keep_beside_others(&format!("{}, at once", shape.name), &shown);
    figure(&format!("{CPU}, at once"), "µs", &shown, us_per_delivery)
}

/// One thread and two, both free to use all cores beside the generator, so that nothing but the threads differs. The system likes to put one
/// thread on the generator's core, where waking it is cheap; what one thread costs on a core of its own stands beside it.
pub(super) fn two_threads(lab: &Lab) -> Result<Finding, Failure> {
    let everywhere = lab.place(Cores::All);
    let ours = Entrant { place: everywhere, generator_place: everywhere, ..lab.entrant("ours")? };
    let two = Entrant { name: "ours, 2 threads".to_owned(), options: vec!["--threads", "2"], ..ours.clone() };
    let one = Entrant { name: "ours, 1 thread".to_owned(), ..ours };
    let apart = Entrant { name: "ours, 1 thread on its own core".to_owned(), ..lab.entrant("ours")? };
    let mut finding = Finding::default();
    for shape in [LARGE_SLOW, LARGE_FAST, SMALL] {
        let shown = lab.measure_in_turn(
            &[two.clone(), one.clone(), apart.clone()],
            &shape.run(lab.scale),
            lab.scale.runs,
        )?;
        let named = |what: &str| format!("{}: {what}", shape.name);
        let cost = figure(&named(CPU), "µs", &shown, us_per_delivery)?;
        finding.figures.push(cost.against(Bar::AtMostTimes(TIMES_ONE_THREAD)));
        finding.figures.push(figure(&named("latency p99"), "ms", &shown, p99_ms)?);
        let ledger = figure(&named("entries in the ledger"), "", &shown, faults)?;
        finding.figures.push(ledger.against(Bar::Zero));
        finding.keep(shape.name, &shown);
    }
    Ok(finding)
}

//! What limits and tokens cost plain rooms: of processor time for each delivery, and of memory for who is idle.

use std::fs;

use super::super::figure::{Bar, Figure};
use super::super::lab::{Entrant, Lab};
use super::super::result::Finding;
use super::connections::{bytes_each, forgetful, idle_run};
use super::cost::{LARGE_FAST, LARGE_SLOW, SMALL, cost_at_once};
use super::{faults, figure, us_per_delivery};
use crate::step::Failure;

/// What they may add to a delivery.
const TIMES_CPU: f64 = 1.03;
/// What they may add to an idle connection.
const TIMES_BYTES: f64 = 1.05;
const SECRET: &str = "what members of a bench sign their tokens with";

/// Bounds that are held against everybody and that nobody comes up against, beside those that are on as it comes.
const LIMITS: [(&str, &str); 3] = [
    ("HEIMDALLR_USER_POSTS_PER_SECOND", "10000"),
    ("HEIMDALLR_ADDRESS_POSTS_PER_SECOND", "10000"),
    ("HEIMDALLR_ROOM_POSTS_PER_SECOND", "10000"),
];
/// All rates off.
const NO_LIMITS: [(&str, &str); 2] =
    [("HEIMDALLR_SESSION_POSTS_PER_SECOND", "0"), ("HEIMDALLR_SESSION_JOINS_PER_SECOND", "0")];

/// With both on and members that show nothing; beside it without them, or the program as it was before; and with both on and
/// a token of its own for each member.
pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let keys = lab.folder.join("armour.key");
    fs::write(&keys, SECRET)?;
    let bare = lab.entrant("ours")?;
    let armoured = LIMITS
        .iter()
        .fold(bare.clone(), |entrant, (key, value)| entrant.with(key, value))
        .with("HEIMDALLR_JWT_KEYS", &keys.to_string_lossy())
        .called("ours, limits and tokens on");
    let bearing = Entrant {
        generator_words: ["--jwt-secret", SECRET].map(str::to_owned).to_vec(),
        ..armoured.clone().called("ours, everybody with a token")
    };
    let before = match &lab.before {
        Some(program) => Entrant { program: Some(program.clone()), ..bare.called("before") },
        None => NO_LIMITS
            .iter()
            .fold(bare, |entrant, (key, value)| entrant.with(key, value))
            .called("ours without"),
    };
    let entrants = [armoured, before, bearing];
    let mut finding = Finding::default();
    for shape in [LARGE_SLOW, LARGE_FAST, SMALL] {
        let bar = Bar::AtMostTimes(TIMES_CPU);
        let named = |figure: Figure| Figure { name: format!("{}: {}", shape.name, figure.name), ..figure };
        if let (true, [armoured, before, bearing]) = (shape.fits_twice, &entrants) {
            for ours in [armoured, bearing] {
                let cost = named(cost_at_once(lab, &mut finding, shape, [ours, before])?.against(bar));
                finding.figures.push(Figure { name: format!("{}, {}", cost.name, ours.name), ..cost });
            }
        }
        let shown = lab.measure_in_turn(&entrants, &shape.run(lab.scale), lab.scale.runs)?;
        finding.keep(shape.name, &shown);
        let cost = named(figure("CPU per delivery", "µs", &shown, us_per_delivery)?);
        finding.figures.push(if shape.fits_twice { cost } else { cost.against(bar) });
        let ledger = figure(&format!("{}: entries in the ledger", shape.name), "", &shown, faults)?;
        finding.figures.push(ledger.against(Bar::Zero));
    }
    let entrants = entrants.map(forgetful);
    let shown = lab.measure_in_turn(&entrants, &idle_run(lab, 2.0), lab.scale.runs.min(3))?;
    let memory = figure("memory per idle connection", "bytes", &shown, bytes_each)?;
    finding.figures.push(memory.against(Bar::AtMostTimes(TIMES_BYTES)));
    finding.keep("idle", &shown);
    Ok(finding)
}

//! What some do to others: a large busy room to a small one, and members that do not read to those that do.

use std::thread;
use std::time::Duration;

use super::super::figure::Bar;
use super::super::generator::{Report, Run};
use super::super::lab::{Entrant, Lab, Shown};
use super::super::result::Finding;
use super::{faults, figure, p50_ms, p99_ms};
use crate::step::Failure;

const NEIGHBOUR_P99_MS: f64 = 50.0;
/// Members that stop reading.
const STALLED: u32 = 10;
/// What one of them may cost the server: a backlog of a mebibyte and the room it grows in.
const STALLED_BYTES: f64 = 2.0 * 1024.0 * 1024.0;

/// A room of 10 beside a busy room of 10,000; the busy room is loaded before, during and after the measured time.
pub(super) fn busy(lab: &Lab) -> Result<Finding, Failure> {
    let scale = lab.scale;
    let entrants = lab.entrants(&["ours", "floor"])?;
    let (before, measured) = (scale.seconds(4.0), scale.seconds(8.0));
    let loud = Run::new(&format!(
        "load --room-prefix busy- --room-size {} --publishers 10 --rate 10 --warm-up {before} --duration {} --drain 15",
        scale.size(10_000),
        measured + 2.0
    ));
    let quiet = Run::new(&format!(
        "load --room-prefix quiet- --room-size 10 --publishers 5 --rate 50 --warm-up 0.5 --duration {measured}"
    ));
    let mut shown = [Vec::new(), Vec::new()];
    for _ in 0..scale.runs {
        for entrant in &entrants {
            let reports = measure_both(lab, entrant, &loud, &quiet, before)?;
            for (shown, report) in shown.iter_mut().zip(reports) {
                place(shown, &entrant.name, report);
            }
        }
    }
    let [loud, quiet] = shown;
    let mut finding = Finding {
        figures: vec![
            figure("room of 10: latency p99", "ms", &quiet, p99_ms)?.against(Bar::AtMost(NEIGHBOUR_P99_MS)),
            figure("room of 10: latency p50", "ms", &quiet, p50_ms)?,
            figure("room of 10: entries in the ledger", "", &quiet, faults)?.against(Bar::Zero),
            figure("room of 10,000: latency p99", "ms", &loud, p99_ms)?,
            figure("room of 10,000: entries in the ledger", "", &loud, faults)?.against(Bar::Zero),
        ],
        ..Finding::default()
    };
    finding.keep_beside_others("room of 10", &quiet);
    finding.keep_beside_others("room of 10,000", &loud);
    Ok(finding)
}

fn place(shown: &mut Vec<Shown>, name: &str, report: Report) {
    match shown.iter_mut().find(|shown| shown.name == name) {
        Some(shown) => shown.reports.push(report),
        None => shown.push(Shown { name: name.to_owned(), reports: vec![report] }),
    }
}

/// The reports of the loud room and of the quiet one.
fn measure_both(
    lab: &Lab,
    entrant: &Entrant,
    loud: &Run,
    quiet: &Run,
    before_s: f64,
) -> Result<[Report; 2], Failure> {
    let server = lab.start(entrant)?.nodes;
    let (protocol, place) = (entrant.protocol, entrant.generator_place);
    let loud = loud.begin(&server, protocol, place, &lab.folder.join("loud.json"))?;
    thread::sleep(Duration::from_secs_f64(before_s));
    let quiet = quiet.carry_out(&server, protocol, place.ahead(), &lab.folder.join("quiet.json"))?;
    loud.finish().map(|loud| [loud, quiet])
}

/// Ten members that stop reading, in a room of 100 that is sent more than any socket buffer holds.
pub(super) fn stalled(lab: &Lab) -> Result<Finding, Failure> {
    let entrants = [lab.entrant("ours")?];
    let seconds = lab.scale.seconds(15.0);
    let run = Run::new(&format!(
        "load --room-size 100 --publishers 10 --stalled {STALLED} --payload 4000 --rate 400 --duration {seconds}"
    ));
    let shown = lab.measure_in_turn(&entrants, &run, lab.scale.runs)?;
    let mut finding = Finding {
        figures: vec![
            figure("memory per stalled member", "bytes", &shown, bytes_per_stalled)?
                .against(Bar::AtMost(STALLED_BYTES)),
            figure("the others: latency p99", "ms", &shown, p99_ms)?.against(Bar::AtMost(NEIGHBOUR_P99_MS)),
            figure("the others: entries in the ledger", "", &shown, faults)?.against(Bar::Zero),
        ],
        ..Finding::default()
    };
    finding.keep("stalled", &shown);
    Ok(finding)
}

/// The server's growth at its highest, beyond what it had when everybody was in.
fn bytes_per_stalled(report: &Report) -> Option<f64> {
    let most = report.series.iter().map(|point| point.server_rss).max()?;
    Some(most.saturating_sub(report.memory.as_ref()?.open.rss) as f64 / f64::from(STALLED))
}

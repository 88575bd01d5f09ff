//! The table that the founding documents have, beside Socket.IO.

use super::super::figure::Bar;
use super::super::generator::{Report, Run};
use super::super::lab::Lab;
use super::super::result::Finding;
use super::{faults, figure, p50_ms, p99_ms};
use crate::step::Failure;

/// Members of the room, and how many of them publish.
const ROWS: [(u32, u32); 5] = [(10, 1), (100, 5), (1000, 10), (1000, 50), (1000, 100)];
/// Posts a second of each publisher.
const RATES: [u32; 2] = [1, 10];

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let entrants = lab.entrants(&["ours", "Socket.IO"])?;
    let mut finding = Finding::default();
    let rates = if lab.scale.is_quick { &RATES[1..] } else { &RATES[..] };
    for rate in rates {
        for (members, publishers) in ROWS {
            let row = format!("{members}/{publishers} at {rate}/s");
            let run = Run::new(&format!(
                "load --room-size {} --publishers {} --rate-each {rate} --warm-up {} --duration {}",
                lab.scale.size(members).max(2),
                lab.scale.size(publishers),
                lab.scale.seconds(2.0),
                lab.scale.seconds(6.0),
            ));
            let shown = lab.measure_in_turn(&entrants, &run, lab.scale.runs)?;
            let named = |what: &str| format!("{row}: {what}");
            finding.figures.push(figure(&named("p50"), "ms", &shown, p50_ms)?.against(Bar::Below));
            finding.figures.push(figure(&named("p99"), "ms", &shown, p99_ms)?.against(Bar::Below));
            finding.figures.push(figure(&named("lost"), "%", &shown, lost_percent)?.against(Bar::Zero));
            finding
                .figures
                .push(figure(&named("entries in the ledger"), "", &shown, faults)?.against(Bar::Zero));
            finding.keep(&row, &shown);
        }
    }
    Ok(finding)
}

fn lost_percent(report: &Report) -> Option<f64> {
    Some(report.load.as_ref()?.lost_percent())
}

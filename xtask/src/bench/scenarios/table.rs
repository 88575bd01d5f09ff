//! The table that the founding documents have, beside Socket.IO.

use super::super::figure::Bar;
use super::super::generator::{Report, Run};
use super::super::lab::{Entrant, Lab};
use super::super::result::Finding;
use super::{faults, figure, p50_ms, p99_ms};
use crate::step::{Failure, Outcome};

/// Members of the room, and how many of them publish.
const ROWS: [(u32, u32); 5] = [(10, 1), (100, 5), (1000, 10), (1000, 50), (1000, 100)];
/// Posts a second of each publisher.
const RATES: [u32; 2] = [1, 10];

/// A row of the table.
pub(super) struct Row {
    pub(super) members: u32,
    pub(super) publishers: u32,
    /// Posts a second of each publisher.
    pub(super) rate: u32,
    /// How long is measured.
    pub(super) seconds: f64,
}

const SECONDS: f64 = 6.0;

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let entrants = lab.entrants(&["ours", "Socket.IO"])?;
    let mut finding = Finding::default();
    for rate in rates(lab) {
        for (members, publishers) in ROWS {
            let name = format!("{members}/{publishers} at {rate}/s");
            let row = Row { members, publishers, rate, seconds: SECONDS };
            row.measure(lab, &entrants, &name, lab.scale.runs, &mut finding)?;
        }
    }
    Ok(finding)
}

/// Posts a second of each publisher; when it is quick only the rate at which there are any.
pub(super) fn rates(lab: &Lab) -> impl Iterator<Item = u32> + use<> {
    RATES.into_iter().skip(usize::from(lab.scale.is_quick))
}

impl Row {
    /// Measures the entrants in turn; the first is to be ahead of the second, and nothing may be lost.
    pub(super) fn measure(
        &self,
        lab: &Lab,
        entrants: &[Entrant],
        name: &str,
        times: usize,
        finding: &mut Finding,
    ) -> Outcome {
        let Self { members, publishers, rate, seconds } = *self;
        let run = Run::new(&format!(
            "load --room-size {} --publishers {} --rate-each {rate} --warm-up {} --duration {}",
            lab.scale.size(members).max(2),
            lab.scale.size(publishers),
            lab.scale.seconds(2.0),
            lab.scale.seconds(seconds),
        ));
        let shown = lab.measure_in_turn(entrants, &run, times)?;
        let named = |what: &str| format!("{name}: {what}");
        finding.figures.extend([
            figure(&named("p50"), "ms", &shown, p50_ms)?.against(Bar::Below),
            figure(&named("p99"), "ms", &shown, p99_ms)?.against(Bar::Below),
            figure(&named("lost"), "%", &shown, lost_percent)?.against(Bar::Zero),
            figure(&named("entries in the ledger"), "", &shown, faults)?.against(Bar::Zero),
        ]);
        finding.keep(name, &shown);
        Ok(())
    }
}

fn lost_percent(report: &Report) -> Option<f64> {
    Some(report.load.as_ref()?.lost_percent())
}

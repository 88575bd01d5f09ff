//! The Redis of the configuration: whether it is there, and as it should be.

use std::time::Duration;

use backplanes::{Condition, Inspection};

use super::{Finding, Patient};
use crate::settings;

/// Times of messages of different nodes differ by as much as their clocks.
const CLOCK_APART_MS_MAX: i64 = 500;
/// A post takes a round trip and more.
const ROUND_TRIP_MAX: Duration = Duration::from_millis(20);

pub(super) fn examine(patient: &Patient) -> Vec<Finding> {
    if patient.settings.redis.is_empty() {
        return vec![Finding::good("redis: none, the node stands alone")];
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let inspections =
                runtime.block_on(backplanes::inspect(&settings::of_backplane(&patient.settings)));
            inspections.iter().flat_map(judge).collect()
        }
        Err(error) => vec![Finding::note(format!("redis: cannot be looked for: {error}"))],
    }
}

fn judge(inspection: &Inspection) -> Vec<Finding> {
    let url = &inspection.url;
    let condition = match &inspection.outcome {
        Ok(condition) => condition,
        Err(reason) => return vec![Finding::bad(format!("{url}: {reason}"))],
    };
    let Condition { version, is_master, clock_ahead_ms, round_trip, when_full } = condition;
    let place = format!("{url}: Redis {version}, {} µs away", round_trip.as_micros());
    let apart = format!("{url}: its clock and ours are {} ms apart", clock_ahead_ms.abs());
    let full = format!("{url}: when its memory is full it says no (maxmemory-policy {when_full})");
    vec![
        match (is_master, *round_trip <= ROUND_TRIP_MAX) {
            (false, _) => Finding::bad(format!("{place}; a replica, which takes no posts")),
            (true, false) => Finding::bad(format!("{place}; every post takes as long and more")),
            (true, true) => Finding::good(place),
        },
        if clock_ahead_ms.abs() <= CLOCK_APART_MS_MAX { Finding::good(apart) } else { Finding::bad(apart) },
        match when_full.as_str() {
            "noeviction" => Finding::good(full),
            policy => Finding::bad(format!(
                "{url}: when its memory is full it drops rooms without a word (maxmemory-policy {policy}); set noeviction"
            )),
        },
    ]
}

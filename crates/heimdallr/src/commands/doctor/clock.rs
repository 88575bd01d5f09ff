//! The clock of this machine: times of messages, tokens and certificates are read by it.

use std::process::Command;

use super::{Finding, Patient};

pub(super) fn examine(_patient: &Patient) -> Vec<Finding> {
    let asked = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output();
    let told = asked.ok().filter(|output| output.status.success());
    let told = told.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    vec![judge(told.as_deref())]
}

fn judge(told: Option<&str>) -> Finding {
    match told {
        Some("yes") => Finding::good("clock: kept in step with others"),
        Some("no") => {
            Finding::bad("clock: not kept in step with others (NTP); times and tokens will be judged wrongly")
        }
        _ => Finding::note("clock: nothing here says whether it is kept in step with others (timedatectl)"),
    }
}

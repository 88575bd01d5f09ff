//! Open files: each client is one.

use super::{Finding, Patient, number};

/// A node with fewer than so many connections to give is good for trying out only.
const FILES_WANTED: u64 = 65_536;

pub(super) fn examine(patient: &Patient) -> Vec<Finding> {
    vec![of_process(open_files(patient)), of_machine(patient)]
}

/// The hard limit, which a node raises its own limit to; `None`: there is none.
fn open_files(patient: &Patient) -> Option<u64> {
    let limits = std::fs::read_to_string(patient.proc.join("self/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn of_process(hard: Option<u64>) -> Finding {
    match hard {
        None => Finding::good("open files: unlimited"),
        Some(files) if files >= FILES_WANTED => {
            Finding::good(format!("open files: up to {files}, a connection each"))
        }
        Some(files) => Finding::bad(format!(
            "open files: at most {files}, a connection each; raise the hard limit (LimitNOFILE= of systemd, ulimit -Hn)"
        )),
    }
}

fn of_machine(patient: &Patient) -> Finding {
    match number(&patient.proc.join("sys/fs/file-max")) {
        None => Finding::note("open files of the whole machine: not to be read here"),
        Some(files) if files >= FILES_WANTED => {
            Finding::good(format!("open files of the whole machine: up to {files}"))
        }
        Some(files) => {
            Finding::bad(format!("open files of the whole machine: at most {files}; raise fs.file-max"))
        }
    }
}

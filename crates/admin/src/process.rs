//! What the system says about this process, read when somebody asks.

use std::fs;

use crate::metric::{Kind, Metric};

/// Linux counts processor time in hundredths of a second in `/proc`, on every architecture (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

static RESIDENT: Metric = Metric {
    name: "process_resident_memory_bytes",
    kind: Kind::Gauge,
    label: None,
    about: "Memory of this process that is in RAM.",
};

static PROCESSOR: Metric = Metric {
    name: "process_cpu_seconds_total",
    kind: Kind::Counter,
    label: None,
    about: "Processor time this process has used, in user code and in the kernel.",
};

static FILES: Metric = Metric {
    name: "process_open_fds",
    kind: Kind::Gauge,
    label: None,
    about: "Open files, connections included.",
};

static FILES_MAX: Metric =
    Metric { name: "process_max_fds", kind: Kind::Gauge, label: None, about: "Files that may be open." };

/// The figures of this process. One that the system does not tell is `None`.
pub(crate) fn figures() -> [(&'static Metric, Option<f64>); 4] {
    [
        (&RESIDENT, resident_bytes()),
        (&PROCESSOR, processor_seconds()),
        (&FILES, open_files()),
        (&FILES_MAX, open_files_max()),
    ]
}

/// Memory of this process that is in RAM.
pub(crate) fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<f64>().ok().map(|kibibytes| kibibytes * 1024.0)
}

/// Fields 14 and 15 of proc_pid_stat(5); the name in field 2 may itself contain blanks and brackets.
fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut times = after_name.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    let (user, kernel) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((user + kernel) / TICKS_PER_SECOND)
}

/// Since Linux 6.2 the folder's size is their number; an older one says 0 and they are counted, which takes long where there are very many.
fn open_files() -> Option<f64> {
    match fs::metadata("/proc/self/fd").ok()?.len() {
        0 => fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as f64),
        files => Some(files as f64),
    }
}

fn open_files_max() -> Option<f64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_every_figure() {
        let figures = figures();
        let untold: Vec<&str> =
            figures.iter().filter(|(_, value)| value.is_none()).map(|(metric, _)| metric.name).collect();
        assert!(untold.is_empty(), "{untold:?}");
        assert!(figures[0].1 > Some(100_000.0), "a process has more than 100 kB");
    }

    #[test]
    fn open_files_count() {
        let before = open_files().expect("Linux tells");
        let held: Vec<fs::File> =
            (0..100).map(|_| fs::File::open("/proc/self/stat").expect("it can be read")).collect();
        // Other tests of the same process may open and close some meanwhile.
        assert!((open_files().expect("Linux tells") - before - held.len() as f64).abs() < 50.0);
    }
}

//! What the conductor sees while the run goes on: the workers' progress and the server's processor time and memory,
//! as points in time, shown on the terminal as they come.

use std::io;

use crate::clock::{now_ns, own_cpu_ns};
use crate::exchange::Progress;
use crate::latency::{Latencies, Pairs};
use crate::machine::{MachineMemory, machine_cpu_s};
use crate::process::{CpuTime, Memory, Processes};
use crate::report::Point;
use crate::terminal::ProgressLine;

/// The time between two points.
const LOOK_EVERY_NS: u64 = 250_000_000;

pub(super) struct Watch {
    /// None of them: the server is not looked at.
    server: Processes,
    /// The run ends when no more than this is left on the machine.
    keep_available: u64,
    began_ns: u64,
    phase: &'static str,
    progress: Vec<Progress>,
    all: Latencies,
    recent: Latencies,
    last: Snapshot,
    points: Vec<Point>,
    line: ProgressLine,
}

/// Processor times at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) server: CpuTime,
    machine_s: f64,
    conductor_s: f64,
}

impl Times {
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            server: self.server.since(&earlier.server),
            machine_s: self.machine_s - earlier.machine_s,
            conductor_s: self.conductor_s - earlier.conductor_s,
        }
    }

    /// What neither the server nor the generator used; the workers know best what they did.
    pub(super) fn of_others_s(&self, workers_s: f64) -> f64 {
        (self.machine_s - self.conductor_s - self.server.total_s - workers_s).max(0.0)
    }
}

/// Sums at one moment, to take differences of.
#[derive(Clone, Copy, Debug, Default)]
struct Snapshot {
    at_ns: u64,
    posts: u64,
    deliveries: u64,
    generator_cpu_ns: u64,
    server_cpu_s: f64,
}

impl Watch {
    pub(super) fn new(server: Processes, keep_available: u64, workers: usize) -> Self {
        let began_ns = now_ns();
        Self {
            server,
            keep_available,
            began_ns,
            phase: "starting",
            progress: vec![Progress::default(); workers],
            all: Latencies::default(),
            recent: Latencies::default(),
            last: Snapshot { at_ns: began_ns, ..Snapshot::default() },
            points: Vec::new(),
            line: ProgressLine::new(),
        }
    }

    pub(super) fn enter(&mut self, phase: &'static str) {
        self.phase = phase;
    }

    pub(super) fn looks_at_server(&self) -> bool {
        !self.server.is_empty()
    }

    /// The server's processor time, if it is watched.
    pub(super) fn cpu_time(&self) -> io::Result<Option<CpuTime>> {
        self.looks_at_server().then(|| self.server.cpu_time()).transpose().map_err(gone)
    }

    /// The processor time of the server and of the whole machine, if the server is watched.
    pub(super) fn times(&self) -> io::Result<Option<Times>> {
        let Some(server) = self.cpu_time()? else { return Ok(None) };
        Ok(Some(Times { server, machine_s: machine_cpu_s()?, conductor_s: own_cpu_ns() as f64 / 1e9 }))
    }

    /// The server's memory, if it is watched.
    pub(super) fn memory(&self) -> io::Result<Option<Memory>> {
        self.looks_at_server().then(|| self.server.memory()).transpose().map_err(gone)
    }

    /// Notes how far a worker has come.
    pub(super) fn note(&mut self, worker: usize, progress: Progress) {
        self.absorb(&progress.latencies);
        self.progress[worker] = progress;
    }

    /// Adds latencies.
    pub(super) fn absorb(&mut self, latencies: &Pairs) {
        self.all.absorb(latencies);
        self.recent.absorb(latencies);
    }

    /// Members in their rooms.
    pub(super) fn open(&self) -> u32 {
        self.progress.iter().map(|progress| progress.open).sum()
    }

    /// Connections that have ended before they should.
    pub(super) fn broken(&self) -> u32 {
        self.progress.iter().map(|progress| progress.broken).sum()
    }

    /// Why one of them did.
    pub(super) fn first_break(&self) -> Option<String> {
        self.progress.iter().find_map(|progress| progress.first_break.clone())
    }

    /// How often members were told that messages are lost.
    pub(super) fn gaps(&self) -> u64 {
        self.progress.iter().map(|progress| progress.gaps).sum()
    }

    pub(super) fn latencies(&self) -> &Latencies {
        &self.all
    }

    pub(super) fn next_look_ns(&self) -> u64 {
        self.last.at_ns + LOOK_EVERY_NS
    }

    /// Adds a point if it is time for one. Too little memory left is an error of the kind that [`is_want_of_memory`] knows.
    pub(super) fn look(&mut self, now_ns: u64) -> io::Result<()> {
        if now_ns < self.next_look_ns() {
            return Ok(());
        }
        let sum = |read: fn(&Progress) -> u64| self.progress.iter().map(read).sum();
        let now = Snapshot {
            at_ns: now_ns,
            posts: sum(|progress| progress.posts),
            deliveries: sum(|progress| progress.deliveries),
            generator_cpu_ns: sum(|progress| progress.cpu_ns),
            server_cpu_s: self.cpu_time()?.map_or(0.0, |cpu| cpu.total_s),
        };
        let is_first = self.points.is_empty();
        let last = std::mem::replace(&mut self.last, now);
        let seconds = (now.at_ns - last.at_ns) as f64 / 1e9;
        let recent = self.recent.percentiles();
        self.recent.clear();
        let point = Point {
            at_s: (now_ns - self.began_ns) as f64 / 1e9,
            open: self.open(),
            posts_per_second: (now.posts - last.posts) as f64 / seconds,
            deliveries_per_second: (now.deliveries - last.deliveries) as f64 / seconds,
            // The first difference would be what the server has used since it was started.
            server_cpu_percent: if is_first {
                0.0
            } else {
                100.0 * (now.server_cpu_s - last.server_cpu_s) / seconds
            },
            generator_cpu_percent: (now.generator_cpu_ns.saturating_sub(last.generator_cpu_ns)) as f64
                / seconds
                / 1e7,
            server_rss: self.server.rss().map_err(gone)?,
            p50_ms: recent.p50_ms,
            p99_ms: recent.p99_ms,
        };
        self.line.show(self.phase, &point);
        self.points.push(point);
        self.check_memory()
    }

    fn check_memory(&self) -> io::Result<()> {
        let available = MachineMemory::now()?.available;
        if available >= self.keep_available {
            return Ok(());
        }
        let [left, kept] = [available, self.keep_available].map(|bytes| bytes >> 20);
        let why = format!(
            "{left} MiB of memory were left on the machine with {} members in, and {kept} MiB are to be left",
            self.open()
        );
        Err(io::Error::new(io::ErrorKind::OutOfMemory, why))
    }

    pub(super) fn end(&self) {
        self.line.clear();
    }

    pub(super) fn into_points(self) -> Vec<Point> {
        self.points
    }
}

/// Whether a run was ended because the machine had too little memory left.
pub(super) fn is_want_of_memory(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}

fn gone(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the server cannot be looked at any more: {error}"))
}

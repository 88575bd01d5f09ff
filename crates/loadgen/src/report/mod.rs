//! The report of a run: plain numbers, the same as JSON, as a page and as a few lines for a terminal.

mod page;
mod plot;
mod summary;

pub use self::page::page;
pub use self::summary::summary;

use serde::{Deserialize, Serialize};

use crate::latency::Percentiles;
use crate::layout::Layout;
use crate::ledger::Findings;
use crate::machine::MachineMemory;
use crate::process::{CpuTime, Memory};

/// Above this share of a core, in percent, a generator process can no longer be trusted to keep up.
pub const BUSY_PERCENT: f64 = 90.0;
/// Above this share of a core, in percent, others on the machine have disturbed the run.
pub const OTHERS_PERCENT: f64 = 10.0;
/// Posts that go out later than this after their time, at the 99th percentile, were late by our own fault.
pub const SLIP_MS: f64 = 5.0;

/// Everything that a run has shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The name given to the run.
    pub label: String,
    /// The protocol spoken.
    pub protocol: String,
    /// Who was who.
    pub layout: Layout,
    /// When the run began, in seconds since 1970.
    pub began_unix_s: u64,
    /// The machine it ran on.
    pub machine: Machine,
    /// How everybody came in.
    pub opening: Opening,
    /// The time in which nobody posted.
    pub idle: Option<Idle>,
    /// The time in which members posted.
    pub load: Option<Load>,
    /// Whether the generator itself stood in the way.
    pub generator: Generator,
    /// What everybody else on the machine used meanwhile, in percent of a core; known when the server is watched.
    pub others_cpu_percent: Option<f64>,
    /// The server's memory.
    pub memory: Option<MemoryOverRun>,
    /// The kernel's memory.
    pub kernel: KernelOverRun,
    /// Why the run ended before its time, if it did: what had been seen until then is told.
    pub stopped_by: Option<String>,
    /// The run over time.
    pub series: Vec<Point>,
    /// The share of latencies above, and the latency in ms.
    pub curve: Vec<(f64, f64)>,
}

/// The machine, as it matters to the numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// How many of them may be used.
    pub cores: usize,
    /// The kernel's release.
    pub kernel: String,
}

/// The arrival of all members.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Opening {
    /// How many arrived.
    pub connections: u32,
    /// From the first departure to the last arrival.
    pub seconds: f64,
    /// Arrivals a second.
    pub per_second: f64,
    /// The server's processor time for each.
    pub server_us_each: Option<f64>,
    /// The busiest generator process meanwhile, in percent of a core.
    pub generator_cpu_percent: f64,
}

/// A time without posts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Idle {
    /// How long it was.
    pub seconds: f64,
    /// Connections that ended in it.
    pub broken: u32,
    /// Why the first of them did.
    pub first_break: Option<String>,
    /// How often members were told that messages are lost.
    pub gaps: u64,
    /// The server's processor time, in percent of a core.
    pub server_cpu_percent: Option<f64>,
}

/// A time with posts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
    /// Posts a second that the schedule asked for.
    pub rate: f64,
    /// Bytes of each payload.
    pub payload_bytes: usize,
    /// The measured time.
    pub seconds: f64,
    /// Posts sent in it.
    pub posts: u64,
    /// Messages received in it.
    pub deliveries: u64,
    /// The same by the second.
    pub deliveries_per_second: f64,
    /// From the intended time of a post to its arrival at a reader.
    pub latency: Percentiles,
    /// The server's share.
    pub server: Option<ServerLoad>,
    /// What the ledger found, over the whole run.
    pub findings: Findings,
    /// Rooms whose readers saw different orders.
    pub rooms_that_disagree: u32,
    /// How often members were told that messages are lost. Whether they are is the ledger's to say.
    pub gaps: u64,
    /// Connections that ended before they should.
    pub broken: u32,
    /// Why the first of them did.
    pub first_break: Option<String>,
}

impl Load {
    /// Everything reached everybody once, in one order, and nobody was cut off.
    pub fn is_clean(&self) -> bool {
        self.findings.is_clean() && self.rooms_that_disagree == 0 && self.broken == 0
    }
}

/// The server's processor time in the measured time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct ServerLoad {
    /// All of it.
    pub cpu: CpuTime,
    /// In percent of a core.
    pub cpu_percent: f64,
    /// For each message received.
    pub us_per_delivery: f64,
}

/// The generator's own state.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Generator {
    /// Each process in the measured time, in percent of a core.
    pub cpu_percent: Vec<f64>,
    /// How late posts went out by our own fault.
    pub slip: Percentiles,
    /// Whether it was itself what limited the numbers.
    pub is_bottleneck: bool,
    /// Why we think so.
    pub because: Vec<String>,
}

impl Generator {
    /// Judges itself.
    pub fn judged(cpu_percent: Vec<f64>, slip: Percentiles) -> Self {
        let busiest = cpu_percent.iter().copied().fold(0.0, f64::max);
        let mut because = Vec::new();
        if busiest > BUSY_PERCENT {
            because.push(format!("a generator process used {busiest:.0} % of a core"));
        }
        if slip.p99_ms > SLIP_MS {
            because.push(format!("posts went out late: p99 {:.1} ms", slip.p99_ms));
        }
        Self { cpu_percent, slip, is_bottleneck: !because.is_empty(), because }
    }
}

/// The server's memory at the turning points of a run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct MemoryOverRun {
    /// Before anybody came.
    pub before: Memory,
    /// With everybody in and nothing said.
    pub open: Memory,
    /// After everybody left.
    pub after: Memory,
    /// Private bytes of each connection, everybody in.
    pub private_bytes_each: f64,
    /// Of the private memory that the members cost, the share given back in percent.
    pub returned_percent: f64,
}

impl MemoryOverRun {
    /// The figures that follow from the three states.
    pub fn of(before: Memory, open: Memory, after: Memory, members: u32) -> Self {
        let cost = open.private.saturating_sub(before.private) as f64;
        let kept = after.private.saturating_sub(before.private) as f64;
        let returned_percent = if cost > 0.0 { 100.0 * (1.0 - (kept / cost).min(1.0)) } else { 100.0 };
        Self { before, open, after, private_bytes_each: cost / f64::from(members.max(1)), returned_percent }
    }
}

/// The machine's memory at the turning points of a run; the generator's and everybody else's share is in it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct KernelOverRun {
    /// Before anybody came.
    pub before: MachineMemory,
    /// With everybody in and nothing said.
    pub open: MachineMemory,
    /// After everybody left.
    pub after: MachineMemory,
    /// What the kernel's slabs and socket buffers grew by for each connection, both of its ends being on this machine.
    pub bytes_each: f64,
    /// What the memory in use grew by for each connection: server, generator and kernel together.
    pub all_bytes_each: f64,
}

impl KernelOverRun {
    /// The figures that follow from the three states.
    pub fn of(before: MachineMemory, open: MachineMemory, after: MachineMemory, members: u32) -> Self {
        let kept = |memory: MachineMemory| memory.slab + memory.socket_buffers;
        let each = |bytes: u64| bytes as f64 / f64::from(members.max(1));
        let bytes_each = each(kept(open).saturating_sub(kept(before)));
        let all_bytes_each = each(open.used.saturating_sub(before.used));
        Self { before, open, after, bytes_each, all_bytes_each }
    }
}

/// A moment of the run.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Point {
    /// Seconds since the run began.
    pub at_s: f64,
    /// Members in their rooms.
    pub open: u32,
    /// Posts a second since the last point.
    pub posts_per_second: f64,
    /// Deliveries a second since the last point.
    pub deliveries_per_second: f64,
    /// The server's processor time since the last point, in percent of a core.
    pub server_cpu_percent: f64,
    /// The generator's, all processes together, in percent of a core.
    pub generator_cpu_percent: f64,
    /// The server's resident bytes.
    pub server_rss: u64,
    /// Latencies since the last point.
    pub p50_ms: f64,
    /// Latencies since the last point.
    pub p99_ms: f64,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example() -> Report {
        let memory = |private| Memory { rss: private, pss: private, private };
        let machine = |used, slab| MachineMemory { used, slab, ..Default::default() };
        let latency = Percentiles { count: 9, p50_ms: 1.5, p99_ms: 12.0, max_ms: 20.0, ..Default::default() };
        let findings = Findings { expected: 1000, delivered: 1000, ..Default::default() };
        let point =
            |at_s| Point { at_s, deliveries_per_second: at_s * 100.0, p99_ms: 3.0, ..Default::default() };
        Report {
            label: "a <test>".to_owned(),
            protocol: "raw".to_owned(),
            layout: Layout {
                members: 10,
                rooms: 1,
                publishers: 1,
                stalled: 0,
                publishers_read: true,
                nodes: 1,
                rooms_apart: false,
            },
            began_unix_s: 1_700_000_000,
            machine: Machine { processor: "a processor".to_owned(), cores: 2, kernel: "6".to_owned() },
            opening: Opening {
                connections: 10,
                seconds: 0.1,
                per_second: 100.0,
                server_us_each: Some(40.0),
                generator_cpu_percent: 10.0,
            },
            idle: None,
            load: Some(Load {
                rate: 10.0,
                payload_bytes: 100,
                seconds: 10.0,
                posts: 100,
                deliveries: 1000,
                deliveries_per_second: 100.0,
                latency,
                server: Some(ServerLoad { cpu: CpuTime::default(), cpu_percent: 5.0, us_per_delivery: 8.0 }),
                findings,
                rooms_that_disagree: 0,
                gaps: 0,
                broken: 0,
                first_break: None,
            }),
            generator: Generator::judged(vec![12.0], Percentiles::default()),
            others_cpu_percent: Some(3.0),
            memory: Some(MemoryOverRun::of(memory(1000), memory(6000), memory(1500), 10)),
            kernel: KernelOverRun::of(machine(400, 10), machine(900, 110), machine(400, 10), 10),
            stopped_by: None,
            series: (0..20).map(|n| point(f64::from(n) / 4.0)).collect(),
            curve: vec![(1.0, 0.5), (0.1, 3.0), (0.001, 20.0)],
        }
    }

    #[test]
    fn the_report_survives_its_json() {
        let json = serde_json::to_string(&example()).expect("it is plain numbers and strings");
        let back: Report = serde_json::from_str(&json).expect("it was just written");
        assert_eq!(serde_json::to_string(&back).expect("as above"), json);
    }

    #[test]
    fn a_connection_costs_the_private_memory_that_came_with_it() {
        let memory = example().memory.expect("the example has it");
        assert_eq!((memory.private_bytes_each, memory.returned_percent), (500.0, 90.0));
        let kernel = example().kernel;
        assert_eq!((kernel.bytes_each, kernel.all_bytes_each), (10.0, 50.0));
    }

    #[test]
    fn a_busy_or_late_generator_says_that_it_was_the_bottleneck() {
        let late = Percentiles { p99_ms: SLIP_MS + 1.0, ..Default::default() };
        assert!(!Generator::judged(vec![50.0, BUSY_PERCENT], Percentiles::default()).is_bottleneck);
        assert!(Generator::judged(vec![50.0, 95.0], Percentiles::default()).is_bottleneck);
        assert_eq!(Generator::judged(vec![50.0], late).because, ["posts went out late: p99 6.0 ms"]);
    }

    #[test]
    fn a_break_or_a_disagreement_is_not_clean() {
        let load = example().load.expect("the example has it");
        assert!(load.is_clean());
        assert!(!Load { broken: 1, ..load.clone() }.is_clean());
        assert!(!Load { rooms_that_disagree: 1, ..load.clone() }.is_clean());
        assert!(!Load { findings: Findings { lost: 1, ..load.findings }, ..load }.is_clean());
    }
}

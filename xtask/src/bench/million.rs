//! `cargo xtask million [--users N] [--room-size N] [--redis] [--leave MIB] [--quick]`: as many users as are asked for come to as many nodes
//! as the limit of open files makes necessary, join rooms, say nothing for a while, and are then told one message in each room.
//!
//! Without a broker each room is on one node; with one, its members are spread over all. The generator stops when the machine has too little
//! memory left, and that is told instead of what did not come to be. Everything that is started ends with this program, however it ends.

use super::figure::{Bar, Figure, Spread};
use super::generator::{Report, Run};
use super::lab::{Cores, Entrant, Lab, Scale, Shown};
use super::page;
use super::result::{Finding, Measured};
use crate::program::Program;
use crate::step::{Failure, Outcome};

const USAGE: &str =
    "usage: cargo xtask million [--users N] [--room-size N] [--redis] [--leave MIB] [--quick]";

/// Files that a process has open beside its connections, generously.
const OTHER_FILES: u32 = 100;
/// Longer than the interval of pings, which is 25 s, so that each connection is pinged.
const IDLE_S: f64 = 30.0;
/// Until nodes with a broker between them have told each other who has come to which room.
const SETTLE_S: f64 = 30.0;
/// Rooms that are told their message in a second, at most: two cores are to have something left beside the pings of a million.
const POSTS_PER_SECOND: u32 = 1000;
/// Connections under way at once.
const OPENING_AT_ONCE: u32 = 512;
const OPEN_TIMEOUT_S: u32 = 1200;
const DRAIN_S: u32 = 60;
/// Addresses that clients come from, so that none runs out of ports.
const SOURCES: u32 = 32;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq)]
struct Wish {
    users: u32,
    room_size: u32,
    /// Whether the nodes have a Redis between them and rooms are spread over all of them.
    over_redis: bool,
    /// MiB of memory that are to be left on the machine.
    leave_mib: u32,
    is_quick: bool,
}

/// How the users are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spreading {
    rooms: u32,
    nodes: u32,
    generators: u32,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let wish = read(arguments)?;
    let spreading = Spreading::of(&wish, open_files()?)?;
    let lab = Lab::open(if wish.is_quick { Scale::quick() } else { Scale::full(1) }, "ours", false)?;
    let everywhere = lab.place(Cores::All);
    let ours = Entrant { place: everywhere, generator_place: everywhere, ..lab.entrant("ours")? };
    let ours = Entrant { nodes: spreading.nodes, is_over_redis: wish.over_redis, ..ours };
    let cluster = lab.start(&ours)?;
    let json = lab.folder.join("report.json");
    let report =
        spreading.run(&wish, lab.scale).carry_out(&cluster.nodes, ours.protocol, everywhere, &json)?;
    drop(cluster);
    let stopped_by = report.stopped_by.clone();
    let result = Measured::now(&wish.name(), &spreading.about(&wish), 1, finding(&wish, spreading, report));
    print!("{}", page::section(&result));
    let missed = result.missed();
    if !wish.is_quick {
        result.save()?;
    }
    match (stopped_by, missed.is_empty()) {
        (Some(why), _) => Err(Failure::new(format!("stopped: {why}"))),
        (None, false) => Err(Failure::new(missed.join("\n  "))),
        (None, true) => Ok(()),
    }
}

fn read(arguments: &[String]) -> Result<Wish, Failure> {
    let mut wish =
        Wish { users: 200_000, room_size: 10, over_redis: false, leave_mib: 1024, is_quick: false };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let number = |words: &mut std::slice::Iter<'_, String>| {
            let number = words.next().and_then(|number| number.parse().ok()).filter(|number| *number > 0);
            number.ok_or_else(|| Failure::new(format!("{word} needs a number above zero\n{USAGE}")))
        };
        match word.as_str() {
            "--users" => wish.users = number(&mut words)?,
            "--room-size" => wish.room_size = number(&mut words)?,
            "--leave" => wish.leave_mib = number(&mut words)?,
            "--redis" => wish.over_redis = true,
            "--quick" => wish.is_quick = true,
            _ => return Err(Failure::new(format!("{word} is not known\n{USAGE}"))),
        }
    }
    Ok(wish)
}

/// The most files that a process may have open.
fn open_files() -> Result<u32, Failure> {
    let limit = Program::new("sh").args(["-c", "ulimit -Hn"]).capture()?;
    // A system without a limit has one all the same: a million is what its kernel allows by default.
    Ok(limit.trim().parse().unwrap_or(1 << 20))
}

impl Wish {
    /// The name in the results.
    fn name(&self) -> String {
        let over = if self.over_redis { "-redis" } else { "" };
        format!("users-{}{over}", self.users)
    }
}

impl Spreading {
    /// A room's members come to nodes in turn, so no node has more than its share of the rooms times their size.
    fn of(wish: &Wish, open_files: u32) -> Result<Self, Failure> {
        let rooms = wish.users.div_ceil(wish.room_size);
        let each = open_files.saturating_sub(OTHER_FILES);
        let rooms_each = each / wish.room_size;
        if rooms_each == 0 {
            let why = format!("{open_files} open files are too few for a room of {}", wish.room_size);
            return Err(Failure::new(why));
        }
        let generators = (rooms * wish.room_size).div_ceil(each);
        Ok(Self { rooms, nodes: rooms.div_ceil(rooms_each), generators })
    }

    fn run(self, wish: &Wish, scale: Scale) -> Run {
        let Self { rooms, generators, .. } = self;
        let posting_s = f64::from(rooms.div_ceil(POSTS_PER_SECOND)).max(5.0);
        let apart = if wish.over_redis { "" } else { "--rooms-apart" };
        Run::new(&format!(
            "load --once --rooms {rooms} --room-size {} --publishers {rooms} --processes {generators} {apart} \
             --settle {} --hold {} --duration {} --drain {DRAIN_S} --keep-available-mib {} --sources {SOURCES} \
             --opening-at-once {OPENING_AT_ONCE} --open-timeout {OPEN_TIMEOUT_S}",
            wish.room_size,
            if wish.over_redis { scale.seconds(SETTLE_S) } else { 0.0 },
            scale.seconds(IDLE_S),
            scale.seconds(posting_s),
            wish.leave_mib,
        ))
    }

    fn about(self, wish: &Wish) -> String {
        let Self { rooms, nodes, generators } = self;
        let over =
            if wish.over_redis { "each spread over all nodes by way of Redis" } else { "each on one node" };
        let settling = if wish.over_redis { "30 s until all nodes have heard of everybody, " } else { "" };
        format!(
            "{} users in {rooms} rooms, {over}: {nodes} nodes of one thread and {generators} generators; {settling}30 s without a word, then a message to each room",
            rooms * wish.room_size
        )
    }
}

fn finding(wish: &Wish, spreading: Spreading, report: Report) -> Finding {
    let told = |name: &str, unit: &str, value: f64| {
        Figure::told(name, unit, Spread { median: value, min: value, max: value }, Vec::new())
    };
    let in_rooms = report.opening.connections;
    let mut finding = Finding {
        figures: vec![
            told("users in their rooms", "", f64::from(in_rooms))
                .against(Bar::AtLeast(f64::from(wish.users))),
            told("time to connect all", "s", report.opening.seconds),
            told("users let in per second", "", report.opening.per_second),
            told("server CPU to let one in", "µs", report.opening.server_us_each.unwrap_or(0.0)),
            told("kernel memory per user, both ends of the connection", "bytes", report.kernel.bytes_each),
            told("all memory per user, generator included", "bytes", report.kernel.all_bytes_each),
        ],
        ..Finding::default()
    };
    if let Some(memory) = &report.memory {
        let whole = memory.open.private as f64 / f64::from(in_rooms.max(1));
        let empty = memory.before.private as f64 / f64::from(spreading.nodes);
        finding.figures.push(told("memory of the nodes per user", "bytes", memory.private_bytes_each));
        finding.figures.push(told("the same, with what an empty node has", "bytes", whole));
        finding.figures.push(told("memory of an empty node", "bytes", empty));
    }
    if let Some(idle) = report.idle.as_ref() {
        let cpu = idle.server_cpu_percent.unwrap_or(0.0);
        finding.figures.push(told("CPU of all nodes, everybody idle and pinged", "% of a core", cpu));
    }
    if let Some(load) = report.load.as_ref() {
        finding.figures.extend([
            told("messages delivered", "", load.findings.delivered as f64)
                .against(Bar::AtLeast(load.findings.expected as f64)),
            told("entries in the ledger", "", load.faults() as f64).against(Bar::Zero),
            told("latency p50", "ms", load.latency.p50_ms),
            told("latency p99", "ms", load.latency.p99_ms),
            told("CPU per delivery", "µs", load.server.as_ref().map_or(0.0, |server| server.us_per_delivery)),
        ]);
    }
    finding.notes.extend(report.stopped_by.iter().map(|why| format!("stopped: {why}")));
    finding.keep("all", &[Shown { name: "ours".to_owned(), reports: vec![report] }]);
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(line: &str) -> Wish {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        read(&words).expect("the line is right")
    }

    #[test]
    fn there_are_as_many_nodes_and_generators_as_the_limit_of_files_asks_for() {
        for (line, open_files, expected) in [
            ("", 20_000, (20_000, 11, 11)),
            ("--users 1000000", 20_000, (100_000, 51, 51)),
            ("--users 1000000", 1 << 20, (100_000, 1, 1)),
            ("--users 7 --room-size 3", 106, (3, 2, 2)),
        ] {
            let Spreading { rooms, nodes, generators } =
                Spreading::of(&wish(line), open_files).expect("a room fits");
            assert_eq!((rooms, nodes, generators), expected, "{line}");
            assert!(rooms.div_ceil(nodes) * wish(line).room_size + OTHER_FILES <= open_files);
        }
        assert!(Spreading::of(&wish("--room-size 1000"), 1024).is_err());
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        for (line, part) in [("--sers 1", "--sers"), ("--users 0", "--users"), ("--users", "--users")] {
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            let told = read(&words).expect_err("the line is wrong").to_string();
            assert!(told.contains(part), "{line}: {told}");
        }
    }

    #[test]
    fn the_name_says_how_many_and_over_what() {
        assert_eq!(wish("").name(), "users-200000");
        assert_eq!(wish("--users 5 --redis").name(), "users-5-redis");
    }
}

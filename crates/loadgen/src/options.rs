//! The command line, checked and turned into a run. The worker's side has none: it is told what to do.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::exchange::Plan;
use crate::layout::Layout;
use crate::offender;
use crate::protocols::{PROTOCOLS, Protocol, named};
use crate::stamp::STAMP_BYTES;
use crate::steadfast;

/// Loads a chat server and measures what comes of it.
#[derive(Debug, Parser)]
#[command(name = "heimdallr-loadgen", version)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the generator can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Members post at a fixed rate; latency, loss, order and the server's processor time are measured.
    Load(#[command(flatten)] Load),
    /// Members stay and say nothing; memory of a connection, idle processor time, and what is given back.
    Idle(#[command(flatten)] Idle),
    /// Members come as fast as the server takes them; hand-shakes a second and processor time of each.
    Handshakes(#[command(flatten)] Common),
    /// Members come back after every cut and ask for their posts until they are accepted; nothing that was accepted may be missed. What
    /// befalls the server is told on the standard input, a line each; its end ends the stay.
    Steadfast(#[command(flatten)] steadfast::Wish),
    /// Clients that ask for too much, of one sort.
    Offend(#[command(flatten)] offender::Wish),
    /// One process of the generator; started by the others.
    #[command(hide = true)]
    Worker,
}

/// What every run needs.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The server's address; given several times, those of its nodes.
    #[arg(long, value_name = "ADDR:PORT", required = true)]
    pub target: Vec<SocketAddr>,
    /// Where there are several nodes, the members of a room are all on one of them, instead of spread over all.
    #[arg(long)]
    pub rooms_apart: bool,
    /// What to speak: raw, v1, sse, socketio or socketio-polling.
    #[arg(long, default_value = "raw", value_parser = protocol)]
    pub protocol: &'static Protocol,
    /// Speak it under TLS, whatever certificate there is.
    #[arg(long)]
    pub tls: bool,
    /// Every member shows a token that says it is a user of its own, signed with this secret (HS256).
    #[arg(long, value_name = "TEXT")]
    pub jwt_secret: Option<String>,
    /// How many rooms there are.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub rooms: u32,
    /// How many members each room has.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub room_size: u32,
    /// A room's name is this and its number.
    #[arg(long, default_value = "room-", value_parser = room_prefix)]
    pub room_prefix: String,
    /// Further rooms that everybody in a room joins as well; nothing is said there.
    #[arg(long, default_value_t = 0)]
    pub side_rooms: u32,
    /// Processes that share the members; one uses one core.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub processes: u32,
    /// Source addresses, from 127.0.0.1 upwards; each brings its own 28,000 ports.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub sources: u32,
    /// Arrivals a second; 0: as fast as the server takes them.
    #[arg(long, default_value_t = 0.0)]
    pub ramp: f64,
    /// Connections that may be half open at once.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    pub opening_at_once: u32,
    /// Seconds after which the run fails if not everybody is in.
    #[arg(long, default_value_t = 60.0)]
    pub open_timeout: f64,
    /// The server's process, if its processor time and memory are to be measured; given several times, the sum counts.
    #[arg(long, value_name = "PID")]
    pub server_pid: Vec<u32>,
    /// MiB of memory that are to be left on the machine: with less, the run stops and tells what it has seen until then.
    #[arg(long, default_value_t = 512, value_name = "MIB", value_parser = clap::value_parser!(u64).range(0..=1 << 40))]
    pub keep_available_mib: u64,
    /// A name for the run, shown in the reports.
    #[arg(long, default_value = "")]
    pub label: String,
    /// Where to write the report as JSON.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Where to write the report as one HTML page.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// What a run with posts needs.
#[derive(Clone, Debug, Args)]
pub struct Load {
    /// What every run needs.
    #[command(flatten)]
    pub common: Common,
    /// Members that publish, evenly spread over the rooms.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub publishers: u32,
    /// Posts a second of all publishers together.
    #[arg(long, conflicts_with_all = ["rate_each", "once"])]
    pub rate: Option<f64>,
    /// Posts a second of each publisher.
    #[arg(long, conflicts_with = "once")]
    pub rate_each: Option<f64>,
    /// Every publisher posts once, all of them evenly spread over the measured time, without a warm-up.
    #[arg(long)]
    pub once: bool,
    /// Members that stop reading once they are in, the last of all.
    #[arg(long, default_value_t = 0)]
    pub stalled: u32,
    /// Bytes of each payload.
    #[arg(long, default_value_t = 100)]
    pub payload: usize,
    /// Seconds to stay before anything is posted, so that the opening costs the measurement nothing.
    #[arg(long, default_value_t = 0.5)]
    pub hold: f64,
    /// Seconds before that, in which the server may finish with the opening: nodes tell each other who has come.
    #[arg(long, default_value_t = 0.0)]
    pub settle: f64,
    /// Seconds of posts before anything is measured.
    #[arg(long, default_value_t = 2.0)]
    pub warm_up: f64,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 10.0)]
    pub duration: f64,
    /// Seconds to wait for what is missing at the end.
    #[arg(long, default_value_t = 5.0)]
    pub drain: f64,
}

/// What a run without posts needs.
#[derive(Clone, Debug, Args)]
pub struct Idle {
    /// What every run needs.
    #[command(flatten)]
    pub common: Common,
    /// Seconds to stay.
    #[arg(long, default_value_t = 30.0)]
    pub hold: f64,
    /// Seconds that the server has to give memory back after everybody has left.
    #[arg(long, default_value_t = 5.0)]
    pub give_back: f64,
}

/// A checked run.
#[derive(Clone, Debug)]
pub struct Run {
    /// What every run needs.
    pub common: Common,
    /// Who is who.
    pub layout: Layout,
    /// The posts, if there are any.
    pub posting: Option<Posting>,
    /// How long the server may take to finish with the opening.
    pub settle: Duration,
    /// How long to stay before posting or leaving.
    pub hold: Duration,
    /// How long the server may take to give memory back after everybody has left.
    pub give_back: Duration,
}

/// How posts are made and measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Posting {
    /// Posts a second, all together.
    pub rate: f64,
    /// The most that each publisher posts.
    pub posts_each_max: u32,
    /// Bytes of each payload.
    pub payload_bytes: usize,
    /// Time before anything is measured.
    pub warm_up: Duration,
    /// Measured time.
    pub duration: Duration,
    /// The most to wait for what is missing at the end.
    pub drain: Duration,
}

/// Descriptors of a worker that are not connections, generously.
const OTHER_FILES: u64 = 32;

impl Run {
    /// The run that a load asks for.
    pub fn load(load: Load) -> Result<Self, String> {
        let layout = layout(&load.common, load.publishers, load.stalled)?;
        let each = load.rate_each.map(|rate| rate * f64::from(load.publishers));
        let once = load.once.then(|| f64::from(load.publishers) / load.duration);
        let rate = load.rate.or(each).or(once).ok_or("--rate, --rate-each or --once is needed")?;
        if !(rate.is_finite() && rate > 0.0) {
            return Err("--rate must be above zero".to_owned());
        }
        if load.payload < STAMP_BYTES {
            return Err(format!("--payload must be at least {STAMP_BYTES}, the length of a stamp"));
        }
        let posting = Posting {
            rate,
            payload_bytes: load.payload,
            posts_each_max: if load.once { 1 } else { u32::MAX },
            warm_up: if load.once { Duration::ZERO } else { seconds("--warm-up", load.warm_up)? },
            duration: seconds("--duration", load.duration)?,
            drain: seconds("--drain", load.drain)?,
        };
        let (settle, hold) = (seconds("--settle", load.settle)?, seconds("--hold", load.hold)?);
        let common = checked(load.common)?;
        Ok(Self { common, layout, posting: Some(posting), settle, hold, give_back: Duration::ZERO })
    }

    /// The run that an idle stay asks for.
    pub fn idle(idle: Idle) -> Result<Self, String> {
        let layout = layout(&idle.common, 0, 0)?;
        let hold = seconds("--hold", idle.hold)?;
        let give_back = seconds("--give-back", idle.give_back)?;
        let (common, settle) = (checked(idle.common)?, Duration::ZERO);
        Ok(Self { common, layout, posting: None, settle, hold, give_back })
    }

    /// The run that only comes and goes.
    pub fn handshakes(common: Common) -> Result<Self, String> {
        let layout = layout(&common, 0, 0)?;
        let [settle, hold, give_back] = [Duration::ZERO; 3];
        Ok(Self { common: checked(common)?, layout, posting: None, settle, hold, give_back })
    }

    /// Whether each process may have as many open files as it needs.
    pub fn check_open_files(&self, limit: u64) -> Result<(), String> {
        let each = u64::from(self.layout.members.div_ceil(self.common.processes)) + OTHER_FILES;
        let needed = (u64::from(self.layout.members) / limit.saturating_sub(OTHER_FILES).max(1)) + 1;
        match each <= limit {
            true => Ok(()),
            false => Err(format!("a process may open {limit} files: --processes must be at least {needed}")),
        }
    }

    /// The plan of one of the processes.
    pub fn plan(&self, process: u32) -> Plan {
        let Common { processes, sources, opening_at_once, side_rooms, .. } = self.common;
        Plan {
            targets: self.common.target.clone(),
            protocol: self.common.protocol.name.to_owned(),
            tls: self.common.tls,
            layout: self.layout,
            process,
            processes,
            room_prefix: self.common.room_prefix.clone(),
            side_rooms,
            jwt_secret: self.common.jwt_secret.clone(),
            payload_bytes: self.posting.map_or(STAMP_BYTES, |posting| posting.payload_bytes),
            sources,
            ramp_per_second: self.common.ramp / f64::from(processes),
            opening_at_once: opening_at_once.div_ceil(processes),
        }
    }
}

fn layout(common: &Common, publishers: u32, stalled: u32) -> Result<Layout, String> {
    let members = common.rooms.checked_mul(common.room_size).ok_or("there are too many members")?;
    if publishers > members {
        return Err(format!("--publishers must be at most the number of members, {members}"));
    }
    if stalled > members - publishers {
        return Err("--stalled must leave the publishers alone".to_owned());
    }
    let publishers_read = common.protocol.publishers_read;
    if !publishers_read && publishers + stalled >= members {
        return Err(format!("with --protocol {} somebody must only read", common.protocol.name));
    }
    let (rooms, nodes, rooms_apart) = (common.rooms, common.target.len() as u32, common.rooms_apart);
    Ok(Layout { members, rooms, publishers, stalled, publishers_read, nodes, rooms_apart })
}

fn checked(common: Common) -> Result<Common, String> {
    if common.sources > 1 && !common.target.iter().all(SocketAddr::is_ipv4) {
        return Err("--sources needs a --target of IPv4".to_owned());
    }
    if common.side_rooms > 0 && !common.protocol.joins_several {
        return Err(format!("--side-rooms cannot be joined with --protocol {}", common.protocol.name));
    }
    if common.jwt_secret.is_some() && !common.protocol.bears_tokens {
        return Err(format!("--jwt-secret says nothing with --protocol {}", common.protocol.name));
    }
    if common.processes > common.rooms * common.room_size {
        return Err("--processes must be at most the number of members".to_owned());
    }
    if !(common.ramp.is_finite() && common.ramp >= 0.0) {
        return Err("--ramp must be zero or above".to_owned());
    }
    seconds("--open-timeout", common.open_timeout)?;
    Ok(common)
}

fn seconds(option: &str, value: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(value).map_err(|error| format!("{option}: {error}"))
}

fn protocol(name: &str) -> Result<&'static Protocol, String> {
    let names: Vec<_> = PROTOCOLS.iter().map(|protocol| protocol.name).collect();
    named(name).ok_or_else(|| format!("it must be one of {}", names.join(", ")))
}

fn room_prefix(name: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    match name.len() <= 200 && name.bytes().all(is_plain) {
        true => Ok(name.to_owned()),
        false => Err("it must be of at most 200 letters, digits and -._~".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str) -> Result<Run, String> {
        let words = std::iter::once("heimdallr-loadgen").chain(line.split_whitespace());
        match Options::try_parse_from(words).map_err(|error| error.to_string())?.command {
            Command::Load(load) => Run::load(load),
            Command::Idle(idle) => Run::idle(idle),
            Command::Handshakes(common) => Run::handshakes(common),
            Command::Steadfast(wish) => {
                Err(wish.check().err().unwrap_or_else(|| "a stay has no run".to_owned()))
            }
            Command::Offend(_) => Err("a flood has no run".to_owned()),
            Command::Worker => Err("a worker has no run".to_owned()),
        }
    }

    #[test]
    fn a_member_connects_to_the_node_that_the_layout_says() {
        let run =
            run("idle --target 127.0.0.1:1 --target 127.0.0.1:2 --rooms 4 --room-size 1").expect("it fits");
        let ports: Vec<_> = (0..4).map(|member| run.plan(0).target(member).port()).collect();
        assert_eq!(ports, [1, 2, 1, 2]);
    }

    fn error(line: &str) -> String {
        run(line).expect_err("the line is wrong")
    }

    #[test]
    fn members_are_rooms_times_their_size_and_a_rate_may_be_of_each() {
        let run = run("load --target 127.0.0.1:1 --rooms 100 --room-size 10 --publishers 50 --rate-each 2");
        let run = run.expect("the line is right");
        assert_eq!((run.layout.members, run.layout.places()), (1000, 1));
        assert_eq!(run.posting.map(|posting| posting.rate), Some(100.0));
    }

    #[test]
    fn what_does_not_fit_together_is_refused_with_the_options_name() {
        for (line, part) in [
            ("load --target 127.0.0.1:1", "--rate, --rate-each or --once"),
            ("load --target 127.0.0.1:1 --rate 1 --once", "cannot be used with"),
            ("load --target 127.0.0.1:1 --once --duration 0", "--rate must be above zero"),
            ("load --target 127.0.0.1:1 --rate 0", "--rate must be above zero"),
            ("load --target 127.0.0.1:1 --rate 1 --rate-each 1", "cannot be used with"),
            ("load --target 127.0.0.1:1 --rate 1 --publishers 11", "--publishers must be at most"),
            ("load --target 127.0.0.1:1 --rate 1 --stalled 10", "--stalled must leave"),
            ("load --target 127.0.0.1:1 --rate 1 --payload 9", "--payload must be at least 33"),
            ("load --target 127.0.0.1:1 --rate 1 --duration=-1", "--duration: "),
            ("load --target 127.0.0.1:1 --rate 1 --protocol sse --publishers 10", "somebody must only read"),
            ("load --target 127.0.0.1:1 --rate 1 --protocol smoke", "one of raw, v1, sse, socketio"),
            ("load --rate 1", "--target"),
            ("idle --target 127.0.0.1:1 --processes 11", "--processes must be at most"),
            ("idle --target [::1]:1 --sources 2", "--sources needs"),
            ("idle --target 127.0.0.1:1 --side-rooms 2", "--side-rooms cannot be joined with --protocol raw"),
            ("idle --target 127.0.0.1:1 --jwt-secret x --protocol v1", "--jwt-secret says nothing with"),
            ("idle --target nowhere", "invalid socket address"),
            ("handshakes --target 127.0.0.1:1 --rooms 0", "--rooms"),
            ("handshakes --target 127.0.0.1:1 --room-prefix a/b", "letters, digits"),
            ("handshakes --target 127.0.0.1:1 --ramp nan", "--ramp"),
            ("steadfast --target 127.0.0.1:1 --rooms 1 --publishers 11", "--publishers must be at most"),
            ("steadfast --target 127.0.0.1:1 --rate 0", "--rate must be above zero"),
            ("steadfast --target 127.0.0.1:1 --payload 9", "--payload must be at least 33"),
            ("steadfast --target 127.0.0.1:1 --drain nan", "--drain must be"),
        ] {
            let told = error(line);
            assert!(told.contains(part), "{line}: {told}");
        }
    }

    #[test]
    fn more_connections_than_files_ask_for_more_processes() {
        let run = run("idle --target 127.0.0.1:1 --rooms 1500 --room-size 10").expect("the line is right");
        assert_eq!(run.check_open_files(20_000), Ok(()));
        let told = run.check_open_files(10_000).expect_err("they do not fit");
        assert!(told.ends_with("--processes must be at least 2"), "{told}");
    }
}

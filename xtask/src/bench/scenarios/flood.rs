//! Floods: what 1,000 honest members notice of each sort of offenders, and what memory those cost.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::Duration;

use super::super::contender;
use super::super::figure::Bar;
use super::super::generator::{Report, Run};
use super::super::lab::{Entrant, Lab, Shown};
use super::super::result::Finding;
use super::super::server::Server;
use super::{faults, figure, p99_ms};
use crate::program::Program;
use crate::step::Failure;

/// The sorts of offenders, and how many of each there are at a time.
const OFFENCES: [(&str, u32); 8] = [
    ("posts", 50),
    ("joins", 50),
    ("connects", 50),
    ("frames", 50),
    ("heads", 500),
    ("silence", 100),
    ("addresses", 200),
    ("tokens", 20),
];
/// What honest members may notice: so many times what it is when all is quiet.
const TIMES: f64 = 2.0;
/// What may wait on the node.
const QUEUE_BYTES_MAX: f64 = 64.0 * 1024.0 * 1024.0;
/// More runs say no more, and the machine is wanted.
const RUNS_MAX: usize = 3;

/// As on the internet, but that a flood lasts no longer than a measurement.
const LIMITS: [(&str, &str); 12] = [
    ("HEIMDALLR_SESSION_POSTS_PER_SECOND", "10"),
    ("HEIMDALLR_SESSION_JOINS_PER_SECOND", "10"),
    ("HEIMDALLR_ADDRESS_POSTS_PER_SECOND", "100"),
    ("HEIMDALLR_ROOM_POSTS_PER_SECOND", "20"),
    ("HEIMDALLR_BURST_SECONDS", "1"),
    ("HEIMDALLR_FLOOD_SECONDS", "1"),
    ("HEIMDALLR_FLOOD_REFUSALS", "20"),
    ("HEIMDALLR_SESSIONS_PER_ADDRESS", "150"),
    ("HEIMDALLR_CONNECTIONS_PER_SECOND", "500"),
    ("HEIMDALLR_QUEUE_BYTES_MAX", "67108864"),
    ("HEIMDALLR_HANDSHAKE_TIMEOUT_SECONDS", "2"),
    ("HEIMDALLR_GUESTS", "named"),
];

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    let keys = lab.folder.join("flood.pem");
    make_keys(&keys)?;
    let ours = LIMITS.iter().fold(lab.entrant("ours")?, |ours, (key, value)| ours.with(key, value));
    let ours = ours.with("HEIMDALLR_JWT_KEYS", &keys.to_string_lossy());
    let (mut quiet, mut floods) = (named("quiet"), OFFENCES.map(|(offence, _)| named(offence)));
    for _ in 0..lab.scale.runs.min(RUNS_MAX) {
        quiet.reports.push(measure(lab, &ours, None)?);
        for (shown, offence) in floods.iter_mut().zip(OFFENCES) {
            shown.reports.push(measure(lab, &ours, Some(offence))?);
        }
    }
    let mut finding = Finding::default();
    let alone = [quiet.clone()];
    finding.figures.push(figure("quiet: latency p99", "ms", &alone, p99_ms)?);
    finding.figures.push(figure("quiet: entries in the ledger", "", &alone, faults)?.against(Bar::Zero));
    for flood in floods {
        let told = |what: &str| format!("{}: {what}", flood.name);
        let beside = [flood.clone(), quiet.clone()];
        let latency = figure(&told("latency p99 of the honest"), "ms", &beside, p99_ms)?;
        finding.figures.push(latency.against(Bar::AtMostTimes(TIMES)));
        let alone = [flood.clone()];
        let entries = figure(&told("entries in the ledger"), "", &alone, faults)?;
        finding.figures.push(entries.against(Bar::Zero));
        let grown = figure(&told("memory that the server has grown by"), "bytes", &alone, growth)?;
        finding.figures.push(grown.against(Bar::AtMost(QUEUE_BYTES_MAX)));
        finding.keep(&flood.name, &alone);
    }
    finding.keep("quiet", &[quiet]);
    Ok(finding)
}

fn named(name: &str) -> Shown {
    Shown { name: name.to_owned(), reports: Vec::new() }
}

/// A key that nobody has the other half of, so that every token has to be looked at and none is good.
fn make_keys(file: &Path) -> Result<(), Failure> {
    let secret = file.with_extension("key");
    let words = "ecparam -name prime256v1 -genkey -noout -out";
    Program::new("openssl").args(words.split(' ')).args([&secret]).capture()?;
    let words = [Path::new("ec"), Path::new("-in"), &secret, Path::new("-pubout"), Path::new("-out"), file];
    Program::new("openssl").args(words).capture()?;
    fs::remove_file(secret)?;
    Ok(())
}

/// The honest members, in rooms of ten from ten addresses, with offenders beside them once they are in.
fn measure(lab: &Lab, ours: &Entrant, offence: Option<(&str, u32)>) -> Result<Report, Failure> {
    let scale = lab.scale;
    let (hold, warm_up, measured) = (scale.seconds(1.5), scale.seconds(0.5), scale.seconds(4.0));
    let rooms = scale.size(100);
    let honest = Run::new(&format!(
        "load --rooms {rooms} --room-size 10 --publishers {rooms} --rate {} --sources 10 --hold {hold} \
         --warm-up {warm_up} --duration {measured} --drain 2",
        2 * rooms
    ));
    let nodes = lab.start(ours)?.nodes;
    let place = ours.generator_place.ahead();
    let honest = honest.begin(&nodes, ours.protocol, place, &lab.folder.join("honest.json"))?;
    thread::sleep(Duration::from_secs_f64(hold));
    let seconds = hold + warm_up + measured;
    let offenders = match (offence, nodes.as_slice()) {
        (Some((offence, count)), [server]) => {
            Some(begin(lab, ours, server, (offence, scale.size(count)), seconds)?)
        }
        _ => None,
    };
    let report = honest.finish();
    drop(offenders);
    report
}

/// Offenders that go on while something else happens; gone with the value.
struct Offenders(Child);

impl Drop for Offenders {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Behind everything else there is to do on the generator's core.
fn begin(
    lab: &Lab,
    ours: &Entrant,
    server: &Server,
    (offence, count): (&str, u32),
    seconds: f64,
) -> Result<Offenders, Failure> {
    let target = server.address();
    let words =
        format!("offend --target {target} --offence {offence} --offenders {count} --seconds {seconds}");
    let line = std::iter::once(contender::generator()).chain(words.split(' ').map(str::to_owned));
    let line = ours.generator_place.line(line.collect());
    let log = lab.folder.join(format!("offend-{offence}.log"));
    Program::new("nice").args(["-n", "19"]).args(&line).start(&log).map(Offenders)
}

/// The server's memory at its highest, beyond what it had when the honest were in.
fn growth(report: &Report) -> Option<f64> {
    let most = report.series.iter().map(|point| point.server_rss).max()?;
    Some(most.saturating_sub(report.memory.as_ref()?.open.rss) as f64)
}

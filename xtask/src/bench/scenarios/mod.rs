//! The scenarios: each measures, and holds what it found against its bars. To add one, add a function and its line.

mod armour;
mod connections;
mod cost;
mod drain;
mod durable;
mod flood;
mod http;
mod kills;
mod neighbour;
mod nodes;
mod rooms;
mod saturation;
mod socketio;
mod subscriptions;
mod table;
mod tls;

use super::figure::{Figure, Spread};
use super::generator::Report;
use super::lab::{Lab, Shown};
use super::result::Finding;
use crate::step::Failure;

/// Something to measure.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Whether it runs when nobody names any.
    pub(super) is_usual: bool,
    pub(super) run: fn(&Lab) -> Result<Finding, Failure>,
}

pub(super) const SCENARIOS: &[Scenario] = &[
    usual("large-slow", "1000 members in one room, 20 posts/s of 100 bytes", cost::large_slow),
    usual("large-fast", "1000 members in one room, 1000 posts/s of 100 bytes", cost::large_fast),
    usual("small", "1000 rooms of 10 members, 3000 posts/s of 100 bytes", cost::small),
    usual("two-threads", "the same three loads with two threads beside one", cost::two_threads),
    usual("table", "members/publishers in one room, posts/s of each; latency in ms", table::run),
    usual("idle", "15,000 members in rooms of 10 who say nothing", connections::idle),
    usual("handshakes", "10,000 members arrive as fast as they are let in", connections::handshakes),
    usual("http", "tiny answers over plain HTTP, asked for by wrk", http::run),
    usual("neighbour", "10,000 members in a busy room, and what a room of 10 notices of it", neighbour::busy),
    usual("armour", "plain rooms with limits and tokens on, beside without", armour::run),
    usual(
        "stalled",
        "members that stop reading in a busy room, and what the others notice of it",
        neighbour::stalled,
    ),
    usual(
        "socketio",
        "Socket.IO 4 over WebSocket: 1000 clients in one room, posts of 100 bytes",
        socketio::broadcast,
    ),
    usual("socketio-idle", "15,000 Socket.IO 4 clients in rooms of 10 who say nothing", socketio::idle),
    usual(
        "tls",
        "15,000 members under TLS, handshakes beside nginx, and what others notice of them",
        tls::run,
    ),
    usual("rooms", "500,000 rooms of one member on one node, 100 of them to a session", rooms::run),
    usual(
        "nodes",
        "the table over 1, 2 and 4 nodes with a Redis between them, Socket.IO with its adapter; latency in ms",
        nodes::latency,
    ),
    usual("nodes-most", "1000 members in one room over two nodes, and a third without any", nodes::most),
    usual(
        "durable",
        "posts of 100 bytes into rooms that are kept on disk, and a disk that stalls",
        durable::run,
    ),
    usual(
        "kills",
        "a node with rooms on disk that is killed 50 times while 5000 posts/s go on, and the ledger of it",
        kills::run,
    ),
    usual(
        "drain",
        "a node of two takes leave of 10,000 members, who talk and come back to the other",
        drain::run,
    ),
    usual(
        "flood",
        "1000 members beside each sort of clients that ask for too much; latency in ms",
        flood::run,
    ),
    usual("subscriptions", "100,000 rooms of one member on two nodes with a Redis", subscriptions::run),
    Scenario {
        name: "peers",
        about: "the most deliveries/s at a p99 of at most 200 ms with a clean ledger, everybody",
        is_usual: false,
        run: saturation::run,
    },
];

const fn usual(
    name: &'static str,
    about: &'static str,
    run: fn(&Lab) -> Result<Finding, Failure>,
) -> Scenario {
    Scenario { name, about, is_usual: true, run }
}

/// A figure of the first entrant, with the others beside it.
fn figure(
    name: &str,
    unit: &str,
    shown: &[Shown],
    read: fn(&Report) -> Option<f64>,
) -> Result<Figure, Failure> {
    let spread = |shown: &Shown| {
        let spread = Spread::of(shown.reports.iter().filter_map(read));
        spread.ok_or_else(|| Failure::new(format!("{name}: {} has shown nothing", shown.name)))
    };
    let [ours, others @ ..] = shown else { return Err(Failure::new("nobody was measured")) };
    let beside = others.iter().map(|shown| Ok((shown.name.clone(), spread(shown)?)));
    Ok(Figure::told(name, unit, spread(ours)?, beside.collect::<Result<_, Failure>>()?))
}

fn p50_ms(report: &Report) -> Option<f64> {
    Some(report.load.as_ref()?.latency.p50_ms)
}

fn p99_ms(report: &Report) -> Option<f64> {
    Some(report.load.as_ref()?.latency.p99_ms)
}

fn us_per_delivery(report: &Report) -> Option<f64> {
    Some(report.load.as_ref()?.server.as_ref()?.us_per_delivery)
}

fn faults(report: &Report) -> Option<f64> {
    Some(report.load.as_ref()?.faults() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_its_own_name() {
        let mut names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), SCENARIOS.len());
    }
}

//! One room over several nodes with a Redis between them, beside Socket.IO with its adapter over as many processes. All nodes and the Redis
//! share one core and the generator has the other, so that more nodes are not more processor.

use std::thread;
use std::time::{Duration, Instant};

use super::super::figure::{Bar, Figure, Spread};
use super::super::generator::{Report, Run};
use super::super::lab::{Entrant, Lab};
use super::super::result::Finding;
use super::saturation::{self, DELIVERIES, ONE_ROOM, READINGS};
use super::table::{self, Row};
use crate::step::Failure;

const NODES: [u32; 3] = [1, 2, 4];
/// Members of the room, and how many of them publish.
const ROWS: [(u32, u32); 3] = [(1000, 10), (1000, 50), (1000, 100)];
/// How long each row is measured: there are three times as many as without nodes.
const SECONDS: f64 = 3.0;
/// What we have to deliver for each message of Socket.IO's.
const TIMES_SOCKETIO: f64 = 10.0;
/// Minutes each time, and a table that has grown long enough.
const RUNS_MAX: usize = 3;
/// Of a core, beyond what a node needs that is not asked anything.
const NOTHING_PERCENT: f64 = 0.1;

/// The table of the founding documents, once more for each number of nodes.
pub(super) fn latency(lab: &Lab) -> Result<Finding, Failure> {
    let mut finding = Finding::default();
    for nodes in NODES {
        let entrants = spread(lab, nodes)?;
        for rate in table::rates(lab) {
            for (members, publishers) in ROWS {
                let row = Row { members, publishers, rate, seconds: SECONDS };
                let name = format!("{nodes} × {members}/{publishers} at {rate}/s");
                row.measure(lab, &entrants, &name, lab.scale.runs.min(RUNS_MAX), &mut finding)?;
            }
        }
    }
    Ok(finding)
}

/// How many messages two nodes deliver, and what a third has of it that nobody in the room is connected to.
pub(super) fn most(lab: &Lab) -> Result<Finding, Failure> {
    let mut finding = Finding::default();
    let pair = spread(lab, 2)?;
    // The adapter has no order that all processes share, and would be out at the first post.
    let shape = ONE_ROOM.excusing_order();
    let highest =
        saturation::highest_in_turn(lab, &pair, &shape, lab.scale.runs.min(RUNS_MAX), &mut finding)?;
    let (what, unit, read) = DELIVERIES;
    let most = saturation::told(&format!("2 nodes: {what}"), unit, &highest, read)?;
    finding.figures.push(most.against(Bar::AtLeastTimes(TIMES_SOCKETIO)));
    for (what, unit, read) in &READINGS[1..] {
        finding.figures.push(saturation::told(&format!("2 nodes: {what} at that"), unit, &highest, *read)?);
    }
    let disagree = "2 nodes: rooms whose readers saw different orders";
    finding.figures.push(saturation::told(disagree, "", &highest, disagreeing)?.against(Bar::Zero));
    finding.figures.push(third_node(lab)?);
    Ok(finding)
}

/// What the third node of three uses while the room on the other two is busy, beyond what it uses while nothing is said.
fn third_node(lab: &Lab) -> Result<Figure, Failure> {
    let mut spreads = Vec::new();
    for entrant in &spread(lab, 3)? {
        let more = (0..lab.scale.runs.min(RUNS_MAX)).map(|_| more_of_third(lab, entrant));
        let more = more.collect::<Result<Vec<_>, Failure>>()?;
        let spread = Spread::of(more).ok_or_else(|| Failure::new("nothing was measured"))?;
        spreads.push((entrant.name.clone(), spread));
    }
    let (_, ours) = spreads.remove(0);
    let name = "a busy room without an audience on a node: CPU of that node, beyond what it uses alone";
    Ok(Figure::told(name, "% of a core", ours, spreads).against(Bar::AtMost(NOTHING_PERCENT)))
}

fn more_of_third(lab: &Lab, entrant: &Entrant) -> Result<f64, Failure> {
    let cluster = lab.start(entrant)?;
    let ([.., third], seconds) = (&cluster.nodes[..], lab.scale.seconds(10.0)) else {
        return Err(Failure::new("there is no third node"));
    };
    let used_in = |busy: &mut dyn FnMut() -> Result<(), Failure>| {
        let (began, before) = (Instant::now(), third.cpu_seconds()?);
        busy()?;
        Ok::<f64, Failure>(100.0 * (third.cpu_seconds()? - before) / began.elapsed().as_secs_f64())
    };
    // What a start still has to do is done by then.
    thread::sleep(Duration::from_secs_f64(lab.scale.seconds(2.0)));
    let alone = used_in(&mut || {
        thread::sleep(Duration::from_secs_f64(seconds));
        Ok(())
    })?;
    let run = Run::new(&format!(
        "load --room-size {} --publishers 10 --rate 100 --warm-up 0 --duration {seconds}",
        lab.scale.size(1000)
    ));
    let json = lab.folder.join("report.json");
    let beside = used_in(&mut || {
        run.carry_out(&cluster.nodes[..2], entrant.protocol, entrant.generator_place, &json).map(drop)
    })?;
    Ok((beside - alone).max(0.0))
}

fn disagreeing(report: &Report) -> Option<f64> {
    Some(f64::from(report.load.as_ref()?.rooms_that_disagree))
}

/// Ours and Socket.IO over so many nodes, both spoken to in the same protocol.
fn spread(lab: &Lab, nodes: u32) -> Result<Vec<Entrant>, Failure> {
    let entrants = lab.entrants(&["ours", "Socket.IO"])?;
    Ok(entrants.into_iter().map(|entrant| entrant.over("socketio").spread(nodes)).collect())
}

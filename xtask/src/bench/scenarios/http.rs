//! Small answers over plain HTTP, beside Node's own server, and beside the floor for what wrk can ask here at all.
//!
//! wrk needs more processor time for a request than a fast server does, so it may use every core, the server's too; and what a
//! server would answer with a whole core stands beside what wrk could ask of it.

use serde_json::json;

use super::super::figure::{Bar, Figure, Spread};
use super::super::lab::{Cores, Entrant, Lab};
use super::super::result::{Finding, Raw};
use super::super::wrk::{self, Answered, Wrk};
use crate::step::Failure;

/// What we have to answer for each answer of Node's.
const TIMES_NODE: f64 = 3.0;
/// Where ours has a small answer, on the port of its clients.
const OURS: &str = "/healthz";

pub(super) fn run(lab: &Lab) -> Result<Finding, Failure> {
    wrk::install()?;
    let mut entrants = lab.entrants(&["ours", "Node http", "floor"])?;
    entrants.iter_mut().for_each(|entrant| entrant.generator_place = lab.place(Cores::All));
    let scale = lab.scale;
    let many = Wrk { connections: scale.size(1000), threads: 2, seconds: scale.seconds(10.0) };
    let most = Wrk { connections: scale.size(10_000), threads: 6, seconds: scale.seconds(60.0) };
    let mut finding = Finding::default();
    for (wrk, times) in [(many, scale.runs), (most, 1)] {
        let name = format!("wrk -c{} -t{}", wrk.connections, wrk.threads);
        let shown = ask_in_turn(lab, &entrants, wrk, times)?;
        let figure = |what: &str, read: fn(&Answered) -> f64| {
            let spreads = shown
                .iter()
                .map(|(name, answers)| Some((name.clone(), Spread::of(answers.iter().map(read))?)));
            let mut spreads = spreads.collect::<Option<Vec<_>>>().unwrap_or_default().into_iter();
            let (_, ours) = spreads.next().ok_or_else(|| Failure::new("wrk has shown nothing"))?;
            Ok::<_, Failure>(Figure::told(&format!("{name}: {what}"), "", ours, spreads.collect()))
        };
        let answers = figure("requests per second", |answered| answered.requests_per_second)?;
        finding.figures.push(answers.against(Bar::AtLeastTimes(TIMES_NODE)));
        let possible =
            figure("requests per second of a whole core", |answered| answered.requests_per_core_second)?;
        finding.figures.push(possible.against(Bar::AtLeastTimes(TIMES_NODE)));
        finding.figures.push(figure("errors", |answered| answered.errors)?.against(Bar::Zero));
        finding.raw.extend(raw(&name, &shown));
    }
    Ok(finding)
}

type ByServer = Vec<(String, Vec<Answered>)>;

fn ask_in_turn(lab: &Lab, entrants: &[Entrant], wrk: Wrk, times: usize) -> Result<ByServer, Failure> {
    let mut shown: ByServer = entrants.iter().map(|entrant| (entrant.name.clone(), Vec::new())).collect();
    for _ in 0..times {
        for (entrant, (_, answers)) in entrants.iter().zip(&mut shown) {
            let server = lab.start(entrant)?.nodes;
            answers.push(wrk.ask(&server[0], OURS, entrant.generator_place)?);
        }
    }
    Ok(shown)
}

fn raw(name: &str, shown: &ByServer) -> Vec<Raw> {
    let of_server = |(server, answers): &(String, Vec<Answered>)| {
        let (server, what) = (server.clone(), name.to_owned());
        let raw = move |answered: &Answered| Raw {
            what: what.clone(),
            server: server.clone(),
            report: json!({
                "requests_per_second": answered.requests_per_second,
                "requests_per_core_second": answered.requests_per_core_second,
                "errors": answered.errors,
            }),
        };
        answers.iter().map(raw).collect::<Vec<_>>()
    };
    shown.iter().flat_map(of_server).collect()
}

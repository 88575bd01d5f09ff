//! The members' account, held against what has to be.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::figure::{Bar, Figure, Spread};
use super::super::result::{Finding, Raw};
use crate::step::Failure;

/// The account, as far as it is looked at here.
#[derive(Debug, Deserialize)]
struct Account {
    findings: BTreeMap<String, Value>,
    acceptance: Latency,
    showing: Latency,
    retries: u64,
    refusals: BTreeMap<String, u64>,
    barred: BTreeMap<String, u64>,
    cuts: BTreeMap<String, u64>,
    resumed: u64,
    partly_resumed: u64,
    unanswered: u64,
    eras: Vec<Era>,
    cpu_percent: f64,
}

#[derive(Debug, Deserialize)]
struct Latency {
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
}

#[derive(Debug, Deserialize)]
struct Era {
    name: String,
    room_ms: f64,
    acceptance_ms: f64,
}

/// What the ledger counts that must not be, and what it is.
const FAULTS: &[(&str, &str)] = &[
    ("lost", "accepted posts that a member was neither shown nor told of"),
    ("duplicated", "posts shown twice"),
    ("reordered", "posts shown out of order"),
    ("untold", "gaps not told, or not as they were"),
    ("contradicted", "positions given to two posts"),
    ("strange", "posts of nobody"),
    ("unaccepted", "posts not accepted in the end"),
];

/// What it counts beside that.
const TOLD: &[(&str, &str)] = &[
    ("accepted", "posts accepted"),
    ("shown", "showings of accepted posts"),
    ("tellings", "gaps told"),
    ("told", "showings that were told to be lost"),
    ("shown_again", "showings again, after the first was told to be lost"),
];

/// The generator may not be what holds the cluster up.
const BUSY_PERCENT: f64 = 90.0;

pub(super) fn finding(report: Value) -> Result<Finding, Failure> {
    let account: Account = serde_json::from_value(report.clone())
        .map_err(|error| Failure::new(format!("the account: {error}")))?;
    let count = |name: &str| account.findings.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let mut finding = Finding::default();
    let figures = &mut finding.figures;
    figures.extend(FAULTS.iter().map(|(name, what)| told(what, "", count(name)).against(Bar::Zero)));
    figures.push(told("showings there had to be", "", count("expected")).against(Bar::AtLeast(1.0)));
    figures.extend(TOLD.iter().map(|(name, what)| told(what, "", count(name))));
    let sum = |counts: &BTreeMap<String, u64>| counts.values().sum::<u64>() as f64;
    for (what, value) in [
        ("posts asked for once more", account.retries as f64),
        ("refusals of posts, to be retried", sum(&account.refusals)),
        ("refusals of members on their way in", sum(&account.barred)),
        ("connections that ended", sum(&account.cuts)),
        ("returns with everything that was missed", account.resumed as f64),
        ("returns with a gap that was told", account.partly_resumed as f64),
        ("connections given up without an answer", account.unanswered as f64),
    ] {
        figures.push(told(what, "", value));
    }
    for (what, Latency { p50_ms, p99_ms, max_ms }) in
        [("accepted", &account.acceptance), ("shown", &account.showing)]
    {
        figures.push(told(&format!("{what} after, p50"), "ms", *p50_ms));
        figures.push(told(&format!("{what} after, p99"), "ms", *p99_ms));
        figures.push(told(&format!("{what} after, at most"), "ms", *max_ms));
    }
    figures.extend(silences(&account.eras));
    if account.cpu_percent > BUSY_PERCENT {
        finding.notes.push(format!("the generator was at its limit: {:.0} % of a core", account.cpu_percent));
    }
    let words = account.findings.get("words").and_then(Value::as_array);
    finding.notes.extend(words.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    finding.raw.push(Raw { what: "all".to_owned(), server: "ours".to_owned(), report });
    Ok(finding)
}

/// The longest silence of a room for everything that happened, in the order in which it first did.
fn silences(eras: &[Era]) -> Vec<Figure> {
    let mut names: Vec<&str> = Vec::new();
    for Era { name, .. } in eras {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let of = |name: &&str, what: &str, read: fn(&Era) -> f64| {
        let spread = Spread::of(eras.iter().filter(|era| era.name == **name).map(read))?;
        Some(Figure::told(&format!("{name}: {what}"), "ms", spread, Vec::new()))
    };
    let both = |name: &&str| {
        [
            of(name, "longest silence of a room", |era| era.room_ms),
            of(name, "longest time without an acceptance in a room", |era| era.acceptance_ms),
        ]
    };
    names.iter().flat_map(both).flatten().collect()
}

fn told(name: &str, unit: &str, value: f64) -> Figure {
    Figure::told(name, unit, Spread { median: value, min: value, max: value }, Vec::new())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account(lost: u64) -> Value {
        let latency = json!({"p50_ms": 1.0, "p99_ms": 2.0, "max_ms": 3.0});
        let era = |name: &str, room_ms: f64| json!({"name": name, "room_ms": room_ms, "acceptance_ms": 1.0});
        json!({
            "findings": {
                "posts": 9, "accepted": 9, "expected": 90, "shown": 90, "told": 0, "tellings": 0, "shown_again": 0, "lost": lost, "duplicated": 0,
                "reordered": 0, "untold": 0, "contradicted": 0, "strange": 0, "unaccepted": 0, "words": ["member 1 never saw it"],
            },
            "acceptance": latency, "showing": latency, "retries": 1, "refusals": {"unavailable": 2}, "barred": {}, "cuts": {}, "resumed": 3,
            "partly_resumed": 0, "unanswered": 0, "cpu_percent": 10.0, "eras": [era("flood", 10.0), era("storm", 5.0), era("flood", 20.0)],
        })
    }

    #[test]
    fn a_clean_account_meets_every_bar_and_one_loss_does_not() {
        let missed = |lost| {
            let finding = finding(account(lost)).expect("it is an account");
            finding.figures.iter().filter(|figure| figure.is_met == Some(false)).count()
        };
        assert_eq!((missed(0), missed(1)), (0, 1));
    }

    #[test]
    fn a_bar_on_what_is_not_counted_is_missed() {
        let mut account = account(0);
        account["findings"].as_object_mut().expect("it is one").remove("reordered");
        let finding = finding(account).expect("it is an account");
        assert!(finding.figures.iter().any(|figure| figure.is_met == Some(false)));
    }

    #[test]
    fn silences_are_gathered_by_what_happened() {
        let finding = finding(account(0)).expect("it is an account");
        let of =
            |name: &str| finding.figures.iter().find(|figure| figure.name == name).map(|figure| figure.ours);
        let flood = of("flood: longest silence of a room").expect("there was one");
        assert_eq!((flood.min, flood.max), (10.0, 20.0));
        assert!(of("storm: longest time without an acceptance in a room").is_some());
    }
}

//! The last five minutes of the node, and how it and its neighbours are: what the dashboard is drawn from.

use std::time::Instant;

use serde::Serialize;
use shard::{Instruction, Report, ShardId};

use super::Api;
use super::answer::{Answer, Outcome};
use super::asked::Asked;
use super::node::word;
use super::problem::Problem;
use crate::peers::{Card, Peer};
use crate::vitals::{Stage, Vitals};

/// This node.
#[derive(Serialize)]
struct Own {
    id: String,
    version: &'static str,
    stage: &'static str,
    fault: Option<String>,
    uptime_ms: u64,
    /// Differs from one start of the node to the next.
    run: u64,
}

/// A node of the cluster.
#[derive(Serialize)]
struct Node {
    id: String,
    name: String,
    is_self: bool,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<u64>,
}

pub(super) async fn recent(asked: Asked) -> Outcome {
    let since = match asked.parameter("since")? {
        Some(since) => since.parse().map_err(|_| Problem::bad("since is the number of a row"))?,
        None => 0,
    };
    let api = &asked.api;
    let told = (own(api), nodes(api));
    let (node, nodes) = (serde_json::to_string(&told.0), serde_json::to_string(&told.1));
    let (node, nodes) = (node.expect("names are text"), nodes.expect("names are text"));
    let recent = api.vitals.recent();
    let shards = serde_json::to_string(&recent.shards()).expect("numbers are text");
    let mut text = format!("{{\"node\":{node},\"nodes\":{nodes},\"shards\":{shards},");
    recent.write(since, &mut text);
    text.push('}');
    Ok(Answer { status: 200, body: text.into_bytes() })
}

fn own(api: &Api) -> Own {
    Own {
        id: api.vitals.name().0,
        version: env!("CARGO_PKG_VERSION"),
        stage: word(api.vitals.stage()),
        fault: api.vitals.fault(),
        uptime_ms: api.started.elapsed().as_millis() as u64,
        run: api.vitals.run(),
    }
}

/// This node first.
fn nodes(api: &Api) -> Vec<Node> {
    let vitals = &api.vitals;
    let (stage, (id, name)) = (vitals.stage(), vitals.name());
    let Card { fault, sessions, deliveries, .. } = card(vitals);
    let own = Node {
        id,
        name,
        is_self: true,
        state: if stage == Stage::Ready && fault.is_some() { "cut_off" } else { word(stage) },
        since_ms: Some(vitals.in_stage_for().as_millis() as u64).filter(|_| fault.is_none()),
        fault,
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        sessions,
        deliveries,
    };
    std::iter::once(own).chain(vitals.peers().all().into_iter().map(Node::of)).collect()
}

impl Node {
    /// What a node told last is no news of one that has gone.
    fn of(peer: Peer) -> Self {
        let since_ms = Some(peer.since.elapsed().as_millis() as u64);
        let told = peer.card.clone();
        let name = told.as_ref().map_or_else(|| peer.id.clone(), |card| card.name.clone());
        let card = told.filter(|_| peer.is_alive).unwrap_or_default();
        let state = match (peer.is_alive, card.is_draining, &card.fault) {
            (false, _, _) => "gone",
            (true, true, _) => "draining",
            (true, false, Some(_)) => "cut_off",
            (true, false, None) => "ready",
        };
        let Card { fault, version, sessions, deliveries, .. } = card;
        let version = Some(version).filter(|version| !version.is_empty());
        Self { id: peer.id, name, is_self: false, state, since_ms, fault, version, sessions, deliveries }
    }
}

/// What this node has to say of itself.
fn card(vitals: &Vitals) -> Card {
    let latest = |column| vitals.recent().latest(column).map(|value| value as u64);
    Card {
        name: vitals.name().1,
        is_draining: vitals.stage() == Stage::Draining,
        fault: vitals.fault(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sessions: latest("sessions"),
        deliveries: latest("deliveries"),
    }
}

/// Tells other nodes how this one is, and takes what they have told. Without others it asks nobody.
pub(crate) async fn exchange_cards(api: &Api) {
    if !api.vitals.peers().has_any() {
        return;
    }
    let card = serde_json::to_string(&card(&api.vitals)).expect("what a node says is text");
    // It is tried again soon.
    let Ok(Report::Cards(cards)) = api.ask(ShardId(0), Instruction::ExchangeCards(card.into())).await else {
        return;
    };
    for (node, card) in cards {
        if let Ok(card) = serde_json::from_str::<Card>(&card) {
            api.vitals.peers().note_card(&format!("{:08x}", node.0), card, Instant::now());
        }
    }
}

//! The last five minutes of the node, and how it and its neighbours are: what the dashboard is drawn from.

use serde::Serialize;

use super::Api;
use super::answer::{Answer, Outcome};
use super::asked::Asked;
use super::node::word;
use super::problem::Problem;
use crate::peers::Peer;
use crate::vitals::Stage;

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
    version: Option<&'static str>,
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
    let mut text = format!("{{\"node\":{node},\"nodes\":{nodes},");
    api.vitals.recent().write(since, &mut text);
    text.push('}');
    Ok(Answer { status: 200, body: text.into_bytes() })
}

fn own(api: &Api) -> Own {
    Own {
        id: api.vitals.name(),
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
    let (fault, stage, name) = (vitals.fault(), vitals.stage(), vitals.name());
    let latest = |column| vitals.recent().latest(column).map(|value| value as u64);
    let own = Node {
        id: name.clone(),
        name,
        is_self: true,
        state: if stage == Stage::Ready && fault.is_some() { "cut_off" } else { word(stage) },
        since_ms: Some(vitals.in_stage_for().as_millis() as u64).filter(|_| fault.is_none()),
        fault,
        version: Some(env!("CARGO_PKG_VERSION")),
        sessions: latest("sessions"),
        deliveries: latest("deliveries"),
    };
    std::iter::once(own).chain(vitals.peers().into_iter().map(Node::of)).collect()
}

impl Node {
    fn of(peer: Peer) -> Self {
        Self {
            id: peer.id.clone(),
            name: peer.id,
            is_self: false,
            state: if peer.is_alive { "ready" } else { "gone" },
            since_ms: Some(peer.since.elapsed().as_millis() as u64),
            fault: None,
            version: None,
            sessions: None,
            deliveries: None,
        }
    }
}

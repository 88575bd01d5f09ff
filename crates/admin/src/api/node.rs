//! Operations about the node, and about who asks.

use serde::Serialize;

use super::Api;
use super::answer::{Answer, List, Outcome};
use super::asked::Asked;
use super::cursor;
use crate::metric::{self, Metric};
use crate::vitals::Stage;

/// Who asks.
#[derive(Serialize)]
struct Me {
    key: Option<String>,
    scopes: Vec<&'static str>,
}

/// How the node is.
#[derive(Serialize)]
struct Node {
    version: &'static str,
    stage: &'static str,
    fault: Option<String>,
    shards: u16,
    nodes: u64,
    streams: u64,
    sessions: u64,
    rooms: u64,
    queued_bytes: u64,
    uptime_ms: u64,
}

/// How far the node has come with taking its leave.
#[derive(Serialize)]
struct Leave {
    stage: &'static str,
    sessions: u64,
    streams: u64,
    drained: bool,
}

pub(super) async fn me(asked: Asked) -> Outcome {
    Answer::ok(&Me { scopes: asked.grant.scopes.words(), key: asked.grant.key })
}

pub(super) async fn describe(asked: Asked) -> Outcome {
    let Asked { api, .. } = asked;
    let of_cluster = api.vitals.cluster().samples;
    let nodes = of_cluster.iter().find(|sample| *sample.metric == metric::NODES);
    Answer::ok(&Node {
        version: env!("CARGO_PKG_VERSION"),
        stage: word(api.vitals.stage()),
        fault: api.vitals.fault(),
        shards: api.shard_count().unwrap_or(0),
        nodes: nodes.map_or(1, |sample| sample.value.max(1)),
        streams: api.total(&metric::STREAMS),
        sessions: api.total(&metric::SESSIONS),
        rooms: api.total(&metric::ROOMS),
        queued_bytes: api.total(&metric::QUEUED_BYTES),
        uptime_ms: api.started.elapsed().as_millis() as u64,
    })
}

pub(super) async fn drain(asked: Asked) -> Outcome {
    asked.api.drain.notify_one();
    Answer::of(202, &Leave { stage: word(Stage::Draining), ..asked.api.leave() })
}

pub(super) async fn progress(asked: Asked) -> Outcome {
    Answer::ok(&asked.api.leave())
}

pub(super) async fn audit(asked: Asked) -> Outcome {
    let before = match asked.parameter("cursor")? {
        Some(cursor) => Some(cursor::read(&cursor)?.parse().map_err(|_| cursor::bad())?),
        None => None,
    };
    let (items, next) = asked.api.audit().page(before, asked.limit()?);
    Answer::ok(&List { items, next: next.map(|next| cursor::write(&next.to_string())) })
}

impl Api {
    fn leave(&self) -> Leave {
        let (sessions, streams) = (self.total(&metric::SESSIONS), self.total(&metric::STREAMS));
        let stage = self.vitals.stage();
        let drained = stage == Stage::Draining && sessions == 0 && streams == 0;
        Leave { stage: word(stage), sessions, streams, drained }
    }

    /// The sum over all shards, as they have told last.
    fn total(&self, metric: &Metric) -> u64 {
        let samples = self.vitals.samples();
        samples.iter().flatten().filter(|sample| sample.metric == metric).map(|sample| sample.value).sum()
    }
}

pub(super) fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::Starting => "starting",
        Stage::Ready => "ready",
        Stage::Draining => "draining",
    }
}

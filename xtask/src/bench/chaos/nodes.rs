//! The nodes, which are killed, stopped and started again where they were.

use std::path::{Path, PathBuf};

use crate::cluster::node::Node;
use crate::cluster::running::Running;
use crate::program::Program;
use crate::step::{Failure, Outcome};

/// What they are told beside where they are.
const SETTINGS: &[(&str, &str)] = &[("HEIMDALLR_REDIS_WAIT_REPLICAS", "1")];

pub(super) struct Nodes {
    server: PathBuf,
    redis: String,
    folder: PathBuf,
    places: Vec<Node>,
    /// By place; `None`: killed.
    running: Vec<Option<Running>>,
    starts: usize,
}

impl Nodes {
    /// Starts so many and waits until they take clients.
    pub(super) fn start(count: usize, server: &Path, redis: String, folder: &Path) -> Result<Self, Failure> {
        let places = (0..count).map(|_| Node::on_free_ports()).collect::<Result<_, _>>()?;
        let (server, folder) = (server.to_owned(), folder.to_owned());
        let running = (0..count).map(|_| None).collect();
        let mut nodes = Self { server, redis, folder, places, running, starts: 0 };
        for node in 0..count {
            nodes.start_again(node)?;
        }
        nodes.places.iter().try_for_each(Node::await_ready)?;
        Ok(nodes)
    }

    /// Where they are, for a balancer.
    pub(super) fn places(&self) -> &[Node] {
        &self.places
    }

    /// Starts a node and waits until it accepts.
    pub(super) fn start_again(&mut self, node: usize) -> Outcome {
        self.starts += 1;
        let log = self.folder.join(format!("node{}-{}.log", node + 1, self.starts));
        let place = &self.places[node];
        let program = place.serve(Program::new(&self.server), Some(&self.redis));
        let program = SETTINGS.iter().fold(program, |program, (key, value)| program.env(key, value));
        let running = self.running[node].insert(Running::start(program, place.port, &log)?);
        running.await_accepting()
    }

    /// Waits until a node takes clients.
    pub(super) fn await_ready(&self, node: usize) -> Outcome {
        self.places[node].await_ready()
    }

    pub(super) fn kill(&mut self, node: usize) -> Outcome {
        self.running[node].take().map_or(Ok(()), |mut running| running.kill())
    }

    /// Asks a node to stop, and waits until it has taken its leave.
    pub(super) fn drain(&mut self, node: usize) {
        if let Some(mut running) = self.running[node].take() {
            running.ask_to_end();
            running.end();
        }
    }
}

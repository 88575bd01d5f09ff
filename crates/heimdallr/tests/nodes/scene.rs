//! A Redis and two nodes of one test.

use std::net::SocketAddr;

use crate::programs::{Redis, Server, heimdallr, until};

/// What is started for one test.
pub(crate) struct Scene {
    nodes: Vec<Server>,
    redis: Redis,
}

impl Scene {
    /// Starts nodes with these keys, and waits until they know of each other.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let redis = Redis::start();
        let settings = [&[("redis", redis.url.as_str())], settings].concat();
        let nodes = (0..2).map(|_| Server::start(heimdallr(), &settings)).collect();
        let scene = Self { nodes, redis };
        for node in 0..2 {
            until("the nodes know of each other", || scene.count(node, "heimdallr_nodes") == 2);
        }
        scene
    }

    /// Where clients of a node connect.
    pub(crate) fn addresses(&self) -> [SocketAddr; 2] {
        [0, 1].map(|node| self.nodes[node].address)
    }

    /// A node is gone from one moment to the next.
    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node].kill();
    }

    pub(crate) fn restart_redis(&mut self) {
        self.redis.restart();
    }

    /// What a node says of itself.
    pub(crate) fn count(&self, node: usize, metric: &str) -> u64 {
        self.nodes[node].count(metric)
    }
}

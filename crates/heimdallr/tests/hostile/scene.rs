//! A server with its neighbours, on which something is then let loose.

use std::net::SocketAddr;
use std::process::Command;

use crate::counts::Counts;
use crate::neighbours::Neighbours;
use crate::peer::Peer;
use crate::programs::{Server, find, heimdallr, holds_soon};

pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) neighbours: Neighbours,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::through(heimdallr(), settings)
    }

    /// Rooms are let go soon after they are empty, so that one that is kept is seen.
    pub(crate) fn through(command: Command, settings: &[(&str, &str)]) -> Self {
        let server = Server::start(command, &[&[("room_idle_seconds", "1")], settings].concat());
        let neighbours = Neighbours::move_in(server.address);
        Self { server, neighbours }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// A stream that has said nothing yet.
    pub(crate) fn stranger(&self) -> Peer {
        Peer::connect(self.address())
    }

    pub(crate) fn member(&self, room: &str) -> Peer {
        Peer::member(self.address(), room)
    }

    /// Waits until a count is as it should be.
    pub(crate) fn await_count(&self, name: &str, is_right: impl Fn(f64) -> bool) -> f64 {
        let look = || self.server.counts().map(|counts| counts.of(name)).filter(|count| is_right(*count));
        find(&format!("{name} is right"), look)
    }

    /// Waits until the server has counted these troubles and no others, and until only the neighbours are left of all that it held.
    pub(crate) fn end(self, troubles: &[(&str, u64)]) {
        let expected = troubles.iter().copied().collect();
        let mut last = Counts::default();
        let is_right = holds_soon(|| {
            self.server.counts().is_some_and(|counts| {
                last = counts;
                last.troubles() == expected && is_as_before(&last)
            })
        });
        assert!(is_right, "{expected:?} expected of {last:?}");
        self.neighbours.part();
    }
}

/// Nobody but the neighbours, and nothing that waits.
fn is_as_before(counts: &Counts) -> bool {
    let held = [("streams", 2.0), ("sessions", 2.0), ("rooms", 1.0), ("queued_bytes", 0.0)];
    held.iter().all(|(name, value)| counts.of(name) == *value)
}

//! What a shard has counted since it was started, and what it holds now.

use chat::{Farewell, Refusal};

/// One count: a name, a label where the name has several, and the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// What is counted.
    pub name: &'static str,
    /// Which of them; empty where there is only one.
    pub label: &'static str,
    /// How many.
    pub value: u64,
}

/// What a shard has counted since it was started. Plain numbers: only the shard writes them.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub(crate) streams_opened: u64,
    pub(crate) sessions_opened: u64,
    pub(crate) requests: u64,
    pub(crate) posts: u64,
    pub(crate) deliveries: u64,
    pub(crate) writes: u64,
    pub(crate) stalls: u64,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
    pub(crate) frames_dropped: u64,
    pub(crate) streams_cut: u64,
    refusals: [u64; Refusal::ALL.len()],
    farewells: [u64; Farewell::ALL.len()],
    bad_requests: u64,
}

impl Tally {
    pub(crate) fn refused(&mut self, refusal: Refusal) {
        if let Some(index) = Refusal::ALL.iter().position(|other| *other == refusal) {
            self.refusals[index] += 1;
        }
    }

    pub(crate) fn parted(&mut self, farewell: Farewell) {
        if let Some(index) = Farewell::ALL.iter().position(|other| other.code() == farewell.code()) {
            self.farewells[index] += 1;
        }
    }

    pub(crate) fn bad_request(&mut self) {
        self.bad_requests += 1;
    }

    /// The counters, by name and label. They only ever grow.
    pub fn counters(&self) -> Vec<Count> {
        let one = |name, value| Count { name, label: "", value };
        let mut counts = vec![
            one("streams_opened", self.streams_opened),
            one("sessions_opened", self.sessions_opened),
            one("requests", self.requests),
            one("bad_requests", self.bad_requests),
            one("posts", self.posts),
            one("deliveries", self.deliveries),
            one("writes", self.writes),
            one("stalls", self.stalls),
            one("bytes_in", self.bytes_in),
            one("bytes_out", self.bytes_out),
            one("frames_dropped", self.frames_dropped),
            one("streams_cut", self.streams_cut),
        ];
        let refusals = Refusal::ALL.iter().zip(self.refusals);
        counts.extend(refusals.map(|(refusal, value)| Count {
            name: "refusals",
            label: refusal.code(),
            value,
        }));
        let farewells = Farewell::ALL.iter().zip(self.farewells);
        counts.extend(farewells.map(|(farewell, value)| Count {
            name: "farewells",
            label: farewell.reason(),
            value,
        }));
        counts
    }
}

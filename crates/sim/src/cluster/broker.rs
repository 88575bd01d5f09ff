//! The broker of a pretend cluster: a model in memory, a replica that is a little behind, and what becomes of them.

use backplanes::Settings;
use backplanes::brokered::{Model, Publication, Reply, Request};

use super::fault::Memory;
use crate::random::Random;

/// After how many of a thousand requests the replica is as far as the broker.
const REPLICATIONS: u32 = 60;

/// The broker.
pub(super) struct Broker {
    settings: Settings,
    model: Model,
    /// What a replica has, or what is on the disk.
    replica: Model,
    /// How often it has begun a life.
    runs: u32,
    /// Until then it cannot be reached.
    back_ms: u64,
}

impl Broker {
    pub(super) fn new(settings: Settings) -> Self {
        let model = Model::new("run-1", &settings);
        Self { settings, replica: model.clone(), model, runs: 1, back_ms: 0 }
    }

    /// Its life, by which nodes know it; `None`: it cannot be reached.
    pub(super) fn run(&self, now_ms: u64) -> Option<String> {
        (now_ms >= self.back_ms).then(|| self.model.run.clone())
    }

    pub(super) fn carry_out(
        &mut self,
        node: backplanes::NodeId,
        request: Request,
        now_ms: u64,
        random: &mut Random,
    ) -> (Option<Reply>, Vec<Publication>) {
        let mut published = Vec::new();
        let reply = self.model.carry_out(node, request, now_ms, &mut published);
        if random.chance(REPLICATIONS) {
            self.replica = self.model.clone();
        }
        (reply, published)
    }

    /// It can be reached from here on.
    pub(super) fn be_back(&mut self, now_ms: u64) {
        self.back_ms = self.back_ms.min(now_ms);
    }

    /// It ends, and another life begins with what is remembered.
    pub(super) fn restart(&mut self, memory: Memory, back_ms: u64) {
        self.runs += 1;
        self.back_ms = back_ms;
        let run = format!("run-{}", self.runs);
        self.model = match memory {
            Memory::All => self.model.clone(),
            Memory::Some => self.replica.clone(),
            Memory::None => Model::new(&run, &self.settings),
        };
        self.model.run = run;
        self.replica = self.model.clone();
    }
}

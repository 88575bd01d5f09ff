//! The broker of a pretend cluster: a model in memory, a replica that is a little behind, and what becomes of them.

use backplanes::brokered::{Model, Publication, Reply, Request};
use backplanes::{NodeId, Settings};

use super::fault::Memory;
use crate::random::Random;

/// After how many of a thousand requests the replica is as far as the broker.
const REPLICATIONS: u32 = 60;
/// How often, of a thousand times, a node that reaches a broker which has been replaced is told of the new one.
const TOLD: u32 = 300;

/// A life of a broker. They are told apart by their numbers, which ascend.
pub(super) type Run = u32;

/// The broker.
pub(super) struct Broker {
    settings: Settings,
    master: Master,
    /// What a replica has, or what is on the disk.
    replica: Model,
    /// Until then nothing reaches the replica.
    lags_until_ms: u64,
    former: Option<Former>,
    /// Until then it cannot be reached.
    back_ms: u64,
}

struct Master {
    run: Run,
    model: Model,
}

/// One in whose place a replica is, and that does not know: it goes on accepting.
struct Former {
    master: Master,
    /// From there it is reached.
    site: usize,
    until_ms: u64,
}

impl Broker {
    pub(super) fn new(settings: Settings) -> Self {
        let master = Master { run: 1, model: Model::new(&name(1), &settings) };
        Self { settings, replica: master.model.clone(), master, lags_until_ms: 0, former: None, back_ms: 0 }
    }

    /// The one that a node at a site finds; `None`: it finds none.
    pub(super) fn find(&self, site: usize, now_ms: u64, random: &mut Random) -> Option<Run> {
        let former = self.former.as_ref().filter(|former| former.site == site);
        if let Some(former) = former.filter(|_| !random.chance(TOLD)) {
            return Some(former.master.run);
        }
        (now_ms >= self.back_ms).then_some(self.master.run)
    }

    /// Whether there is one, and no other, it can be reached, and reaches its replica.
    pub(super) fn is_whole(&self, now_ms: u64) -> bool {
        self.former.is_none() && now_ms >= self.back_ms.max(self.lags_until_ms)
    }

    /// The one that nodes are to be with.
    pub(super) fn run(&self) -> Run {
        self.master.run
    }

    pub(super) fn model(&self) -> &Model {
        &self.master.model
    }

    /// Carries out a request on the one that the line leads to.
    pub(super) fn carry_out(
        &mut self,
        run: Run,
        node: NodeId,
        request: Request,
        now_ms: u64,
        random: &mut Random,
    ) -> (Option<Reply>, Vec<Publication>) {
        let mut published = Vec::new();
        let is_post = matches!(request, Request::Post(_));
        let is_master = run == self.master.run;
        let Some(model) = self.reached(run) else { return (None, published) };
        let reply = model.carry_out(node, request, now_ms, &mut published);
        let waits = is_post && self.settings.wait_replicas > 0;
        let is_replicated = is_master && now_ms >= self.lags_until_ms;
        if is_replicated && (waits || random.chance(REPLICATIONS)) {
            self.replica = self.master.model.clone();
        }
        let reply = reply.map(|reply| match reply {
            Reply::Placed { .. } if waits && !is_replicated => Reply::Unreplicated,
            reply => reply,
        });
        (reply, published)
    }

    fn reached(&mut self, run: Run) -> Option<&mut Model> {
        let former = self.former.iter_mut().map(|former| &mut former.master);
        let all = former.chain([&mut self.master]);
        all.into_iter().find(|master| master.run == run).map(|master| &mut master.model)
    }

    /// It can be reached from here on, and the replica is told again.
    pub(super) fn be_back(&mut self, now_ms: u64) {
        self.back_ms = self.back_ms.min(now_ms);
        self.lags_until_ms = self.lags_until_ms.min(now_ms);
    }

    /// Nothing reaches the replica.
    pub(super) fn lag(&mut self, until_ms: u64) {
        self.lags_until_ms = until_ms;
    }

    /// It ends, and another life begins with what is remembered.
    pub(super) fn restart(&mut self, memory: Memory, back_ms: u64) {
        self.back_ms = back_ms;
        let model = match memory {
            Memory::All => self.master.model.clone(),
            Memory::Some => self.replica.clone(),
            Memory::None => Model::new("", &self.settings),
        };
        self.succeed(model);
    }

    /// A replica takes its place, which it does not know: from one site it is still reached, and goes on.
    pub(super) fn split(&mut self, site: usize, until_ms: u64) {
        let former = self.succeed(self.replica.clone());
        self.former = Some(Former { master: former, site, until_ms });
    }

    fn succeed(&mut self, mut model: Model) -> Master {
        let run = self.master.run + 1;
        model.run = name(run);
        self.replica = model.clone();
        std::mem::replace(&mut self.master, Master { run, model })
    }

    /// The one that has been replaced finds out, and what it has accepted since is gone. Says which that was.
    pub(super) fn demote(&mut self, now_ms: u64) -> Option<Run> {
        let former = self.former.take_if(|former| former.until_ms <= now_ms)?;
        Some(former.master.run)
    }
}

/// How nodes know it.
pub(super) fn name(run: Run) -> String {
    format!("run-{run}")
}

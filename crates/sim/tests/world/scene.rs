//! A scene for tests that say themselves what happens: calm weather, and the ledger's word on it.

use chat::{Body, Command, Position, RoomId, RoomName, UserId};
use shard::Settings;
use sim::{
    Actor, Allowance, Climate, Cluster, Fault, Layout, Ledger, Mark, Node, Perils, Random, Rules, Stage,
    Weather, World,
};

pub(crate) fn room(name: &str) -> RoomName {
    RoomName::new(name).expect("a valid name")
}

pub(crate) fn lobby() -> RoomId {
    RoomId::public(room("lobby"))
}

/// A calm stage: what is sent arrives whole when the node takes its turns, and not before.
pub(crate) struct Scene(pub(crate) Stage);

const RULES: Rules =
    Rules { may_be_full: true, is_durable: false, resumes_within: 0, flood: 30, allowance: Allowance::ANY };

/// Nodes with nothing particular between them.
pub(crate) fn layout(sites: usize) -> Layout {
    Layout {
        sites,
        climate: Climate::CALM,
        history_messages: 100,
        tags_per_room: 100,
        wait_replicas: 0,
        outage_rules: Vec::new(),
        perils: Perils::default(),
    }
}

impl Scene {
    pub(crate) fn new(settings: &Settings, shards: u16, actors: Vec<Actor>) -> Self {
        Self::of(Node::new(settings, shards, Weather::CALM, 7).into(), Ledger::new(RULES), actors)
    }

    /// One on a node that bounds what sessions may ask for, where the ledger believes in another bound.
    pub(crate) fn bounded(kept: Allowance, believed: Allowance, actors: Vec<Actor>) -> Self {
        let settings = Settings { limits: kept.limits(), ..sim::scenario::settings() };
        let ledger = Ledger::new(Rules { allowance: believed, ..RULES });
        Self::of(Node::new(&settings, 1, Weather::CALM, 7).into(), ledger, actors)
    }

    /// One in a cluster of nodes with one shard each, to which everybody comes in turn.
    pub(crate) fn in_cluster(layout: &Layout, settings: &Settings, actors: Vec<Actor>) -> Self {
        let cluster = Cluster::new(layout.clone(), settings, 1, Weather::CALM, 7);
        Self::of(World::with(cluster), Ledger::of_cluster(RULES, layout), actors)
    }

    fn of(node: World, ledger: Ledger, actors: Vec<Actor>) -> Self {
        Self(Stage {
            node,
            actors,
            ledger,
            intruders: Vec::new(),
            random: Random::new(7),
            piece_bytes: 1 << 20,
        })
    }

    /// Everybody connects to a shard, one after the other.
    pub(crate) fn connected(mut self) -> Self {
        for who in 0..self.0.actors.len() {
            self.connect(who);
        }
        self
    }

    pub(crate) fn connect(&mut self, who: usize) {
        self.connect_to(who, who % self.0.node.shards());
    }

    pub(crate) fn connect_to(&mut self, who: usize, shard: usize) {
        self.0.actors[who].connect(shard, &mut self.0.node, &mut self.0.ledger, who as u64);
        self.0.settle();
    }

    pub(crate) fn join(&mut self, who: usize, room: &RoomId) {
        self.0.actors[who].join(room, &mut self.0.node, &mut self.0.ledger);
    }

    pub(crate) fn leave(&mut self, who: usize, room: &RoomId) {
        self.0.actors[who].leave(room, &mut self.0.node, &mut self.0.ledger);
    }

    pub(crate) fn post(&mut self, who: usize, room: &RoomId, mark: u32, bytes: usize) {
        let text = format!("{}{}", Mark(mark).words(), "x".repeat(bytes));
        let tag = self.0.actors[who].tag();
        let post =
            Command::Post { room: room.clone(), author: None, body: Body::text(&text), tag, reply: true };
        assert!(self.0.actors[who].post(post, &mut self.0.node, &mut self.0.ledger), "it can be posted");
    }

    pub(crate) fn set_reading(&mut self, who: usize, is_reading: bool) {
        self.0.actors[who].set_reading(is_reading, &mut self.0.ledger);
    }

    pub(crate) fn cut(&mut self, who: usize) {
        self.0.actors[who].cut(&mut self.0.node, &mut self.0.ledger);
    }

    pub(crate) fn close(&mut self, who: usize) {
        self.0.actors[who].close(&mut self.0.node, &mut self.0.ledger);
    }

    pub(crate) fn befall(&mut self, fault: Fault) {
        self.0.befall(fault);
    }

    /// Time passes in a cluster until nothing stands between its nodes any more, and all is right.
    pub(crate) fn settle_cluster(&mut self, ms: u64) {
        self.0.wait(ms);
        assert!(self.0.node.is_whole(), "the nodes find back to the broker");
        let Stage { node, ledger, .. } = &mut self.0;
        ledger.check_standing(|room| node.standing(room), node.now().wall);
        self.settle();
    }

    /// All is quiet, and right.
    pub(crate) fn settle(&mut self) {
        self.0.settle();
        self.0.ledger.settle();
        assert_eq!(self.0.ledger.take_complaints(), [""; 0]);
        assert_eq!(self.0.node.take_faults(), [""; 0]);
    }

    /// Presence has had its time, and is right too.
    pub(crate) fn settle_presence(&mut self) {
        self.0.wait(3000);
        self.0.ledger.check_presence();
        self.settle();
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.0.node.queued_bytes()
    }

    pub(crate) fn place(&self, who: usize) -> Option<Position> {
        self.0.actors[who].place(&lobby())
    }
}

pub(crate) fn rich(name: &str) -> Actor {
    Actor::new(name, "v1", UserId::new(name).ok(), room("lobby"), false)
}

pub(crate) fn guest(name: &str) -> Actor {
    Actor::new(name, "v1", None, room("lobby"), false)
}

pub(crate) fn plain(name: &str) -> Actor {
    Actor::new(name, "raw", None, room("lobby"), false)
}

pub(crate) fn crowd(size: usize) -> Vec<Actor> {
    (0..size).map(|number| plain(&format!("plain-{number}"))).collect()
}

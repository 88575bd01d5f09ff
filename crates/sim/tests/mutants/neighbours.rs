//! Those who mean well: in a room of their own, each through a gateway of its own, talking as if nothing were going on.

use chat::{Body, Command, RoomId, RoomName, UserId};
use shard::Settings;
use sim::scenario::settings;
use sim::{Actor, Allowance, Ledger, Mark, Node, Random, Rules, Stage, Weather};

/// No transcript speaks of it.
const ROOM: &str = "a quiet corner";

pub(crate) struct Neighbours {
    pub(crate) stage: Stage,
    settings: Settings,
    said: u32,
}

impl Neighbours {
    /// Everybody comes to a node of so many shards.
    pub(crate) fn gather(shards: u16) -> Self {
        let mut settings = settings();
        (settings.room_idle_ms, settings.inbox_idle_ms) = (2000, 2000);
        let stage = Stage {
            node: Node::new(&settings, shards, Weather::CALM, 7).into(),
            actors: vec![
                actor("neighbour-1", "v1"),
                actor("neighbour-2", "socketio"),
                actor("neighbour-3", "raw"),
            ],
            ledger: Ledger::new(Rules {
                may_be_full: false,
                is_durable: false,
                resumes_within: 0,
                flood: 30,
                allowance: Allowance::ANY,
            }),
            intruders: Vec::new(),
            random: Random::new(7),
            piece_bytes: 1 << 20,
        };
        let mut neighbours = Self { stage, settings, said: 0 };
        neighbours.enter();
        neighbours
    }

    fn enter(&mut self) {
        let Stage { node, actors, ledger, .. } = &mut self.stage;
        let shards = node.shards();
        for (who, actor) in actors.iter_mut().enumerate() {
            actor.connect(who % shards, node, ledger, who as u64);
        }
        self.stage.settle();
        let Stage { node, actors, ledger, .. } = &mut self.stage;
        actors.iter_mut().for_each(|actor| actor.join(&room(), node, ledger));
        self.talk();
    }

    /// Each says something, and all of it is heard by all.
    pub(crate) fn talk(&mut self) {
        self.stage.settle();
        let Stage { node, actors, ledger, .. } = &mut self.stage;
        for actor in actors {
            self.said += 1;
            let (body, tag) = (Body::text(&Mark(self.said).words()), actor.tag());
            let author = UserId::new(&actor.name).ok().filter(|_| actor.gateway == "raw");
            let post = Command::Post { room: room(), author, body, tag, reply: true };
            assert!(actor.is_connected() && actor.post(post, node, ledger), "{} is still there", actor.name);
        }
        self.stage.settle();
        self.stage.ledger.settle();
        self.judge();
    }

    fn judge(&mut self) {
        self.stage.node.audit().for_each(drop);
        assert_eq!(self.stage.ledger.take_complaints(), [""; 0]);
        assert_eq!(self.stage.node.take_faults(), [""; 0]);
    }

    /// Time passes until whoever is still there for the node has been found out; then the neighbours leave too, and nothing is left.
    pub(crate) fn go_home(mut self) {
        self.stage.wait(4 * self.settings.ping_interval_ms);
        self.talk();
        let Stage { node, actors, ledger, .. } = &mut self.stage;
        actors.iter_mut().for_each(|actor| actor.close(node, ledger));
        self.stage.wait(self.settings.close_timeout_ms + 3 * self.settings.room_idle_ms);
        self.judge();
        assert_eq!(self.stage.node.remains(), [""; 0]);
    }
}

fn actor(name: &str, gateway: &'static str) -> Actor {
    let user = UserId::new(name).ok().filter(|_| gateway != "raw");
    Actor::new(name, gateway, user, RoomName::new(ROOM).expect("a valid name"), false)
}

fn room() -> RoomId {
    RoomId::public(RoomName::new(ROOM).expect("a valid name"))
}

//! The scripts do on a real Redis what the model does in memory: the same requests, the same replies, the same publications.

#[path = "../../../tests/contract/server.rs"]
mod server;

use std::time::Duration;

use bytes::Bytes;
use chat::{Counts, Epoch, Here, Position, RoomId, RoomName, UserId};
use futures_util::StreamExt as _;
use redis::aio::{MultiplexedConnection, PubSubStream};
use redis::{Client, Pipeline};

use self::server::Server;
use super::wording::Wording;
use crate::redis::broker::{Attend, Channel, Model, Post, Publication, Reply, Request, Tried};
use crate::redis::chance::Chance;
use crate::{NodeId, Settings};

/// How long a publication may take.
const PATIENCE: Duration = Duration::from_secs(10);
const NODES: u64 = 3;
const REQUESTS: usize = 400;

fn settings(node: NodeId) -> Settings {
    Settings {
        node,
        tags_per_room: 4,
        history_messages: 6,
        room_idle_ms: 60_000,
        inbox_idle_ms: 60_000,
        prefix: "our:".to_owned(),
        ..Settings::default()
    }
}

/// A broker both ways.
struct Pair {
    model: Model,
    wordings: Vec<Wording>,
    redis: MultiplexedConnection,
    publications: PubSubStream,
    chance: Chance,
    lives: u64,
    epochs: u64,
    /// Positions told, to ask with.
    told: Vec<Position>,
}

impl Pair {
    async fn new(url: &str, seed: u64) -> Self {
        let client = Client::open(url).expect("a URL");
        let mut redis = client.get_multiplexed_async_connection().await.expect("a connection");
        let mut publications = client.get_async_pubsub().await.expect("a connection");
        publications.psubscribe("*").await.expect("it listens");
        let wordings: Vec<_> = (0..NODES).map(|node| Wording::new(&settings(NodeId(node as u32)))).collect();
        let mut load = Pipeline::new();
        load.cmd("FLUSHALL");
        for script in wordings[0].scripts.all() {
            load.cmd("SCRIPT").arg("LOAD").arg(&script.text);
        }
        load.query_async::<Vec<redis::Value>>(&mut redis).await.expect("scripts that can be read");
        Self {
            model: Model::new("run0", &settings(NodeId(0))),
            wordings,
            redis,
            publications: publications.into_on_message(),
            chance: Chance(seed),
            lives: 0,
            epochs: 0,
            told: Vec::new(),
        }
    }

    fn room(&mut self) -> RoomId {
        match self.chance.below(4) {
            0 => RoomId::public(RoomName::new("a {b} %c").expect("a valid name")),
            1 => RoomId::inbox(UserId::new("bob").expect("a valid name")),
            2 => RoomId::everybody(),
            _ => RoomId::public(RoomName::new("lobby").expect("a valid name")),
        }
    }

    fn fresh(&mut self) -> Epoch {
        self.epochs += 1;
        Epoch(self.epochs)
    }

    fn position(&mut self) -> Option<Position> {
        let count = self.told.len() as u64;
        (count > 0).then(|| self.told[self.chance.below(count).max(count.saturating_sub(20)) as usize])
    }

    fn here(&mut self) -> Here {
        let sessions = self.chance.below(3) as u32;
        let counts = Counts { members: sessions, guests: 0 };
        Here { sessions, counts, users: (sessions == 1).then(|| UserId::new("bob").into_iter().collect()) }
    }

    fn request(&mut self) -> Request {
        let room = self.room();
        let fresh = self.fresh();
        match self.chance.below(10) {
            0..=4 => {
                let key = Bytes::from(format!("key{}", self.chance.below(12)));
                let entry = Bytes::from(format!("\0entry:{}", self.epochs));
                let tried = match self.chance.below(3) {
                    0 => Tried::At(self.position()),
                    _ => Tried::Never,
                };
                Request::Post(Post { room, entry, key, tried, fresh })
            }
            5..=6 => {
                let since = self.position();
                let here = (self.chance.below(2) == 0).then(|| self.here());
                Request::Attend(Attend { room, since, here, fresh })
            }
            7 if self.chance.below(2) == 0 => Request::Here { room, here: self.here() },
            7 => Request::Publish { channel: Channel::Node(NodeId(1)), bytes: Bytes::from_static(b"\xffhi") },
            8 => Request::Forsake { room, node: NodeId(self.chance.below(NODES) as u32) },
            _ => match self.chance.below(5) {
                0 => Request::Rooms(NodeId(self.chance.below(NODES) as u32)),
                1 => Request::Own,
                3 => Request::Resign,
                2 => Request::Bury(NodeId(self.chance.below(NODES) as u32)),
                _ => Request::Renew,
            },
        }
    }

    async fn compare(&mut self) {
        if self.chance.below(40) == 0 {
            self.begin_life();
        }
        let node = self.chance.below(NODES);
        let request = self.request();
        let mut expected = Vec::new();
        let reply = self.model.carry_out(NodeId(node as u32), request.clone(), 0, &mut expected);
        let real = self.ask(node, request.clone()).await;
        assert_eq!(real.map(sorted), reply.clone().map(sorted), "{request:?}");
        match reply {
            Some(Reply::Placed { at, .. }) => self.told.push(at),
            Some(Reply::Attended(attended)) => self.told.push(attended.head),
            _ => {}
        }
        for publication in expected {
            assert_eq!(self.heard().await, publication, "{request:?}");
        }
    }

    /// Another process, as a master or as what was a replica; or one that forgets that it was.
    fn begin_life(&mut self) {
        self.lives += 1;
        self.model.run = match (self.chance.below(3), self.model.run.strip_suffix("-history")) {
            (0, Some(process)) => process.to_owned(),
            (1, _) => format!("run{}-history", self.lives),
            _ => format!("run{}", self.lives),
        };
    }

    async fn ask(&mut self, node: u64, request: Request) -> Option<Reply> {
        let wording = &self.wordings[node as usize];
        let mut pipeline = Pipeline::new();
        let asked = wording.ask(request, &self.model.run, &mut pipeline).expect("a request for commands");
        let commands = pipeline.len();
        let answers = self.redis.send_packed_commands(&pipeline, 0, commands).await.expect("it answers");
        wording.read(asked.what, answers.into_iter().nth(asked.telling).expect("an answer"))
    }

    async fn heard(&mut self) -> Publication {
        let next = tokio::time::timeout(PATIENCE, self.publications.next()).await;
        let publication = next.expect("something is published").expect("the connection is there");
        let payload = publication.get_payload_bytes().to_vec();
        self.wordings[0].hear(publication.get_channel_name(), payload).expect("something of ours")
    }
}

/// Sets come in any order.
fn sorted(reply: Reply) -> Reply {
    match reply {
        Reply::Attended(mut attended) => {
            attended.here.sort_by_key(|(node, _)| *node);
            Reply::Attended(attended)
        }
        Reply::Alive { mut nodes, mut dead, lapsed } => {
            nodes.sort_unstable();
            dead.sort_unstable();
            Reply::Alive { nodes, dead, lapsed }
        }
        Reply::Rooms(mut rooms) => {
            rooms.sort();
            Reply::Rooms(rooms)
        }
        reply => reply,
    }
}

#[test]
fn redis_does_what_the_model_does() {
    let server = Server::start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for seed in 0..10 {
        runtime.block_on(async {
            let mut pair = Pair::new(&server.url(), seed).await;
            for _ in 0..REQUESTS {
                pair.compare().await;
            }
        });
    }
}

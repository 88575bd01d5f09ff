//! What other nodes say, in whatever order and however damaged: a shard reads it or counts it as unread, keeps within its bounds, and when time has
//! passed keeps nothing of it.

use backplanes::{BACKPLANES, NodeId};
use bytes::Bytes;
use chat::Time;
use shard::{Effects, Input, Luggage, Mail, Now, Settings, Shard, ShardId, StreamId};
use sim::scenario::settings;

use crate::words::Told;

/// The node that all of it is from.
const FROM: NodeId = NodeId(2);
/// The node that is told.
const HERE: NodeId = NodeId(1);
const TUNNELS_MAX: usize = 8;
const RECORDS_MAX: usize = 8;
/// So much is done in one turn at most.
const TURNS_MAX: usize = 1000;
/// After so long nothing is remembered.
const LONG_MS: u64 = 300_000;

/// The envelopes, each behind its length in two bytes, the higher one first; behind the last one whatever is left.
pub fn envelopes(bytes: &[u8]) {
    let mut node = Node::new();
    let mut rest = bytes;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        node.open(&after[..length]);
        rest = &after[length..];
    }
    node.end();
}

struct Node {
    shard: Shard,
    world: World,
    told: Told,
    now_ms: u64,
}

/// Clients who read everything.
#[derive(Default)]
struct World(Vec<u8>);

impl Effects for World {
    fn write(&mut self, _: StreamId, bytes: &[u8]) -> usize {
        self.0.extend_from_slice(bytes);
        bytes.len()
    }

    fn finish(&mut self, _: StreamId) {}

    fn close(&mut self, _: StreamId) {}

    fn mail(&mut self, _: ShardId, _: Mail) {
        unreachable!("there is one shard");
    }

    fn hand_over(&mut self, _: StreamId, _: ShardId, _: Luggage) {
        unreachable!("there is one shard");
    }
}

impl Node {
    /// With a session over polls and one over a WebSocket, both of which can be recovered.
    fn new() -> Self {
        let mut settings = Settings {
            node: HERE,
            recovery_ms: 10_000,
            records_max: RECORDS_MAX,
            tunnels_max: TUNNELS_MAX,
            ..settings()
        };
        settings.gateways.socketio.recovery = true;
        let (_, open) = BACKPLANES[0];
        let of_backplane =
            backplanes::Settings { node: HERE, shards: 1, tags_per_room: 8, ..Default::default() };
        let mut link = open(&of_backplane, Vec::new()).expect("it needs nothing");
        let shard = Shard::new(settings, link.end(0)());
        let mut node = Self { shard, world: World::default(), told: Told::nothing(), now_ms: 1000 };
        let upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        node.knock(0);
        node.say(0, upgrade.as_bytes());
        node.say(0, b"\x81\x82\0\0\0\x0040");
        node.knock(1);
        node.say(1, b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n");
        node.told.note(&node.world.0);
        node
    }

    fn now(&self) -> Now {
        Now { monotonic_ms: self.now_ms, wall: Time(1_700_000_000_000 + self.now_ms) }
    }

    fn knock(&mut self, slot: u32) {
        self.take(Input::Knock(StreamId { slot, generation: 1 }, [192, 0, 2, 1].into()));
    }

    fn say(&mut self, slot: u32, bytes: &[u8]) {
        self.take(Input::Bytes(StreamId { slot, generation: 1 }, &mut bytes.to_vec()));
    }

    /// Time passes a little before each.
    fn open(&mut self, envelope: &[u8]) {
        self.now_ms += 100;
        self.take(Input::Tick);
        let bytes = Bytes::from(self.told.fill(envelope));
        self.take(Input::Mail(Mail::Envelope { from: FROM, bytes }));
    }

    fn take(&mut self, input: Input<'_>) {
        let now = self.now();
        self.shard.step(input, now, &mut self.world);
        let has_rested = (0..TURNS_MAX).any(|_| !self.shard.flush(now, &mut self.world));
        assert!(has_rested, "a turn ends");
        self.shard.audit();
        let holdings = self.shard.holdings();
        assert!(holdings.tunnels <= TUNNELS_MAX && holdings.records <= RECORDS_MAX, "{holdings:?}");
    }

    /// Nobody is heard of any more.
    fn end(mut self) {
        let end_ms = self.now_ms + LONG_MS;
        while self.now_ms < end_ms {
            self.now_ms += 1000;
            self.take(Input::Tick);
        }
        let holdings = self.shard.holdings();
        assert_eq!((holdings.tunnels, holdings.sessions, holdings.records), (0, 0, 0), "{holdings:?}");
    }
}

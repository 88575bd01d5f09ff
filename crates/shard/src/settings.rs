//! What a shard may know of the configuration.

use std::sync::Arc;

use access::{Rules, Ruling};
use backplanes::NodeId;
use chat::RoomId;

use crate::{Attention, Interest, Limits, Pages, Proxies, ShardId};

/// What a shard may know of the configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which start of which node this is.
    pub node: NodeId,
    /// Which shard this is.
    pub shard: ShardId,
    /// How many there are.
    pub shards: u16,
    /// What nobody can guess names of sessions without; equal on all shards of all nodes.
    pub names_secret: [u8; 16],
    /// For the gateways.
    pub gateways: gateways::Settings,
    /// What may be done in which room, and by whom.
    pub rules: Rules,
    /// What operators had ruled before the node started.
    pub rulings: Arc<[Ruling]>,
    /// What of what happens in rooms is asked for.
    pub interest: Interest,
    /// What the store has at hand.
    pub store: stores::Settings,
    /// How far a session may fall behind, in bytes: of its own answers, and of each room.
    pub session_queue_bytes: usize,
    /// What happens to a session that falls further behind in a room: the first rule that fits, else [`SlowPolicy::Disconnect`].
    pub slow_rules: Vec<SlowRule>,
    /// How much clients may ask for, and how many may be where.
    pub limits: Limits,
    /// Rooms a session may be in.
    pub rooms_per_session: usize,
    /// Sessions a room may have.
    pub room_members_max: u32,
    /// A room of at most so many sessions is small: who begins with it is served by its home. It is large until it has fewer than half.
    pub small_room_max: u32,
    /// Rooms this shard may be home to.
    pub rooms_max: usize,
    /// Presence names who is there in rooms of up to so many sessions.
    pub presence_list_max: usize,
    /// Presence is told at most once in so many milliseconds.
    pub presence_interval_ms: u64,
    /// An empty room is let go after so many milliseconds.
    pub room_idle_ms: u64,
    /// The inbox of a user without sessions is let go after so many milliseconds.
    pub inbox_idle_ms: u64,
    /// Whom it believes who a client is.
    pub proxies: Proxies,
    /// Whose pages may ask.
    pub pages: Pages,
    /// Whether streams may be under TLS.
    pub tls: Tls,
    /// A request head may have so many bytes, of those that any may have.
    pub head_bytes_max: usize,
    /// A request head must be complete after so many milliseconds, and TLS before it.
    pub handshake_timeout_ms: u64,
    /// A stream that was closed politely is cut after so many milliseconds.
    pub close_timeout_ms: u64,
    /// A session is sent a sign of life every so many milliseconds.
    pub ping_interval_ms: u64,
    /// A session that must answer has so many milliseconds for it.
    pub ping_timeout_ms: u64,
    /// What was cut off is remembered for so many milliseconds; 0: nothing is.
    pub recovery_ms: u64,
    /// Of so much that was cut off.
    pub records_max: usize,
    /// Sessions that may be without a main stream.
    pub lingering_max: usize,
    /// Tunnels to sessions of other nodes that there may be, and as many from there.
    pub tunnels_max: usize,
    /// What is noticed for a log.
    pub attention: Attention,
    /// A node that goes away works as ever for so many milliseconds.
    pub drain_wait_ms: u64,
    /// Then it takes leave of its clients within so many.
    pub drain_ms: u64,
    /// Of so many in any second at most, over all shards; 0: of all at once.
    pub drain_sessions_per_second: u32,
    /// Clients told to reconnect without a turn come back spread over so many milliseconds.
    pub reconnect_spread_ms: u32,
}

/// Whether streams may be under TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// None may.
    #[default]
    Off,
    /// Those that begin with it are.
    Offered,
    /// All have to be.
    Required,
}

/// What happens to a session that falls too far behind in a room. It is never done silently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SlowPolicy {
    /// It is parted with, and resumes when it comes back.
    #[default]
    Disconnect,
    /// It misses the oldest of what waits for it, and is told so.
    DropOldest,
    /// It gets the latest message alone, and is told what it missed.
    LatestOnly,
}

/// Which rooms a policy holds for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowRule {
    /// A room name, or the beginning of one followed by `*`.
    pub rooms: String,
    /// The policy.
    pub policy: SlowPolicy,
}

impl Settings {
    /// The policy of a room.
    pub(crate) fn slow_policy(&self, room: &RoomId) -> SlowPolicy {
        if !room.is_public() {
            return SlowPolicy::Disconnect;
        }
        self.slow_rules
            .iter()
            .find(|rule| rule.covers(room.name()))
            .map_or_else(SlowPolicy::default, |rule| rule.policy)
    }

    /// The shard where a room has its order.
    pub(crate) fn home_of(&self, room: &RoomId) -> ShardId {
        home_of(room, self.shards)
    }
}

/// The shard, of so many, where a room has its order.
pub fn home_of(room: &RoomId, shards: u16) -> ShardId {
    ShardId((fnv1a(room) % u64::from(shards)) as u16)
}

impl SlowRule {
    fn covers(&self, name: &str) -> bool {
        match self.rooms.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == self.rooms,
        }
    }
}

/// The same on every shard, whatever it was started with.
fn fnv1a(room: &RoomId) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ room.kind() as u64;
    for byte in room.name().bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_covers_a_name_or_a_beginning() {
        let covers =
            |rooms: &str, name| SlowRule { rooms: rooms.into(), policy: SlowPolicy::DropOldest }.covers(name);
        assert!(covers("lobby", "lobby") && !covers("lobby", "lobby2"));
        assert!(covers("live-*", "live-7") && !covers("live-*", "alive-7"));
        assert!(covers("*", "anything"));
    }
}

//! What is worth a line in a log: what sessions do, as plain values. Nothing is said of what messages hold.

use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

use backplanes::NodeId;
use chat::{RoomId, UserId};

use crate::streams::Place;
use crate::{Effects, SessionKey, Shard, ShardId};

/// Something that a session has done, or that has happened to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Which one.
    pub session: SessionKey,
    /// What it was.
    pub what: Deed,
}

/// What can be noticed.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// It was opened.
    Connected {
        /// The name of its gateway.
        gateway: &'static str,
        /// Its first stream stays with it; otherwise it polls.
        has_stream: bool,
        /// Where its client is, as far as is known.
        address: IpAddr,
    },
    /// It goes by a name.
    LoggedIn(UserId),
    /// It has come to a room.
    Joined(RoomId),
    /// It has left a room.
    Left(RoomId),
    /// It has said something: in a room, to a user or to everybody.
    Said {
        /// Where.
        room: RoomId,
        /// How long it is.
        bytes: usize,
    },
    /// It is over.
    Disconnected {
        /// Why, in words that do not change.
        because: &'static str,
    },
}

/// What is noticed at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attention {
    /// Nothing.
    #[default]
    None,
    /// Who comes and goes.
    Sessions,
    /// That, and each message.
    Messages,
}

/// A text that is no session's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAKey;

/// As clients of the rich protocol know their session.
impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.node != NodeId(0) {
            write!(f, "{:x}-", self.node.0)?;
        }
        write!(f, "{}-{:x}-{:x}", self.shard.0, self.slot, self.generation)
    }
}

impl FromStr for SessionKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let hex = |text: &str| u32::from_str_radix(text, 16).map_err(|_| NotAKey);
        let parts: Vec<&str> = text.split('-').collect();
        let (node, [shard, slot, generation]) = match parts[..] {
            [node, shard, slot, generation] => (hex(node)?, [shard, slot, generation]),
            [shard, slot, generation] => (0, [shard, slot, generation]),
            _ => return Err(NotAKey),
        };
        let shard = ShardId(shard.parse().map_err(|_| NotAKey)?);
        let key = Self { node: NodeId(node), shard, slot: hex(slot)?, generation: hex(generation)? };
        // There is one way to write each.
        if key.to_string() == text { Ok(key) } else { Err(NotAKey) }
    }
}

impl Shard {
    /// Notes something of a session, if attention is paid to such.
    pub(crate) fn note(&mut self, place: Place, attention: Attention, what: impl FnOnce() -> Deed) {
        if attention <= self.settings.attention {
            let session = self.sessions.key(place);
            self.notices.push(Notice { session, what: what() });
        }
    }

    /// Says what was noted.
    pub(crate) fn tell_notices(&mut self, effects: &mut dyn Effects) {
        self.notices.drain(..).for_each(|notice| effects.note(&notice));
    }
}

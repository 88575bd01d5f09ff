//! What things are called in Redis.
//!
//! All keys of a room lie in one slot of a cluster: its name stands in braces, in which only harmless characters are left.

use std::fmt::Write as _;

use chat::{RoomId, RoomKind, RoomName, UserId};

use crate::NodeId;
use crate::redis::broker::Channel;

/// The names, each beginning as the configuration says.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The keys of a room, as the scripts take them.
    pub(super) fn of_room(&self, room: &RoomId) -> [String; 5] {
        let room = self.channel_of(room);
        ["head", "log", "keys", "older-keys", "here"].map(|part| format!("{room}:{part}"))
    }

    /// Who is in a room on which nodes.
    pub(super) fn here(&self, room: &RoomId) -> String {
        format!("{}:here", self.channel_of(room))
    }

    /// The nodes of a user, for people and other programs.
    pub(super) fn user(&self, name: &str) -> String {
        format!("{}user:{name}", self.prefix)
    }

    /// What only nodes of the cluster know.
    pub(super) fn secret(&self) -> String {
        format!("{}secret", self.prefix)
    }

    /// Until when each node is taken for alive.
    pub(super) fn nodes(&self) -> String {
        format!("{}{{nodes}}", self.prefix)
    }

    /// The rooms that a node has an audience for, in the slot of that.
    pub(super) fn rooms_of(&self, node: NodeId) -> String {
        format!("{}:{}:rooms", self.nodes(), name_of(node))
    }

    pub(super) fn channel(&self, channel: &Channel) -> String {
        match channel {
            Channel::Room(room) => self.channel_of(room),
            Channel::Node(node) => format!("{}node:{}", self.prefix, name_of(*node)),
        }
    }

    /// The channel of that name.
    pub(super) fn read_channel(&self, name: &str) -> Option<Channel> {
        let name = name.strip_prefix(&self.prefix)?;
        match name.split_once(':')? {
            ("node", node) => Some(Channel::Node(read_node(node.as_bytes())?)),
            (kind, name) => {
                let name = unescape(name.strip_prefix('{')?.strip_suffix('}')?)?;
                Some(Channel::Room(room_of(kind, &name)?))
            }
        }
    }

    /// The channel of a room, in the slot of its keys, which begin with it.
    pub(super) fn channel_of(&self, room: &RoomId) -> String {
        let mut key = format!("{}{}:{{", self.prefix, kind_of(room));
        escape(room.name(), &mut key);
        key.push('}');
        key
    }
}

/// How a room is written in the list of a node's rooms.
pub(super) fn member_of(room: &RoomId) -> String {
    format!("{}:{}", kind_of(room), room.name())
}

pub(super) fn read_member(member: &str) -> Option<RoomId> {
    let (kind, name) = member.split_once(':')?;
    room_of(kind, name)
}

/// How a node is written.
pub(super) fn name_of(node: NodeId) -> String {
    format!("{:08x}", node.0)
}

pub(super) fn read_node(name: &[u8]) -> Option<NodeId> {
    let name = std::str::from_utf8(name).ok().filter(|name| name.len() == 8)?;
    u32::from_str_radix(name, 16).ok().map(NodeId)
}

fn kind_of(room: &RoomId) -> &'static str {
    match room.kind() {
        RoomKind::Public => "room",
        RoomKind::Inbox => "inbox",
        RoomKind::Everybody => "everybody",
    }
}

fn room_of(kind: &str, name: &str) -> Option<RoomId> {
    match kind {
        "room" => RoomName::new(name).ok().map(RoomId::public),
        "inbox" => UserId::new(name).ok().map(RoomId::inbox),
        "everybody" => Some(RoomId::everybody()),
        _ => None,
    }
}

/// Writes blanks, control characters, braces and `%` as `%` and two hexadecimal digits.
fn escape(name: &str, out: &mut String) {
    for character in name.chars() {
        if character <= ' ' || matches!(character, '{' | '}' | '%' | '\x7f') {
            let _ = write!(out, "%{:02x}", u32::from(character));
        } else {
            out.push(character);
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut name = parts.next()?.to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        name.push(char::from(u8::from_str_radix(digits, 16).ok()?));
        name.push_str(rest);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_reads_back_as_it_was_written() {
        let keys = Keys::new("prod:");
        let room = |name| Channel::Room(RoomId::public(RoomName::new(name).expect("a valid name")));
        let inbox = Channel::Room(RoomId::inbox(UserId::new("дана {x}").expect("a valid name")));
        let others = [Channel::Room(RoomId::everybody()), Channel::Node(NodeId(7)), inbox];
        for channel in ["lobby", "a b", "}{%", "%7d", "a:b", "🌍\n"].map(room).into_iter().chain(others) {
            assert_eq!(keys.read_channel(&keys.channel(&channel)), Some(channel));
        }
    }

    #[test]
    fn no_name_leaves_its_braces() {
        let keys = Keys::new("");
        let room = RoomId::public(RoomName::new("}a{b").expect("a valid name"));
        assert_eq!(keys.here(&room), "room:{%7da%7bb}:here");
    }

    #[test]
    fn what_is_no_channel_of_ours_is_not_read() {
        let keys = Keys::new("prod:");
        for name in [
            "room:{a}",
            "prod:room:a",
            "prod:room:{a",
            "prod:room:{%4}",
            "prod:node:1",
            "prod:",
            "prod:cat:{a}",
        ] {
            assert_eq!(keys.read_channel(name), None, "{name}");
        }
    }
}

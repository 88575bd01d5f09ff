//! What the bridge makes of what it hears, from the shards here and from the servers beside: a pure machine.

mod biddings;
mod hearing;
#[cfg(test)]
mod tests;

use backplanes::Signal;
use chat::{Content, RoomId};
use gateways::{Namespace, Namespaces, beside};
use hashbrown::HashMap;
use wire::socketio::Limits;
use wire::socketio::adapter::{Broadcast, Circle, Dialect, Said, Selection};

use self::biddings::Awaited;
use crate::Settings;
use crate::between::{Down, Up};
use crate::marks::Marks;

/// How names of our nodes begin among the others.
const OURS: &str = "heimdallr-";
/// Attachments of an event.
const ATTACHMENTS_MAX: usize = 16;
/// What a letter has besides the event.
const ENVELOPE_MAX: usize = 16 << 10;

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Act {
    /// A shard is to be told.
    Tell(u16, Down),
    /// Others are to be told.
    Publish(String, Vec<u8>),
    /// The marks of our nodes are to be published on.
    Mark(String, String),
    /// A room's channel is to be listened to.
    Listen(String),
    /// And not any more.
    Ignore(String),
}

/// The machine.
pub(crate) struct Bridge {
    name: String,
    names: Namespaces,
    /// One for each namespace.
    circles: Vec<(Namespace, Circle)>,
    channel_of_marks: String,
    message: String,
    all: String,
    relay: Vec<String>,
    limits: Limits,
    shards: u16,
    /// Where the homes of rooms are.
    homes: HashMap<RoomId, u16>,
    marks: Marks,
    given: u64,
    wants_mark: bool,
    tickets: u64,
    awaited: HashMap<u64, Awaited>,
}

impl Bridge {
    pub(crate) fn new(settings: &Settings) -> Self {
        let names = Namespaces::new(settings.namespaces.iter().map(String::as_str));
        let name = format!("{OURS}{:08x}", settings.node);
        let (dialect, prefix) = (settings.dialect, &*settings.prefix);
        let circle = |namespace| (namespace, Circle::new(dialect, prefix, names.name(namespace), &name));
        let circles = names.iter().map(circle).collect();
        Self {
            channel_of_marks: format!("{prefix}-marks#"),
            circles,
            names,
            name,
            message: settings.message.clone(),
            all: settings.all.clone(),
            relay: settings.relay.clone(),
            limits: Limits {
                max_attachments: ATTACHMENTS_MAX,
                max_bytes: settings.max_message_bytes.saturating_add(ENVELOPE_MAX),
            },
            shards: settings.shards,
            homes: HashMap::new(),
            marks: Marks::default(),
            given: 0,
            wants_mark: false,
            tickets: 0,
            awaited: HashMap::new(),
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.circles[0].1.dialect()
    }

    /// Nothing was heard before now: the patterns, the plain channels and the channels of the circles that are to be listened to.
    pub(crate) fn listens(&mut self) -> (Vec<String>, Vec<String>, Vec<String>) {
        self.marks.lose();
        self.wants_mark = true;
        let circles = || self.circles.iter().map(|(_, circle)| circle);
        let always = circles().flat_map(Circle::channels);
        let rooms = self.homes.keys().filter_map(|room| self.channel_of(room));
        let patterns = circles().filter_map(Circle::pattern).collect();
        (patterns, vec![self.channel_of_marks.clone()], always.chain(rooms).collect())
    }

    /// A channel, or all that fit a pattern, is listened to from here on.
    pub(crate) fn listening(&mut self, channel: Option<&str>) {
        match channel {
            Some(channel) => self.marks.listen(channel),
            None => self.marks.lose(),
        }
        self.wants_mark = true;
    }

    /// Publishes a mark: when it is time for one, or when one is wanted.
    pub(crate) fn mark(&mut self, is_time: bool, acts: &mut Vec<Act>) {
        if is_time || std::mem::take(&mut self.wants_mark) {
            self.given += 1;
            let mark = format!("{}-{}", self.name, self.given);
            acts.push(Act::Mark(self.channel_of_marks.clone(), mark));
        }
    }

    /// Takes what a shard says.
    pub(crate) fn take(&mut self, up: Up, acts: &mut Vec<Act>) {
        match up {
            Up::Attended(room, shard) => {
                acts.extend(self.channel_of(&room).map(Act::Listen));
                self.homes.insert(room, shard);
            }
            Up::Forsaken(room) => {
                self.homes.remove(&room);
                acts.extend(self.channel_of(&room).map(Act::Ignore));
            }
            Up::Posted(room, author, body) => {
                let content = beside::write_message(author.as_ref(), &body);
                let name = if room.is_everybody() { self.all.clone() } else { self.message.clone() };
                self.broadcast(&room, &name, &content, acts);
            }
            Up::Signalled(room, Signal { user, signal, content }) => match content {
                Some(content) => self.broadcast(&room, signal.as_str(), &content, acts),
                None if self.relay.iter().any(|name| name == signal.as_str()) => {
                    let (_, name) = self.names.split(room.name());
                    let content = beside::write_sign(name, user.as_ref());
                    self.broadcast(&room, signal.as_str(), &content, acts);
                }
                None => {}
            },
            Up::Proclaimed(namespace, event, content) => self.proclaim(&namespace, &event, &content, acts),
            Up::Replied(ticket, reply) => self.replied(ticket, reply, acts),
        }
    }

    /// Tells others what is told to a room here.
    fn broadcast(&self, room: &RoomId, name: &str, content: &Content, acts: &mut Vec<Act>) {
        let (namespace, short) = match room.is_everybody() {
            true => (Namespace::MAIN, None),
            false => {
                let (namespace, short) = self.names.split(room.name());
                (namespace, Some(short))
            }
        };
        let Some((_, circle)) = self.circles.iter().find(|(of, _)| *of == namespace) else { return };
        let values = beside::values(content);
        let event = Broadcast {
            name: name.into(),
            arguments: values.iter().map(|value| &**value).collect(),
            to: Selection { rooms: short.map(Into::into).into_iter().collect(), except: Vec::new() },
            is_volatile: false,
            wants: None,
        };
        let (channel, bytes) = circle.write(&Said::Broadcast(event), &content.attachments);
        acts.push(Act::Publish(channel, bytes));
    }

    /// The channel that is to be listened to for a room.
    fn channel_of(&self, room: &RoomId) -> Option<String> {
        if !room.is_public() {
            return None;
        }
        let (namespace, name) = self.names.split(room.name());
        let (_, circle) = self.circles.iter().find(|(of, _)| *of == namespace)?;
        circle.channel_of_room(name)
    }
}

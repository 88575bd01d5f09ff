//! A broker in memory, for tests and the simulator: what the scripts do on Redis, in Rust.
//!
//! Knows no time of its own, no connections and no delays; whoever owns it says who hears what is published, and when. A clone is what a
//! replica has at that moment.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use chat::{Epoch, Here, Lineage, Position, RoomId, RoomKind};

use super::{Attend, Attended, Channel, Entry, Heard, LEASE_MS, Post, Reply, Request, Tried, is_one_life};
use crate::{NodeId, Settings};

/// How many rooms of a node are told at once.
const ROOMS_AT_ONCE: usize = 256;
/// How many former epochs a room remembers.
const FORMER_MAX: usize = 8;

/// Something published.
pub type Publication = (Channel, Heard);

/// A broker in memory.
#[derive(Clone, Debug)]
pub struct Model {
    /// Which life of the broker this is: another one after a restart, and on a replica that was promoted. What it finds written by another
    /// life may lack its end.
    pub run: String,
    history_messages: usize,
    tags_per_room: usize,
    room_idle_ms: u64,
    inbox_idle_ms: u64,
    rooms: BTreeMap<RoomId, Room>,
    /// Until when each node is taken for alive.
    leases: BTreeMap<NodeId, u64>,
    /// What is cleaned up if a node dies, or has died.
    noted: BTreeSet<(NodeId, RoomId)>,
}

/// A room. One that nobody attends to may be there with nothing but who is.
#[derive(Clone, Debug, Default)]
struct Room {
    head: Option<Head>,
    log: VecDeque<Entry>,
    /// Keys of posts, and where they stand; then those of the generation before.
    keys: [BTreeMap<Bytes, u64>; 2],
    here: BTreeMap<NodeId, Here>,
    /// When it is forgotten.
    ends_ms: Option<u64>,
}

#[derive(Clone, Debug)]
struct Head {
    at: Position,
    run: String,
    lineage: Lineage,
    /// All keys of messages from this offset on are remembered.
    keys_from: u64,
    /// And this is where the newer generation of them begins.
    newer_from: u64,
}

impl Model {
    /// A broker that has nothing.
    pub fn new(run: &str, settings: &Settings) -> Self {
        Self {
            run: run.to_owned(),
            history_messages: settings.history_messages,
            tags_per_room: settings.tags_per_room,
            room_idle_ms: settings.room_idle_ms,
            inbox_idle_ms: settings.inbox_idle_ms,
            rooms: BTreeMap::new(),
            leases: BTreeMap::new(),
            noted: BTreeSet::new(),
        }
    }

    /// Carries out a request of a node. Those of the listener are not its affair.
    pub fn carry_out(
        &mut self,
        node: NodeId,
        request: Request,
        now_ms: u64,
        published: &mut Vec<Publication>,
    ) -> Option<Reply> {
        self.rooms.retain(|_, room| room.ends_ms.is_none_or(|ends_ms| ends_ms > now_ms));
        Some(match request {
            Request::Listen(_) | Request::Unlisten(_) | Request::Redial(_) => return None,
            Request::Publish { channel, bytes } => {
                published.push((channel, Heard::Said { from: node, bytes }));
                return None;
            }
            Request::Post(post) => self.post(post, now_ms, published),
            Request::Attend(attend) => self.attend(node, attend, published),
            Request::Forsake { room, node } => self.forsake(room, node, now_ms, published),
            Request::Here { room, here } => self.here(node, room, here, published),
            Request::Renew => self.renew(node, now_ms),
            Request::Resign => {
                self.leases.insert(node, 0);
                Reply::Done
            }
            Request::Rooms(node) => self.rooms_of(node, ROOMS_AT_ONCE),
            Request::Own => self.rooms_of(node, usize::MAX),
            Request::Bury(node) => {
                let has_rooms = self.noted.iter().any(|(of, _)| *of == node);
                self.leases.retain(|of, until_ms| *of != node || *until_ms > now_ms || has_rooms);
                Reply::Done
            }
        })
    }

    /// How a room stands, if it is there.
    pub fn standing(&self, room: &RoomId) -> Option<(Position, Lineage)> {
        let head = self.rooms.get(room)?.head.as_ref()?;
        Some((head.at, head.lineage.clone()))
    }

    /// What is still kept besides the leases of these nodes.
    pub fn remains(&self, nodes: &[NodeId], now_ms: u64) -> Vec<String> {
        let kept = self.rooms.iter().filter(|(_, room)| room.ends_ms.is_none_or(|ends_ms| ends_ms > now_ms));
        let rooms = kept.map(|(id, room)| format!("{id:?} is kept, with {:?} there", room.here));
        let leases = self.leases.keys().filter(|node| !nodes.contains(node));
        let noted = self.noted.iter().map(|(node, room)| format!("{room:?} is noted for {node:?}"));
        rooms.chain(leases.map(|node| format!("a lease of {node:?} is kept"))).chain(noted).collect()
    }

    fn post(&mut self, post: Post, now_ms: u64, published: &mut Vec<Publication>) -> Reply {
        let (idle_ms, tags_max, history_max) =
            (self.idle_ms(&post.room), self.tags_per_room, self.history_messages);
        let run = self.run.clone();
        let is_there = self.rooms.get(&post.room).is_some_and(|room| room.head.is_some());
        if post.room.is_inbox() && !is_there {
            return Reply::NoSuchUser;
        }
        let room = self.rooms.entry(post.room.clone()).or_default();
        room.bring_up_to_date(&run, post.fresh);
        if room.here.is_empty() {
            room.ends_ms = Some(now_ms + idle_ms);
        }
        let Room { head: Some(head), log, keys, .. } = room else { return Reply::Failed };
        if let Some(&offset) = keys.iter().find_map(|generation| generation.get(&post.key)) {
            return Reply::Placed { at: Position { offset, ..head.at }, repeated: true };
        }
        if let Tried::At(then) = post.tried
            && head.keys_from > head.stood_at(then) + 1
        {
            return Reply::Undecided;
        }
        head.at.offset += 1;
        let at = head.at;
        log.push_back(Entry { offset: at.offset, entry: post.entry.clone() });
        log.drain(..log.len().saturating_sub(history_max));
        keys[0].insert(post.key, at.offset);
        if keys[0].len() >= tags_max {
            keys[1] = std::mem::take(&mut keys[0]);
            head.keys_from = head.newer_from;
            head.newer_from = at.offset + 1;
        }
        published.push((Channel::Room(post.room), Heard::Posted { at, entry: post.entry }));
        Reply::Placed { at, repeated: false }
    }

    /// What a node is about to attend to. One that is not known is taken for dead.
    fn note(&mut self, node: NodeId, room: &RoomId) {
        self.noted.insert((node, room.clone()));
        self.leases.entry(node).or_insert(0);
    }

    fn attend(&mut self, node: NodeId, attend: Attend, published: &mut Vec<Publication>) -> Reply {
        self.note(node, &attend.room);
        let run = self.run.clone();
        let room = self.rooms.entry(attend.room.clone()).or_default();
        room.bring_up_to_date(&run, attend.fresh);
        room.ends_ms = None;
        if let Some(here) = attend.here {
            room.note(node, here, &attend.room, published);
        } else {
            room.here.entry(node).or_default();
        }
        let Some(head) = &room.head else { return Reply::Failed };
        let known = attend.since.filter(|since| since.epoch == head.at.epoch).map_or(0, |since| since.offset);
        Reply::Attended(Attended {
            head: head.at,
            lineage: head.lineage.clone(),
            log: room.log.iter().filter(|entry| entry.offset > known).cloned().collect(),
            here: room
                .here
                .iter()
                .filter(|(other, _)| **other != node)
                .map(|(node, here)| (*node, here.clone()))
                .collect(),
        })
    }

    fn forsake(&mut self, id: RoomId, node: NodeId, now_ms: u64, published: &mut Vec<Publication>) -> Reply {
        let idle_ms = self.idle_ms(&id);
        self.noted.remove(&(node, id.clone()));
        let Some(room) = self.rooms.get_mut(&id) else { return Reply::Done };
        if room.here.remove(&node).is_some() {
            published.push((Channel::Room(id), Heard::Here { node, here: None }));
            if room.here.is_empty() {
                room.ends_ms = Some(now_ms + idle_ms);
            }
        }
        Reply::Done
    }

    fn here(&mut self, node: NodeId, id: RoomId, here: Here, published: &mut Vec<Publication>) -> Reply {
        if id.is_inbox() {
            self.note(node, &id);
        }
        if let Some(told) = self.rooms.get_mut(&id).and_then(|room| room.here.get_mut(&node)) {
            *told = here.clone();
            published.push((Channel::Room(id), Heard::Here { node, here: Some(here) }));
        }
        Reply::Done
    }

    fn renew(&mut self, node: NodeId, now_ms: u64) -> Reply {
        let before_ms = self.leases.insert(node, now_ms + LEASE_MS);
        let of = |alive: bool| {
            let those = self.leases.iter().filter(move |(_, until_ms)| (**until_ms > now_ms) == alive);
            those.map(|(node, _)| *node).collect()
        };
        Reply::Alive {
            nodes: of(true),
            dead: of(false),
            lapsed: before_ms.is_none_or(|until_ms| until_ms <= now_ms),
        }
    }

    fn rooms_of(&self, node: NodeId, rooms_max: usize) -> Reply {
        let those = self.noted.iter().filter(|(of, _)| *of == node);
        Reply::Rooms(those.map(|(_, room)| room.clone()).take(rooms_max).collect())
    }

    fn idle_ms(&self, room: &RoomId) -> u64 {
        if room.kind() == RoomKind::Inbox { self.inbox_idle_ms } else { self.room_idle_ms }
    }
}

impl Room {
    /// A room that is not there begins an epoch. One whose head another life of the broker wrote begins one that continues it: this life may
    /// lack messages that one had, and must not give their offsets again in the same epoch.
    fn bring_up_to_date(&mut self, run: &str, fresh: Epoch) {
        let Some(head) = &mut self.head else {
            self.log.clear();
            self.keys = Default::default();
            let at = Position { epoch: fresh, offset: 0 };
            let lineage = Lineage::default();
            self.head = Some(Head { at, run: run.to_owned(), lineage, keys_from: 1, newer_from: 1 });
            return;
        };
        if is_one_life(&head.run, run) {
            return;
        }
        let former =
            std::iter::once((head.at.epoch, head.at.offset)).chain(head.lineage.former.iter().copied());
        head.lineage = Lineage { former: former.take(FORMER_MAX).collect() };
        head.at.epoch = fresh;
        head.run = run.to_owned();
    }

    fn note(&mut self, node: NodeId, here: Here, room: &RoomId, published: &mut Vec<Publication>) {
        if self.here.get(&node) != Some(&here) {
            published.push((Channel::Room(room.clone()), Heard::Here { node, here: Some(here.clone()) }));
            self.here.insert(node, here);
        }
    }
}

impl Head {
    /// Which offset of this epoch the room had reached when it stood, or had been beyond, `then`.
    fn stood_at(&self, then: Option<Position>) -> u64 {
        let Some(then) = then else { return 0 };
        if then.epoch == self.at.epoch {
            return then.offset;
        }
        let mut kept = self.at.offset;
        for (epoch, last) in &self.lineage.former {
            kept = kept.min(*last);
            if *epoch == then.epoch {
                return then.offset.min(kept);
            }
        }
        0
    }
}

//! A backplane in memory: rooms with one order, and what nodes send each other, which a thief may take or repeat.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use backplanes::{Arrival, Ask, Backplane, NodeId, Opened, Order};
use bytes::Bytes;
use chat::{Epoch, Here, Lineage, Message, Position, RoomId};

/// A room remembers so many former epochs.
pub(crate) const FORMER_MAX: usize = 8;

/// Where an end of the backplane is.
pub(crate) type At = (NodeId, u16);

/// Says how often something sent arrives, given from whom to whom.
pub(crate) type Thief = Box<dyn FnMut(NodeId, NodeId, &[u8]) -> usize>;

/// What lies between the nodes.
#[derive(Default)]
pub(crate) struct Broker {
    arrivals: HashMap<At, VecDeque<Arrival>>,
    rooms: HashMap<RoomId, Room>,
    pub(crate) thief: Option<Thief>,
    pub(crate) slow: Option<Slow>,
    /// How this room stands is not said yet to those who ask, and to whom it will be.
    pub(crate) late: Option<(&'static str, Vec<(At, Arrival)>)>,
}

/// What one node sends another is under way for long.
pub(crate) struct Slow {
    pub(crate) from: NodeId,
    pub(crate) to: NodeId,
    pub(crate) under_way: Vec<(At, Arrival)>,
}

#[derive(Default)]
struct Room {
    /// Its first epoch.
    first: u64,
    /// The epochs that it has come through, the latest first, each with the last of its offsets that lived on.
    former: Vec<(Epoch, u64)>,
    said: Vec<Arc<Message>>,
    attending: Vec<At>,
    /// Who is there, as each node said last.
    here: HashMap<NodeId, Here>,
}

/// A shard's end.
pub(crate) struct End {
    pub(crate) at: At,
    pub(crate) broker: Rc<RefCell<Broker>>,
}

impl Broker {
    /// Whether something has arrived.
    pub(crate) fn has_arrivals(&self, at: At) -> bool {
        self.arrivals.get(&at).is_some_and(|arrivals| !arrivals.is_empty())
    }

    /// How many sessions a node has said last that a room has there.
    pub(crate) fn sessions(&self, room: &RoomId, node: NodeId) -> Option<u32> {
        Some(self.rooms.get(room)?.here.get(&node)?.sessions)
    }

    /// Every shard of these nodes is told that they are alive.
    pub(crate) fn tell_alive(&mut self, nodes: &[NodeId], shards: u16) {
        for at in nodes.iter().flat_map(|node| (0..shards).map(move |shard| (*node, shard))) {
            self.put(at, Arrival::Nodes(nodes.into()));
        }
    }

    fn put(&mut self, at: At, arrival: Arrival) {
        self.arrivals.entry(at).or_default().push_back(arrival);
    }

    fn order(&mut self, from: At, order: Order) {
        let Order { room, author, body, tag, time, ticket } = order;
        let there = self.rooms.entry(room.clone()).or_insert_with(|| Room::of(&room));
        let head = there.head();
        let Room { said, attending, .. } = there;
        let at = Position { offset: head.offset + 1, ..head };
        let message = Arc::new(Message { room, at, author, time, tag, body });
        said.push(message.clone());
        for at in attending.clone() {
            self.put(at, Arrival::Posted(message.clone()));
        }
        self.put(from, Arrival::Placed { at, ticket });
    }

    fn attend(&mut self, at: At, room: RoomId) {
        let there = self.rooms.entry(room.clone()).or_insert_with(|| Room::of(&room));
        there.attending.push(at);
        let opened = there.opened(&room);
        let here: Vec<_> = there.here.iter().map(|(node, here)| (*node, here.clone())).collect();
        for (node, here) in here.into_iter().filter(|(node, _)| *node != at.0) {
            self.put(at, Arrival::Elsewhere { room: room.clone(), node, here: Some(here) });
        }
        match &mut self.late {
            Some((late, waiting)) if *late == room.name() => waiting.push((at, opened)),
            _ => self.put(at, opened),
        }
    }

    /// A node says who is there, and the others hear it.
    fn note_here(&mut self, node: NodeId, room: RoomId, here: Here) {
        let there = self.rooms.entry(room.clone()).or_default();
        there.here.insert(node, here.clone());
        for at in there.attending.clone().into_iter().filter(|at| at.0 != node) {
            self.put(at, Arrival::Elsewhere { room: room.clone(), node, here: Some(here.clone()) });
        }
    }

    /// Every room goes on in another epoch, with so many of its messages.
    pub(crate) fn fail_over(&mut self, kept: usize) {
        let mut opened = Vec::new();
        for (id, room) in &mut self.rooms {
            let head = room.head();
            room.said.truncate(kept);
            room.former.insert(0, (head.epoch, room.said.len() as u64));
            let epoch = room.head().epoch;
            for message in &mut room.said {
                let at = Position { epoch, ..message.at };
                *message = Arc::new(Message { at, ..Message::clone(message) });
            }
            opened.extend(room.attending.iter().map(|at| (*at, room.opened(id))));
        }
        opened.into_iter().for_each(|(at, opened)| self.put(at, opened));
    }

    /// Whoever carries what a node sends need not know for which shard it is.
    fn carry(&mut self, from: NodeId, to: NodeId, bytes: Bytes) {
        let sent = Arrival::Sent { from, bytes };
        match &mut self.slow {
            Some(slow) if (slow.from, slow.to) == (from, to) => slow.under_way.push(((to, 0), sent)),
            _ => self.put((to, 0), sent),
        }
    }

    /// What was under way for long arrives.
    pub(crate) fn let_arrive(&mut self) {
        for (at, arrival) in self.slow.take().into_iter().flat_map(|slow| slow.under_way) {
            self.put(at, arrival);
        }
    }

    /// Says how the late room stands.
    pub(crate) fn open_late(&mut self) {
        for (at, opened) in self.late.take().into_iter().flat_map(|(_, waiting)| waiting) {
            self.put(at, opened);
        }
    }
}

impl Room {
    /// The lobby begins with the epoch 1, and no other room has those of any other.
    fn of(room: &RoomId) -> Self {
        let digits =
            room.name().bytes().fold(u64::from(room.kind() as u8), |sum, byte| sum * 37 + u64::from(byte));
        let first =
            if *room.name() == *"lobby" && room.is_public() { 1 } else { (1 << 40) + digits % (1 << 30) };
        Self { first, ..Self::default() }
    }

    fn head(&self) -> Position {
        Position { epoch: Epoch(self.first + self.former.len() as u64), offset: self.said.len() as u64 }
    }

    fn opened(&self, room: &RoomId) -> Arrival {
        let former = self.former.iter().take(FORMER_MAX);
        let lineage = Lineage { former: former.copied().collect() };
        let (room, head, tail) = (room.clone(), self.head(), self.said.clone());
        Arrival::Opened(Opened { room, head, lineage, tail })
    }
}

impl Backplane for End {
    fn ask(&mut self, ask: Ask, _: &mut Vec<Arrival>) {
        let mut broker = self.broker.borrow_mut();
        match ask {
            Ask::Attend(room) => broker.attend(self.at, room),
            Ask::Forsake(room) => {
                let room = broker.rooms.entry(room).or_default();
                room.attending.retain(|at| *at != self.at);
            }
            Ask::Order(order) => broker.order(self.at, order),
            Ask::Here { room, here } => broker.note_here(self.at.0, room, here),
            Ask::Remember(_) | Ask::Tell { .. } | Ask::Proclaim { .. } | Ask::Reply { .. } => {}
            Ask::SendAll { .. } => {}
            Ask::Send { to, bytes } => {
                let from = self.at.0;
                let times = broker.thief.as_mut().map_or(1, |thief| thief(from, to, &bytes));
                for _ in 0..times {
                    broker.carry(from, to, bytes.clone());
                }
            }
        }
    }

    fn collect(&mut self, arrivals: &mut Vec<Arrival>) -> bool {
        let mut broker = self.broker.borrow_mut();
        arrivals.extend(broker.arrivals.remove(&self.at).unwrap_or_default());
        false
    }

    fn outlives_homes(&self) -> bool {
        true
    }
}

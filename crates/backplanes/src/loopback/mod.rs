//! The backplane of a node that stands alone: the home shard itself is the sequencer.

use std::collections::VecDeque;
use std::sync::Arc;

use chat::{Author, Body, ByRoom, Epochs, Lineage, Message, Position, RoomId, Tag, UserId, mix};
use hashbrown::HashMap;

use crate::{Arrival, Ask, Backplane, End, Health, Link, OpenError, Opened, Order, Settings, Wake};

/// Opens the backplane.
pub(crate) fn open(settings: &Settings, _: Vec<Wake>) -> Result<Box<dyn Link>, OpenError> {
    Ok(Box::new(Ends { epoch_seed: settings.epoch_seed, tags_per_room: settings.tags_per_room }))
}

/// Makes the shards' ends, which have nothing in common.
struct Ends {
    epoch_seed: u64,
    tags_per_room: usize,
}

struct Loopback {
    epochs: Epochs,
    tags_per_room: usize,
    rooms: ByRoom<Sequence>,
}

/// The order of one room.
struct Sequence {
    head: Position,
    /// Absent until the first tagged post, unless the room stood before.
    past: Option<Box<Past>>,
}

/// What makes a post the same as an earlier one. Guests have no name to tell them apart, and number their posts alike: theirs must say the
/// same too.
#[derive(Clone, PartialEq, Eq, Hash)]
enum PostKey {
    Named(UserId, Tag),
    Guest(Tag, u64),
}

/// What a room knows of what was said in it.
#[derive(Default)]
struct Past {
    lineage: Lineage,
    /// Posts that a retry may repeat, by their keys: the latest, at most `tags_per_room`.
    offsets: HashMap<PostKey, u64>,
    oldest_first: VecDeque<PostKey>,
}

impl Link for Ends {
    fn end(&mut self, shard: u16) -> End {
        let epoch_seed = mix(self.epoch_seed ^ u64::from(shard));
        let tags_per_room = self.tags_per_room;
        let epochs = Epochs::new(epoch_seed);
        Box::new(move || Box::new(Loopback { epochs, tags_per_room, rooms: ByRoom::default() }))
    }

    fn health(&self) -> Health {
        Health { nodes: 1, ..Health::default() }
    }
}

impl Loopback {
    fn sequence(&mut self, room: &RoomId) -> &mut Sequence {
        let Self { epochs, rooms, .. } = self;
        rooms.get_or_insert_with(room, || Sequence {
            head: Position { epoch: epochs.fresh(), offset: 0 },
            past: None,
        })
    }

    fn order(&mut self, order: Order) -> Arrival {
        let tags_max = self.tags_per_room;
        let sequence = self.sequence(&order.room);
        let key = order.tag.clone().map(|tag| PostKey::of(&order.author, tag, &order.body));
        if let Some(offset) = key.as_ref().and_then(|key| sequence.repeated(key)) {
            let at = Position { epoch: sequence.head.epoch, offset };
            return Arrival::Placed { at, ticket: order.ticket };
        }
        sequence.head.offset += 1;
        if let Some(key) = key {
            let offset = sequence.head.offset;
            sequence.past.get_or_insert_default().remember(key, offset, tags_max);
        }
        let Order { room, author, body, tag, time, ticket } = order;
        let message = Arc::new(Message { room, at: sequence.head, author, time, tag, body });
        Arrival::Ordered { message, ticket }
    }

    /// A room goes on where it stood.
    fn go_on(&mut self, opened: Opened) {
        let mut past = Past { lineage: opened.lineage, ..Past::default() };
        for message in &opened.tail {
            if let Some(tag) = &message.tag {
                let key = PostKey::of(&message.author, tag.clone(), &message.body);
                past.remember(key, message.at.offset, self.tags_per_room);
            }
        }
        self.rooms.insert(&opened.room, Sequence { head: opened.head, past: Some(Box::new(past)) });
    }
}

impl Backplane for Loopback {
    fn ask(&mut self, ask: Ask, arrivals: &mut Vec<Arrival>) {
        match ask {
            Ask::Remember(opened) => self.go_on(opened),
            Ask::Attend(room) => {
                let sequence = self.sequence(&room);
                let lineage = sequence.past.as_ref().map(|past| past.lineage.clone()).unwrap_or_default();
                let (head, tail) = (sequence.head, Vec::new());
                arrivals.push(Arrival::Opened(Opened { room, head, lineage, tail }));
            }
            Ask::Forsake(room) => drop(self.rooms.remove(&room)),
            Ask::Order(order) => arrivals.push(self.order(order)),
            // There is no other node.
            Ask::Tell { .. }
            | Ask::Here { .. }
            | Ask::Send { .. }
            | Ask::SendAll { .. }
            | Ask::Proclaim { .. }
            | Ask::Reply { .. } => {}
        }
    }

    fn collect(&mut self, _: &mut Vec<Arrival>) -> bool {
        false
    }

    fn outlives_homes(&self) -> bool {
        false
    }
}

impl PostKey {
    fn of(author: &Author, tag: Tag, body: &Body) -> Self {
        match author {
            Some(user) => Self::Named(user.clone(), tag),
            None => Self::Guest(tag, fingerprint(body)),
        }
    }
}

impl Sequence {
    fn repeated(&self, key: &PostKey) -> Option<u64> {
        self.past.as_ref()?.offsets.get(key).copied()
    }
}

impl Past {
    fn remember(&mut self, key: PostKey, offset: u64, tags_max: usize) {
        self.offsets.insert(key.clone(), offset);
        self.oldest_first.push_back(key);
        if self.oldest_first.len() > tags_max
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.offsets.remove(&oldest);
        }
    }
}

/// A number that bodies which say something else hardly share.
fn fingerprint(body: &Body) -> u64 {
    let text = body.as_text().unwrap_or("").bytes();
    let bytes = body.payload.bytes.iter().copied().chain([0xFF]).chain(text);
    mix(bytes
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
}

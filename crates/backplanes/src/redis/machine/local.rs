//! While there is no broker: rooms that may go on among the members of this node, in an epoch of their own. What is said there is owed to the
//! broker, and posted when that is back.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use chat::{Lineage, Message, Position, Refusal, RoomId};
use hashbrown::HashMap;

use super::entry::key_of;
use super::{Machine, Outcome};
use crate::{Arrival, Opened, Order, OutagePolicy, OutageRule};

/// There has been no broker for so long: it is an outage, and nobody is kept waiting.
pub(super) const OUTAGE_MS: u64 = 1_000;

/// What is said in a room while there is no broker.
#[derive(Debug)]
pub(super) struct Local {
    /// How the room stood when it began.
    before: Option<Position>,
    at: Position,
    /// Keys of posts, so that a retry is not a second message.
    keys: HashMap<Bytes, u64>,
    oldest_first: VecDeque<Bytes>,
}

impl Local {
    /// What was last known from the broker.
    pub(super) fn before(&self) -> Option<Position> {
        self.before
    }

    /// The lineage of a room that is the broker's again: what had been there before the outage lives on, what was said in it does not.
    pub(super) fn continued_by(&self, head: Position, lineage: &Lineage) -> Lineage {
        let Some(lives) = self.before.and_then(|before| lived_on(before, head, lineage)) else {
            return lineage.clone();
        };
        let mut former = lineage.former.to_vec();
        let place = former.iter().position(|(_, last)| *last < lives).unwrap_or(former.len());
        former.insert(place, (self.at.epoch, lives));
        Lineage { former: former.into() }
    }
}

/// Up to which offset of the head's epoch a room is what it was at a position.
fn lived_on(before: Position, head: Position, lineage: &Lineage) -> Option<u64> {
    if before.epoch == head.epoch {
        return Some(before.offset.min(head.offset));
    }
    let upto = lineage.former.iter().position(|(epoch, _)| *epoch == before.epoch)?;
    let kept = lineage.former[..=upto].iter().map(|(_, last)| *last).min();
    kept.map(|kept| kept.min(head.offset).min(before.offset))
}

/// What happens in a room during an outage. Rules are about rooms that clients join by name; one for all of them holds for the others too.
fn policy(rules: &[OutageRule], room: &RoomId) -> OutagePolicy {
    let fits = |rule: &&OutageRule| match rule.rooms.strip_suffix('*') {
        Some("") => true,
        Some(start) => room.is_public() && room.name().starts_with(start),
        None => room.is_public() && room.name() == rule.rooms,
    };
    rules.iter().find(fits).map_or(OutagePolicy::default(), |rule| rule.policy)
}

impl Machine {
    /// Nobody is kept waiting any more: posts are answered, rooms go on locally or not.
    pub(super) fn begin_outage(&mut self, out: &mut Outcome) {
        self.is_outage = true;
        self.tally.outages += 1;
        for id in self.rooms_in_order() {
            self.shut_or_open(&id, out);
        }
        for flying in self.posts.take_all() {
            if flying.is_untried() {
                self.order_in_outage(flying.shard, flying.order, out);
            } else {
                out.arrivals.push(flying.failed(Refusal::Unavailable));
            }
        }
    }

    pub(super) fn shut_or_open(&mut self, id: &RoomId, out: &mut Outcome) {
        match policy(&self.rules, id) {
            OutagePolicy::Refuse => self.shut(id, out),
            OutagePolicy::Local => self.open_locally(id, out),
        }
    }

    fn open_locally(&mut self, id: &RoomId, out: &mut Outcome) {
        let epoch = self.epochs.fresh();
        let Some(room) = self.rooms.get_mut(id) else { return };
        let at = room.local.as_ref().map(|local| local.at).unwrap_or_else(|| {
            let before = room.shown;
            let at = Position { epoch, offset: before.map_or(0, |before| before.offset) };
            let former = before.map(|before| (before.epoch, before.offset)).into_iter();
            room.lineage = Lineage { former: former.chain(room.lineage.former.iter().copied()).collect() };
            room.local =
                Some(Box::new(Local { before, at, keys: HashMap::new(), oldest_first: VecDeque::new() }));
            at
        });
        room.shown = Some(at);
        let opened = Opened { room: id.clone(), head: at, lineage: room.lineage.clone(), tail: Vec::new() };
        out.arrivals.push((room.shard, Arrival::Opened(opened)));
    }

    /// There is a broker again. A room that was heard all the while does not find that out by being listened to.
    pub(super) fn end_local(&mut self, out: &mut Outcome) {
        for id in self.rooms_in_order() {
            if self.rooms.get(&id).is_some_and(|room| room.local.is_some()) {
                self.attend_again(&id, out);
            }
        }
    }

    pub(super) fn order_in_outage(&mut self, shard: u16, order: Order, out: &mut Outcome) {
        let tags_max = self.tags_per_room;
        let room = self.rooms.get_mut(&order.room);
        let Some((shown, local)) = room.and_then(|room| Some((&mut room.shown, room.local.as_mut()?))) else {
            return out.arrivals.push((shard, refused(&order)));
        };
        let mark = self.posts.next_mark(self.node);
        let key = order.tag.as_ref().map(|_| key_of(&order, mark));
        let arrival = match key.as_ref().and_then(|key| local.repeated(key)) {
            Some(at) => Arrival::Placed { at, ticket: order.ticket },
            None if self.posts.owe(&order, mark) => local.order(order, key, tags_max),
            None => refused(&order),
        };
        *shown = Some(local.at);
        out.arrivals.push((shard, arrival));
    }
}

impl Local {
    /// Where the first one with this key stands.
    fn repeated(&self, key: &Bytes) -> Option<Position> {
        self.keys.get(key).map(|&offset| Position { offset, ..self.at })
    }

    fn order(&mut self, order: Order, key: Option<Bytes>, tags_max: usize) -> Arrival {
        self.at.offset += 1;
        if let Some(key) = key {
            self.remember(key, tags_max);
        }
        let Order { room, author, body, tag, time, ticket } = order;
        Arrival::Ordered { message: Arc::new(Message { room, at: self.at, author, time, tag, body }), ticket }
    }

    fn remember(&mut self, key: Bytes, tags_max: usize) {
        self.keys.insert(key.clone(), self.at.offset);
        self.oldest_first.push_back(key);
        if self.oldest_first.len() > tags_max
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.keys.remove(&oldest);
        }
    }
}

fn refused(order: &Order) -> Arrival {
    Arrival::Failed { refusal: Refusal::Unavailable, ticket: order.ticket }
}

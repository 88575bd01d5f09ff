//! Posts on their way: each is answered once, within a bounded time, and carried out at most once however often it is asked for.

use std::collections::BTreeMap;

use bytes::Bytes;
use chat::{Position, Refusal, RoomId};

use super::entry::{Mark, key_of, write_entry};
use super::requests::Awaited;
use super::rooms::Room;
use super::{Machine, Outcome};
use crate::redis::broker::{Post, Reply, Request, Tried};
use crate::{Arrival, Order};

/// An order that has found no answer for so long is refused.
pub(super) const POST_MS: u64 = 5_000;
/// So many posts are on their way at once, and so many bytes of them.
const POSTS_MAX: usize = 65_536;
const BYTES_MAX: usize = 64 << 20;

/// The posts on their way, by their numbers, which grow.
#[derive(Debug, Default)]
pub(super) struct Posts {
    last: u64,
    flying: BTreeMap<u64, Flying>,
    bytes: usize,
}

/// A post that has no answer yet.
#[derive(Debug)]
pub(super) struct Flying {
    pub(super) shard: u16,
    pub(super) ticket: u64,
    pub(super) order: Order,
    room: RoomId,
    entry: Bytes,
    key: Bytes,
    /// Whether the broker was asked, and how the room stood then.
    tried: Tried,
    due_ms: u64,
}

impl Posts {
    pub(super) fn is_empty(&self) -> bool {
        self.flying.is_empty()
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Flying> {
        let flying = self.flying.remove(&number)?;
        self.bytes -= flying.entry.len();
        Some(flying)
    }

    /// All of them, in order.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Flying> + use<> {
        self.bytes = 0;
        std::mem::take(&mut self.flying).into_values()
    }

    fn take_due(&mut self, now_ms: u64) -> Option<Flying> {
        let (number, flying) = self.flying.first_key_value()?;
        let number = (flying.due_ms <= now_ms).then_some(*number)?;
        self.take(number)
    }

    fn has_room_for(&self, order: &Order) -> bool {
        self.flying.len() < POSTS_MAX && self.bytes + order.body.len() <= BYTES_MAX
    }
}

impl Flying {
    pub(super) fn failed(self, refusal: Refusal) -> (u16, Arrival) {
        (self.shard, Arrival::Failed { refusal, ticket: self.ticket })
    }

    pub(super) fn is_untried(&self) -> bool {
        self.tried == Tried::Never
    }
}

impl Machine {
    pub(super) fn order(&mut self, shard: u16, order: Order, out: &mut Outcome) {
        if self.is_outage {
            return self.order_in_outage(shard, order, out);
        }
        if !self.posts.has_room_for(&order) {
            let arrival = Arrival::Failed { refusal: Refusal::Overloaded, ticket: order.ticket };
            return out.arrivals.push((shard, arrival));
        }
        self.posts.last += 1;
        let number = self.posts.last;
        let mark = Mark { node: self.node, number };
        let flying = Flying {
            shard,
            ticket: order.ticket,
            room: order.room.clone(),
            entry: write_entry(&order, mark),
            key: key_of(&order, mark),
            order,
            tried: Tried::Never,
            due_ms: self.now_ms + POST_MS,
        };
        self.posts.bytes += flying.entry.len();
        self.posts.flying.insert(number, flying);
        self.tally.posts += 1;
        if self.commands.is_up() {
            self.post(number, out);
        }
    }

    /// Asks for all that are on their way, in order. Those that were asked for before may have been carried out.
    pub(super) fn post_again(&mut self, out: &mut Outcome) {
        let numbers: Vec<_> = self.posts.flying.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.post(number, out));
    }

    fn post(&mut self, number: u64, out: &mut Outcome) {
        let fresh = self.epochs.fresh();
        let Some(flying) = self.posts.flying.get_mut(&number) else { return };
        let room = flying.room.clone();
        let (entry, key, tried) = (flying.entry.clone(), flying.key.clone(), flying.tried);
        if tried == Tried::Never {
            flying.tried = Tried::At(self.rooms.get(&room).and_then(Room::known));
        } else {
            self.tally.retries += 1;
        }
        let post = Post { room, entry, key, tried, fresh };
        self.request(Request::Post(post), Some(Awaited::Post(number)), out);
    }

    pub(super) fn answer(&mut self, number: u64, reply: Reply, out: &mut Outcome) {
        let Some(flying) = self.posts.take(number) else { return };
        out.arrivals.push(match reply {
            Reply::Placed { at, .. } => flying.placed(at),
            Reply::NoSuchUser => flying.failed(Refusal::NoSuchUser),
            _ => flying.failed(Refusal::Unavailable),
        });
    }

    pub(super) fn give_up_posts(&mut self, out: &mut Outcome) {
        while let Some(flying) = self.posts.take_due(self.now_ms) {
            self.tally.given_up += 1;
            out.arrivals.push(flying.failed(Refusal::Unavailable));
        }
    }
}

impl Flying {
    fn placed(self, at: Position) -> (u16, Arrival) {
        (self.shard, Arrival::Placed { at, ticket: self.ticket })
    }
}

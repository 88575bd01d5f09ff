//! Posts on their way: each is answered once, within a bounded time, and carried out at most once however often it is asked for.
//!
//! Those that nobody waits for any more are *owed*: what was said on this node while there was no broker, and what was placed lately when the
//! broker turns out to have begun another life, and may have lost it. They are asked for until they are answered.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use chat::{Position, Refusal, RoomId};

use super::entry::{Mark, key_of, write_entry};
use super::local::OUTAGE_MS;
use super::requests::Awaited;
use super::rooms::Room;
use super::{Machine, Outcome};
use crate::redis::broker::{Post, Reply, Request, Tried};
use crate::{Arrival, NodeId, Order};

/// An order that has found no answer for so long is refused.
pub(super) const POST_MS: u64 = 5_000;
/// So many posts are on their way at once, or owed, and so many bytes of them.
const POSTS_MAX: usize = 65_536;
const BYTES_MAX: usize = 64 << 20;
/// What was placed is remembered for so long, should the broker go and lack it when it is back; and so much of it.
const RECENT_MS: u64 = 10_000;
const RECENT_MAX: usize = 16_384;
const RECENT_BYTES_MAX: usize = 8 << 20;
/// What is owed and could not be done is asked for again after so long.
const OWED_AGAIN_MS: u64 = 1_000;

/// The posts on their way, by their numbers, which grow.
#[derive(Debug, Default)]
pub(super) struct Posts {
    last: u64,
    flying: BTreeMap<u64, Flying>,
    bytes: usize,
    /// Those that nobody could be asked for, and since when.
    unanswered: BTreeMap<u64, u64>,
    owed: BTreeMap<u64, Owed>,
    owed_bytes: usize,
    owed_again_ms: u64,
    /// What was placed lately, and when.
    recent: VecDeque<(u64, u64, Sent)>,
    recent_bytes: usize,
    /// Which life of the broker they were placed in.
    run: Option<Box<str>>,
}

/// A post that has no answer yet.
#[derive(Debug)]
pub(super) struct Flying {
    pub(super) shard: u16,
    pub(super) ticket: u64,
    pub(super) order: Order,
    sent: Sent,
    /// The broker has been asked and has not answered.
    is_asked: bool,
    due_ms: u64,
}

/// A post that nobody waits for.
#[derive(Debug)]
struct Owed {
    sent: Sent,
    /// The broker has been asked and has not answered.
    is_asked: bool,
}

/// A post as the broker is asked for it.
#[derive(Debug)]
struct Sent {
    room: RoomId,
    entry: Bytes,
    key: Bytes,
    /// Whether the broker was asked, and how the room stood then.
    tried: Tried,
}

impl Sent {
    fn new(order: &Order, mark: Mark) -> Self {
        let (entry, key) = (write_entry(order, mark), key_of(order, mark));
        Self { room: order.room.clone(), entry, key, tried: Tried::Never }
    }
}

impl Posts {
    /// Whether nothing is on its way.
    pub(super) fn is_empty(&self) -> bool {
        self.flying.is_empty() && self.owed.is_empty()
    }

    /// How many are.
    pub(super) fn len(&self) -> usize {
        self.flying.len() + self.owed.len()
    }

    /// All that somebody waits for, in order.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Flying> + use<> {
        self.bytes = 0;
        self.unanswered.clear();
        std::mem::take(&mut self.flying).into_values()
    }

    /// The node's next order.
    pub(super) fn next_mark(&mut self, node: NodeId) -> Mark {
        self.last += 1;
        Mark { node, number: self.last }
    }

    /// Takes on what is to be posted when there is a broker again; `false`: it is too much.
    pub(super) fn owe(&mut self, order: &Order, mark: Mark) -> bool {
        let sent = Sent::new(order, mark);
        let has_room = self.owed.len() < POSTS_MAX && self.owed_bytes + sent.entry.len() <= BYTES_MAX;
        if has_room {
            self.insert_owed(mark.number, sent);
        }
        has_room
    }

    fn insert_owed(&mut self, number: u64, sent: Sent) {
        self.owed_bytes += sent.entry.len();
        self.owed.insert(number, Owed { sent, is_asked: false });
    }

    fn take(&mut self, number: u64) -> Option<Flying> {
        let flying = self.flying.remove(&number)?;
        self.bytes -= flying.sent.entry.len();
        self.unanswered.remove(&number);
        Some(flying)
    }

    fn take_owed(&mut self, number: u64) -> Option<Sent> {
        let Owed { sent, .. } = self.owed.remove(&number)?;
        self.owed_bytes -= sent.entry.len();
        Some(sent)
    }

    fn take_due(&mut self, now_ms: u64) -> Option<Flying> {
        let (number, flying) = self.flying.first_key_value()?;
        let number = (flying.due_ms <= now_ms).then_some(*number)?;
        self.take(number)
    }

    fn has_room_for(&self, order: &Order) -> bool {
        self.flying.len() < POSTS_MAX && self.bytes + order.body.len() <= BYTES_MAX
    }

    /// A post stands somewhere, for the first time as far as is known: it is remembered for a while.
    fn note_placed(&mut self, number: u64, sent: Sent, at: Position, now_ms: u64) {
        let before = Position { offset: at.offset.saturating_sub(1), ..at };
        self.recent_bytes += sent.entry.len();
        self.recent.push_back((now_ms, number, Sent { tried: Tried::At(Some(before)), ..sent }));
        while self.recent.len() > RECENT_MAX
            || self.recent_bytes > RECENT_BYTES_MAX
            || self.recent.front().is_some_and(|(placed_ms, ..)| placed_ms + RECENT_MS <= now_ms)
        {
            let Some((_, _, sent)) = self.recent.pop_front() else { break };
            self.recent_bytes -= sent.entry.len();
        }
    }

    /// A line leads to this life of the broker. What was placed in another one, not long before that was gone, may not be there.
    pub(super) fn note_run(&mut self, run: Option<&str>, gone_ms: u64) {
        if self.run.is_some() && self.run.as_deref() != run {
            self.owe_recent(gone_ms);
        }
        self.run = run.map(Into::into);
    }

    fn owe_recent(&mut self, gone_ms: u64) {
        self.recent_bytes = 0;
        for (placed_ms, number, sent) in std::mem::take(&mut self.recent) {
            if placed_ms + RECENT_MS > gone_ms {
                self.insert_owed(number, sent);
            }
        }
    }
}

impl Flying {
    pub(super) fn failed(self, refusal: Refusal) -> (u16, Arrival) {
        (self.shard, Arrival::Failed { refusal, ticket: self.ticket })
    }

    pub(super) fn is_untried(&self) -> bool {
        self.sent.tried == Tried::Never
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
        let mark = self.posts.next_mark(self.node);
        let (sent, ticket) = (Sent::new(&order, mark), order.ticket);
        self.posts.bytes += sent.entry.len();
        let due_ms = self.now_ms + POST_MS;
        let flying = Flying { shard, ticket, sent, order, is_asked: false, due_ms };
        self.posts.flying.insert(mark.number, flying);
        self.tally.posts += 1;
        if self.commands.is_up() {
            self.post(mark.number, out);
        }
    }

    /// Asks for all that are on their way, in order. Those that were asked for before may have been carried out.
    pub(super) fn post_again(&mut self, out: &mut Outcome) {
        self.posts.owed.values_mut().for_each(|owed| owed.is_asked = false);
        self.post_owed(out);
        let numbers: Vec<_> = self.posts.flying.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.post(number, out));
    }

    /// Asks for what is owed and was not asked for, once in a while.
    pub(super) fn post_owed_again(&mut self, out: &mut Outcome) {
        if self.commands.is_up() && self.now_ms >= self.posts.owed_again_ms {
            self.post_owed(out);
        }
    }

    fn post_owed(&mut self, out: &mut Outcome) {
        self.posts.owed_again_ms = self.now_ms + OWED_AGAIN_MS;
        let owed = self.posts.owed.iter().filter(|(_, owed)| !owed.is_asked);
        let numbers: Vec<_> = owed.map(|(number, _)| *number).collect();
        numbers.into_iter().for_each(|number| self.post(number, out));
    }

    fn post(&mut self, number: u64, out: &mut Outcome) {
        let fresh = self.epochs.fresh();
        let Posts { flying, owed, .. } = &mut self.posts;
        let sent = match (flying.get_mut(&number), owed.get_mut(&number)) {
            (Some(flying), _) => {
                flying.is_asked = true;
                &mut flying.sent
            }
            (None, Some(owed)) => {
                owed.is_asked = true;
                &mut owed.sent
            }
            (None, None) => return,
        };
        let room = sent.room.clone();
        let (entry, key, tried) = (sent.entry.clone(), sent.key.clone(), sent.tried);
        if tried == Tried::Never {
            sent.tried = Tried::At(self.rooms.get(&room).and_then(Room::known));
        } else {
            self.tally.retries += 1;
        }
        let post = Post { room, entry, key, tried, fresh };
        self.request(Request::Post(post), Some(Awaited::Post(number)), out);
    }

    /// It could not be asked for, or the answer has not come: it is asked for again, for as long as anybody is kept waiting for a broker.
    pub(super) fn post_later(&mut self, number: u64) {
        let Some(flying) = self.posts.flying.get_mut(&number) else {
            self.posts.owed_again_ms = self.now_ms;
            return self.answer_owed(number, Reply::Unanswered);
        };
        flying.is_asked = false;
        self.posts.unanswered.entry(number).or_insert(self.now_ms);
    }

    pub(super) fn post_unanswered(&mut self, out: &mut Outcome) {
        let unanswered: Vec<_> =
            self.posts.unanswered.iter().map(|(number, since_ms)| (*number, *since_ms)).collect();
        for (number, since_ms) in unanswered {
            if self.posts.flying.get(&number).is_none_or(|flying| flying.is_asked) {
                continue;
            }
            if self.now_ms < since_ms + OUTAGE_MS {
                self.post(number, out);
            } else if let Some(flying) = self.posts.take(number) {
                self.tally.given_up += 1;
                out.arrivals.push(flying.failed(Refusal::Unavailable));
            }
        }
    }

    /// A part of the broker, which had been gone since then, has begun another life, and may lack what was placed there lately.
    pub(super) fn put_back(&mut self, gone_ms: u64, out: &mut Outcome) {
        self.posts.owe_recent(gone_ms);
        self.post_owed(out);
    }

    pub(super) fn answer(&mut self, number: u64, reply: Reply, out: &mut Outcome) {
        let Some(flying) = self.posts.take(number) else { return self.answer_owed(number, reply) };
        match reply {
            Reply::Placed { at, repeated } => {
                let (shard, ticket) = (flying.shard, flying.ticket);
                if !repeated {
                    self.posts.note_placed(number, flying.sent, at, self.now_ms);
                }
                out.arrivals.push((shard, Arrival::Placed { at, ticket }));
            }
            Reply::NoSuchUser => out.arrivals.push(flying.failed(Refusal::NoSuchUser)),
            _ => out.arrivals.push(flying.failed(Refusal::Unavailable)),
        }
    }

    /// A post stands in a log, whether or not the broker's answer has come, and comes at all.
    pub(super) fn found(&mut self, number: u64, at: Position, out: &mut Outcome) {
        self.answer(number, Reply::Placed { at, repeated: false }, out);
    }

    /// What the broker has not done is asked for again; where it cannot tell whether it has, it is not.
    fn answer_owed(&mut self, number: u64, reply: Reply) {
        if matches!(reply, Reply::Failed | Reply::Unanswered) {
            if let Some(owed) = self.posts.owed.get_mut(&number) {
                owed.is_asked = false;
            }
            return;
        }
        let Some(sent) = self.posts.take_owed(number) else { return };
        match reply {
            Reply::Placed { at, repeated: false } => {
                self.posts.note_placed(number, sent, at, self.now_ms);
            }
            Reply::Placed { .. } | Reply::Unreplicated => {}
            _ => self.tally.given_up += 1,
        }
    }

    pub(super) fn give_up_posts(&mut self, out: &mut Outcome) {
        while let Some(flying) = self.posts.take_due(self.now_ms) {
            self.tally.given_up += 1;
            out.arrivals.push(flying.failed(Refusal::Unavailable));
        }
    }
}

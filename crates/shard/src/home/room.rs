//! One room at its home, and what a returning session is sent of it.

use std::sync::Arc;

use chat::{Epoch, Event, Lineage, Message, Position, Refusal, Resumption, RoomId, Roster, UserId};
use smallvec::SmallVec;
use stores::Since;

use super::Addressed;
use super::behind::Missing;
use super::presence::Elsewhere;
use crate::ShardId;
use crate::bucket::Bucket;
use crate::latency::Heard;
use crate::mail::{Enter, Mail, Post};

/// So much may wait for a room to be opened when somebody posts to it.
const WAITING_MAX: usize = 1 << 16;

/// A room at its home.
#[derive(Default)]
pub(super) struct Home {
    pub(super) roster: Roster,
    /// How many sessions each shard has here; never 0.
    audience: SmallVec<[(ShardId, u32); 1]>,
    /// Where the room stands as far as it was shown here; `None`: that is not known yet.
    pub(super) head: Option<Position>,
    /// What most rooms have nothing of.
    far: Option<Box<Far>>,
    /// Something happened here last at this moment.
    pub(super) active_ms: u64,
    /// A telling of presence is due.
    pub(super) presence_due: bool,
    /// Other nodes are to be told who is here.
    pub(super) here_due: bool,
    /// Presence was told last at this moment.
    pub(super) presence_told_ms: Option<u64>,
    /// A look at whether the room is idle is due.
    pub(super) watched: bool,
    /// The other shards know it as large.
    pub(super) is_large: bool,
    /// How far it is ahead of what may be said in it.
    pub(super) posts: Bucket,
}

/// What waits for a room to be opened.
pub(super) enum Waiting {
    /// A session wants to be a member.
    Enter(Enter),
    /// A message wants its place.
    Post(Post),
    /// These were here when the node ended before, and are missed if they are nowhere now.
    Missing(Missing),
}

/// What a home keeps only because others put the messages in order, or did so before it.
#[derive(Default)]
pub(super) struct Far {
    /// What is done as soon as the room is open.
    pub(super) waiting: Vec<Waiting>,
    /// Which positions of former epochs are still good.
    pub(super) lineage: Lineage,
    /// The epoch by which those who are here know the room, which goes by another one now: nothing was shown, and nothing lost, since then.
    called: Option<Epoch>,
    /// What other nodes say of who is there.
    pub(super) elsewhere: Elsewhere,
}

impl Home {
    /// The rare part, from here on kept.
    pub(super) fn far(&mut self) -> &mut Far {
        self.far.get_or_insert_default()
    }

    /// Which positions of former epochs are still good.
    pub(super) fn lineage(&self) -> Lineage {
        self.far.as_ref().map(|far| far.lineage.clone()).unwrap_or_default()
    }

    /// Whether somebody comes back who has seen more of the room than is known here: on another node, of which this one may hear late.
    pub(super) fn is_behind(&self, since: Option<Position>) -> bool {
        let known = self.head.zip(since);
        known.is_some_and(|(head, since)| since.epoch == head.epoch && since.offset > head.offset)
    }

    /// Sessions that wait for the room to be opened.
    pub(super) fn entering(&self) -> impl Iterator<Item = &Enter> {
        let waiting = self.far.iter().flat_map(|far| &far.waiting);
        waiting.filter_map(|waiting| if let Waiting::Enter(enter) = waiting { Some(enter) } else { None })
    }

    /// Those who are to be missed, no longer kept.
    pub(super) fn take_missing(&mut self) -> Vec<Missing> {
        let Some(far) = &mut self.far else { return Vec::new() };
        let waiting = far.waiting.extract_if(.., |waiting| matches!(waiting, Waiting::Missing(_)));
        waiting
            .filter_map(|waiting| if let Waiting::Missing(missing) = waiting { Some(missing) } else { None })
            .collect()
    }

    /// Those who wait, no longer kept.
    pub(super) fn take_waiting(&mut self) -> Vec<Waiting> {
        let waiting = self.far.as_mut().map(|far| std::mem::take(&mut far.waiting));
        self.drop_far();
        waiting.unwrap_or_default()
    }

    /// Keeps a post until the room is open.
    pub(super) fn put_off(&mut self, post: Post, out: &mut Vec<Addressed>) {
        let waiting = &mut self.far().waiting;
        if waiting.len() >= WAITING_MAX {
            return answer_refused(post, Refusal::Overloaded, out);
        }
        waiting.push(Waiting::Post(post));
    }

    /// Whether something waits for the room to be opened.
    pub(super) fn is_awaited(&self) -> bool {
        self.far.as_ref().is_some_and(|far| !far.waiting.is_empty())
    }

    /// Lets the rare part go where there is nothing in it.
    pub(super) fn drop_far(&mut self) {
        let is_empty = |far: &Far| {
            let has_news = far.called.is_some() || far.lineage != Lineage::default();
            far.waiting.is_empty() && !has_news && far.elsewhere.is_empty()
        };
        self.far = self.far.take().filter(|far| !is_empty(far));
    }

    /// A position as the room counts today; what it cannot say stays as it is, and is not found.
    pub(super) fn translated(&self, position: Position) -> Position {
        let today = self.far.as_ref().zip(self.head);
        today.and_then(|(far, head)| far.lineage.translate(position, head)).unwrap_or(position)
    }

    /// A position as those who are here know it.
    pub(super) fn called(&self, at: Position) -> Position {
        let epoch = self.far.as_ref().and_then(|far| far.called);
        Position { epoch: epoch.unwrap_or(at.epoch), ..at }
    }

    /// The same for somebody who comes. Who has seen more of that epoch, which is void, would be sent back in it.
    pub(super) fn called_to(&self, since: Option<Position>, at: Position) -> Position {
        let called = self.called(at);
        let is_ahead = since.is_some_and(|since| since.epoch == called.epoch && since.offset > called.offset);
        if is_ahead { at } else { called }
    }

    /// Those who are here know the room by this epoch from here on; `None`: by its own.
    pub(super) fn call(&mut self, epoch: Option<Epoch>) {
        if self.far.as_ref().and_then(|far| far.called) != epoch {
            self.far().called = epoch;
            self.drop_far();
        }
    }

    /// How far somebody has come who comes back with a position. One that the room has never given in its epoch, or of an epoch that is not known, says
    /// nothing.
    pub(super) fn reached(&self, since: Position) -> Reached {
        let today = self.far.as_ref().zip(self.head.filter(|head| head.epoch != since.epoch));
        let shared = today.and_then(|(far, head)| {
            let offset = far.lineage.shared(since, head)?;
            Some(Position { epoch: head.epoch, offset })
        });
        let has = shared.unwrap_or(since);
        Reached { since, has, is_all_good: has.offset == since.offset }
    }

    pub(super) fn note_session(&mut self, shard: ShardId) {
        match self.audience.iter_mut().find(|(of, _)| *of == shard) {
            Some((_, sessions)) => *sessions += 1,
            None => self.audience.push((shard, 1)),
        }
    }

    /// Says whether the shard had a session here.
    pub(super) fn forget_session(&mut self, shard: ShardId) -> bool {
        let Some(index) = self.audience.iter().position(|(of, _)| *of == shard) else { return false };
        self.audience[index].1 -= 1;
        if self.audience[index].1 == 0 {
            self.audience.swap_remove(index);
        }
        true
    }

    pub(super) fn tell(&self, room: &RoomId, event: &Event, heard: Heard, out: &mut Vec<Addressed>) {
        for (shard, _) in &self.audience {
            out.push((*shard, Mail::Told { room: room.clone(), event: event.clone(), heard }));
        }
    }
}

/// How far somebody has come who comes back.
#[derive(Clone, Copy)]
pub(super) struct Reached {
    /// The position that it came with.
    since: Position,
    /// Everything up to here, as the room counts today.
    pub(super) has: Position,
    /// Nothing that it has besides was lost.
    is_all_good: bool,
}

impl Reached {
    /// Whether it has everything of a room that stands at `at`, and nothing else.
    pub(super) fn has_all(&self, at: Position) -> bool {
        self.has == at && self.is_all_good
    }
}

/// What a returning session is sent.
pub(super) struct Replay {
    pub(super) messages: Vec<Arc<Message>>,
    pub(super) resumption: Resumption,
    pub(super) lost: Option<(Position, Position)>,
}

impl Replay {
    pub(super) fn nothing(resumption: Resumption) -> Self {
        Self { messages: Vec::new(), resumption, lost: None }
    }

    /// What is kept of a room from where somebody stands, up to where it stands.
    pub(super) fn of(found: Since, (reached, at): (Reached, Position), bytes_max: usize) -> Self {
        let all = found.messages.len();
        let (messages, cut) = within(found.messages, bytes_max, false);
        if found.complete && !cut && messages.len() == all && reached.is_all_good {
            return Self { messages, resumption: Resumption::Complete, lost: None };
        }
        let lost_up_to = messages.first().map_or(at.offset, |first| first.at.offset - 1);
        let lost = (reached.since, Position { epoch: at.epoch, offset: lost_up_to });
        Self { messages, resumption: Resumption::Partial, lost: Some(lost) }
    }

    /// The same of a room that stands at `at`, for somebody who knows it by this epoch.
    pub(super) fn known_by(mut self, epoch: Epoch, at: Position) -> Self {
        if epoch == at.epoch {
            return self;
        }
        for message in &mut self.messages {
            Arc::make_mut(message).at.epoch = epoch;
        }
        if let Some((_, at)) = &mut self.lost {
            at.epoch = epoch;
        }
        self
    }
}

/// By which name a session is counted in a room. In the room of everybody nobody has one: who is there is not told, and must not be kept.
pub(super) fn known_there<'a>(room: &RoomId, user: Option<&'a UserId>) -> Option<&'a UserId> {
    user.filter(|_| !room.is_everybody())
}

/// The newest messages that weigh at most `bytes_max` together, and whether older ones are left.
pub(super) fn within(
    mut messages: Vec<Arc<Message>>,
    bytes_max: usize,
    more: bool,
) -> (Vec<Arc<Message>>, bool) {
    let mut weight = 0;
    let fitting = messages.iter().rev().take_while(|message| {
        weight += message.weight();
        weight <= bytes_max
    });
    let cut = messages.len() - fitting.count();
    messages.drain(..cut);
    (messages, more || cut > 0)
}

pub(super) fn answer_refused(post: Post, refusal: Refusal, out: &mut Vec<Addressed>) {
    if let Some(to) = post.reply_to {
        out.push((to.shard, Mail::Answer { to, event: Event::Refused { tag: post.tag, refusal } }));
    }
}

//! What a home asks of the store and is told later: how a room stood, what was missed, and that a post is kept.

use std::collections::VecDeque;

use backplanes::{Ask, Opened};
use chat::{Event, Position, Refusal, RoomId};
use hashbrown::HashMap;
use stores::{Keeps, Page, Recognised, Since, Told};

use super::room::{Replay, Waiting, within};
use super::{Addressed, Homes, NO_REPLY};
use crate::Now;
use crate::deadlines::Deadlines;
use crate::mail::{Enter, Mail, Recall};

/// A post that is not known to be kept after so long is refused: it may be kept yet.
const KEPT_WITHIN_MS: u64 = 5000;
/// How often it is looked who has waited so long.
const LOOK_MS: u64 = 500;

/// Whoever waits for something to be read.
pub(super) enum Reading {
    /// A session wants to enter, with all that it has missed.
    Enter(Enter),
    /// A session wants older messages.
    Recall(Recall),
}

/// Posts that have their places and are not known to be kept, by room.
pub(super) struct Unkept {
    /// In the order in which they were placed. A room stays, empty or not, until it is looked at.
    rooms: HashMap<RoomId, VecDeque<Placed>>,
    /// Each room once.
    looks: Deadlines<RoomId>,
}

/// A post that has its place.
struct Placed {
    at: Position,
    ticket: u64,
    placed_ms: u64,
}

impl Unkept {
    pub(super) fn new() -> Self {
        Self { rooms: HashMap::new(), looks: Deadlines::new(LOOK_MS) }
    }

    /// When it is looked at next who has waited for long.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.looks.next_ms()
    }

    fn put(&mut self, room: &RoomId, placed: Placed) {
        let posts = self.rooms.entry_ref(room).or_insert_with(|| {
            self.looks.push(placed.placed_ms, room.clone());
            VecDeque::new()
        });
        posts.push_back(placed);
    }

    /// Takes the next that stands at `at` or before it, or has its place in another epoch, of which nobody will say whether it is kept.
    fn take_up_to(&mut self, room: &RoomId, at: Position) -> Option<Placed> {
        let is_told = |post: &mut Placed| post.at.epoch != at.epoch || post.at.offset <= at.offset;
        self.rooms.get_mut(room)?.pop_front_if(is_told)
    }

    /// Takes what has waited long enough.
    fn take_due(&mut self, now_ms: u64) -> Vec<Placed> {
        let mut taken = Vec::new();
        while let Some(room) = self.looks.pop_due(now_ms) {
            let Some(posts) = self.rooms.get_mut(&room) else { continue };
            let is_due = |post: &mut Placed| post.placed_ms + KEPT_WITHIN_MS <= now_ms;
            taken.extend(std::iter::from_fn(|| posts.pop_front_if(is_due)));
            if posts.is_empty() {
                self.rooms.remove(&room);
            } else {
                self.looks.push(now_ms, room);
            }
        }
        taken
    }

    fn take_all(&mut self) -> Vec<Placed> {
        self.rooms.values_mut().flat_map(std::mem::take).collect()
    }
}

impl Homes {
    /// Opens a room: first it is asked how it stood, then how it stands.
    pub(super) fn open(&mut self, room: RoomId, now: Now, out: &mut Vec<Addressed>) {
        if let Some(recognised) = self.store.recognise(&room) {
            self.recognised(room, recognised, now, out);
        }
    }

    fn recognised(&mut self, room: RoomId, recognised: Recognised, now: Now, out: &mut Vec<Addressed>) {
        // Somebody may have asked twice.
        if self.rooms.get(&room).is_none_or(|home| home.head.is_some()) {
            return;
        }
        match recognised {
            Err(_) if room.is_everybody() => return self.unknown.push(now.monotonic_ms, room),
            Err(refusal) => return self.shut(room, refusal, now, out),
            Ok(Some(known)) if !self.are_shared() => {
                let stores::Known { head, lineage, recent } = *known;
                let opened = Opened { room: room.clone(), head, lineage, tail: recent };
                self.ask(Ask::Remember(opened), now, out);
            }
            Ok(_) => {}
        }
        self.ask(Ask::Attend(room), now, out);
    }

    /// Takes what the store tells. Says whether there is more.
    pub(super) fn hear_store(&mut self, now: Now, out: &mut Vec<Addressed>) -> bool {
        let mut told = std::mem::take(&mut self.told);
        let more = self.store.collect(&mut told);
        told.drain(..).for_each(|told| self.hear(told, now, out));
        self.told = told;
        more
    }

    fn hear(&mut self, told: Told, now: Now, out: &mut Vec<Addressed>) {
        match told {
            Told::Recognised { room, recognised } => self.recognised(room, recognised, now, out),
            Told::Kept { room, at } => {
                while let Some(Placed { at, ticket, .. }) = self.unkept.take_up_to(&room, at) {
                    let is_kept = self.store.keeps(&room, at) == Keeps::Already;
                    self.answer_kept(ticket, is_kept.then_some(at), out);
                }
            }
            Told::Faulty => {
                let posts = self.unkept.take_all();
                posts.into_iter().for_each(|post| self.answer_kept(post.ticket, None, out));
            }
            Told::Since { ticket, since } => {
                if let Some(Reading::Enter(enter)) = self.readings.try_remove(ticket as usize) {
                    self.replay(enter, since, now, out);
                }
            }
            Told::Page { ticket, page } => {
                if let Some(Reading::Recall(recall)) = self.readings.try_remove(ticket as usize) {
                    self.turn_page(recall, page, out);
                }
            }
        }
    }

    /// A post has its place: its author hears of it as soon as it is as safe as was promised.
    pub(super) fn accept(
        &mut self,
        (room, at): (&RoomId, Position),
        ticket: u64,
        now: Now,
        out: &mut Vec<Addressed>,
    ) {
        if ticket == NO_REPLY {
            return;
        }
        match self.store.keeps(room, at) {
            Keeps::Already => self.answer_kept(ticket, Some(at), out),
            Keeps::Later => self.unkept.put(room, Placed { at, ticket, placed_ms: now.monotonic_ms }),
            Keeps::Never => self.answer_kept(ticket, None, out),
        }
    }

    fn answer_kept(&mut self, ticket: u64, at: Option<Position>, out: &mut Vec<Addressed>) {
        self.answer(ticket, out, |tag| match at {
            Some(at) => Event::Accepted { tag, at },
            None => Event::Refused { tag, refusal: Refusal::Unavailable },
        });
    }

    /// Refuses those who have waited long enough to hear that their posts are kept.
    pub(super) fn give_up_unkept(&mut self, now: Now, out: &mut Vec<Addressed>) {
        for post in self.unkept.take_due(now.monotonic_ms) {
            self.answer_kept(post.ticket, None, out);
        }
    }

    /// Whether the newest message of a room is still to be kept: the room cannot be let go yet.
    pub(super) fn is_unkept(&self, room: &RoomId) -> bool {
        let head = self.rooms.get(room).and_then(|home| home.head);
        head.is_some_and(|head| self.store.keeps(room, head) == Keeps::Later)
    }

    /// A session that wants all since a position enters with what is left of it.
    pub(super) fn replay(&mut self, enter: Enter, found: Since, now: Now, out: &mut Vec<Addressed>) {
        let Some((home, at)) = self.rooms.get(&enter.room).and_then(|home| Some((home, home.head?))) else {
            return;
        };
        let reached = home.reached(enter.since.unwrap_or(at));
        let replay = Replay::of(found, (reached, at), self.replay_bytes_max);
        self.welcome(enter, at, replay, now, out);
    }

    pub(super) fn turn_page(&mut self, recall: Recall, page: Page, out: &mut Vec<Addressed>) {
        let (messages, more) = within(page.messages, self.replay_bytes_max, page.more);
        let event = Event::Page { tag: recall.tag, room: recall.room, messages, more };
        out.push((recall.session.shard, Mail::Answer { to: recall.session, event }));
    }

    /// A room is open: whoever waited for that goes on.
    pub(super) fn go_on(&mut self, room: &RoomId, now: Now, out: &mut Vec<Addressed>) {
        self.see_all_come(room, now);
        let Some(home) = self.rooms.get_mut(room) else { return };
        for waiting in home.take_waiting() {
            match waiting {
                Waiting::Enter(enter) => self.admit(enter, now, out),
                Waiting::Post(post) => self.order(post, now, out),
                // They were missed before anybody came.
                Waiting::Missing(_) => {}
            }
        }
    }
}
